"""Campaign hooks: code of the user's leaves endpoints out and changes others for one message (campaigns.md section 9).

It is told of some endpoints and answers those that are to get the message, as they are to be for it. What it answers is
read as a request to update the endpoint would be, with the same leniency: a number among an attribute's values becomes
a text. One definition that cannot be read costs no other.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from repoint.campaigns.campaign import Members
from repoint.contract.decode import decode_document
from repoint.contract.errors import BadRequestException
from repoint.delivery.definition import endpoint_definition
from repoint.functions.call import TIMEOUT_S, Callee, Functions
from repoint.functions.payload import payloads
from repoint.functions.result import Failed, Result

ATTEMPTS = 3
# Calls of one hook at a time, as far as one group of endpoints needs more than one.
_CALLS = 4
# What a hook may change; all else stays as it is stored.
_CHANGEABLE = (
    "ChannelType",
    "Address",
    "EndpointStatus",
    "OptOut",
    "Location",
    "Demographic",
    "Attributes",
    "Metrics",
    "User",
)
_OVERRIDES = ("TitleOverride", "BodyOverride")
_OVERRIDABLE = frozenset({"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM", "SMS"})


@dataclass(frozen=True, slots=True)
class Kept:
    """An endpoint that is to get the message."""

    # As answers show it, with what the hook has changed.
    endpoint: Members
    # TitleOverride and BodyOverride, as `Recipient.own` has them.
    own: Members = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HookFailure:
    """Why nobody knows whether the endpoint is to get the message, so that it does not."""

    reason: str


# None is left out by the hook.
Answer = Kept | HookFailure | None


@asynccontextmanager
async def open_hook(
    functions: Functions,
    hook: Members,
    *,
    most_endpoints: int,
    source_arn: str | None,
    timeout_s: float = TIMEOUT_S,
) -> AsyncIterator["Hook"]:
    """The hook of a campaign, a CampaignHook, for as many calls as there are; its connections are kept meanwhile.

    One that names nothing keeps every endpoint as it is. `most_endpoints` is the setting `hook_endpoints`, `source_arn`
    the campaign's ARN. `timeout_s` is for hooks at a URL; a function's is its own.
    """
    if url := hook.get("WebUrl"):
        async with functions.at_url(url, timeout_s=timeout_s) as found:
            yield Hook(found, most_endpoints)
    elif name := hook.get("LambdaFunctionName"):
        yield Hook(await functions.find(name, source_arn=source_arn), most_endpoints)
    else:
        # What remains where names were cleared.
        yield Hook(None, most_endpoints)


class Hook:
    """A hook that may be called. That it fails is an answer; nothing is raised for it."""

    def __init__(self, callee: Callee | Failed | None, most_endpoints: int) -> None:
        self._callee = callee
        self._most_endpoints = most_endpoints
        self._turns = asyncio.Semaphore(_CALLS)

    async def ask(self, envelope: Members, endpoints: Mapping[str, Members]) -> dict[str, Answer]:
        """What it answers of each of these endpoints, by id, in their order; they are given as answers show them.

        A call that fails, after three attempts where that may help, fails for the endpoints in it and for no others.
        """
        callee = self._callee
        if callee is None:
            return {endpoint_id: Kept(endpoint) for endpoint_id, endpoint in endpoints.items()}
        if isinstance(callee, Failed):
            return dict.fromkeys(endpoints, HookFailure(str(callee)))
        definitions = {endpoint_id: endpoint_definition(endpoint) for endpoint_id, endpoint in endpoints.items()}
        batches = list(payloads(envelope, definitions, most_endpoints=self._most_endpoints))
        results = await asyncio.gather(*(self._call(callee, payload) for _, payload in batches))
        return {
            endpoint_id: _answer(result, endpoint_id, endpoints[endpoint_id])
            for (ids, _), result in zip(batches, results, strict=True)
            for endpoint_id in ids
        }

    async def _call(self, callee: Callee, payload: bytes) -> Result:
        async with self._turns:
            return await callee.call(payload, attempts=ATTEMPTS)


def _answer(result: Result, endpoint_id: str, endpoint: Members) -> Answer:
    if isinstance(result, Failed):
        return HookFailure(str(result))
    if not isinstance(result.value, dict):
        return HookFailure("the hook answered no object with endpoints")
    answered = result.value.get(endpoint_id)
    # Null is what is left of a definition that a handler has emptied.
    return None if answered is None else _kept(endpoint, answered)


def _kept(endpoint: Members, answered: Any) -> Kept | HookFailure | None:
    """The endpoint as the hook wants it; None when that is to have opted out."""
    try:
        changes = decode_document("EndpointRequest", msgspec.json.encode(answered))
        own = _own(answered)
    except (BadRequestException, RecursionError) as error:
        return HookFailure(f"the hook's definition of the endpoint cannot be read: {error}")
    changed = {**endpoint, **{member: changes[member] for member in _CHANGEABLE if member in changes}}
    if changed.get("OptOut") == "ALL" or changed.get("EndpointStatus") == "INACTIVE":
        return None
    if "CohortId" not in endpoint.get("Attributes", {}):
        # It was there for the hook only.
        attributes = changed.get("Attributes", {})
        changed["Attributes"] = {name: values for name, values in attributes.items() if name != "CohortId"}
    return Kept(changed, own if changed.get("ChannelType") in _OVERRIDABLE else {})


def _own(answered: Members) -> dict[str, Any]:
    """Its own words for the message; empty ones are none."""
    given = {name: answered[name] for name in _OVERRIDES if answered.get(name)}
    return decode_document("EndpointSendConfiguration", msgspec.json.encode(given)) if given else {}

"""What both kinds of custom channels share: messages go to the user's code in batches, and its answer is read."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from itertools import islice
from typing import Any

from repoint.delivery.message import Custom, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.functions.call import Callee
from repoint.functions.payload import payloads
from repoint.functions.result import Failed, FailureKind, Result

_OUTCOMES = {
    FailureKind.NOT_FOUND: (Status.PERMANENT_FAILURE, 404),
    FailureKind.NOT_ALLOWED: (Status.PERMANENT_FAILURE, 403),
    FailureKind.TIMED_OUT: (Status.TEMPORARY_FAILURE, 504),
    FailureKind.TOO_LARGE: (Status.PERMANENT_FAILURE, 413),
    FailureKind.THREW: (Status.PERMANENT_FAILURE, 500),
    FailureKind.NO_JSON: (Status.PERMANENT_FAILURE, 500),
    FailureKind.CRASHED: (Status.PERMANENT_FAILURE, 500),
    FailureKind.UNREACHABLE: (Status.TEMPORARY_FAILURE, 500),
    FailureKind.THROTTLED: (Status.THROTTLED, 429),
}
# Of one endpoint's EventAttributes: journeys.md section 8.
_MOST_ATTRIBUTES = 5
_ATTRIBUTE_CHARACTERS = 128

# The way to a target, on behalf of a campaign or journey; an Outcome for what cannot be called.
Opens = Callable[[str, str | None], AbstractAsyncContextManager[Callee | Outcome]]


class CustomChannel:
    """Hands messages over to where their targets lead, batch by batch."""

    def __init__(self, opens: Opens, *, attempts: int, calls: int) -> None:
        self._opens = opens
        self._attempts = attempts
        self._turns = asyncio.Semaphore(calls)

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider."""
        outcomes: dict[int, Outcome] = {}
        targets: dict[tuple[str, str | None], dict[int, Custom]] = {}
        for number, message in enumerate(messages):
            content = message.content
            if isinstance(content, Custom):
                targets.setdefault((content.target, content.source_arn), {})[number] = content
            else:
                detail = f"a custom channel carries custom messages, and no {type(content).__name__}"
                outcomes[number] = Outcome(Status.PERMANENT_FAILURE, 400, detail)
        for told in await asyncio.gather(*(self._send_to(*target, each) for target, each in targets.items())):
            outcomes |= told
        return [outcomes[number] for number in range(len(messages))]

    async def _send_to(self, target: str, source_arn: str | None, contents: Mapping[int, Custom]) -> dict[int, Outcome]:
        async with self._opens(target, source_arn) as callee:
            if isinstance(callee, Outcome):
                return dict.fromkeys(contents, callee)
            batches = list(_batches(contents))
            results = await asyncio.gather(*(self._call(callee, payload) for _, payload in batches))
        return {
            number: outcome_of(result, endpoint_id)
            for (numbers, _), result in zip(batches, results, strict=True)
            for endpoint_id, number in numbers.items()
        }

    async def _call(self, callee: Callee, payload: bytes) -> Result:
        async with self._turns:
            return await callee.call(payload, attempts=self._attempts)


def _batches(contents: Mapping[int, Custom]) -> Iterator[tuple[dict[str, int], bytes]]:
    """Payloads, and the numbers of the messages in each by endpoint."""
    # By envelope; where an endpoint has several messages, each goes into a payload of its own.
    groups: dict[int, list[dict[str, int]]] = {}
    for number, content in contents.items():
        group = groups.setdefault(id(content.envelope), [{}])
        if content.endpoint_id in group[-1]:
            group.append({})
        group[-1][content.endpoint_id] = number
    for numbers in (each for group in groups.values() for each in group):
        envelope = contents[next(iter(numbers.values()))].envelope
        endpoints = {endpoint_id: contents[number].endpoint for endpoint_id, number in numbers.items()}
        for ids, payload in payloads(envelope, endpoints):
            yield {endpoint_id: numbers[endpoint_id] for endpoint_id in ids}, payload


def outcome_of(result: Result, endpoint_id: str) -> Outcome:
    """What a call means for an endpoint: an answer is a success, whatever it says, and over HTTP any 2xx is one."""
    if not isinstance(result, Failed):
        return Outcome(Status.SUCCESSFUL, 200, "delivered", event_attributes=_attributes(result.value, endpoint_id))
    if result.status is not None and result.status // 100 == 2:  # noqa: PLR2004 - any of the class
        return Outcome(Status.SUCCESSFUL, 200, "delivered")
    return failed_outcome(result)


def failed_outcome(failed: Failed) -> Outcome:
    """Why a call failed, as the outcome of every endpoint in it."""
    status, status_code = _OUTCOMES[failed.kind]
    if failed.kind is FailureKind.THREW and failed.status is not None:
        # Refused by HTTP, and not the failure of a handler.
        status_code = 400
    if failed.may_have_run:
        detail = f"{failed}; it may have taken the message"
        return Outcome(Status.UNKNOWN_FAILURE, status_code, detail, is_in_doubt=True)
    return Outcome(status, status_code, str(failed), retry_after_s=failed.retry_after_s)


def _attributes(answer: Any, endpoint_id: str) -> dict[str, str] | None:
    """`{"<endpoint>": {"EventAttributes": {…}}}`; what is surplus, too long or of another form is left out."""
    about = answer.get(endpoint_id) if isinstance(answer, dict) else None
    given = about.get("EventAttributes") if isinstance(about, dict) else None
    if not isinstance(given, dict):
        return None
    fitting = ((name, value) for name, value in given.items() if _fits(name) and _fits(value))
    return dict(islice(fitting, _MOST_ATTRIBUTES)) or None


def _fits(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= _ATTRIBUTE_CHARACTERS

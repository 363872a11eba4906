"""The seven operations on endpoints and users (endpoints.md section 12)."""

import fnmatch
import re
from typing import Any, cast

import msgspec

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.shapes import AttributesResource, EndpointResponse, EndpointsResponse, MessageBody
from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.endpoints.gone import tell_gone
from repoint.endpoints.key import endpoint_key, user_key
from repoint.endpoints.patch import KINDS, Patch, patch_of_request
from repoint.endpoints.plan import TOO_MANY_ENDPOINTS, TOO_MANY_NAMES
from repoint.endpoints.project import require_project
from repoint.endpoints.together import write_together
from repoint.endpoints.upsert import Refusal, Rules
from repoint.operation import Call, Input, operation
from repoint.resources.clearing import clears
from repoint.resources.lock import lock_application

Q = load_queries("repoint.endpoints")

MAX_ITEMS = 100
# As many as an application may have names; each is compiled while other writers of the application wait.
_MAX_PATTERNS = 250

for _statement in (Q.clear_endpoints, Q.clear_users, Q.clear_names, Q.clear_recounts):
    clears(_statement)


@operation(in_steps=True, checks_project=True)
async def update_endpoint(call: Call, arguments: Input) -> MessageBody:
    """Create the endpoint or change what the request names of it."""
    patch = await _prepared(call, arguments, arguments["EndpointId"], arguments["EndpointRequest"])
    refusal = await _write(call, arguments, [patch])
    if refusal is not None:
        raise refusal[1]
    return {"Message": "Accepted", "RequestID": call.request_id}


@operation(in_steps=True, checks_project=True)
async def update_endpoints_batch(call: Call, arguments: Input) -> MessageBody:
    """The same for 1 to 100 endpoints in order: all of them, or none when one is refused."""
    items: list[dict[str, Any]] = arguments["EndpointBatchRequest"]["Item"]
    if not 1 <= len(items) <= MAX_ITEMS:
        await require_project(call, arguments)
        raise BadRequestException(f"Item must contain between 1 and {MAX_ITEMS} endpoints")
    patches = []
    for position, item in enumerate(items):
        try:
            patches.append(await _prepared(call, arguments, item.get("Id"), item))
        except BadRequestException as error:
            raise _of_item((position, error)) from error
    refusal = await _write(call, arguments, patches)
    if refusal is not None:
        raise _of_item(refusal)
    return {"Message": "Accepted", "RequestID": call.request_id}


async def _prepared(call: Call, arguments: Input, endpoint_id: str | None, request: dict[str, Any]) -> Patch:
    try:
        return patch_of_request(endpoint_id or "", request, call.request_id)
    except BadRequestException:
        await require_project(call, arguments)
        if not endpoint_id:
            raise BadRequestException("Missing Id") from None
        raise


async def _write(call: Call, arguments: Input, patches: list[Patch]) -> Refusal | None:
    application_id, rules = arguments["ApplicationId"], Rules.of(call.settings)
    (refusal,) = await write_together(call.database, application_id, [patches], call.now, rules)
    return refusal


def _of_item(refusal: Refusal) -> BadRequestException:
    """The error of one item; texts that clients match by their start keep it."""
    position, error = refusal
    if error.message.startswith((TOO_MANY_ENDPOINTS, TOO_MANY_NAMES)):
        return BadRequestException(f"{error.message} (Item {position})")
    return BadRequestException(f"Item {position}: {error.message}")


@operation()
async def get_endpoint(call: Call, arguments: Input) -> msgspec.Raw:
    """The endpoint as it is stored."""
    return msgspec.Raw(await _document(call.db, arguments["ApplicationId"], endpoint_key(arguments["EndpointId"])))


async def _document(db: Db, application_id: str, key: str) -> str:
    document: str | None = await db.value(Q.get_endpoint, {"application_id": application_id, "key": key})
    if document is None:
        raise NotFoundException
    return document


@operation()
async def delete_endpoint(call: Call, arguments: Input) -> msgspec.Raw:
    """Remove the endpoint; answers what it was."""
    application_id, key = arguments["ApplicationId"], endpoint_key(arguments["EndpointId"])
    await lock_application(call.db, application_id)
    document = await _document(call.db, application_id, key)
    user = await call.db.value(Q.delete_endpoint, {"application_id": application_id, "key": key})
    if user is not None:
        await call.db.execute(Q.release_user, {"application_id": application_id, "user_key": user})
        await call.db.execute(Q.delete_user, {"application_id": application_id, "user_key": user})
    await tell_gone(call.db, application_id, [key], [] if user is None else [user])
    return msgspec.Raw(document)


@operation()
async def get_user_endpoints(call: Call, arguments: Input) -> EndpointsResponse:
    """All endpoints of a user, active or not, oldest first."""
    return await _user_endpoints(call.db, arguments)


async def _user_endpoints(db: Db, arguments: Input) -> EndpointsResponse:
    parameters = {"application_id": arguments["ApplicationId"], "user_key": user_key(arguments["UserId"])}
    found = await db.rows(Q.get_user_endpoints, parameters)
    if not found:
        raise NotFoundException
    # Ready-made JSON stands for the documents: the encoder takes it as it is.
    return {"Item": [cast("EndpointResponse", msgspec.Raw(row["document"])) for row in found]}


@operation()
async def delete_user_endpoints(call: Call, arguments: Input) -> EndpointsResponse:
    """Remove all endpoints of a user; answers what they were."""
    await lock_application(call.db, arguments["ApplicationId"])
    found = await _user_endpoints(call.db, arguments)
    parameters = {"application_id": arguments["ApplicationId"], "user_key": user_key(arguments["UserId"])}
    gone = await call.db.rows(Q.delete_user_endpoints, parameters)
    await call.db.execute(Q.delete_user, parameters)
    keys = [row["endpoint_key"] for row in gone]
    await tell_gone(call.db, arguments["ApplicationId"], keys, [user_key(arguments["UserId"])])
    return found


@operation()
async def remove_attributes(call: Call, arguments: Input) -> AttributesResource:
    """Stop capturing values for the names that match; values already stored stay where they are."""
    attribute_type, application_id = arguments["AttributeType"], arguments["ApplicationId"]
    if attribute_type not in KINDS.values():
        raise BadRequestException(f"Invalid attribute-type: {attribute_type}")
    patterns = arguments["UpdateAttributesRequest"].get("Blacklist")
    if not patterns:
        raise BadRequestException("Missing Blacklist")
    if len(patterns) > _MAX_PATTERNS:
        raise BadRequestException(f"Invalid Blacklist: more than {_MAX_PATTERNS} patterns")
    await lock_application(call.db, application_id)
    parameters = {"application_id": application_id, "attribute_type": attribute_type}
    known = [row["name"] for row in await call.db.rows(Q.names_of_type, parameters)]
    names = _matching(known, patterns)
    if names:
        await call.db.execute(Q.remove_names, parameters | {"names": as_json(names), "now": call.now})
    return {"ApplicationId": application_id, "AttributeType": attribute_type, "Attributes": names}


def _matching(names: list[str], patterns: list[str]) -> list[str]:
    """The names that one of the glob patterns matches, sorted; case matters."""
    matcher = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))
    return sorted(name for name in names if matcher.match(name))

"""Direct messages: SendMessages and SendUsersMessages (channels.md sections 2 and 3).

Sent at once, in the process that was asked, to whom is named: no segments, caps, quiet time, holdouts or hooks. A crash
before the answer leaves messages that were sent and of which the caller was told nothing.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.channels.stored import load_channels
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.shapes import MessageResponse, SendUsersMessageResponse
from repoint.delivery.outcome import Outcome
from repoint.delivery.recipient import Recipient, Source
from repoint.delivery.records import Recorder
from repoint.delivery.send import send
from repoint.delivery.tracking import tracking_of
from repoint.endpoints.amend import set_inactive
from repoint.endpoints.documents import documents_by_key, documents_by_user
from repoint.endpoints.item import check_id
from repoint.endpoints.key import endpoint_key, user_key
from repoint.events.records import Origin
from repoint.messages.recipients import of_address, of_endpoint
from repoint.messages.results import missing_endpoint, opted_out, result
from repoint.messages.templates import load_templates
from repoint.operation import Call, Input, operation

log = structlog.get_logger()

MAX_RECIPIENTS = 100
# SDKs wait for 60 seconds; then they ask again, and who had a message would get it twice.
BEGINS_WITHIN_S = 30.0
# What a notification of a direct send says of where it comes from (channels.md section 6.1).
_ORIGIN = {"campaign_id": "_DIRECT", "treatment_id": "0", "campaign_activity_id": ""}


@operation(in_steps=True)
async def send_messages(call: Call, arguments: Input) -> MessageResponse:
    """Send to addresses and endpoints; the answer tells of each what became of its message."""
    application_id, request = arguments["ApplicationId"], arguments["MessageRequest"]
    addresses: dict[str, Any] = request.get("Addresses") or {}
    endpoints: dict[str, Any] = request.get("Endpoints") or {}
    if not addresses and not endpoints:
        raise BadRequestException("Missing Address")
    _check(request, len(addresses) + len(endpoints))
    keys = {endpoint_id: _endpoint_key(endpoint_id) for endpoint_id in endpoints}
    async with call.step() as db:
        source = await _source(call, application_id, request)
        documents = await documents_by_key(db, application_id, list(keys.values()))
    recipients = [of_address(address, own) for address, own in addresses.items()]
    known = {endpoint_id: documents[key] for endpoint_id, key in keys.items() if key in documents}
    recipients += [of_endpoint(document, endpoints[endpoint_id]) for endpoint_id, document in known.items()]
    outcomes = await _send(call, source, request, recipients)
    results = zip(recipients, outcomes, strict=True)
    answer: MessageResponse = {"ApplicationId": application_id, "RequestId": call.request_id}
    if addresses:
        answer["Result"] = {address: result(*next(results)) for address in addresses}
    if endpoints:
        answer["EndpointResult"] = {
            each: result(*next(results), with_address=True) if each in known else missing_endpoint()
            for each in endpoints
        }
    return answer


@operation(in_steps=True)
async def send_users_messages(call: Call, arguments: Input) -> SendUsersMessageResponse:
    """Send to every endpoint of some users; those that have opted out get nothing."""
    application_id, request = arguments["ApplicationId"], arguments["SendUsersMessageRequest"]
    users: dict[str, Any] = request.get("Users") or {}
    if not users:
        raise BadRequestException("Missing Users")
    _check(request, len(users))
    async with call.step() as db:
        source = await _source(call, application_id, request)
        documents = await documents_by_user(db, application_id, {user: user_key(user) for user in users})
    answers: dict[str, dict[str, Any]] = {user: {} for user in users}
    asked: list[tuple[str, Recipient]] = []
    for user, found in documents:
        if found["EndpointStatus"] == "INACTIVE":
            continue
        if found["OptOut"] == "ALL":
            answers[user][found["Id"]] = opted_out(found)
        else:
            asked.append((user, of_endpoint(found, users[user])))
    outcomes = await _send(call, source, request, [recipient for _, recipient in asked])
    for (user, recipient), outcome in zip(asked, outcomes, strict=True):
        answers[user][recipient.client_id] = result(recipient, outcome, with_address=True)
    return {"ApplicationId": application_id, "RequestId": call.request_id, "Result": answers}


def _check(request: dict[str, Any], recipients: int) -> None:
    if recipients > MAX_RECIPIENTS:
        raise BadRequestException(f"Number of recipients exceeds the limit of {MAX_RECIPIENTS}")
    templates = request.get("TemplateConfiguration") or {}
    if "InAppTemplate" in templates:
        raise BadRequestException("InAppTemplate isn't supported")
    if not request.get("MessageConfiguration") and not templates:
        raise BadRequestException("Missing MessageConfiguration")


def _endpoint_key(endpoint_id: str) -> str:
    check_id(endpoint_id)
    return endpoint_key(endpoint_id)


async def _source(call: Call, application_id: str, request: dict[str, Any]) -> Source:
    return Source(
        application_id,
        request.get("MessageConfiguration") or {},
        await load_templates(call.db, request.get("TemplateConfiguration") or {}),
        await load_channels(call.db, call.settings, application_id),
        request.get("Context") or {},
        _ORIGIN,
        tracking_of(call.settings, application_id),
    )


async def _send(call: Call, source: Source, request: dict[str, Any], recipients: Sequence[Recipient]) -> list[Outcome]:
    origin = Origin(call.settings.account_id, source.application_id)
    recorder = Recorder(origin, source, call.request_id, request.get("TraceId"))
    outcomes = await send(call.database, call.settings, recorder, recipients, call.now, begins_within_s=BEGINS_WITHIN_S)
    told = zip(recipients, outcomes, strict=True)
    await _set_inactive(
        call, source.application_id, [each.client_id for each, outcome in told if outcome.is_gone and each.endpoint]
    )
    return outcomes


async def _set_inactive(call: Call, application_id: str, endpoint_ids: Sequence[str]) -> None:
    """Endpoints whose address is no more. When that fails, the caller is told all the same what became of messages."""
    try:
        await set_inactive(call, application_id, endpoint_ids)
    except (psycopg.Error, PoolTimeout, NotFoundException):
        log.exception("Endpoints without an address could not be made inactive", endpoints=len(endpoint_ids))

"""Direct messages: SendMessages and SendUsersMessages (channels.md sections 2 and 3).

Sent at once, in the process that was asked, to whom is named: no segments, caps, quiet time, holdouts or hooks. A crash
before the answer leaves messages that were sent and of which the caller was told nothing.
"""

from typing import Any

from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import MessageResponse, SendUsersMessageResponse
from repoint.delivery.recipient import Recipient
from repoint.endpoints.documents import documents_by_key, documents_by_user
from repoint.endpoints.item import check_id
from repoint.endpoints.key import endpoint_key, user_key
from repoint.messages.direct import direct_source, send_direct
from repoint.messages.recipients import of_address, of_endpoint
from repoint.messages.results import missing_endpoint, opted_out, result
from repoint.operation import Call, Input, operation

MAX_RECIPIENTS = 100


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
        source = await direct_source(call, application_id, request)
        documents = await documents_by_key(db, application_id, list(keys.values()))
    recipients = [of_address(address, own) for address, own in addresses.items()]
    known = {endpoint_id: documents[key] for endpoint_id, key in keys.items() if key in documents}
    recipients += [of_endpoint(document, endpoints[endpoint_id]) for endpoint_id, document in known.items()]
    outcomes = await send_direct(call, source, recipients, request.get("TraceId"))
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
        source = await direct_source(call, application_id, request)
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
    outcomes = await send_direct(call, source, [recipient for _, recipient in asked], request.get("TraceId"))
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
    """As stored; refused in this operation's own words (channels.md, Errors)."""
    try:
        check_id(endpoint_id)
    except BadRequestException:
        raise BadRequestException("Invalid endpoint ID") from None
    return endpoint_key(endpoint_id)

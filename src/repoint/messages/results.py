"""What callers of direct messages are told of one recipient (channels.md section 2, Result)."""

from collections.abc import Mapping
from typing import Any

from repoint.delivery.outcome import Outcome
from repoint.delivery.recipient import Recipient

_TEXTS = frozenset({"SMS", "VOICE"})


def result(recipient: Recipient, outcome: Outcome, *, with_address: bool = False) -> Any:
    """A MessageResult, or an EndpointMessageResult with the address."""
    found = {"DeliveryStatus": str(outcome.status), "StatusCode": outcome.status_code, "StatusMessage": outcome.detail}
    if outcome.is_sent:
        found |= {"MessageId": recipient.message_id, "StatusMessage": _told_of_sent(recipient, outcome)}
    if outcome.updated_token is not None:
        found["UpdatedToken"] = outcome.updated_token
    return found | {"Address": recipient.address} if with_address else found


def missing_endpoint() -> Any:
    """Of an endpoint that is not there."""
    return {"DeliveryStatus": "PERMANENT_FAILURE", "StatusCode": 404, "StatusMessage": "Endpoint not found"}


def opted_out(endpoint: Mapping[str, Any]) -> Any:
    """Of an endpoint that wants nothing."""
    told = {"DeliveryStatus": "OPT_OUT", "StatusCode": 200, "StatusMessage": "Endpoint has opted out"}
    return told | {"Address": endpoint.get("Address", "")}


def _told_of_sent(recipient: Recipient, outcome: Outcome) -> str:
    if recipient.channel_type == "EMAIL":
        return recipient.message_id
    if recipient.channel_type in _TEXTS:
        return f"MessageId: {recipient.message_id}"
    return outcome.detail

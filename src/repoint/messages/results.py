"""What callers of direct messages are told of one recipient (channels.md section 2, Result)."""

from collections.abc import Mapping
from typing import Any

from repoint.delivery.records import Delivered

_TEXTS = frozenset({"SMS", "VOICE"})


def result(delivered: Delivered, *, with_address: bool = False) -> Any:
    """A MessageResult, or an EndpointMessageResult with the address."""
    outcome, recipient = delivered.outcome, delivered.recipient
    found = {"DeliveryStatus": str(outcome.status), "StatusCode": outcome.status_code, "StatusMessage": outcome.detail}
    if outcome.is_sent:
        found |= {"MessageId": recipient.message_id, "StatusMessage": _told_of_sent(delivered)}
    return found | {"Address": recipient.address} if with_address else found


def missing_endpoint() -> Any:
    """Of an endpoint that is not there."""
    return {"DeliveryStatus": "PERMANENT_FAILURE", "StatusCode": 404, "StatusMessage": "Endpoint not found"}


def opted_out(endpoint: Mapping[str, Any]) -> Any:
    """Of an endpoint that wants nothing."""
    told = {"DeliveryStatus": "OPT_OUT", "StatusCode": 200, "StatusMessage": "Endpoint has opted out"}
    return told | {"Address": endpoint.get("Address", "")}


def _told_of_sent(delivered: Delivered) -> str:
    channel_type, message_id = delivered.recipient.channel_type, delivered.recipient.message_id
    if channel_type == "EMAIL":
        return message_id
    if channel_type in _TEXTS:
        return f"MessageId: {message_id}"
    return delivered.outcome.detail

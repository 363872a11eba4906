"""What AWS End User Messaging tells of texts and calls (events of a configuration set).

Forms: "Example event data" and "Event types for SMS, MMS, and voice" in its user guide. Texts that ended become
receipts, under our own id of the message, which the call that sent it has put into its Context. Of calls nothing is
logged (events.md section 9).
"""

from collections.abc import Mapping

import msgspec

from repoint.delivery.aws.names import MESSAGE_ID, receipt_id
from repoint.delivery.heard import Receipt
from repoint.events.sms_records import Status

# events.md section 8; what is not listed is not the end of it: TEXT_QUEUED, TEXT_PENDING, TEXT_SENT.
_STATUSES: Mapping[str, Status] = {
    "TEXT_DELIVERED": "DELIVERED",
    "TEXT_SUCCESSFUL": "SUCCESSFUL",
    "TEXT_INVALID": "INVALID",
    "TEXT_INVALID_MESSAGE": "INVALID_MESSAGE",
    "TEXT_UNREACHABLE": "UNREACHABLE",
    "TEXT_CARRIER_UNREACHABLE": "CARRIER_UNREACHABLE",
    "TEXT_BLOCKED": "BLOCKED",
    "TEXT_CARRIER_BLOCKED": "CARRIER_BLOCKED",
    # By a rule of the account's own, about countries or numbers.
    "TEXT_PROTECT_BLOCKED": "BLOCKED",
    "TEXT_SPAM": "SPAM",
    "TEXT_UNKNOWN": "UNKNOWN",
    "TEXT_TTL_EXPIRED": "TTL_EXPIRED",
}
_MILLICENTS_PER_USD = 100_000


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    """Members that are not listed are passed over."""

    event_type: str
    # SES's events have none.
    message_id: str
    is_final: bool = False
    context: Mapping[str, str] | None = None
    # In US dollars, for all parts, carriers' fees apart.
    total_message_price: float | None = None


_decode = msgspec.json.Decoder(_Event).decode


def read_text_event(message: str) -> tuple[str, Receipt | None] | None:
    """Which kind of event it is, and the receipt if it is the end of a text of ours; None for what is no such event."""
    try:
        event = _decode(message)
    except (msgspec.DecodeError, RecursionError):
        return None
    status = _STATUSES.get(event.event_type)
    our_id = (event.context or {}).get(MESSAGE_ID)
    if status is None or not event.is_final or not our_id or not our_id.isprintable():
        return event.event_type, None
    price = event.total_message_price
    millicents = None if price is None else round(price * _MILLICENTS_PER_USD, 3)
    return event.event_type, Receipt(receipt_id(our_id), status, millicents)

"""Records of SMS (events.md section 8)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import msgspec

from repoint.events.records import Origin, Subject, service_record

Status = Literal[
    "SUCCESSFUL",
    "PENDING",
    "DELIVERED",
    "INVALID",
    "UNREACHABLE",
    "UNKNOWN",
    "BLOCKED",
    "CARRIER_UNREACHABLE",
    "SPAM",
    "INVALID_MESSAGE",
    "CARRIER_BLOCKED",
    "TTL_EXPIRED",
    "MAX_PRICE_EXCEEDED",
    "OPTED_OUT",
]
Outcome = Literal["BUFFERED", "SUCCESS", "FAILURE", "OPTOUT"]


@dataclass(frozen=True, slots=True)
class Sms:
    """A message as it was sent to one number."""

    # A UUID of the send request.
    sender_request_id: str
    # As SendMessages told it.
    message_id: str
    destination_phone_number: str
    message_type: Literal["Transactional", "Promotional"]
    parts: int
    # Number or sender id; None when the pool chose none.
    origination_phone_number: str | None = None
    # Alpha-2, of the destination; None when not known.
    iso_country_code: str | None = None
    # Where it comes from: `CampaignRun.attributes()`, `JourneyStep.attributes()`; empty for neither.
    attributes: dict[str, str] = field(default_factory=dict)
    # What the caller of SendMessages gave along.
    context: dict[str, str] = field(default_factory=dict)


def sms_record(  # noqa: PLR0913 - what it tells
    origin: Origin,
    subject: Subject,
    at: tuple[datetime, datetime],
    sms: Sms,
    *,
    outcome: Outcome,
    status: Status,
    price_millicents: float | None = None,
) -> str:
    """What became of a message; `at` is when that was and when it was told.

    `price_millicents` is for the whole message, in thousandths of a US cent; None where it is not known. BUFFERED
    never tells it.
    """
    told: dict[str, str | None] = {
        "sender_request_id": sms.sender_request_id,
        **(sms.attributes or {"treatment_id": "0"}),
        "origination_phone_number": sms.origination_phone_number,
        "destination_phone_number": sms.destination_phone_number,
        "record_status": status,
        "iso_country_code": sms.iso_country_code,
        "number_of_message_parts": f"{sms.parts}",
        "message_id": sms.message_id,
        "message_type": sms.message_type,
        "customer_context": msgspec.json.encode(sms.context).decode() if sms.context else None,
    }
    attributes = {name: value for name, value in told.items() if value is not None}
    is_priced = price_millicents is not None and outcome != "BUFFERED"
    metrics = {"price_in_millicents_usd": float(price_millicents or 0)} if is_priced else None
    return service_record(origin, subject, f"_SMS.{outcome}", at, attributes, metrics=metrics)

"""What Amazon SES tells of messages: as published events (`eventType`) and as notifications (`notificationType`).

Forms: "Examples of event data that Amazon SES publishes to Amazon SNS" and "Amazon SNS notification contents for Amazon
SES" in its developer guide. SES may tell one thing in both forms; each is one thing all the same (told.py). Send is
passed over, since it was logged as the message was sent, and so is what we have no event for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from repoint.contract.dates import parse_instant
from repoint.delivery.aws.names import MESSAGE_ID
from repoint.delivery.bounces.feedback import COMPLAINTS
from repoint.delivery.telling import Click, Delivery, Kind, Rejection, Told, Unrendered, What, bare_id
from repoint.events.email_records import Bounce, BounceType, Complaint, Visit

# The name of the tag that marks a link as one to unsubscribe (channels.md section 5).
_UNSUBSCRIBE_TAG = "unsubscribeLinkTag"


class _Form(msgspec.Struct, frozen=True, rename="camel"):
    """Members that are not listed are passed over; any but a message's id may be null or missing."""


class _Header(_Form, frozen=True):
    name: str | None = None
    value: str | None = None


class _Mail(_Form, frozen=True):
    message_id: str
    headers: Sequence[_Header] | None = None
    tags: Mapping[str, Sequence[str]] | None = None


class _Recipient(_Form, frozen=True):
    action: str | None = None
    status: str | None = None
    diagnostic_code: str | None = None


class _Thing(_Form, frozen=True):
    """What happened, with the members of every kind of event."""

    timestamp: str | None = None
    reporting_mta: str | None = msgspec.field(name="reportingMTA", default=None)
    smtp_response: str | None = None
    bounce_type: str | None = None
    bounce_sub_type: str | None = None
    bounced_recipients: Sequence[_Recipient] | None = None
    delay_type: str | None = None
    delayed_recipients: Sequence[_Recipient] | None = None
    feedback_id: str | None = None
    complaint_feedback_type: str | None = None
    ip_address: str | None = None
    user_agent: str | None = None
    link: str | None = None
    link_tags: Mapping[str, Sequence[str]] | None = None
    reason: str | None = None
    template_name: str | None = None
    error_message: str | None = None


class _Event(_Form, frozen=True, kw_only=True):
    event_type: str | None = None
    notification_type: str | None = None
    mail: _Mail
    delivery: _Thing | None = None
    bounce: _Thing | None = None
    delivery_delay: _Thing | None = None
    complaint: _Thing | None = None
    open: _Thing | None = None
    click: _Thing | None = None
    reject: _Thing | None = None
    failure: _Thing | None = None


_decode = msgspec.json.Decoder(_Event).decode

# Of any other type nothing is known for sure.
_BOUNCE_TYPES: Mapping[str | None, BounceType] = {"Permanent": "Permanent", "Transient": "Transient"}
_NOBODY = _Recipient()


def read_ses_event(message: str, key: str, now: datetime) -> tuple[str, list[Told]] | None:
    """Which kind of event it is and what it tells, nothing for a kind that is passed over; None for what is none.

    `key` is the topic's own id of the message, the same each time it is delivered.
    """
    try:
        event = _decode(message)
    except (msgspec.DecodeError, RecursionError):
        return None
    name = event.event_type or event.notification_type
    if name is None:
        return None
    return name, _told(event, name, key, now)


def _told(event: _Event, name: str, key: str, now: datetime) -> list[Told]:
    if name not in _READERS:
        return []
    member, read = _READERS[name]
    thing: _Thing | None = getattr(event, member)
    if thing is None:
        return []
    ids, at = _ids(event.mail), parse_instant(thing.timestamp or "") or now
    return [Told(ids, kind, at, what, thing.feedback_id or key) for kind, what in read(thing)]


_Found = Iterator[tuple[Kind, What]]


def _delivery(thing: _Thing) -> _Found:
    yield "delivered", Delivery(thing.smtp_response or "", thing.reporting_mta or "")


def _bounce(thing: _Thing) -> _Found:
    bounce_type = _BOUNCE_TYPES.get(thing.bounce_type, "Undetermined")
    recipient = next(iter(thing.bounced_recipients or ()), _NOBODY)
    bounce = _told_bounce(bounce_type, thing.bounce_sub_type, recipient.action, recipient, thing)
    yield "hardbounce" if bounce_type == "Permanent" else "softbounce", bounce


def _delay(thing: _Thing) -> _Found:
    recipient = next(iter(thing.delayed_recipients or ()), _NOBODY)
    yield "softbounce", _told_bounce("Transient", thing.delay_type, "delayed", recipient, thing)


def _told_bounce(
    bounce_type: BounceType, sub_type: str | None, action: str | None, recipient: _Recipient, thing: _Thing
) -> Bounce:
    return Bounce(
        bounce_type,
        sub_type or "General",
        action or "",
        recipient.status or "",
        recipient.diagnostic_code or "",
        thing.feedback_id or "",
        thing.reporting_mta or "",
    )


def _complaint(thing: _Thing) -> _Found:
    feedback_type = thing.complaint_feedback_type or ""
    # Providers that tell nothing but that somebody complained leave the type out.
    if not feedback_type or feedback_type in COMPLAINTS:
        yield "complaint", Complaint(thing.feedback_id or "", feedback_type, thing.user_agent or "")


def _open(thing: _Thing) -> _Found:
    yield "open", _visit(thing)


def _click(thing: _Thing) -> _Found:
    click = Click(_visit(thing), thing.link or "")
    yield "click", click
    if _UNSUBSCRIBE_TAG in (thing.link_tags or {}):
        yield "unsubscribe", click


def _visit(thing: _Thing) -> Visit:
    return Visit(thing.ip_address or "", thing.user_agent or "")


def _reject(thing: _Thing) -> _Found:
    yield "rejected", Rejection(thing.reason or "")


def _unrendered(thing: _Thing) -> _Found:
    yield "rendering_failure", Unrendered(thing.template_name or "", thing.error_message or "")


# By the event's name: in which member it is told, and what that says.
_READERS: Mapping[str, tuple[str, Callable[[_Thing], _Found]]] = {
    "Delivery": ("delivery", _delivery),
    "Bounce": ("bounce", _bounce),
    # Tried again by SES, and told so: a bounce for the time being.
    "DeliveryDelay": ("delivery_delay", _delay),
    "Complaint": ("complaint", _complaint),
    "Open": ("open", _open),
    "Click": ("click", _click),
    "Reject": ("reject", _reject),
    "Rendering Failure": ("failure", _unrendered),
}


def _ids(mail: _Mail) -> tuple[str, ...]:
    """SES's own id, then ours as a tag or as the Message-ID that the message came with."""
    named = [each.value or "" for each in mail.headers or () if (each.name or "").lower() == "message-id"]
    return (mail.message_id, *(mail.tags or {}).get(MESSAGE_ID, ()), *map(bare_id, named))

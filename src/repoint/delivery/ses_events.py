"""What Amazon SES tells of messages: as published events (`eventType`) and as notifications (`notificationType`).

Forms: "Examples of event data that Amazon SES publishes to Amazon SNS" and "Amazon SNS notification contents for Amazon
SES" in its developer guide. SES may tell one thing in both forms; each is one thing all the same (told.py). Send is
passed over, since it was logged as the message was sent, and so is what we have no event for.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from repoint.contract.dates import parse_instant
from repoint.delivery.told import Told, bare_id
from repoint.events.email_records import Bounce, BounceType, Complaint, Visit

# A tag of the message that holds our id, for whoever sends by a way that names no other.
MESSAGE_ID_TAG = "repoint-message-id"
# The name of the tag that marks a link as one to unsubscribe (channels.md section 5).
_UNSUBSCRIBE_TAG = "unsubscribeLinkTag"


class _Form(msgspec.Struct, frozen=True, rename="camel"):
    """Members that are not listed are passed over."""


class _Header(_Form, frozen=True):
    name: str = ""
    value: str = ""


class _Mail(_Form, frozen=True):
    message_id: str
    headers: Sequence[_Header] = ()
    tags: Mapping[str, Sequence[str]] = msgspec.field(default_factory=dict)


class _Recipient(_Form, frozen=True):
    action: str = ""
    status: str = ""
    diagnostic_code: str = ""


class _Delivery(_Form, frozen=True):
    timestamp: str = ""
    smtp_response: str = ""
    reporting_mta: str = msgspec.field(name="reportingMTA", default="")


class _Bounce(_Form, frozen=True):
    bounce_type: str
    bounce_sub_type: str = ""
    bounced_recipients: Sequence[_Recipient] = ()
    timestamp: str = ""
    feedback_id: str = ""
    reporting_mta: str = msgspec.field(name="reportingMTA", default="")


class _Delay(_Form, frozen=True):
    delay_type: str = ""
    delayed_recipients: Sequence[_Recipient] = ()
    timestamp: str = ""
    reporting_mta: str = msgspec.field(name="reportingMTA", default="")


class _Complaint(_Form, frozen=True):
    timestamp: str = ""
    feedback_id: str = ""
    complaint_feedback_type: str = ""
    user_agent: str = ""


class _Visit(_Form, frozen=True):
    ip_address: str = ""
    user_agent: str = ""
    timestamp: str = ""
    link: str = ""
    link_tags: Mapping[str, Sequence[str]] | None = None


class _Reject(_Form, frozen=True):
    reason: str = ""


class _Failure(_Form, frozen=True):
    error_message: str = ""
    template_name: str = ""


class _Event(_Form, frozen=True, kw_only=True):
    event_type: str | None = None
    notification_type: str | None = None
    mail: _Mail
    delivery: _Delivery | None = None
    bounce: _Bounce | None = None
    delivery_delay: _Delay | None = None
    complaint: _Complaint | None = None
    open: _Visit | None = None
    click: _Visit | None = None
    reject: _Reject | None = None
    failure: _Failure | None = None


_decode = msgspec.json.Decoder(_Event).decode

# Of any other type nothing is known for sure.
_BOUNCE_TYPES: Mapping[str, BounceType] = {"Permanent": "Permanent", "Transient": "Transient"}


def read_ses_event(message: str, key: str, now: datetime) -> list[Told] | None:
    """What a message of a topic tells, nothing for a kind that is passed over; None for what is none of SES's.

    `key` is the topic's own id of the message, the same each time it is delivered.
    """
    try:
        event = _decode(message)
    except msgspec.DecodeError:
        return None
    kind = event.event_type or event.notification_type
    if kind is None:
        return None
    read = _READERS.get(kind)
    return [] if read is None else read(event, key, now)


def _delivery(event: _Event, key: str, now: datetime) -> list[Told]:
    told = event.delivery
    if told is None:
        return []
    at, response, mta = _at(told.timestamp, now), told.smtp_response, told.reporting_mta
    return [
        Told(
            _ids(event.mail),
            "delivered",
            lambda records: records.delivered(at, smtp_response=response, reporting_mta=mta),
            key,
        )
    ]


def _bounced(event: _Event, key: str, now: datetime) -> list[Told]:
    told = event.bounce
    if told is None:
        return []
    at = _at(told.timestamp, now)
    recipient = next(iter(told.bounced_recipients), _Recipient())
    bounce = Bounce(
        _BOUNCE_TYPES.get(told.bounce_type, "Undetermined"),
        told.bounce_sub_type or "General",
        recipient.action,
        recipient.status,
        recipient.diagnostic_code,
        told.feedback_id,
        told.reporting_mta,
    )
    ids = _ids(event.mail)
    if bounce.bounce_type == "Permanent":
        return [Told(ids, "hardbounce", lambda records: records.hardbounce(at, bounce))]
    return [Told(ids, "softbounce", lambda records: records.softbounce(at, bounce), told.feedback_id or key)]


def _delayed(event: _Event, key: str, now: datetime) -> list[Told]:
    told = event.delivery_delay
    if told is None:
        return []
    at = _at(told.timestamp, now)
    recipient = next(iter(told.delayed_recipients), _Recipient())
    bounce = Bounce(
        "Transient",
        told.delay_type or "General",
        "delayed",
        recipient.status,
        recipient.diagnostic_code,
        reporting_mta=told.reporting_mta,
    )
    return [Told(_ids(event.mail), "softbounce", lambda records: records.softbounce(at, bounce), key)]


def _complained(event: _Event, key: str, now: datetime) -> list[Told]:
    told = event.complaint
    if told is None:
        return []
    at = _at(told.timestamp, now)
    complaint = Complaint(told.feedback_id, told.complaint_feedback_type, told.user_agent, at)
    return [Told(_ids(event.mail), "complaint", lambda records: records.complaint(at, complaint), key)]


def _opened(event: _Event, key: str, now: datetime) -> list[Told]:
    told = event.open
    if told is None:
        return []
    at, visit = _at(told.timestamp, now), Visit(told.ip_address, told.user_agent)
    return [Told(_ids(event.mail), "open", lambda records: records.open(at, visit), key)]


def _clicked(event: _Event, key: str, now: datetime) -> list[Told]:
    told = event.click
    if told is None:
        return []
    ids, at, link = _ids(event.mail), _at(told.timestamp, now), told.link
    visit = Visit(told.ip_address, told.user_agent)
    found = [Told(ids, "click", lambda records: records.click(at, visit, link), key)]
    if _UNSUBSCRIBE_TAG in (told.link_tags or {}):
        found.append(Told(ids, "unsubscribe", lambda records: records.unsubscribe(at, visit, link), key))
    return found


def _rejected(event: _Event, key: str, now: datetime) -> list[Told]:
    reason = event.reject.reason if event.reject else ""
    return [Told(_ids(event.mail), "rejected", lambda records: records.rejected(now, reason), key)]


def _unrendered(event: _Event, key: str, now: datetime) -> list[Told]:
    failure = event.failure or _Failure()
    name, text = failure.template_name, failure.error_message
    return [
        Told(
            _ids(event.mail),
            "rendering_failure",
            lambda records: records.rendering_failure(now, template_name=name, error_message=text),
            key,
        )
    ]


_READERS: Mapping[str, Callable[[_Event, str, datetime], list[Told]]] = {
    "Delivery": _delivery,
    "Bounce": _bounced,
    # Tried again by SES, and told so: a bounce for the time being.
    "DeliveryDelay": _delayed,
    "Complaint": _complained,
    "Open": _opened,
    "Click": _clicked,
    "Reject": _rejected,
    "Rendering Failure": _unrendered,
}


def _ids(mail: _Mail) -> tuple[str, ...]:
    """SES's own id, then ours as a tag or as the Message-ID that the message came with."""
    headers = [bare_id(each.value) for each in mail.headers if each.name.lower() == "message-id"]
    return (mail.message_id, *mail.tags.get(MESSAGE_ID_TAG, ()), *headers)


def _at(timestamp: str, now: datetime) -> datetime:
    return parse_instant(timestamp) or now

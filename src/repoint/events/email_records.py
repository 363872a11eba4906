"""Records of e-mail (events.md section 7): one for each thing that happens to a message, all with the message in them.

A message has one recipient. Its records share `event_timestamp`, the time it was sent, and `mail.message_id`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import msgspec

from repoint.contract.dates import format_instant
from repoint.events.records import JsonObject, Origin, Subject, begin_of_record, milliseconds, rest_of_record

# Headers beyond this many bytes are cut, and that is told.
MAX_HEADERS_BYTES = 10_240
# Attributes of a direct message that say what happened to it.
_OURS = frozenset({"feedback", "treatment_id"})
# Where the feedback stands in what the records of a message share: JSON has no such character in it.
_HOLE = msgspec.Raw(b"\0")
# With which every record ends, behind the mail and what happened to it.
_END = "}}}}"


class Mail(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message as it was sent to one address."""

    # As SendMessages told it.
    message_id: str
    sent_at: datetime
    from_address: str
    destination: str
    subject: str
    headers: Sequence[tuple[str, str]]
    # Where it comes from: `CampaignRun.attributes()`, `JourneyStep.attributes()`, or what `direct` makes.
    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    # Its delivery was not logged when it was sent: it was in doubt, or whoever took it tells later.
    awaits_delivery: bool = False

    def document(self, *, more_headers: Sequence[tuple[str, str]] = ()) -> JsonObject:
        """What every record tells of it."""
        kept, is_truncated = _within_limit([*self.headers, *more_headers])
        return {
            "message_id": self.message_id,
            "message_send_timestamp": milliseconds(self.sent_at),
            "from_address": self.from_address,
            "destination": [self.destination],
            "headers_truncated": is_truncated,
            "headers": [{"name": name, "value": value} for name, value in kept],
            "common_headers": {"from": self.from_address, "to": [self.destination], "subject": self.subject},
        }


def direct(context: dict[str, str], trace_id: str | None = None) -> dict[str, str]:
    """The attributes of a message that no campaign or journey sent: the caller's context, and its trace.

    A context adds to what records tell, and replaces nothing of it.
    """
    own = {name: value for name, value in context.items() if name not in _OURS}
    return {"treatment_id": "0", **own} | ({} if trace_id is None else {"trace_id": trace_id})


@dataclass(frozen=True, slots=True)
class Visit:
    """Who opened or clicked, as the tracking link saw it."""

    ip_address: str
    user_agent: str


BounceType = Literal["Permanent", "Transient", "Undetermined"]


@dataclass(frozen=True, slots=True)
class Bounce:
    """What the receiving side said when it did not take a message."""

    bounce_type: BounceType
    bounce_sub_type: str
    # `failed` or `delayed`, an enhanced status such as 5.1.1, and the server's own words; empty when not told.
    action: str = ""
    status: str = ""
    diagnostic_code: str = ""
    feedback_id: str = ""
    reporting_mta: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a feedback report says."""

    feedback_id: str = ""
    feedback_type: str = ""
    user_agent: str = ""


class EmailRecords:
    """Makes the records of one message."""

    def __init__(self, origin: Origin, subject: Subject, mail: Mail) -> None:
        self._origin = origin
        self._subject = subject
        self._mail = mail

    def send(self, at: datetime) -> str:
        """It was handed on to be sent."""
        return self._record("send", "received", at, {"send": {}})

    def delivered(self, at: datetime, *, smtp_response: str, reporting_mta: str) -> str:
        """The receiving server has taken it."""
        delivery = {
            "smtp_response": smtp_response,
            "reporting_mta": reporting_mta,
            "recipients": [self._mail.destination],
            "processing_time_millis": max(0, milliseconds(at) - milliseconds(self._mail.sent_at)),
        }
        return self._record("delivered", "delivered", at, {"delivery": delivery})

    def open(self, at: datetime, visit: Visit) -> str:
        """Its picture was asked for."""
        return self._record("open", "opened", at, {"open": _visit(visit)}, is_visit=True)

    def click(self, at: datetime, visit: Visit, link: str) -> str:
        """One of its links was followed."""
        return self._record("click", link, at, {"click": _visit(visit) | {"link": link}}, is_visit=True)

    def unsubscribe(self, at: datetime, visit: Visit, link: str) -> str:
        """A link marked as one to unsubscribe was followed; written beside the click."""
        click = {"click": _visit(visit) | {"link": link}}
        return self._record("unsubscribe", "unsubscribed", at, click, is_visit=True)

    def hardbounce(self, at: datetime, bounce: Bounce) -> str:
        """It will never arrive."""
        return self._record("hardbounce", "hardbounce", at, {"bounce": self._bounce(at, bounce)})

    def softbounce(self, at: datetime, bounce: Bounce) -> str:
        """It could not be delivered this time."""
        return self._record("softbounce", "softbounce", at, {"bounce": self._bounce(at, bounce)})

    def complaint(self, at: datetime, complaint: Complaint) -> str:
        """The recipient called it spam."""
        told = {
            "complained_recipients": [{"email_address": self._mail.destination}],
            "feedback_id": complaint.feedback_id,
            "complaint_feedback_type": complaint.feedback_type,
            "user_agent": complaint.user_agent,
            "arrival_date": format_instant(at),
        }
        return self._record("complaint", "complaint", at, {"complaint": _told(told)})

    def rejected(self, at: datetime, reason: str) -> str:
        """It was not sent: there is something harmful in it."""
        return self._record("rejected", "rejected", at, {"reject": {"reason": reason}})

    def rendering_failure(self, at: datetime, *, template_name: str, error_message: str) -> str:
        """It was not sent: its template could not be filled."""
        told = {"template_name": template_name, "error_message": error_message}
        return self._record("rendering_failure", "rendering_failure", at, {"rendering_failure": told})

    def _bounce(self, at: datetime, bounce: Bounce) -> JsonObject:
        recipient = {
            "email_address": self._mail.destination,
            "action": bounce.action,
            "status": bounce.status,
            "diagnostic_code": bounce.diagnostic_code,
        }
        told = {
            "bounce_type": bounce.bounce_type,
            "bounce_sub_type": bounce.bounce_sub_type,
            "bounced_recipients": [_told(recipient)],
            "timestamp": format_instant(at),
            "feedback_id": bounce.feedback_id,
            "reporting_mta": bounce.reporting_mta,
        }
        return _told(told)

    def _record(self, kind: str, feedback: str, at: datetime, what: JsonObject, *, is_visit: bool = False) -> str:
        # Pinpoint's records of opens and clicks name a Message-ID without having one.
        before, after = self._around([("Message-ID", "null")]) if is_visit else self._shared
        begin = begin_of_record(f"_email.{kind}", (self._mail.sent_at, at))
        return f"{begin}{before}{_json(feedback)}{after},{_json(what)[1:-1]}{_END}"

    @cached_property
    def _shared(self) -> tuple[str, str]:
        # Several records are made of most messages, and making this takes longer than all else.
        return self._around()

    def _around(self, more_headers: Sequence[tuple[str, str]] = ()) -> tuple[str, str]:
        """What its records share: the text before the feedback, and the one behind it up to the end of the mail."""
        text = rest_of_record(
            self._origin,
            self._subject,
            {"feedback": _HOLE, **self._mail.attributes},
            client_context={"custom": {"legacy_identifier": self._origin.application_id}},
            facets={"email_channel": {"mail_event": {"mail": self._mail.document(more_headers=more_headers)}}},
        )
        before, _, after = text.removesuffix(_END).partition("\0")
        return before, after


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _visit(visit: Visit) -> JsonObject:
    return {"ip_address": visit.ip_address, "user_agent": visit.user_agent}


def _told(document: dict[str, Any]) -> JsonObject:
    return {key: value for key, value in document.items() if value != ""}


def _within_limit(headers: Sequence[tuple[str, str]]) -> tuple[Sequence[tuple[str, str]], bool]:
    """The headers up to the limit, and whether any were cut."""
    size = 0
    for count, (name, value) in enumerate(headers):
        size += len(name.encode()) + len(value.encode())
        if size > MAX_HEADERS_BYTES:
            return headers[:count], True
    return headers, False

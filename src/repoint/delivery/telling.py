"""What can be told of an e-mail after it went out: by recipients, by receiving servers, by the service that sent it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import msgspec

from repoint.db.parameters import storable
from repoint.events.email_records import Bounce, Complaint, EmailRecords, Visit

Kind = Literal[
    "open",
    "click",
    "unsubscribe",
    "delivered",
    "hardbounce",
    "softbounce",
    "complaint",
    "rejected",
    "rendering_failure",
]
# Ids come from outside, and ours, SES's and Message-IDs are all shorter.
_LONGEST_ID = 300
# Those of services and of mails; what is longer is known by its hash.
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the receiving server said when it took a message."""

    smtp_response: str = ""
    reporting_mta: str = ""


@dataclass(frozen=True, slots=True)
class Click:
    """Who followed which link."""

    visit: Visit
    link: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a message was not sent."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unrendered:
    """Which template could not be filled, and why."""

    template_name: str = ""
    error_message: str = ""


What = Visit | Click | Delivery | Bounce | Complaint | Rejection | Unrendered


@dataclass(frozen=True, slots=True)
class _Form:
    """What a kind tells, and what makes its record."""

    what: type[What]
    record: Callable[[EmailRecords, datetime, Any], str]


_FORMS: Mapping[Kind, _Form] = {
    "open": _Form(Visit, EmailRecords.open),
    "click": _Form(Click, lambda records, at, click: records.click(at, click.visit, click.link)),
    "unsubscribe": _Form(Click, lambda records, at, click: records.unsubscribe(at, click.visit, click.link)),
    "delivered": _Form(
        Delivery,
        lambda records, at, what: records.delivered(
            at, smtp_response=what.smtp_response, reporting_mta=what.reporting_mta
        ),
    ),
    "hardbounce": _Form(Bounce, EmailRecords.hardbounce),
    "softbounce": _Form(Bounce, EmailRecords.softbounce),
    "complaint": _Form(Complaint, EmailRecords.complaint),
    "rejected": _Form(Rejection, lambda records, at, what: records.rejected(at, what.reason)),
    "rendering_failure": _Form(
        Unrendered,
        lambda records, at, what: records.rendering_failure(
            at, template_name=what.template_name, error_message=what.error_message
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told of an e-mail."""

    # Under which it may be known: ours, or that of the service that sent it. One that is known is enough.
    message_ids: tuple[str, ...]
    kind: Kind
    # When it happened.
    at: datetime
    what: What
    # What tells it from others of its kind and message; empty when nothing does, and then it is noted each time.
    key: str = ""


def readable_key(told: Told) -> str:
    """Its key as the database takes it, in which nothing that is indexed may be long."""
    key = storable(told.key)
    return key if len(key) <= _LONGEST_KEY else sha256(key.encode()).hexdigest()


def readable_ids(told: Told) -> list[str]:
    """Those of its ids that a message can have; the database takes no NUL and no half of a letter."""
    return [each for each in told.message_ids if each.isprintable() and 0 < len(each) <= _LONGEST_ID]


def read_what(kind: Kind, document: Any) -> What:
    """What was told, of what the database has kept of it."""
    what: What = msgspec.convert(document, _FORMS[kind].what)
    return what


def bare_id(message_id: str) -> str:
    """A Message-ID without its brackets and without the sender's domain."""
    return message_id.strip("<> \t").partition("@")[0]


def record_of(told: Told, records: EmailRecords) -> str:
    """The record that tells it, without letters that the database does not take."""
    return _FORMS[told.kind].record(records, told.at, read_what(told.kind, as_stored(told)))


def as_stored(told: Told) -> dict[str, Any]:
    """What is told, as the database takes it."""
    return _plain(msgspec.to_builtins(told.what))


def _plain(members: dict[str, Any]) -> dict[str, Any]:
    return {name: storable(value) if isinstance(value, str) else _plain(value) for name, value in members.items()}

"""What a mail in the mailbox of bounces tells of a message."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Literal

from repoint.delivery.bounces.dsn import read_dsn
from repoint.delivery.bounces.feedback import is_feedback, read_complaint
from repoint.delivery.bounces.mail import BROKEN, header, open_mail
from repoint.delivery.bounces.plain import read_plain
from repoint.delivery.bounces.returned import told_ids
from repoint.delivery.told import Told
from repoint.events.email_records import EmailRecords

_Told = Literal["delivered", "hardbounce", "softbounce", "complaint"]
MailKind = _Told | Literal["other"]


@dataclass(frozen=True, slots=True)
class Read:
    """A mail that was read."""

    kind: MailKind
    # What is to be noted; None for a mail that is none of ours to read, or that names no message.
    told: Told | None = None


Record = Callable[[EmailRecords], str]

_OTHER = Read("other")


def read_bounce(data: bytes, now: datetime) -> Read:
    """Read a mail of any size; whatever it is, nothing is raised.

    The same mail has the same key each time it is read.
    """
    try:
        mail = open_mail(data)
        key = _key(mail, data)
        found = _of_feedback(mail, key, _at(mail, now)) if is_feedback(mail) else _of_bounce(mail, key, _at(mail, now))
        ids = told_ids(mail) if found else ()
    except BROKEN:
        return _OTHER
    if found is None:
        return _OTHER
    kind, record = found
    return Read(kind, Told(ids, kind, record, key) if ids else None)


def _of_feedback(mail: Message, key: str, at: datetime) -> tuple[_Told, Record] | None:
    complaint = read_complaint(mail, key, at)
    return None if complaint is None else ("complaint", lambda records: records.complaint(at, complaint))


def _of_bounce(mail: Message, key: str, at: datetime) -> tuple[_Told, Record] | None:
    finding = read_dsn(mail) or read_plain(mail)
    if finding is None:
        return None
    if finding.action == "delivered":
        response, mta = finding.diagnostic or finding.status, finding.reporting_mta
        return "delivered", lambda records: records.delivered(at, smtp_response=response, reporting_mta=mta)
    if finding.action not in {"failed", "delayed"}:
        return None
    bounce = finding.bounce(key)
    if bounce.bounce_type == "Permanent":
        return "hardbounce", lambda records: records.hardbounce(at, bounce)
    return "softbounce", lambda records: records.softbounce(at, bounce)


def _key(mail: Message, data: bytes) -> str:
    """What tells this mail from others: its Message-ID, or all of it."""
    told = header(mail, "Message-ID").encode("utf-8", "replace")
    return hashlib.sha256(told or data).hexdigest()[:32]


def _at(mail: Message, now: datetime) -> datetime:
    """When it was written, as far as that can be."""
    try:
        at = parsedate_to_datetime(header(mail, "Date"))
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return now
    return min(at, now)

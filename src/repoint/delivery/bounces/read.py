"""What a mail in the mailbox of bounces tells of a message."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Literal

from repoint.delivery.bounces.dsn import read_dsn
from repoint.delivery.bounces.feedback import is_feedback, read_complaint
from repoint.delivery.bounces.mail import BROKEN, header, open_mail
from repoint.delivery.bounces.plain import read_plain
from repoint.delivery.bounces.returned import told_ids
from repoint.delivery.telling import Delivery, Told, What

_Told = Literal["delivered", "hardbounce", "softbounce", "complaint"]
MailKind = _Told | Literal["other"]


@dataclass(frozen=True, slots=True)
class Read:
    """A mail that was read."""

    kind: MailKind
    # What is to be noted; None for a mail that is none of ours to read, or that names no message.
    told: Told | None = None


_OTHER = Read("other")
_OLDEST = timedelta(days=30)


def read_bounce(data: bytes, now: datetime) -> Read:
    """Read a mail of any size; whatever it is, nothing is raised.

    The same mail has the same key each time it is read.
    """
    try:
        mail = open_mail(data)
        key, at = _key(mail, data), _at(mail, now)
        found = _of_feedback(mail, key) if is_feedback(mail) else _of_bounce(mail, key)
        ids = told_ids(mail) if found else ()
    except BROKEN:
        return _OTHER
    if found is None:
        return _OTHER
    kind, what = found
    return Read(kind, Told(ids, kind, at, what, key) if ids else None)


def _of_feedback(mail: Message, key: str) -> tuple[_Told, What] | None:
    complaint = read_complaint(mail, key)
    return None if complaint is None else ("complaint", complaint)


def _of_bounce(mail: Message, key: str) -> tuple[_Told, What] | None:
    finding = read_dsn(mail) or read_plain(mail)
    if finding is None:
        return None
    if finding.action == "delivered":
        return "delivered", Delivery(finding.diagnostic or finding.status, finding.reporting_mta)
    if finding.action not in {"failed", "delayed"}:
        return None
    bounce = finding.bounce(key)
    return "hardbounce" if bounce.bounce_type == "Permanent" else "softbounce", bounce


def _key(mail: Message, data: bytes) -> str:
    """What tells this mail from others: its Message-ID, or all of it."""
    told = header(mail, "Message-ID").encode("utf-8", "replace")
    return hashlib.sha256(told or data).hexdigest()[:32]


def _at(mail: Message, now: datetime) -> datetime:
    """When it was written, as far as that can be believed: nobody tells of a message for so long."""
    try:
        at = parsedate_to_datetime(header(mail, "Date"))
        at = at.replace(tzinfo=at.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return now
    return at if now - _OLDEST <= at <= now else now

"""Complaints as mailbox providers report them: multipart/report of RFC 5965 (ARF)."""

from email.message import Message

from repoint.delivery.bounces.mail import header, parts
from repoint.events.email_records import Complaint

# Other reports are no complaints: `not-spam` takes one back, `auth-failure` (RFC 6591) tells of signatures.
COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "miscategorized"})


def is_feedback(mail: Message) -> bool:
    """Whether it is such a report, of whichever kind."""
    return any(part.get_content_type() == "message/feedback-report" for part in parts(mail))


def read_complaint(mail: Message, key: str) -> Complaint | None:
    """What the report says; None for one that is no complaint."""
    for part in parts(mail):
        if part.get_content_type() != "message/feedback-report":
            continue
        content = part.get_payload()
        inner = content[0] if isinstance(content, list) and content else None
        fields = inner if isinstance(inner, Message) else part
        kind = header(fields, "Feedback-Type").lower()
        if kind in COMPLAINTS:
            return Complaint(key, kind, header(fields, "User-Agent")[:200])
    return None

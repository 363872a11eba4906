"""Bounces of no standard form: text for people, then the message, or some of it.

Exim's older ones name the recipient in X-Failed-Recipients; qmail's begin with "Hi. This is the"; others come from a
postmaster or a mailer daemon, or have the empty sender that RFC 5321 section 6.1 asks for.
"""

import re
from email.message import Message

from repoint.delivery.bounces.mail import header, one_line, parts, text_of
from repoint.delivery.bounces.status import Finding, find_status

_DAEMON = re.compile(
    r"\b(?:mailer-daemon|postmaster|mail-daemon|mdaemon|bounces?)@|mail delivery (?:sub)?system", re.IGNORECASE
)
_QMAIL = re.compile(r"^Hi\. This is the .{0,60}program at", re.MULTILINE)
# From here on it is the message that comes back.
_RETURNED = re.compile(
    r"^-+ ?(?:This is a copy of|Original message|Below this line is a copy|The header of the original|Returned message)"
    r"|^Return-Path:|^Received:",
    re.IGNORECASE | re.MULTILINE,
)
_LATER = re.compile(
    r"\b(?:delayed|not yet been delivered|will (?:be retried|keep trying|continue to try)|warning)\b", re.IGNORECASE
)
# An answer by a machine in a person's stead, a receipt for reading.
_ANSWERS = re.compile(r"auto-replied", re.IGNORECASE)


def read_plain(mail: Message) -> Finding | None:
    """What it says, as far as that can be told; None for what does not look like a bounce."""
    text = _words(mail)
    if not _is_bounce(mail, text):
        return None
    status = find_status(text)
    # A server that goes on trying says so, whatever it quotes.
    action = "delayed" if _LATER.search(text) and not status.startswith("5") else "failed"
    return Finding(action, status if "." in status else "", _line_with(text, status))


def _is_bounce(mail: Message, text: str) -> bool:
    if mail.get_content_type() == "multipart/report":
        return False
    if "X-Failed-Recipients" in mail or _QMAIL.search(text):
        return True
    if _ANSWERS.search(header(mail, "Auto-Submitted")):
        return False
    return header(mail, "Return-Path") == "<>" or _DAEMON.search(header(mail, "From")) is not None


def _words(mail: Message) -> str:
    """What its writer says, without the message that comes back."""
    for part in parts(mail):
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            text = text_of(part)
            found = _RETURNED.search(text)
            return text[: found.start()] if found else text
    return ""


def _line_with(text: str, status: str) -> str:
    """The line that has the status in it."""
    return next((one_line(line) for line in text.splitlines() if status and status in line), "")

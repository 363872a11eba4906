"""What an SMTP reply means for a message.

Codes are RFC 5321 section 4.2, the enhanced ones (`4.7.1`) RFC 3463. A server asks us to come later with 421, 450, 451
or 452, for load and for greylisting alike; that it is about us and not about the mailbox is told by the enhanced
code's class 7, or by words.
"""

import re

from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.smtp.reply import Reply

_DETAIL_CHARACTERS = 500
# Members of an enum are slow to look up.
_SUCCESSFUL = Status.SUCCESSFUL
# A service's own, Amazon SES's among them, which tells nothing else. Shorter are names of places in a queue: they come
# again, so nothing that is told under one is surely about this message.
_ID = re.compile(r"(?:queued as <?| id=)([\w.@-]{31,})|Ok ([0-9a-f]{16}-[0-9a-f-]{36}-\d{6})$")
_ENHANCED = re.compile(r"[245]\.(\d{1,3})\.\d{1,3}\b")
_POLICY = "7"
_SLOW_DOWN = re.compile(r"gr[ae]y-?list|too many|too fast|\brate\b|throttl|slow down", re.IGNORECASE)
_WAIT = re.compile(r"(\d{1,5})\s*(s|sec|second|m|min|minute|h|hour)s?\b", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
# Too much of something of the server's, and not of the message.
_COME_LATER = {421, 450, 451, 452}


def taken(reply: Reply) -> Outcome:
    """The message is the server's now."""
    found = _ID.search(reply.text)
    return Outcome(_SUCCESSFUL, 200, detail(reply), found and found[found.lastindex or 0])


def refused(reply: Reply) -> Outcome:
    """The message is not the server's."""
    if 400 <= reply.code < 500:  # noqa: PLR2004 - the class 4yz
        return _come_later(reply)
    if 500 <= reply.code < 600:  # noqa: PLR2004 - the class 5yz
        return Outcome(Status.PERMANENT_FAILURE, 400, detail(reply))
    return Outcome(Status.UNKNOWN_FAILURE, 500, f"the server answered out of turn: {detail(reply)}")


def _come_later(reply: Reply) -> Outcome:
    if is_throttling(reply):
        return Outcome(Status.THROTTLED, 429, detail(reply), retry_after_s=_retry_after_s(reply.text))
    return Outcome(Status.TEMPORARY_FAILURE, 500, detail(reply), retry_after_s=_retry_after_s(reply.text))


def is_throttling(reply: Reply) -> bool:
    """Whether a reply asks us, rather than this message, to come later."""
    if reply.code not in _COME_LATER:
        return False
    enhanced = _ENHANCED.match(reply.text)
    return (enhanced is not None and enhanced[1] == _POLICY) or _SLOW_DOWN.search(reply.text) is not None


def _retry_after_s(text: str) -> float | None:
    found = _WAIT.search(text)
    return None if found is None else float(found[1]) * _SECONDS[found[2][0].lower()]


def detail(reply: Reply) -> str:
    """The reply on one line that can be shown."""
    text = f"{reply.code} {reply.text}"
    return (text if text.isprintable() else _UNPRINTABLE.sub(" ", text))[:_DETAIL_CHARACTERS]

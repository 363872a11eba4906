"""What a gateway's answer means.

A word in the answer says more than the HTTP status, and the operator's lists more than our defaults; what nobody knows
is UNKNOWN_FAILURE.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from repoint.delivery.outcome import Outcome, Status
from repoint.web import read_retry_after

_DETAIL_CHARACTERS = 500
_WORD_CHARACTERS = 100
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# The contract's StatusCode of each.
CODES = {
    Status.SUCCESSFUL: 200,
    Status.THROTTLED: 429,
    Status.TEMPORARY_FAILURE: 500,
    Status.PERMANENT_FAILURE: 400,
    Status.OPT_OUT: 400,
    Status.UNKNOWN_FAILURE: 500,
}
# By HTTP status; what is not listed follows its class.
_STATUSES = {
    # About us and not about the message: another provider may take it.
    401: Status.TEMPORARY_FAILURE,
    403: Status.TEMPORARY_FAILURE,
    407: Status.TEMPORARY_FAILURE,
    408: Status.TEMPORARY_FAILURE,
    425: Status.TEMPORARY_FAILURE,
    429: Status.THROTTLED,
    # Somebody between lost the gateway after it had the message, perhaps.
    502: Status.UNKNOWN_FAILURE,
    504: Status.UNKNOWN_FAILURE,
}
_CLASSES = {
    2: Status.SUCCESSFUL,
    # Redirects are not followed; the URL in the settings is wrong.
    3: Status.TEMPORARY_FAILURE,
    4: Status.PERMANENT_FAILURE,
    5: Status.TEMPORARY_FAILURE,
}


def status_of(http_status: int) -> Status:
    """What an HTTP status says of the message where nothing says more."""
    return _STATUSES.get(http_status) or _CLASSES.get(http_status // 100, Status.UNKNOWN_FAILURE)


def printable(text: str) -> str:
    """A gateway's words as they are shown and stored: on one line, not too long, without halves of letters."""
    return _UNPRINTABLE.sub(" ", text)[:_DETAIL_CHARACTERS].encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Finder:
    """Where in an answer something stands: a JSON pointer (RFC 6901), or a pattern whose first group it is."""

    pointer: str | None = None
    pattern: re.Pattern[str] | None = None

    @classmethod
    def of(cls, text: str | None) -> "Finder | None":
        """`/a/0/b` is a pointer, everything else a regular expression; raises ValueError for neither."""
        if text is None:
            return None
        if text.startswith("/"):
            return cls(pointer=text)
        try:
            pattern = re.compile(text)
        except re.error as error:
            raise ValueError(f"neither a JSON pointer (/a/b) nor a regular expression: {error}") from error
        if pattern.groups < 1:
            raise ValueError("a regular expression needs a group for what it finds: id=(\\w+)")
        return cls(pattern=pattern)

    def find(self, body: str) -> str | None:
        """What stands there, as text; None when nothing does."""
        found = self._search(body) if self.pattern is not None else self._point(body)
        return None if found is None else printable(found)

    def _search(self, body: str) -> str | None:
        match = self.pattern.search(body) if self.pattern is not None else None
        return None if match is None else match[1]

    def _point(self, body: str) -> str | None:
        try:
            place: Any = json.loads(body)
        except (ValueError, RecursionError):
            return None
        for step in (self.pointer or "").split("/")[1:]:
            place = _member(place, step.replace("~1", "/").replace("~0", "~"))
        if isinstance(place, bool):
            return str(place).lower()
        return str(place) if isinstance(place, str | int | float) else None


def _member(place: Any, step: str) -> Any:
    if isinstance(place, dict):
        return place.get(step)
    if isinstance(place, list) and step.isdecimal() and int(step) < len(place):
        return place[int(step)]
    return None


@dataclass(frozen=True, slots=True)
class Reading:
    """How answers are read; `words` has statuses by words of the gateway's, HTTP statuses as text among them."""

    words: Mapping[str, Status]
    message_id: Finder | None
    status: Finder | None
    detail: Finder | None
    # Whether only words that are listed as sent mean so.
    needs_word: bool

    def outcome(self, http_status: int, retry_after: str | None, body: str, hidden: Iterable[str]) -> Outcome:
        """What became of the message; `hidden` is left out of what is told of it."""
        word = self.status.find(body) if self.status else None
        status = self._status(http_status, word)
        detail = _told(http_status, word, self.detail.find(body) if self.detail else None, hidden)
        if status == Status.SUCCESSFUL:
            return Outcome(status, 200, detail, self.message_id.find(body) if self.message_id else None)
        may_wait = status in {Status.THROTTLED, Status.TEMPORARY_FAILURE}
        wait_s = retry_after_s(retry_after) if may_wait else None
        # An answer that means nothing to us does not say that the message was not taken.
        in_doubt = status == Status.UNKNOWN_FAILURE
        return Outcome(status, CODES[status], detail, retry_after_s=wait_s, is_in_doubt=in_doubt)

    def _status(self, http_status: int, word: str | None) -> Status:
        known = self.words.get(word) if word is not None else None
        known = known or self.words.get(str(http_status))
        if known is not None:
            return known
        status = status_of(http_status)
        return Status.UNKNOWN_FAILURE if status == Status.SUCCESSFUL and self.needs_word else status


def _told(http_status: int, word: str | None, detail: str | None, hidden: Iterable[str]) -> str:
    parts = [f"the gateway answered {http_status}", word and word[:_WORD_CHARACTERS], detail]
    text = ": ".join(part for part in parts if part)
    for secret in hidden:
        text = text.replace(secret, "***")
    return text[:_DETAIL_CHARACTERS]


def retry_after_s(header: str | None) -> float | None:
    """What a `Retry-After` asks for; None for what means nothing."""
    seconds = read_retry_after(header or "", datetime.now(UTC))
    return seconds if seconds is not None and isfinite(seconds) else None

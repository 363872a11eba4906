"""What an SMTP server says: replies of a code and some text (RFC 5321 section 4.2)."""

import re
from typing import NamedTuple

# A server that says more in one reply, or in replies nobody asked for, is not listened to.
_LIMIT_BYTES = 64 << 10
# A server repeats itself in all but the ids of messages; so many of its lines are remembered.
_KNOWN_LINES = 64
_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)


class BadReplyError(Exception):
    """What came is not SMTP."""


class Reply(NamedTuple):
    """One reply; the lines of its text are parted by line feeds."""

    code: int
    text: str

    @property
    def is_good(self) -> bool:
        """Whether the command was done."""
        return 200 <= self.code < 300  # noqa: PLR2004 - the class 2yz

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class ReplyReader:
    """Makes replies of bytes as they arrive."""

    __slots__ = ("_known", "_lines", "_rest", "_size_bytes")

    def __init__(self) -> None:
        # An unfinished line, and the text of an unfinished reply.
        self._rest = b""
        self._lines: list[bytes] = []
        self._size_bytes = 0
        # Replies of one line, by that line.
        self._known: dict[bytes, Reply] = {}

    @property
    def is_between_replies(self) -> bool:
        """Whether everything that has come was part of a whole reply."""
        return not self._rest and not self._lines

    def feed(self, data: bytes) -> list[Reply]:
        """Take in some bytes; the replies that they complete. Raises BadReplyError."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest
        replies = []
        for line in lines:
            reply = self._known.get(line) if not self._lines else None
            reply = reply or self._add(line)
            if reply is not None:
                replies.append(reply)
        if len(rest) + self._size_bytes > _LIMIT_BYTES:
            raise BadReplyError("the server's reply does not end")
        return replies

    def _add(self, line: bytes) -> Reply | None:
        match = _LINE.fullmatch(line.removesuffix(b"\r"))
        if match is None:
            raise BadReplyError("the server does not speak SMTP")
        code, mark, text = match.groups()
        if mark == b"-":
            self._lines.append(text)
            self._size_bytes += len(line)
            return None
        is_alone = not self._lines
        if not is_alone:
            text = b"\n".join([*self._lines, text or b""])
            self._lines = []
            self._size_bytes = 0
        reply = Reply(int(code), (text or b"").decode("utf-8", "replace"))
        if is_alone and len(self._known) < _KNOWN_LINES:
            self._known[line] = reply
        return reply

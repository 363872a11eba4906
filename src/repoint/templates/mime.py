"""E-mails as they go over the wire: compiled once for a version of their content, spliced for each recipient."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from repoint.templates.address import read_mailbox, wire_address
from repoint.templates.body import UTF_8, Body
from repoint.templates.cache import MOST_BYTES, Cache, compiled_size
from repoint.templates.errors import RenderError
from repoint.templates.escape import Escape
from repoint.templates.field import field
from repoint.templates.rendering import Rendering, Track
from repoint.templates.text import Compiled, compile_text, uses_recommendations
from repoint.templates.values import Values

MAX_HEADERS = 15
MAX_NAME_LENGTH = 126
MAX_VALUE_LENGTH = 870
MAX_BYTES = 10 * 1024 * 1024

# What Repoint writes itself, or what would send copies; also what begins with Content- (channels.md section 5).
_REFUSED = frozenset({"from", "to", "subject", "date", "message-id", "mime-version", "bcc", "return-path"})
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class EmailPart:
    """SimpleEmailPart: a template, and the charset it is to be sent in."""

    data: str
    charset: str = UTF_8


@dataclass(frozen=True, slots=True)
class EmailParts:
    """Everything of an e-mail that is the same for all of its recipients. What is empty is left out."""

    # `a@b` or `Name <a@b>`; no template.
    from_address: str
    subject: str = ""
    html: EmailPart | None = None
    text: EmailPart | None = None
    # Names and templates of values.
    headers: tuple[tuple[str, str], ...] = ()
    reply_to: tuple[str, ...] = ()


class CompiledEmail:
    """An e-mail that recipients' values are put into."""

    def __init__(self, parts: EmailParts) -> None:
        """See `compile_email`."""
        sender = read_mailbox(parts.from_address)
        self._domain = sender.address.rpartition("@")[2]
        self._from = f"From: {sender.shown(room=len('From: '))}\r\n"
        replies = [read_mailbox(address).shown(room=1) for address in parts.reply_to]
        self._reply_to = "Reply-To: " + ",\r\n ".join(replies) + "\r\n" if replies else ""
        self._subject = compile_text(parts.subject, part="Subject", escape=Escape.NONE)
        self._headers = _headers(parts)
        self._bodies = _bodies(parts)
        boundary = _boundary(parts)
        self._between = f"\r\n--{boundary}\r\n"
        self._opening = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n'
        self._closing = f"\r\n--{boundary}--\r\n"
        # Paths of the variables that it uses, without index and brackets.
        self.variables = self._subject.variables.union(
            *(value.variables for _, value in self._headers), *(body.variables for body in self._bodies)
        )

    @property
    def uses_recommendations(self) -> bool:
        """Whether a recommender must be asked before this is rendered."""
        return uses_recommendations(self.variables)

    def render(  # noqa: PLR0913 - each is the recipient's own
        self,
        values: Values,
        *,
        to: str,
        message_id: str,
        date: datetime,
        extra_headers: Sequence[tuple[str, str]] = (),
        track: Track | None = None,
        pixel: str | None = None,
    ) -> bytes:
        """The whole message (RFC 5322) with CRLF as line ends. Raises RenderError with the reason why there is none.

        `to` is an address without a name; `message_id` stands before the sender's domain when it has no own.
        `extra_headers` are texts, not templates, and ours: nothing is refused. `track` gives the address that stands
        for a link in HTML, `pixel` is that of the image which tells of an opening.
        """
        lines = [
            self._from,
            f"To: {wire_address(to)}\r\n",
            field("Subject", self._subject.render(values)),
            f"Date: {_date(date)}\r\nMessage-ID: <{self._full_id(message_id)}>\r\n",
            self._reply_to,
        ]
        lines += [field(name, _short(name, value.render(values))) for name, value in self._headers]
        lines += [field(name, value) for name, value in extra_headers]
        rendering = Rendering(values)
        rendering.track, rendering.pixel = track, pixel
        if len(self._bodies) == 1:
            lines += ["MIME-Version: 1.0\r\n", self._bodies[0].render(rendering), "\r\n"]
        else:
            lines.append(self._opening)
            for body in self._bodies:
                lines += [self._between, body.render(rendering)]
            lines.append(self._closing)
        return _limited("".join(lines).encode())

    def subject(self, values: Values) -> str:
        """The subject as people read it. Raises RenderError."""
        return self._subject.render(values)

    def _full_id(self, message_id: str) -> str:
        return message_id if "@" in message_id else f"{message_id}@{self._domain}"


_cache: Cache[EmailParts, CompiledEmail] = Cache(MOST_BYTES)


def compile_email(parts: EmailParts) -> CompiledEmail:
    """Compile an e-mail, or take it from the cache.

    Raises TemplateError for what is no template, naming the part; RenderError for what else no mail can be made of: an
    address, a header, a charset.
    """
    found = _cache.get(parts)
    if found is None:
        found = CompiledEmail(parts)
        sources = [parts.subject, *(part.data for part in (parts.html, parts.text) if part)]
        # With links that can be replaced, and in a second charset, it may be there three times.
        _cache.put(parts, found, size=3 * sum(map(compiled_size, sources)))
    return found


def raw_email(data: bytes) -> bytes:
    """RawEmail as it is sent: as it came, with CRLF as line ends.

    Raises RenderError for more than 10 MB, and for NUL, which no mail server must take (RFC 5321 4.5.2).
    """
    _limited(data)
    if b"\0" in data:
        raise RenderError("Invalid RawEmail: it has a NUL in it")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.replace(b"\n", b"\r\n")


def _headers(parts: EmailParts) -> list[tuple[str, Compiled]]:
    given = parts.headers
    if len(given) > MAX_HEADERS:
        raise RenderError(f"Headers exceeds the maximum of {MAX_HEADERS} items")
    for name, value in given:
        lowered = name.lower()
        # RFC 5322: printable ASCII but no colon.
        is_name = name.isascii() and name.isprintable() and " " not in name and ":" not in name
        if not 1 <= len(name) <= MAX_NAME_LENGTH or not is_name:
            raise RenderError(f"Invalid header name: {name[:MAX_NAME_LENGTH]}")
        is_double = lowered == "reply-to" and bool(parts.reply_to)
        if lowered in _REFUSED or lowered.startswith("content-") or is_double:
            raise RenderError(f"Header {name} can't be set")
        _short(name, value)
    return [(name, compile_text(value, part="Headers", escape=Escape.NONE)) for name, value in given]


def _short(name: str, value: str) -> str:
    if len(value) > MAX_VALUE_LENGTH:
        raise RenderError(f"Header {name} exceeds the maximum of {MAX_VALUE_LENGTH} characters")
    return value


def _bodies(parts: EmailParts) -> list[Body]:
    """The parts, the one that says most last (RFC 2046); a mail without any has an empty text."""
    bodies = [
        Body(part.data, part.charset, part=name, is_html=is_html)
        for part, name, is_html in ((parts.text, "TextPart", False), (parts.html, "HtmlPart", True))
        if part and part.data
    ]
    return bodies or [Body("", UTF_8, part="TextPart", is_html=False)]


def _boundary(parts: EmailParts) -> str:
    """A line that no part can have: `=_` is neither in quoted-printable nor in base64. Other mails have another one."""
    return f"=_{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"


@lru_cache(8)
def _date(moment: datetime) -> str:
    at = moment.astimezone(UTC)
    return (
        f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year} "
        f"{at.hour:02}:{at.minute:02}:{at.second:02} +0000"
    )


def _limited(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise RenderError(f"The message exceeds the maximum of {MAX_BYTES} bytes")
    return data

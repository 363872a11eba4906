"""A message in the form that SMTP carries it: the commands before it, and its bytes with their dots stuffed.

Nothing in a message can end it: every line end is made CRLF before dots are stuffed, so that no server, however
forgiving it reads, finds a line with a single dot in it but the last one (SMTP smuggling).
"""

import re
from functools import lru_cache
from typing import NamedTuple

from repoint.delivery.smtp.greeting import Extensions

# RFC 5321 section 4.1.2, and letters beyond ASCII as RFC 6531 allows them.
_ATOM = r"[^\x00-\x20\x7f\"(),.:;<>@\[\\\]]+"
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"'
_LABEL = r"\w(?:[\w-]*\w)?"
_LITERAL = r"\[[0-9A-Za-z.:-]+\]"
_ADDRESS = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@(?P<domain>{_LABEL}(?:\.{_LABEL})*\.?|{_LITERAL})")
_LINE_ENDS = b"\r\n"
_OTHERS = bytes(byte for byte in range(256) if byte not in _LINE_ENDS)
_LINE_END = re.compile(rb"\r\n|\r|\n")
# RFC 5321 section 4.5.3.1.3, without the angle brackets.
_LONGEST_PATH = 254


class UnsendableError(Exception):
    """The message cannot be sent through this server, now or later; the text tells why."""


class TooLargeError(UnsendableError):
    """The server takes none as large."""


class Envelope(NamedTuple):
    """The commands that come before a message, each with its line end."""

    mail: bytes
    rcpt: bytes
    data: bytes = b"DATA\r\n"


def envelope(message_id: str, sender: str, recipient: str, mime: bytes, extensions: Extensions) -> Envelope:
    """The commands for a message between two paths; raises UnsendableError when the server lacks what it needs.

    Where the server takes it (RFC 3461), the id goes along for bounces to name, whatever they return of the message.
    """
    parameters = f" ENVID={message_id}" if "DSN" in extensions else ""
    if "SIZE" in extensions:
        limit = extensions.size_limit_bytes
        if limit is not None and len(mime) > limit:
            raise TooLargeError(f"the message has {len(mime)} bytes, and the server takes at most {limit}")
        parameters += f" SIZE={len(mime)}"
    if not mime.isascii():
        _need(extensions, "8BITMIME", "the message's bytes beyond ASCII")
        parameters += " BODY=8BITMIME"
    if not (sender.isascii() and recipient.isascii()):
        _need(extensions, "SMTPUTF8", "an address with letters beyond ASCII before its @")
        parameters += " SMTPUTF8"
    return Envelope(f"MAIL FROM:<{sender}>{parameters}\r\n".encode(), f"RCPT TO:<{recipient}>\r\n".encode())


@lru_cache(maxsize=1024)
def sender_path(address: str) -> str:
    """`path` for those who send, who are few; empty for the sender of bounces, who wants none back."""
    return path(address) if address else ""


def path(address: str) -> str:
    """An address as it stands in a command, its domain in ASCII; raises UnsendableError for what is none."""
    match = _ADDRESS.fullmatch(address) if len(address) <= _LONGEST_PATH else None
    if match is None or not address.isprintable():
        raise UnsendableError("not an e-mail address")
    if address.isascii() or match["domain"].isascii():
        return address
    return f"{match['local']}@{_ascii(match['domain'])}"


def _ascii(domain: str) -> str:
    # Python's own codec knows the rules of 2003 only, under which some names are those of others.
    import idna  # noqa: PLC0415 - its tables take a moment, and hardly anybody needs them

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise UnsendableError("not an e-mail address: nobody can have that domain") from error


def _need(extensions: Extensions, keyword: str, why: str) -> None:
    if keyword not in extensions:
        raise UnsendableError(f"the server does not offer {keyword}, which is needed for {why}")


def with_plain_line_ends(mime: bytes) -> bytes:
    """The message with CRLF for whatever ended a line in it, the last one included."""
    # What remains without all other bytes shows at once whether anything but CRLF is in it.
    ends = mime.translate(None, _OTHERS)
    if ends != _LINE_ENDS * (len(ends) // 2):
        mime = _LINE_END.sub(_LINE_ENDS, mime)
    return mime if mime.endswith(b"\r\n") else mime + b"\r\n"


def stuffed(mime: bytes) -> bytes:
    """What is sent after DATA, the final dot included; the message must have plain line ends."""
    if b"\r\n." in mime:
        mime = mime.replace(b"\r\n.", b"\r\n..")
    if mime.startswith(b"."):
        mime = b"." + mime
    return mime + b".\r\n"

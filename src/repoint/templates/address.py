"""E-mail addresses as headers and envelopes carry them."""

import re
from dataclasses import dataclass

from repoint.templates.errors import RenderError
from repoint.templates.field import encoded_words, is_encoded, one_line

MAX_LENGTH = 320

# What needs no second look.
_USUAL = re.compile(r"[A-Za-z0-9_+-]++(?:\.[A-Za-z0-9_+-]++)*+@[a-z0-9]++(?:[.-][a-z0-9]++)*+")
_MAILBOX = re.compile(r"(?P<name>.*)<(?P<address>[^<>]*)>\s*", re.DOTALL)
# Letters beyond ASCII are those of an internationalised address (RFC 6531).
# Said by what it is not: a range up to the last of all letters takes long to compile.
_ATOM = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f-\xa0]+'
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+")
# Dots in odd places are no RFC's, but real; such a local part is quoted.
_ODD_ATOM = re.compile(r'[^\x00-\x20"(),:;<>@\[\\\]\x7f-\xa0]+')
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*+"')
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*")
_LITERAL = re.compile(r"\[[0-9A-Za-z:.]+\]")
# Blanks that are no ASCII, and what turns the direction of text.
_INVISIBLE = re.compile(r"[\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# A name of these needs no quotes.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address, and the name that stands before it; "" for none."""

    name: str
    address: str

    def shown(self, *, room: int) -> str:
        """As a header has it, where `room` characters of its first line are taken."""
        name = one_line(self.name).strip()
        if not name:
            return self.address
        if not name.isascii():
            name = encoded_words(name, room)
        elif not _PLAIN_NAME.fullmatch(name) and not is_encoded(name):
            name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{name} <{self.address}>"


def read_mailbox(text: str) -> Mailbox:
    """`a@b` or `Name <a@b>`. Raises RenderError for what is neither."""
    found = _MAILBOX.fullmatch(text)
    if found is None:
        return Mailbox("", wire_address(text))
    name = found["name"].strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return Mailbox(name, wire_address(found["address"]))


def wire_address(text: str) -> str:
    """The address as it is sent: the domain in ASCII, the local part as it is, quoted where it must be.

    With letters beyond ASCII in the local part only servers that know SMTPUTF8 take it. Raises RenderError for what is
    no single address, so that nothing but an address gets into an envelope or a header.
    """
    if len(text) <= MAX_LENGTH and _USUAL.fullmatch(text):
        return text
    local, at, domain = text.strip().rpartition("@")
    if not at or len(text) > MAX_LENGTH or _INVISIBLE.search(domain):
        raise RenderError("Invalid e-mail address")
    return f"{_local(local)}@{_domain(domain)}"


def _local(text: str) -> str:
    if _QUOTED.fullmatch(text) and not _INVISIBLE.search(text.replace(" ", "")):
        return text
    if _INVISIBLE.search(text) or not _ODD_ATOM.fullmatch(text):
        raise RenderError("Invalid e-mail address")
    return text if _DOT_ATOM.fullmatch(text) else f'"{text}"'


def _domain(text: str) -> str:
    if _LITERAL.fullmatch(text):
        return text
    try:
        domain = text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        raise RenderError("Invalid e-mail address") from None
    if _DOMAIN.fullmatch(domain) is None:
        raise RenderError("Invalid e-mail address")
    return domain

"""JSON before it has a shape: what no request may contain, parsing without a type, and naming what is broken.

The rules are protocol.md section 4: UTF-8, at most 64 levels, no U+0000 and no unpaired surrogate anywhere, also not in
members that are ignored otherwise. They are asked of every body, so the usual body passes them by a few searches in C.
(U+0000 as it stands, unescaped, needs none: no parser takes it.)
"""

import json
import re
from typing import Any, Self

import msgspec

from repoint.contract.errors import BadRequestException

MAX_DEPTH = 64

# Bodies written by boto3 are full of harmless escapes; these alone deserve a second look.
_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
# One escape a match: a pair of surrogates, or (named) what may not be, or any other.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<bad>u0000|u[dD][89a-fA-F])|.)",
    re.DOTALL,
)
# A surrogate written out in bytes, which UTF-8 has no place for.
_SURROGATE = re.compile(rb"\xed[\xa0-\xbf]")
_NOT_STRUCTURE = bytes(set(range(256)) - set(b'"[]{}'))
_STRING = re.compile(rb'"[^"]*"')
_ONE_BRACKET = bytes.maketrans(b"[]", b"{}")


class Number(float):
    """A number with a point or an exponent; `text` is how it was written, for where it stands in a string's place."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> Self:
        """The number that the text writes, infinite when it is too large."""
        number = super().__new__(cls, text)
        number.text = text
        return number


_decoder = msgspec.json.Decoder(float_hook=Number)


def refuse_unreadable(data: bytes) -> None:
    """Raise BadRequestException for text that may stand nowhere in a request: see the head of this module."""
    if not data.isascii():
        _check_utf8(data)
    if may_hide(data) and any(escape["bad"] for escape in _ESCAPE.finditer(data)):
        raise BadRequestException("Invalid character")
    if data.translate(_ONE_BRACKET, _NOT_STRUCTURE).count(b"{") > MAX_DEPTH:
        _check_depth(data)


def may_hide(data: bytes) -> bool:
    """Whether there are escapes among which may be U+0000 or half a pair of surrogates, which parsers let pass."""
    return b"\\" in data and _SUSPECT.search(data) is not None


def refuse_unreadable_text(text: str) -> None:
    """The same for a label of the path or a parameter of the query, after percent-decoding."""
    if "\0" in text or not (text.isascii() or text.encode(errors="ignore").decode() == text):
        raise BadRequestException("Invalid character")


def parse(data: bytes) -> Any:
    """The JSON value, numbers with a point or an exponent as Number. Raises BadRequestException saying what is broken.

    The data has passed `refuse_unreadable`.
    """
    try:
        return _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise broken(data, str(error)) from error


def broken(data: bytes, reason: str) -> BadRequestException:
    """The error for JSON that cannot be parsed: what is wrong, and its line and column, both counted from 1.

    `reason` is what msgspec says of it. Python's parser knows better what was expected and where, but takes NaN.
    """
    if b"\0" in data:
        return BadRequestException("Invalid character")
    text = data.decode()
    try:
        json.loads(text, parse_constant=_refuse_constant, parse_int=str)
    except json.JSONDecodeError as error:
        return _unexpected(text, error.pos, error.msg.removesuffix(" at"))
    except _ConstantError:
        return _unexpected(text, _reported_position(data, reason), "Numbers must be finite")
    return BadRequestException(reason)


def refuse_repeated(data: bytes, where: str = "") -> None:
    """Raise BadRequestException for an object with a member that is written twice, of which a parser keeps one.

    The data has been parsed. `where` begins the message.
    """

    def check(pairs: list[tuple[str, Any]]) -> None:
        seen = set()
        for name, _ in pairs:
            if name in seen:
                raise BadRequestException(f"{where}{name} is written twice in one object")
            seen.add(name)

    json.loads(data, object_pairs_hook=check, parse_int=str, parse_float=str)


class _ConstantError(ValueError):
    """NaN or Infinity."""


def _refuse_constant(word: str) -> None:
    raise _ConstantError(word)


def _reported_position(data: bytes, reason: str) -> int:
    """The character at the byte that msgspec's message ends with."""
    at = re.search(r"\(byte (\d+)\)$", reason)
    return len(data[: int(at[1])].decode(errors="ignore")) if at else 0


def _unexpected(text: str, at: int, expected: str) -> BadRequestException:
    found = "end of input"
    if at < len(text):
        character = text[at]
        code = f"(code {ord(character)})"
        found = f"character ('{character}' {code})" if character.isprintable() else f"character {code}"
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    wanted = expected[0].lower() + expected[1:]
    return BadRequestException(f"Unexpected {found}: {wanted} at line {line}, column {column}")


def _check_utf8(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if _SURROGATE.match(data, error.start):
            raise BadRequestException("Invalid character") from error
        line = data.count(b"\n", 0, error.start) + 1
        column = len(data[data.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        message = f"Invalid UTF-8 byte 0x{data[error.start]:02x} at line {line}, column {column}"
        raise BadRequestException(message) from error


def _check_depth(data: bytes) -> None:
    """Reduce the document to its brackets and peel it from the leaves: what is left after 64 times was deeper."""
    if b"\\" in data:
        data = re.sub(rb"\\.", b"", data, flags=re.DOTALL)
    rest = data.translate(_ONE_BRACKET, _NOT_STRUCTURE)
    # Two quotes side by side are most strings; without them every other quote still opens where it opened.
    rest = _STRING.sub(b"", rest.replace(b'""', b""))
    for _ in range(MAX_DEPTH):
        if not rest:
            return
        rest = rest.replace(b"{}", b"")
    # What never closes is for the parser to name, as long as it cannot lead it too deep either.
    if b"{}" in rest or rest.count(b"{") > MAX_DEPTH:
        raise BadRequestException(f"JSON is nested deeper than {MAX_DEPTH} levels")

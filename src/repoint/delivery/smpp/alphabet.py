"""Texts as SMPP carries them: which bytes, and under which data_coding (section 5.2.19)."""

from collections.abc import Mapping
from typing import Literal

from repoint.delivery.sms_parts import is_gsm

# What data_coding 0 stands for is for each SMSC to say.
Default = Literal["gsm", "latin1"]

_DEFAULT, _UCS2 = 0, 8
# The others of SMPP that are letters: IA5, Latin 1, JIS, Cyrillic, Hebrew, KS C 5601.
_CODINGS: Mapping[int, str] = {
    1: "ascii",
    3: "latin-1",
    5: "shift_jis",
    6: "iso8859_5",
    7: "iso8859_8",
    14: "euc_kr",
}
# 3GPP TS 23.038 section 6.2.1: the place of each letter is its code; ESC leads to the extension table.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Mapping[int, str] = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
_ESC = 0x1B
# To letters of the same codes in Latin-1, which is how Python writes bytes fastest.
_CODES = str.maketrans(
    {letter: chr(code) for code, letter in enumerate(_BASIC) if code != _ESC}
    | {letter: chr(_ESC) + chr(code) for code, letter in _EXTENSION.items()}
)
# Message classes and compression tell of the alphabet in bits of their own (3GPP TS 23.038 section 4).
_CLASS_MASK, _CLASS = 0xF0, 0xF0
_GENERAL_MASK, _ALPHABET_MASK, _ALPHABET_8BIT, _ALPHABET_UCS2 = 0xC0, 0x0C, 0x04, 0x08


def needs_ucs2(body: str, default: Default) -> bool:
    """Whether a text cannot be sent in the SMSC's default alphabet."""
    return not is_gsm(body) or (default == "latin1" and not _is_latin1(body))


def encode(text: str, default: Default, *, as_ucs2: bool) -> tuple[int, bytes]:
    """The data_coding and the bytes of a text, or of a part of one."""
    if as_ucs2:
        return _UCS2, text.encode("utf-16-be", "replace")
    if default == "latin1":
        return _DEFAULT, text.encode("latin-1")
    return _DEFAULT, text.translate(_CODES).encode("latin-1")


def decode(content: bytes, data_coding: int, default: Default) -> str:
    """What somebody has written; what cannot be read is told by U+FFFD.

    A letter of four bytes may be cut in two where one part of a message ends: each then has a half of it.
    """
    if _is_ucs2(data_coding):
        letters, rest = divmod(len(content), 2)
        return content[: 2 * letters].decode("utf-16-be", "surrogatepass") + "\ufffd" * rest
    if data_coding == _DEFAULT and default == "latin1":
        return content.decode("latin-1")
    if _is_gsm(data_coding):
        return _decode_gsm(content)
    return content.decode(_CODINGS.get(data_coding, "utf-8"), "replace")


def _is_latin1(text: str) -> bool:
    return all(letter <= "\xff" for letter in text)


def _is_ucs2(data_coding: int) -> bool:
    if data_coding == _UCS2:
        return True
    return data_coding & _GENERAL_MASK == 0 and data_coding > 0x0F and data_coding & _ALPHABET_MASK == _ALPHABET_UCS2  # noqa: PLR2004 - SMPP's own values end there


def _is_gsm(data_coding: int) -> bool:
    if data_coding == _DEFAULT:
        return True
    if data_coding & _CLASS_MASK == _CLASS:
        return data_coding & _ALPHABET_8BIT == 0
    return data_coding & _GENERAL_MASK == 0 and data_coding > 0x0F and data_coding & _ALPHABET_MASK == 0  # noqa: PLR2004 - SMPP's own values end there


def _decode_gsm(content: bytes) -> str:
    letters = []
    codes = iter(content)
    for code in codes:
        if code == _ESC:
            following = next(codes, 0x20)
            # What the extension table does not have is shown as in the basic one.
            letters.append(_EXTENSION.get(following) or _basic(following))
        else:
            letters.append(_basic(code))
    return "".join(letters)


def _basic(code: int) -> str:
    return _BASIC[code] if code < len(_BASIC) and code != _ESC else "\ufffd"

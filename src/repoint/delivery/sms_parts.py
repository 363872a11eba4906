"""How many parts a text message has: the alphabet of GSM 03.38 (3GPP TS 23.038), or UCS-2 for everything beyond it."""

import re

# Of the basic table; ESC, which leads to the extension table, is no letter of its own.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Two places each, as ESC stands before them.
_EXTENSION = frozenset("\f^{}\\[~]|€")
_NOT_GSM = re.compile(f"[^{re.escape(''.join(_BASIC | _EXTENSION))}]")
_ONE_OF_EXTENSION = re.compile(f"[{re.escape(''.join(_EXTENSION))}]")
_BEYOND_UCS2 = re.compile("[\U00010000-\U0010ffff]")
_GSM_ALONE, _GSM_PART, _GSM_LIMIT = 160, 153, 1600
_UCS2_ALONE, _UCS2_PART, _UCS2_LIMIT = 70, 67, 630


class TooLongError(Exception):
    """The text has more characters than may be sent in one message; the text says so as the contract does."""

    def __init__(self) -> None:
        super().__init__("Invalid Message")


def is_gsm(body: str) -> bool:
    """Whether every letter is one of GSM 03.38; otherwise the text is sent as UCS-2."""
    return _NOT_GSM.search(body) is None


def count_parts(body: str) -> int:
    """How many parts are sent, 1 for an empty text. Raises TooLongError (channels.md section 5)."""
    return len(_lengths(body, as_gsm=is_gsm(body)))


def cut(body: str, *, as_gsm: bool) -> list[str]:
    """The text in the parts in which it is sent, one at least: as GSM 03.38, or as UCS-2. Raises TooLongError."""
    parts, start = [], 0
    for length in _lengths(body, as_gsm=as_gsm):
        parts.append(body[start : start + length])
        start += length
    return parts


def _lengths(body: str, *, as_gsm: bool) -> list[int]:
    """How many letters each part has."""
    if as_gsm:
        return _cut(body, _ONE_OF_EXTENSION, _GSM_ALONE, _GSM_PART, _GSM_LIMIT)
    return _cut(body, _BEYOND_UCS2, _UCS2_ALONE, _UCS2_PART, _UCS2_LIMIT)


def _cut(body: str, takes_two: re.Pattern[str], alone: int, part: int, limit: int) -> list[int]:
    """Cut letters into parts, none of them apart; each takes one place or two."""
    total = len(body) + len(takes_two.findall(body))
    if total > limit:
        raise TooLongError
    if total <= alone:
        return [len(body)]
    lengths, used = [0], 0
    for letter in body:
        place = 2 if takes_two.match(letter) else 1
        if used + place > part:
            lengths.append(0)
            used = 0
        lengths[-1] += 1
        used += place
    return lengths

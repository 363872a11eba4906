"""Helpers on text (templates.md section 7.3). Characters are counted, not bytes."""

import re
from decimal import Decimal

from repoint.templates.errors import RenderError
from repoint.templates.escape import MAX_OUTPUT
from repoint.templates.helper import helper, limited
from repoint.templates.values import Value, number_text, text_of

_DOTS = "..."
_WORD_START = re.compile(r"(?:^|(?<=\s))\S")
_BLANKS = re.compile(r"\s+")
_TEENS = (11, 12, 13)
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


@helper("abbreviate", skips="empty")
def abbreviate(value: str, width: int) -> str:
    """The text cut to a width that counts the dots; below four characters there is no room for dots."""
    if len(value) <= width:
        return value
    return value[:width] if width <= len(_DOTS) else value[: width - len(_DOTS)] + _DOTS


@helper("capitalize", skips="empty")
def capitalize(value: str, *, fully: bool = False) -> str:
    """Every word with a capital; `fully` lowers all other letters."""
    return _WORD_START.sub(lambda match: match[0].upper(), value.lower() if fully else value)


@helper("capitalizeFirst", skips="empty")
def capitalize_first(value: str) -> str:
    """The first letter as a capital."""
    return value[:1].upper() + value[1:]


@helper("center", skips="empty")
def center(value: str, *, size: int, pad: str = " ") -> str:
    """The text in the middle of `size` characters, one that is left over going to the right."""
    missing = max(size - len(value), 0)
    return _pad(pad) * (missing // 2) + value + _pad(pad) * (missing - missing // 2)


@helper("ljust", skips="empty")
def left(value: str, width: int | None = None, *, size: int | None = None, pad: str = " ") -> str:
    """The text at the left of `width` characters."""
    return value + _pad(pad) * (_width("ljust", width, size) - len(value))


@helper("rjust", skips="empty")
def right(value: str, width: int | None = None, *, size: int | None = None, pad: str = " ") -> str:
    """The text at the right of `width` characters."""
    return _pad(pad) * (_width("rjust", width, size) - len(value)) + value


def _pad(pad: str) -> str:
    return pad[:1] or " "


def _width(name: str, width: int | None, size: int | None) -> int:
    found = size if width is None else width
    if found is None:
        raise RenderError(f"{name}: the width is missing")
    return found


@helper("cut", skips="empty")
def cut(value: str, unwanted: str = " ") -> str:
    """The text without any occurrence of another."""
    return value.replace(unwanted, "") if unwanted else value


@helper("inflect", takes_words=True)
def inflect(count: Decimal, singular: str, plural: str, *, includeCount: bool = False) -> str:  # noqa: N803 - its name
    """One word for 1 and another for every other count, which may stand before it."""
    word = singular if count == 1 else plural
    return f"{number_text(count)} {word}" if includeCount else word


@helper("join", skips="empty", at_least=2)
def join(*values: Value, prefix: str = "", suffix: str = "") -> str:
    """The items of a list, or several values, with the last argument between them."""
    *parts, separator = values
    if len(parts) == 1 and isinstance(parts[0], list | tuple):
        parts = list(parts[0])
    between = text_of(separator) or ""
    texts = [text_of(part) or "" for part in parts]
    if sum(map(len, texts)) + len(between) * len(texts) > MAX_OUTPUT:
        raise RenderError(f"Rendered text exceeds {MAX_OUTPUT} characters")
    return limited(prefix + between.join(texts) + suffix)


@helper("lower", skips="empty")
def lower(value: str) -> str:
    """The text in lower case."""
    return value.lower()


@helper("upper", skips="empty")
def upper(value: str) -> str:
    """The text in upper case."""
    return value.upper()


@helper("ordinalize", skips="empty")
def ordinalize(number: Decimal) -> str:
    """A whole number with its ending: 1st, 2nd, 11th."""
    if number % 1:
        raise RenderError(f"ordinalize: {number_text(number)} is no whole number")
    last = int(abs(number) % 100)
    ending = "th" if last in _TEENS else _ENDINGS.get(last % 10, "th")
    return number_text(number) + ending


@helper("replace", skips="empty")
def replace(value: str, target: str, replacement: str) -> str:
    """The text with every occurrence of another replaced."""
    if not target:
        return value
    if len(value) + value.count(target) * (len(replacement) - len(target)) > MAX_OUTPUT:
        raise RenderError(f"Rendered text exceeds {MAX_OUTPUT} characters")
    return value.replace(target, replacement)


@helper("slugify", skips="empty")
def slugify(value: str) -> str:
    """The text as a part of a URL: letters and digits in lower case, `_`, and `-` for blanks."""
    kept = "".join(character for character in value.lower() if character.isalnum() or character in "_- \t\r\n")
    return _BLANKS.sub("-", kept.strip())


@helper("stripTags", skips="empty")
def strip_tags(value: str) -> str:
    """The text without anything from `<` to the next `>`."""
    kept: list[str] = []
    at = 0
    # A regular expression would search the rest anew at each `<` that is never closed.
    while (start := value.find("<", at)) >= 0 and (end := value.find(">", start)) >= 0:
        kept.append(value[at:start])
        at = end + 1
    return "".join(kept) + value[at:]


@helper("substring", skips="empty")
def substring(value: str, start: int, end: int | None = None) -> str:
    """The characters from `start`, counted from 0, to before `end`."""
    return value[start:end]


@helper("yesno", skips="never")
def yes_or_no(value: Value, *, yes: str = "yes", no: str = "no", maybe: str = "maybe") -> str:
    """One text for true, another for false, a third for what is neither."""
    said = value if isinstance(value, bool) else {"true": True, "false": False}.get((text_of(value) or "").lower())
    return maybe if said is None else yes if said else no

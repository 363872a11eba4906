"""Values as cells of a COPY in text format: escaped, NULL as a mark of its own."""

import re
from datetime import date
from functools import lru_cache
from typing import Any

import msgspec

NULL = r"\N"

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_PLAIN = {escape: special for special, escape in _ESCAPES.items()}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_ESCAPE = re.compile(r"\\[\\tnr]")


def text_cell(text: str | None) -> str:
    """A text, escaped."""
    if text is None:
        return NULL
    # What is printable holds no tab and no line's end; asking that is a tenth of a search.
    if "\\" in text or not text.isprintable():
        return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)
    return text


def text_of(cell: str) -> str | None:
    """The text of a cell."""
    return None if cell == NULL else _ESCAPE.sub(lambda found: _PLAIN[found[0]], cell)


def json_cell(document: str) -> str:
    """A JSON text; JSON itself escapes what COPY would, all but the backslash."""
    return document.replace("\\", "\\\\") if "\\" in document else document


def json_of(cell: str) -> dict[str, Any]:
    """The object of a JSON cell."""
    found: dict[str, Any] = msgspec.json.decode(cell.replace("\\\\", "\\") if "\\" in cell else cell)
    return found


def instant_cell(at_us: int) -> str:
    """Microseconds since 1970, as a timestamp."""
    second, fraction = divmod(at_us, 1_000_000)
    return f"{_second(second)}.{fraction:06d}+00"


@lru_cache(maxsize=1024)
def _second(second: int) -> str:
    days, rest = divmod(second, 86_400)
    return f"{_day(days)} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def _day(days: int) -> str:
    return date.fromordinal(_EPOCH_DAY + days).isoformat()

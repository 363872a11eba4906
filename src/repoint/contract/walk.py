"""The lenient reading of a document: along the model, member by member (protocol.md section 4).

It drops nulls, converts what may be converted, ignores what the model does not know, and names each member at fault. A
member at fault is left out and the walk goes on, so that what could be read is there for whoever decides before members
are judged.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

from repoint.contract.dates import format_instant, parse_instant
from repoint.contract.errors import BadRequestException, ContractError
from repoint.contract.json_text import Number
from repoint.contract.model import SHAPES

Faults = list[ContractError]

# journeys.md: the one irregular member is read in either spelling.
ALIASES: dict[str, dict[str, str]] = {"SimpleCondition": {"SegmentDimensions": "segmentDimensions"}}

# endpoints.md, Errors: a fault within a batch tells which item, counted from 0.
_NUMBERED = "ListOfEndpointBatchItem"

# events.md section 1.4: these are judged one by one, so the first fault in one stands in its place.
_JUDGED = frozenset({"EventsBatch", "MapOfEvent"})
# Whatever is wrong within one of these is told by the name of the whole.
_TOLD_WHOLE = frozenset({"RawEmail", "Session"})

_INTEGERS = range(-(2**31), 2**31)
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_MAX_SHOWN_CHARACTERS = 100


class _Absent:
    """What a member at fault is read as."""


ABSENT: Final = _Absent()


def walk(shape_name: str, value: Any, name: str, faults: Faults) -> Any:
    """`value` as the shape has it, or ABSENT after a fault; `name` is what a fault calls the value.

    Faults are added in the order of the document, a missing member after those that are there.
    """
    return _READERS[SHAPES[shape_name].type](shape_name, value, name, faults)


def _structure(shape_name: str, value: Any, name: str, faults: Faults) -> Any:
    if not isinstance(value, dict):
        return _invalid(name, faults)
    shape = SHAPES[shape_name]
    aliases = ALIASES.get(shape_name, {})
    document: dict[str, Any] = {}
    for key, held in value.items():
        member = str(aliases.get(key, key))
        part = shape.members.get(member)
        is_absent = held is None or (held == "" and member in shape.required)
        if part is not None and not is_absent:
            document[member] = _member(shape_name, part, held, member, faults)
    missing = {member: BadRequestException(f"Missing {member}") for member in shape.required if member not in document}
    if shape_name in _JUDGED:
        return document | missing
    faults += missing.values()
    return _without_absent(document)


def _member(structure: str, part: str, value: Any, name: str, faults: Faults) -> Any:
    if structure in _JUDGED:
        return _held(part, value, name)
    if part not in _TOLD_WHOLE:
        return walk(part, value, name, faults)
    read = _held(part, value, name)
    return _invalid(name, faults) if isinstance(read, ContractError) else read


def _held(shape_name: str, value: Any, name: str) -> Any:
    """`value` as the shape has it, or its first fault."""
    found: Faults = []
    read = walk(shape_name, value, name, found)
    return found[0] if found else read


def _list(shape_name: str, value: Any, name: str, faults: Faults) -> Any:
    shape = SHAPES[shape_name]
    if not isinstance(value, list):
        if not shape.takes_one or isinstance(value, dict):
            return _invalid(name, faults)
        value = [value]
    entries: list[Any] = []
    for entry in value:
        if entry is None:
            continue
        found: Faults = []
        read = walk(shape.member, entry, name, found)
        faults += found if shape_name != _NUMBERED else _numbered(len(entries), found)
        entries.append(read)
    return [entry for entry in entries if entry is not ABSENT]


def _numbered(index: int, found: Faults) -> Faults:
    return [BadRequestException(f"Item {index}: {fault.message}") for fault in found]


def _map(shape_name: str, value: Any, name: str, faults: Faults) -> Any:
    if not isinstance(value, dict):
        return _invalid(name, faults)
    shape = SHAPES[shape_name]
    document: dict[str, Any] = {}
    for key, held in value.items():
        if held is not None and walk(shape.key, key, name, faults) is not ABSENT:
            shown = f"{name}.{key[:_MAX_SHOWN_CHARACTERS]}"
            judged = shape_name in _JUDGED
            document[key] = _held(shape.value, held, shown) if judged else walk(shape.value, held, shown, faults)
    return _without_absent(document)


def _without_absent(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if value is not ABSENT}


def _string(shape_name: str, value: Any, name: str, faults: Faults) -> Any:
    enum = SHAPES[shape_name].enum
    if enum:
        return value if value in enum else _invalid(name, faults, value)
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Number):
        return value.text
    return str(value) if isinstance(value, int) else _invalid(name, faults)


def _boolean(_: str, value: Any, name: str, faults: Faults) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    return _invalid(name, faults, value)


def _integer(_: str, value: Any, name: str, faults: Faults) -> Any:
    number = _number(value)
    if number is None or not isfinite(number) or number != int(number) or int(number) not in _INTEGERS:
        return _invalid(name, faults, value)
    return int(number)


def _double(_: str, value: Any, name: str, faults: Faults) -> Any:
    number = _number(value)
    if number is None or not isfinite(number):
        return _invalid(name, faults, value)
    return number


def _number(value: Any) -> float | None:
    """A number, or a string that writes one, as a double; None for anything else. Integers of 32 bits stay exact."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _timestamp(_: str, value: Any, name: str, faults: Faults) -> Any:
    """Text in the form of answers; a number counts seconds since 1970."""
    moment = parse_instant(value) if isinstance(value, str) else _from_seconds(value)
    return format_instant(moment) if moment else _invalid(name, faults, value)


def _from_seconds(value: Any) -> datetime | None:
    seconds = _number(value)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # beyond the calendar, or beyond the platform's clock
        return None


def _blob(_: str, value: Any, name: str, faults: Faults) -> Any:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else _invalid(name, faults)
    except (binascii.Error, ValueError):
        return _invalid(name, faults)


def _invalid(name: str, faults: Faults, value: object = None) -> _Absent:
    """Note a fault; a plain value is told, cut to 100 characters, where it cannot be a secret."""
    shown = ""
    if isinstance(value, Number):
        shown = f": {value.text}"
    elif isinstance(value, bool):
        shown = f": {str(value).lower()}"
    elif isinstance(value, str | int | float):
        shown = f": {value}"
    faults.append(BadRequestException(f"Invalid {name}{shown[: _MAX_SHOWN_CHARACTERS + 2]}"))
    return ABSENT


_READERS: dict[str, Callable[[str, Any, str, Faults], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "double": _double,
    "timestamp": _timestamp,
    "blob": _blob,
}

"""Java's SimpleDateFormat patterns, in the English of the US, for printing and for reading (templates.md section 7.5).

https://docs.oracle.com/javase/8/docs/api/java/text/SimpleDateFormat.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = 3
# Zones as Java writes them out, by short name and offset in hours; others are GMT with their offset.
_ZONES = {
    ("UTC", 0): "Coordinated Universal Time",
    ("GMT", 0): "Greenwich Mean Time",
    ("BST", 1): "British Summer Time",
    ("WET", 0): "Western European Time",
    ("WEST", 1): "Western European Summer Time",
    ("CET", 1): "Central European Time",
    ("CEST", 2): "Central European Summer Time",
    ("EET", 2): "Eastern European Time",
    ("EEST", 3): "Eastern European Summer Time",
    ("EST", -5): "Eastern Standard Time",
    ("EDT", -4): "Eastern Daylight Time",
    ("CST", -6): "Central Standard Time",
    ("CDT", -5): "Central Daylight Time",
    ("MST", -7): "Mountain Standard Time",
    ("MDT", -6): "Mountain Daylight Time",
    ("PST", -8): "Pacific Standard Time",
    ("PDT", -7): "Pacific Daylight Time",
    ("AKST", -9): "Alaska Standard Time",
    ("AKDT", -8): "Alaska Daylight Time",
    ("HST", -10): "Hawaii Standard Time",
    ("IST", 5.5): "India Standard Time",
    ("JST", 9): "Japan Standard Time",
}
_ZONE_HOURS = {name: hours for name, hours in _ZONES if name != "IST"}
# Digits that a number of a pattern may have where nothing else says how long it is.
_MOST_DIGITS = 9
_MAX_PATTERN = 200
_TOKEN = re.compile(r"'(?P<quoted>(?:[^']|'')*+)'|(?P<letters>([A-Za-z])\3*+)|(?P<text>[^A-Za-z']++)")


class PatternError(ValueError):
    """A pattern with a letter that has no meaning, or an open quote."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What was read: a local date and time, and how much of it was said."""

    local: datetime
    has_time: bool
    # None when no zone was said.
    zone: tzinfo | None


@dataclass(frozen=True, slots=True)
class Field:
    """A run of one pattern letter, or text when there is no letter."""

    letter: str
    width: int
    text: str = ""


@lru_cache(256)
def read_pattern(pattern: str) -> tuple[Field, ...]:
    """The fields of a pattern. Raises PatternError."""
    if len(pattern) > _MAX_PATTERN:
        raise PatternError(f"a date pattern has at most {_MAX_PATTERN} characters")
    fields: list[Field] = []
    at = 0
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None:
            raise PatternError(f"unclosed quote in the date pattern {pattern}")
        at = found.end()
        if letters := found["letters"]:
            if letters[0] not in _PRINT:
                raise PatternError(f"unknown letter {letters[0]} in the date pattern {pattern}")
            fields.append(Field(letters[0], len(letters)))
        else:
            quoted = found["quoted"]
            # Two quotes are one, inside of quotes and outside.
            text = found["text"] if quoted is None else quoted.replace("''", "'") or "'"
            fields.append(Field("", 0, text))
    return tuple(fields)


def print_date(moment: datetime, pattern: str) -> str:
    """An aware datetime by a pattern. Raises PatternError."""
    return "".join(
        _PRINT[field.letter](moment, field.width) if field.letter else field.text for field in read_pattern(pattern)
    )


# -- printing


def _number(value: int, width: int) -> str:
    return str(value).zfill(width)


def _year(moment: datetime, width: int) -> str:
    return _number(moment.year % 100, 2) if width == 2 else _number(moment.year, width)  # noqa: PLR2004 - of `yy`


def _month(moment: datetime, width: int) -> str:
    if width < _SHORT:
        return _number(moment.month, width)
    return _MONTHS[moment.month - 1][: 3 if width == _SHORT else None]


def _day_name(moment: datetime, width: int) -> str:
    return _DAYS[moment.weekday()][: 3 if width <= _SHORT else None]


def _week(moment: datetime, width: int) -> str:
    """The week of the year, as in the US: from Sunday, the first one being that of January 1."""
    start = date(moment.year, 1, 1)
    days_before = start.isoweekday() % 7
    day_of_year = moment.timetuple().tm_yday
    last = date(moment.year, 12, 31)
    # The last days belong to the week of the next January 1.
    if (last - moment.date()).days < (last.isoweekday() % 7) + 1 <= 6:  # noqa: PLR2004 - not a whole week
        return _number(1, width)
    return _number((day_of_year + days_before - 1) // 7 + 1, width)


def _offset(moment: datetime) -> tuple[str, int, int]:
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    return "-" if seconds < 0 else "+", abs(seconds) // 3600, abs(seconds) % 3600 // 60


def _rfc_zone(moment: datetime, _width: int) -> str:
    sign, hours, minutes = _offset(moment)
    return f"{sign}{hours:02}{minutes:02}"


def _iso_zone(moment: datetime, width: int) -> str:
    sign, hours, minutes = _offset(moment)
    if not hours and not minutes:
        return "Z"
    return f"{sign}{hours:02}" + ("" if width == 1 else f"{':' if width >= _SHORT else ''}{minutes:02}")


def _named_zone(moment: datetime, width: int) -> str:
    name = moment.tzname() or ""
    hours = (moment.utcoffset() or timedelta()).total_seconds() / 3600
    sign, whole, minutes = _offset(moment)
    gmt = f"GMT{sign}{whole:02}:{minutes:02}"
    if width <= _SHORT:
        return name if name.isalpha() else gmt
    return _ZONES.get((name, hours), gmt)


_PRINT: dict[str, Callable[[datetime, int], str]] = {
    "G": lambda _moment, _width: "AD",
    "y": _year,
    "M": _month,
    "d": lambda moment, width: _number(moment.day, width),
    "E": _day_name,
    "u": lambda moment, width: _number(moment.isoweekday(), width),
    "a": lambda moment, _width: "AM" if moment.hour < 12 else "PM",  # noqa: PLR2004 - noon
    "H": lambda moment, width: _number(moment.hour, width),
    "h": lambda moment, width: _number(moment.hour % 12 or 12, width),
    "K": lambda moment, width: _number(moment.hour % 12, width),
    "k": lambda moment, width: _number(moment.hour or 24, width),
    "m": lambda moment, width: _number(moment.minute, width),
    "s": lambda moment, width: _number(moment.second, width),
    "S": lambda moment, width: _number(moment.microsecond // 1000, width),
    "z": _named_zone,
    "Z": _rfc_zone,
    "X": _iso_zone,
    "D": lambda moment, width: _number(moment.timetuple().tm_yday, width),
    "w": _week,
    "F": lambda moment, width: _number((moment.day - 1) // 7 + 1, width),
}


# -- reading

_NUMERIC = frozenset("yMduHhKkmsSDwF")
_TIME = frozenset("HhKkmsSa")
_OFFSET = r"(?:GMT|UTC)?[+-][0-9]{1,2}(?::?[0-9]{2})?|[A-Z]{1,4}"


def parse_date(text: str, pattern: str, now: datetime) -> Moment | None:
    """What a text says that was written by the pattern; None when it was not. Raises PatternError.

    What is not said is 1970-01-01 00:00, as in Java; of two digits the year is at most 80 before `now` and 20 after.
    """
    fields = read_pattern(pattern)
    found = _expression(fields).fullmatch(text.strip())
    if found is None:
        return None
    said = {
        letter: found[f"g{number}"]
        for number, field in enumerate(fields)
        if (letter := field.letter) and letter not in "uwF"
    }
    try:
        return _moment(said, now)
    except (ValueError, OverflowError):
        return None


@lru_cache(256)
def _expression(fields: tuple[Field, ...]) -> re.Pattern[str]:
    parts = []
    for number, field in enumerate(fields):
        if not field.letter:
            parts.append(re.escape(field.text))
            continue
        is_followed = number + 1 < len(fields) and _is_numeric(fields[number + 1])
        # Nothing is tried twice: a pattern of many numbers would take for ever to be found not to match.
        parts.append(f"(?P<g{number}>(?>{_form(field, is_followed=is_followed)}))")
    return re.compile("".join(parts), re.IGNORECASE | re.ASCII)


def _is_numeric(field: Field) -> bool:
    return field.letter in _NUMERIC and bool(field.letter) and not (field.letter == "M" and field.width >= _SHORT)


def _form(field: Field, *, is_followed: bool) -> str:
    if _is_numeric(field):
        # `yyyyMMdd`: only the width tells where one number ends and the next begins.
        return f"[0-9]{{{field.width}}}" if is_followed else f"[0-9]{{1,{_MOST_DIGITS}}}"
    match field.letter:
        case "M":
            return "|".join(f"{name}|{name[:3]}" for name in _MONTHS)
        case "E":
            return "|".join(f"{name}|{name[:3]}" for name in _DAYS)
        case "a":
            return "AM|PM"
        case "G":
            return "AD"
        case _:
            return _OFFSET


def _moment(said: dict[str, str], now: datetime) -> Moment:
    """Raises ValueError for a date that there is none."""
    year = _read_year(said["y"], now) if "y" in said else 1970
    if "D" in said and "M" not in said:
        day = date(year, 1, 1) + timedelta(days=int(said["D"]) - 1)
    else:
        day = date(year, _read_month(said.get("M", "1")), int(said.get("d", "1")))
    milliseconds = int(said.get("S", "0"))
    if milliseconds > 999:  # noqa: PLR2004 - of a second
        raise ValueError(milliseconds)
    local = datetime(  # noqa: DTZ001 - the zone stands beside it
        day.year, day.month, day.day, _read_hour(said), int(said.get("m", "0")), int(said.get("s", "0")),
        milliseconds * 1000,
    )  # fmt: skip
    zones = [_read_zone(said[letter]) for letter in "zZX" if letter in said]
    return Moment(local, not _TIME.isdisjoint(said), zones[0] if zones else None)


def _read_year(text: str, now: datetime) -> int:
    if len(text) != 2:  # noqa: PLR2004 - 20 and not 2020
        return int(text)
    year = now.year - now.year % 100 + int(text)
    if year > now.year + 20:
        return year - 100
    return year + 100 if year <= now.year - 80 else year


def _read_month(text: str) -> int:
    if text.isdigit():
        return int(text)
    return next(number for number, name in enumerate(_MONTHS, 1) if name[:3].lower() == text[:3].lower())


def _read_hour(said: dict[str, str]) -> int:
    if "H" in said:
        return int(said["H"])
    if "k" in said:
        return int(said["k"]) % 24
    hour = int(said.get("h", said.get("K", "0")))
    if hour > 12:  # noqa: PLR2004 - o'clock
        raise ValueError(hour)
    return hour % 12 + (12 if said.get("a", "").upper() == "PM" else 0)


def _read_zone(text: str) -> tzinfo:
    name = text.upper()
    if name in ("Z", *_ZONE_HOURS):
        return timezone(timedelta(hours=_ZONE_HOURS.get(name, 0)), "UTC" if name == "Z" else name)
    digits = re.sub(r"[^0-9]", "", name)
    if not digits:
        raise ValueError(text)
    # `+2`, `+02`, `+0200`
    hours, minutes = divmod(int(digits.ljust(3, "0") if len(digits) == 1 else digits.ljust(4, "0")), 100)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if "-" in name else offset)

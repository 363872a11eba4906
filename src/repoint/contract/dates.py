"""Instants as the wire writes and reads them (protocol.md section 7)."""

import re
from datetime import UTC, datetime

# The forms promised; Python reads more (weeks, days of the year, commas), which clients of Pinpoint never could send.
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
# What dates in definitions of segments and filters of events look like.
_ISO_INSTANT = re.compile(
    r"(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.(\d{1,9}))?Z", re.ASCII
)
_LAST_DAYS = {2: 28, 4: 30, 6: 30, 9: 30, 11: 30}
_LEAP_DAY = (2, 29)

# How much of what `instant_text` makes is the day.
DATE_CHARACTERS = len("2025-03-01")


def format_instant(moment: datetime) -> str:
    """`2024-05-24T21:26:33.995Z`: UTC, always three decimals, what is finer cut off."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_instant(text: str) -> datetime | None:
    """The instant in UTC, or None when the text is none.

    Accepts `Z`, `+hh:mm`, `+hhmm` or no zone (UTC), up to 9 decimals (cut to microseconds), no seconds, and a date
    alone, which is its midnight in UTC.
    """
    if _INSTANT.fullmatch(text) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the 31st of June; an offset that leads out of the calendar
        return None


def instant_text(value: str) -> str | None:
    """A value of the form of ISO_INSTANT as a text that compares as the instants do; None for any other.

    `2025-03-01T18:45:00.000000000`, as the SQL function of the same name has it.
    """
    match = _ISO_INSTANT.fullmatch(value)
    if match is None:
        return None
    year, month, day = (int(part) for part in match.groups()[:3])
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > _LAST_DAYS.get(month, 31) and not (is_leap and (month, day) == _LEAP_DAY):
        return None
    fraction = match[4] or ""
    return f"{value[:19]}.{fraction.ljust(9, '0')}"

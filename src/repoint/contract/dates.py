"""Instants as the wire writes and reads them (protocol.md section 7)."""

import re
from datetime import UTC, datetime

# The forms promised; Python reads more (weeks, days of the year, commas), which clients of Pinpoint never could send.
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)


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

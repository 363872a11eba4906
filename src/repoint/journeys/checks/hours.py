"""When nothing is to be sent (journeys.md section 7)."""

import re
from collections.abc import Sequence
from datetime import datetime

from repoint.apps.settings import TIME_OF_DAY, check_quiet_time
from repoint.contract.errors import BadRequestException
from repoint.journeys.checks.faults import Faults, invalid, unreadable
from repoint.journeys.journey import Members, quiet_time_of

MAX_RANGES = 4
MAX_CLOSED_DAYS = 20

_MIDNIGHT, _LAST = "00:00", "24:00"
# Without an offset it is what clocks show.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII)


def hour_faults(content: Members, defaults: Members) -> Faults:
    """What is wrong with QuietTime, and with OpenHours and ClosedDays if they count at all."""
    try:
        check_quiet_time(content.get("QuietTime", {}))
    except BadRequestException as error:
        yield error
        return
    if not content.get("SendingSchedule"):
        return
    quiet_time = quiet_time_of(content, defaults)
    if not quiet_time:
        yield invalid("SendingSchedule needs a QuietTime")
    for channel, days in content.get("OpenHours", {}).items():
        for day, ranges in days.items():
            yield from _open_faults(f"OpenHours.{channel}.{day}", ranges, quiet_time)
    for channel, rules in content.get("ClosedDays", {}).items():
        yield from _closed_faults(f"ClosedDays.{channel}", rules)


def _open_faults(name: str, ranges: Sequence[Members], quiet_time: Members) -> Faults:
    if len(ranges) > MAX_RANGES:
        yield invalid(f"{name} exceeds the maximum of {MAX_RANGES} ranges")
    for given in ranges:
        start, end = given.get("StartTime", ""), given.get("EndTime", "")
        unread = [each for each in (start, end) if not TIME_OF_DAY.fullmatch(each)]
        if unread:
            yield unreadable(name, unread[0])
        elif start == end:
            yield invalid(f"EndTime must be another than StartTime in {name}")
        # They may touch: messages go until quiet time begins, and from when it ends.
        elif any(
            start < until and since < end
            for start, end in _parts(start, end)
            for since, until in _parts(quiet_time.get("Start", ""), quiet_time.get("End", ""))
        ):
            yield invalid(f"{name} must be outside of QuietTime")


def _parts(start: str, end: str) -> list[tuple[str, str]]:
    """The parts of a day from one time to another: two over midnight. Times of day compare as texts."""
    return [(start, end)] if start <= end else [(_MIDNIGHT, end), (start, _LAST)]


def _closed_faults(name: str, rules: Sequence[Members]) -> Faults:
    if len(rules) > MAX_CLOSED_DAYS:
        yield invalid(f"{name} exceeds the maximum of {MAX_CLOSED_DAYS} items")
    for rule in rules:
        start, end = (_moment(rule.get(member, "")) for member in ("StartDateTime", "EndDateTime"))
        if start is None or end is None:
            yield unreadable(name, rule.get("StartDateTime" if start is None else "EndDateTime", ""))
        elif (start.tzinfo is None) == (end.tzinfo is None) and start > end:
            yield invalid(f"EndDateTime must be after StartDateTime in {name}")


def _moment(text: str) -> datetime | None:
    """A date with a time; None for what is none."""
    try:
        return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        return None

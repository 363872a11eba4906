"""When a journey's messages may go out, by each recipient's own clock (journeys.md section 7).

Quiet time, open hours and closed days are told in what clocks show, to the minute. A message that falls into a time at
which nothing is sent is dropped, or held until the first minute at which it may go; days on which clocks are set
forward or back are no exception.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from repoint.delivery.quiet_time import QuietTime
from repoint.endpoints.timezone import find_zone
from repoint.journeys.activities.messenger import Held, Refusal, Verdict
from repoint.journeys.journey import Hours

Members = Mapping[str, Any]

_WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_MINUTE_S = 60
_DAY = 24 * 60
# Clocks are set once in so long a time at most.
_WEEK = 7 * _DAY
_MINUTE = timedelta(minutes=1)
# As long as a journey may run: nobody is held for longer.
_MOST_HELD = 540 * _DAY
# No time of day is later, so a range that ends then ends with the day.
_LAST_MINUTE = _DAY - 1
# Answers that are remembered, for zones in some minutes.
_MOST_KNOWN = 4096

_QUIET = Refusal("QUIET_TIME")
_NEVER = Refusal("QUIET_TIME", "no time at which it may be sent within 540 days")
_NO_ZONE = Refusal("QUIET_TIME_MISSING_TIMEZONE")

# Minutes of a day, from and until: the second is the first that does not belong to it.
_Range = tuple[int, int]
# What clocks show, to the minute, from and until: both belong to it.
_Span = tuple[datetime, datetime]


class SendingHours:
    """The times at which messages of one channel may go: EMAIL, SMS, PUSH, VOICE or CUSTOM."""

    def __init__(self, hours: Hours, channel: str) -> None:
        has_schedule = hours.is_scheduled and bool(hours.quiet_time)
        open_hours = hours.open_hours.get(channel) if has_schedule else None
        closed_days = hours.closed_days.get(channel) if has_schedule else None
        # Otherwise no zone is asked for.
        self.is_restricted = bool(hours.quiet_time)
        self._waits = hours.waits
        self._needs_zone = has_schedule
        self._quiet_time = QuietTime.read(hours.quiet_time)
        # By weekday from Monday on; None for all day, every day.
        self._open = _read_open_hours(open_hours) if open_hours else None
        self._closed = [_read_closed(each) for each in closed_days or ()]
        self._known: dict[tuple[str | None, int], Verdict] = {}

    def verdict(self, at: datetime, timezone: str | None) -> Verdict:
        """Whether a message goes at an instant to whoever's zone this is, None where it is not known.

        Asked for each message: about a microsecond.
        """
        key = timezone, int(at.timestamp() // _MINUTE_S)
        try:
            return self._known[key]
        except KeyError:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = self._judge(*key)
            return found

    def _judge(self, timezone: str | None, minute: int) -> Verdict:
        zone = None if timezone is None else find_zone(timezone)
        if zone is None:
            return _NO_ZONE if self._needs_zone else None
        if not self._left(zone, minute):
            return None
        if not self._waits:
            return _QUIET
        opens = self._first_open(zone, minute)
        return _NEVER if opens is None else Held(datetime.fromtimestamp(opens * _MINUTE_S, UTC))

    def _first_open(self, zone: ZoneInfo, minute: int) -> int | None:
        last = minute + _MOST_HELD
        while minute <= last:
            left = self._left(zone, minute)
            if not left:
                return minute
            minute = _as_clocks_go(zone, minute, minute + min(left, _WEEK))
        return None

    def _left(self, zone: ZoneInfo, minute: int) -> int:
        """For how many minutes at least nothing is sent, by a clock that is not set meanwhile; 0 when it is."""
        wall = datetime.fromtimestamp(minute * _MINUTE_S, zone).replace(tzinfo=None)
        of_day = wall.hour * 60 + wall.minute
        return max(
            self._quiet_time.left(of_day),
            _until_open(self._open[wall.weekday()], of_day) if self._open is not None else 0,
            *(_closed_for(each, wall) for each in self._closed),
            0,
        )


def _closed_for(closed: _Span, wall: datetime) -> int:
    """How many minutes are left of what both ends belong to, the present one included; 0 when it is not now."""
    start, end = closed
    return (end - wall) // _MINUTE + 1 if start <= wall <= end else 0


def _as_clocks_go(zone: ZoneInfo, minute: int, ahead: int) -> int:
    """A later minute, or the first one before it at which clocks of the zone were set."""
    offset = _offset(zone, minute)
    if _offset(zone, ahead) == offset:
        return ahead
    before = minute
    while ahead - before > 1:
        middle = (before + ahead) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            ahead = middle
    return ahead


def _offset(zone: ZoneInfo, minute: int) -> timedelta | None:
    return datetime.fromtimestamp(minute * _MINUTE_S, zone).utcoffset()


def _until_open(ranges: Iterable[_Range], minute: int) -> int:
    """How long until one of a day's ranges begins, or the day is over; 0 within one."""
    return min((max(start - minute, 0) for start, end in ranges if minute < end), default=_DAY - minute)


def _read_open_hours(rules: Mapping[str, Iterable[Members]]) -> list[list[_Range]]:
    """Ranges by weekday; a weekday without any is closed."""
    return [[_read_range(each) for each in rules.get(weekday, ())] for weekday in _WEEKDAYS]


def _read_range(rule: Members) -> _Range:
    end = _of_day(rule["EndTime"])
    return _of_day(rule["StartTime"]), _DAY if end == _LAST_MINUTE else end


def _of_day(text: str) -> int:
    read = time.fromisoformat(text)
    return read.hour * 60 + read.minute


def _read_closed(rule: Members) -> _Span:
    start, end = (datetime.fromisoformat(rule[name]) for name in ("StartDateTime", "EndDateTime"))
    return start.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)

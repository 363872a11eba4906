"""When a journey takes participants in (journeys.md section 4).

In local time StartTime and EndTime are what clocks show: their UTC fields, read in each participant's zone. Nothing
here has a clock: instants are arguments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from repoint.contract.dates import parse_instant
from repoint.delivery.offsets import JOURNEY_OFFSETS

# Where clocks show a time first and last.
_EAST, _WEST = timedelta(hours=14), timedelta(hours=-12)
_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A checked Schedule, with LocalTime."""

    # None for at once, and for no end of its own.
    starts_at: datetime | None
    ends_at: datetime | None
    # Of Timezone: where clocks hang that must show StartTime before anybody enters; where it is absent, UTC+14, the
    # first to show it.
    offset: timedelta
    is_local: bool

    def first_entry(self, earliest: datetime) -> datetime:
        """When the first participants enter, `earliest` being the soonest that they may."""
        if self.starts_at is None:
            return earliest
        return max(earliest, _moved(self.starts_at, -self.offset) if self.is_local else self.starts_at)

    def entry_in(self, zone: ZoneInfo, earliest: datetime) -> datetime:
        """When participants in a zone enter, of an execution that begins at `earliest`; in local time only.

        Where clocks have passed StartTime by then, that is at once.
        """
        return earliest if self.starts_at is None else max(earliest, _in_zone(self.starts_at, zone))

    def end_in(self, zone: ZoneInfo) -> datetime | None:
        """From when on nobody in a zone enters; None for no end of its own; in local time only."""
        return None if self.ends_at is None else _in_zone(self.ends_at, zone)

    @property
    def is_empty(self) -> bool:
        """Whether it ends before it starts."""
        return self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at

    def lasts_from(self, first_entry: datetime) -> timedelta:
        """For how long people enter one that has an end, by the clock that counts first."""
        assert self.ends_at is not None  # noqa: S101 - it has one
        start = _moved(first_entry, self.offset) if self.is_local else first_entry
        return self.ends_at - max(start, self.starts_at or start)

    def over_at(self, first_entry: datetime, longest: timedelta) -> datetime:
        """From when on nobody enters, wherever they are; a journey goes on for `longest` at most."""
        latest = _moved(first_entry, longest)
        if self.ends_at is None:
            return latest
        return min(latest, _moved(self.ends_at, -_WEST) if self.is_local else self.ends_at)


def read_schedule(schedule: Mapping[str, Any], *, is_local: bool) -> Schedule:
    """What a Schedule says whose Timezone was checked; dates are checked by the contract."""
    start, end = schedule.get("StartTime"), schedule.get("EndTime")
    name: str = schedule.get("Timezone") or ""
    return Schedule(
        parse_instant(start) if start else None,
        parse_instant(end) if end else None,
        JOURNEY_OFFSETS[name.upper()] if name else _EAST,
        is_local,
    )


def _moved(instant: datetime, by: timedelta) -> datetime:
    try:
        return instant + by
    except OverflowError:  # the end of the calendar, for "never"
        return _LATEST if by > timedelta() else instant


def _in_zone(wall: datetime, zone: ZoneInfo) -> datetime:
    """When clocks of a zone show what clocks in UTC show at `wall`; the first time that they do."""
    try:
        return wall.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return wall

"""When a campaign runs: its Schedule checked and computed with (campaigns.md section 4).

A *slot* is the instant at which a run is to start.  In recipients' local time a run goes on from there zone by zone, in
*sweeps*.  Nothing here has a clock: instants are arguments.
"""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from repoint.apps.settings import check_quiet_time
from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException
from repoint.delivery.offsets import CAMPAIGN_OFFSETS
from repoint.endpoints.timezone import find_zone
from repoint.events.filter import check_event_filter

IMMEDIATE = "IMMEDIATE"
# How far a caller's clock may be behind ours.
_SKEW = timedelta(seconds=60)
_PERIODS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
_RECURRING = frozenset({*_PERIODS, "MONTHLY"})
_ON_EVENTS = frozenset({"EVENT", "IN_APP_EVENT"})
_MONTHS = 12
# How fine instants are.
_LEAST = timedelta(microseconds=1)


def check_schedule(schedule: Mapping[str, Any], now: datetime) -> None:
    """Raises BadRequestException for the first member that may not be so, with the texts of campaigns.md, Errors.

    An empty text counts as none, as everywhere in the contract.
    """
    frequency = _frequency(schedule)
    starts_at = _checked_start(schedule, now)
    _check_end(schedule, frequency, starts_at)
    _checked_offset(schedule)
    check_quiet_time(schedule.get("QuietTime", {}))
    if schedule.get("IsLocalTime") and frequency == "HOURLY":
        raise BadRequestException("An HOURLY campaign can't use IsLocalTime")
    if frequency not in _ON_EVENTS and schedule.get("EventFilter"):
        raise BadRequestException("EventFilter needs the Frequency EVENT or IN_APP_EVENT")
    if frequency in _ON_EVENTS:
        check_event_filter(schedule.get("EventFilter"), "EventFilter")


def _frequency(schedule: Mapping[str, Any]) -> str:
    frequency: str = schedule.get("Frequency") or "ONCE"
    return frequency


def _checked_start(schedule: Mapping[str, Any], now: datetime) -> datetime:
    """StartTime; `now` for IMMEDIATE."""
    given = schedule.get("StartTime")
    if not given:
        raise BadRequestException("Missing StartTime")
    if given == IMMEDIATE:
        return now
    starts_at = _instant("StartTime", given)
    if starts_at < now - _SKEW:
        raise BadRequestException("StartTime must be at least current time.")
    return starts_at


def _check_end(schedule: Mapping[str, Any], frequency: str, starts_at: datetime) -> None:
    given = schedule.get("EndTime")
    if not given and frequency in _RECURRING | _ON_EVENTS:
        raise BadRequestException("Missing EndTime")
    if given and _instant("EndTime", given) <= starts_at:
        raise BadRequestException("EndTime must be after StartTime.")


def _instant(member: str, text: str) -> datetime:
    found = parse_instant(text)
    if found is None:
        raise BadRequestException(f"Invalid {member}: {text}")
    return found


def _checked_offset(schedule: Mapping[str, Any]) -> timedelta:
    name: str = schedule.get("Timezone") or "UTC"
    offset = CAMPAIGN_OFFSETS.get(name.upper())
    if offset is None:
        raise BadRequestException(f"Invalid Timezone: {name}")
    return offset


@dataclass(frozen=True, slots=True)
class Plan:
    """A Schedule as instants."""

    # The contract's word, ONCE where none was given.
    frequency: str
    # None for IMMEDIATE.
    starts_at: datetime | None
    # No slot is later; one at this instant counts.
    ends_at: datetime | None
    # Of Timezone: where the wall clock hangs that recipients' local time is compared with.
    offset: timedelta
    # Runs go by recipients' own clocks.
    is_local: bool

    def begun(self, at: datetime) -> "Plan":
        """The plan with IMMEDIATE known to have been this instant, so that slots recur from there."""
        return replace(self, starts_at=at) if self.starts_at is None else self

    def slot_from(self, earliest: datetime) -> datetime | None:
        """The first slot at or after an instant; None when there is none any more.

        What starts but once (ONCE, EVENT, IN_APP_EVENT) has one slot, StartTime.  IMMEDIATE is `earliest` itself,
        whenever it is asked, until the plan has `begun`.
        """
        if self.starts_at is None:
            return earliest if self.ends_at is None or earliest <= self.ends_at else None
        return self._slot(self.starts_at, self._number_from(self.starts_at, earliest))

    def slots_between(self, after: datetime, up_to: datetime, most: int) -> list[datetime]:
        """Slots later than `after` and not later than `up_to`, in order; of more than `most`, the latest.

        None of IMMEDIATE before the plan has `begun`.
        """
        if self.starts_at is None:
            return []
        latest = up_to if self.ends_at is None else min(up_to, self.ends_at)
        first, beyond = (self._number_from(self.starts_at, each + _LEAST) for each in (after, latest))
        found = (self._slot(self.starts_at, number) for number in range(max(first, beyond - most), beyond))
        return [slot for slot in found if slot is not None]

    def _number_from(self, start: datetime, earliest: datetime) -> int:
        """Which slot is the first at or after an instant; StartTime has number 0."""
        if earliest <= start:
            return 0
        if self.frequency == "MONTHLY":
            number = _month_number(self._wall(earliest)) - _month_number(self._wall(start))
            return number if self._monthly(start, number) >= earliest else number + 1
        period = _PERIODS.get(self.frequency)
        return 1 if period is None else -((start - earliest) // period)

    def _slot(self, start: datetime, number: int) -> datetime | None:
        """The slot of this number; None beyond EndTime."""
        slot = start if number == 0 else self._later(start, number)
        return None if slot is None or (self.ends_at is not None and slot > self.ends_at) else slot

    def _later(self, start: datetime, number: int) -> datetime | None:
        if self.frequency == "MONTHLY":
            return self._monthly(start, number)
        period = _PERIODS.get(self.frequency)
        return None if period is None else start + number * period

    def _monthly(self, start: datetime, number: int) -> datetime:
        """StartTime's day so many months later, or the last of that month."""
        wall = self._wall(start)
        year, month = divmod(_month_number(wall) + number, _MONTHS)
        day = min(wall.day, monthrange(year, month + 1)[1])
        return wall.replace(year=year, month=month + 1, day=day).astimezone(UTC)

    def _wall(self, instant: datetime) -> datetime:
        """On the clock whose calendar counts: days of a campaign that starts at 9 p.m. of the 30th are 30ths."""
        return instant.astimezone(timezone(self.offset) if self.is_local else UTC)


def _month_number(moment: datetime) -> int:
    return moment.year * _MONTHS + moment.month - 1


def read_schedule(schedule: Mapping[str, Any]) -> Plan:
    """What a checked Schedule says."""
    frequency, start, end = _frequency(schedule), schedule["StartTime"], schedule.get("EndTime")
    is_immediate = start == IMMEDIATE
    return Plan(
        frequency,
        None if is_immediate else _instant("StartTime", start),
        _instant("EndTime", end) if end else None,
        _checked_offset(schedule),
        schedule.get("IsLocalTime", False) and not is_immediate and frequency not in _ON_EVENTS,
    )


@dataclass(frozen=True, slots=True, order=True)
class Sweep:
    """The part of a run in local time that is due at one instant."""

    due_at: datetime
    # Names of the tz database, in their order.
    zones: tuple[str, ...]


def sweeps(plan: Plan, slot: datetime, zones: Iterable[str]) -> list[Sweep]:
    """When a run of a plan in local time serves the recipients of each zone, in order of time.

    That is when clocks there first show StartTime's time of day as it is at the offset of Timezone.  A zone is left out
    that the tz database doesn't know, that is then past EndTime on its own clock, or whose turn comes no sooner than in
    the next run, with which it is then served: after clocks are set back a day can be longer than the way from slot to
    slot, and the run before has served that day.
    """
    assert plan.starts_at is not None  # noqa: S101 - IMMEDIATE is never in local time
    time_of_day = _naive(plan.starts_at, plan.offset).time()
    end = None if plan.ends_at is None else _naive(plan.ends_at, plan.offset)
    next_slot = plan.slot_from(slot + _LEAST)
    due: dict[datetime, list[str]] = defaultdict(list)
    for name in sorted(set(zones)):
        if (zone := find_zone(name)) is None:
            continue
        due_at = _first_showing(time_of_day, zone, slot)
        is_over = end is not None and due_at.astimezone(zone).replace(tzinfo=None) > end
        if not is_over and (next_slot is None or due_at < next_slot):
            due[due_at].append(name)
    return [Sweep(due_at, tuple(names)) for due_at, names in sorted(due.items())]


def _naive(instant: datetime, offset: timedelta) -> datetime:
    """What a clock at this offset shows."""
    try:
        return instant.replace(tzinfo=None) + offset
    except OverflowError:  # an EndTime at the end of the calendar, for "never"
        return datetime.max  # noqa: DTZ901 - compared with what clocks show


def _first_showing(time_of_day: time, zone: ZoneInfo, earliest: datetime) -> datetime:
    """The first instant, from `earliest` on, at which clocks of the zone show a time of day.

    A time that they show twice in a day counts when it comes first; one that they skip as if they had been set forward
    later, an hour after it on most.
    """
    today = earliest.astimezone(zone).date()
    # Where clocks are set over midnight, yesterday's turn may still be to come and tomorrow's be over.
    days = (today + timedelta(days=number) for number in (-1, 0, 1, 2))
    turns = (datetime.combine(day, time_of_day, zone).astimezone(UTC) for day in days)
    return next(turn for turn in turns if turn >= earliest)

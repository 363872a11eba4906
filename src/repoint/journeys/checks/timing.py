"""When a journey runs and how often it may do what (journeys.md sections 4 to 6)."""

from datetime import datetime, timedelta
from functools import partial

from repoint.apps.settings import JOURNEY_LIMITS, TIMEFRAME_CAP, Ranges, check_ranges
from repoint.delivery.offsets import JOURNEY_OFFSETS
from repoint.journeys.checks.faults import Faults, invalid, told_by, unreadable
from repoint.journeys.durations import parse_duration
from repoint.journeys.journey import Members
from repoint.journeys.schedule import Schedule, read_schedule
from repoint.settings import Settings

_LIMITS: Ranges = {**JOURNEY_LIMITS, "EndpointReentryCap": (0, 100), "MessagesPerSecond": (1, 20_000)}
_LEAST_REFRESH = timedelta(hours=1)


def schedule_faults(content: Members, settings: Settings, now: datetime, earliest: datetime) -> Faults:
    """What is wrong with Schedule and LocalTime, where the first may enter, or could, at `earliest`."""
    given = content.get("Schedule", {})
    timezone = given.get("Timezone", "")
    if timezone and timezone.upper() not in JOURNEY_OFFSETS:
        yield unreadable("Timezone", timezone)
        given = {member: value for member, value in given.items() if member != "Timezone"}
    schedule = read_schedule(given, is_local=content.get("LocalTime", False))
    if schedule.ends_at is not None:
        yield from _end_faults(schedule, settings, now, schedule.first_entry(earliest))
    if schedule.is_local and "EventStartCondition" in content.get("StartCondition", {}):
        yield invalid("LocalTime isn't supported with an EventStartCondition")


def _end_faults(schedule: Schedule, settings: Settings, now: datetime, start: datetime) -> Faults:
    longest = timedelta(days=settings.max_journey_days)
    if schedule.is_empty or schedule.over_at(start, longest) <= max(start, now):
        yield invalid("EndTime must be after StartTime and in the future")
    elif schedule.lasts_from(start) > longest:
        yield invalid(f"EndTime must be at most {settings.max_journey_days} days after the start")


def refresh_faults(content: Members) -> Faults:
    """What is wrong with RefreshFrequency."""
    given = content.get("RefreshFrequency", "")
    every = parse_duration(given)
    if given and every is None:
        yield unreadable("RefreshFrequency", given)
    if every is not None and every < _LEAST_REFRESH:
        yield invalid("RefreshFrequency must be at least PT1H")


def limit_faults(limits: Members) -> Faults:
    """What is wrong with Limits."""
    yield from _range_faults("Limits", limits, _LIMITS)
    yield from _range_faults("Limits.TimeframeCap", limits.get("TimeframeCap", {}), TIMEFRAME_CAP)
    interval = limits.get("EndpointReentryInterval", "")
    if interval and parse_duration(interval) is None:
        yield unreadable("EndpointReentryInterval", interval)


def _range_faults(name: str, limits: Members, ranges: Ranges) -> Faults:
    for member, allowed in ranges.items():
        yield from told_by(partial(check_ranges, name, limits, {member: allowed}))

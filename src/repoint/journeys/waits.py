"""WaitTime: how long participants stay at an activity, or until when (journeys.md section 8)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from repoint.contract.dates import parse_instant
from repoint.endpoints.timezone import find_zone
from repoint.journeys.activities.kind import Visit
from repoint.journeys.durations import parse_duration
from repoint.journeys.journey import Journey
from repoint.journeys.timezone import zone_of

Members = Mapping[str, Any]

_HAS_OFFSET = re.compile(r"T.*(?:Z|[+-]\d{2}:?\d{2})$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wait:
    """A checked WaitTime: one of both is set."""

    duration: timedelta | None
    # By the clocks of the participant where `is_local`; then its UTC fields are what they show.
    until: datetime | None
    is_local: bool
    # How the zone of a participant is guessed that names none.
    estimation_methods: Sequence[str] = ()

    def ends_at(self, visit: Visit, now: datetime) -> datetime:
        """When the waiting of a participant ends that begins now."""
        if self.until is None:
            return _moved(now, self.duration or timedelta())
        return _by_clocks(self.until, visit, self.estimation_methods) if self.is_local else self.until

    @property
    def is_absolute(self) -> bool:
        """Whether a pause of the journey does not put the end off."""
        return self.until is not None


def read_wait(given: Members, journey: Journey) -> Wait | None:
    """A checked WaitTime of a journey; None for an empty one. WaitUntil goes before WaitFor."""
    if until := given.get("WaitUntil"):
        has_offset = _HAS_OFFSET.search(until) is not None
        is_local = journey.schedule.is_local and not has_offset
        return Wait(None, parse_instant(until), is_local, journey.hours.estimation_methods)
    duration = parse_duration(given.get("WaitFor") or "")
    return None if duration is None else Wait(duration, None, is_local=False)


def _by_clocks(wall: datetime, visit: Visit, methods: Sequence[str]) -> datetime:
    """When the clocks of the participant show this; those of whom no zone is known go by UTC."""
    names = (zone_of(endpoint, methods) for endpoint in visit.endpoints.values())
    zones = (find_zone(name) for name in names if name)
    zone = next((zone for zone in zones if zone is not None), None)
    try:
        return wall.replace(tzinfo=zone or UTC).astimezone(UTC)
    except OverflowError:
        return wall


def _moved(instant: datetime, by: timedelta) -> datetime:
    try:
        return instant + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)

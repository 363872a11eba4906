"""When the members of a segment enter: all at once, or in local time zone by zone (journeys.md section 4)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from repoint.endpoints.timezone import find_zone
from repoint.journeys.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Sweep:
    """One pass over the segment."""

    due_at: datetime
    # Names of the zones that are served; None for everybody.
    zones: tuple[str, ...] | None


def sweeps(schedule: Schedule, zones: Iterable[str], starts_at: datetime, due_at: datetime) -> list[Sweep]:
    """The passes of a run that is due then, of a journey that starts at another instant, in order of time.

    A later run takes in the zones whose clocks have shown StartTime by then: the first one still comes to the others.
    There is one at least, so that somebody counts those who have no zone.
    """
    if not schedule.is_local:
        return [Sweep(due_at, None)]
    found: dict[datetime, list[str]] = defaultdict(list)
    for name in sorted(set(zones)):
        if (zone := find_zone(name)) is None:
            continue
        enters_at = schedule.entry_in(zone, starts_at)
        ends_at = schedule.end_in(zone)
        is_first = due_at <= starts_at
        if (ends_at is None or enters_at < ends_at) and (is_first or enters_at <= due_at):
            found[max(enters_at, due_at)].append(name)
    return [Sweep(at, tuple(names)) for at, names in sorted(found.items())] or [Sweep(due_at, ())]

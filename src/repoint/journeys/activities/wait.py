"""Waits: for some time, or until an instant (journeys.md section 8)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from repoint.journeys.activities.kind import Group, Move, Visit, performs
from repoint.journeys.waits import Wait as WaitTime
from repoint.journeys.waits import read_wait

Members = Mapping[str, Any]


class Wait:
    """Keeps participants for as long as it says; whoever comes after an instant that it names passes at once."""

    name = "Wait"
    activity_type = "WAIT"

    def metrics(self, _activity: Members) -> Sequence[str]:
        """Who waits now: started less finished and skipped."""
        return "WAIT_STARTED", "WAIT_FINISHED", "WAIT_SKIPPED"

    async def perform(self, group: Group) -> Sequence[Move]:
        """See Kind."""
        wait = read_wait(group.activity.get("WaitTime", {}), group.journey)
        return [_move(group, visit, wait or WaitTime(timedelta(), None, is_local=False)) for visit in group.visits]


def _move(group: Group, visit: Visit, wait: WaitTime) -> Move:
    next_id = group.activity.get("NextActivity") or None
    if visit.is_waiting:
        return Move(visit.participant, ("WAIT_FINISHED",), next_id)
    ends_at = wait.ends_at(visit, group.now)
    if wait.is_absolute and ends_at <= group.now:
        return Move(visit.participant, ("WAIT_STARTED", "WAIT_SKIPPED"), next_id)
    return Move(visit.participant, ("WAIT_STARTED",), waits_until=ends_at, is_absolute=wait.is_absolute)


performs(Wait())

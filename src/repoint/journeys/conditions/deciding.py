"""Which way participants take at a split: the first whose conditions they fulfil, once it has waited long enough."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from repoint.journeys.activities.kind import Group, Move, Visit
from repoint.journeys.conditions.condition import SimpleCondition
from repoint.journeys.conditions.evaluate import who_fulfils
from repoint.journeys.conditions.waiting import hears_until
from repoint.journeys.waits import Wait, read_wait


@dataclass(frozen=True, slots=True)
class Way:
    """Where a split leads, and what is counted of those who go there."""

    metric: str
    next_id: str | None


@dataclass(frozen=True, slots=True)
class Branch:
    """A way that is taken by those who fulfil all of its conditions, or one of them; without any, by nobody."""

    way: Way
    conditions: Sequence[SimpleCondition]
    one_is_enough: bool = False

    def takes(self, participant: str, fulfilled: Iterable[frozenset[str]]) -> bool:
        """Whether a participant goes there, by who fulfils its conditions."""
        verdicts = [participant in each for each in fulfilled]
        return any(verdicts) if self.one_is_enough else bool(verdicts) and all(verdicts)


async def decide(group: Group, branches: Sequence[Branch], otherwise: Way) -> list[Move]:
    """What becomes of the group at a split with these branches, the first that takes somebody counts."""
    given = group.activity.get("EvaluationWaitTime", {})
    wait = read_wait(given, group.journey)
    waiting = [] if wait is None else [visit for visit in group.visits if not visit.is_waiting]
    moves = [_come_to_wait(visit, wait, group.now) for visit in waiting if wait is not None]
    staying = {move.participant for move in moves if move is not None}
    asked = [visit for visit in group.visits if visit.participant not in staying]
    return [move for move in moves if move is not None] + await _evaluate(
        group, asked, branches, otherwise, waits=wait is None
    )


def _come_to_wait(visit: Visit, wait: Wait, now: datetime) -> Move | None:
    """None where the time has come already."""
    ends_at = wait.ends_at(visit, now)
    if ends_at <= now:
        return None
    return Move(visit.participant, waits_until=ends_at, is_absolute=wait.is_absolute)


async def _evaluate(
    group: Group, visits: Sequence[Visit], branches: Sequence[Branch], otherwise: Way, *, waits: bool
) -> list[Move]:
    if not visits:
        return []
    fulfilled = iter(await who_fulfils(group, visits, [each for branch in branches for each in branch.conditions]))
    verdicts = [(branch, [next(fulfilled) for _ in branch.conditions]) for branch in branches]
    return [_move(group, visit, verdicts, otherwise, waits=waits) for visit in visits]


def _move(
    group: Group,
    visit: Visit,
    verdicts: Sequence[tuple[Branch, Sequence[frozenset[str]]]],
    otherwise: Way,
    *,
    waits: bool,
) -> Move:
    """Branches behind one that may still come true by waiting are not taken before that is known."""
    taken, before = otherwise, []
    for branch, fulfilled in verdicts:
        if branch.takes(visit.participant, fulfilled):
            taken = branch.way
            break
        before.append(branch)
    ends = [_may_hear_until(group, visit, branch) for branch in before] if waits else []
    put_off = _put_off(visit, ends)
    for end in ends:
        if end is not None and end + put_off > group.now:
            return Move(visit.participant, waits_until=end + put_off, waits_for_event=True)
    return Move(visit.participant, (taken.metric,), taken.next_id)


def _put_off(visit: Visit, ends: Iterable[datetime | None]) -> timedelta:
    """How much later what a participant waits for ends, because the journey was paused meanwhile."""
    until, none = visit.waits_until, timedelta()
    if until is None or not visit.is_waiting:
        return none
    return min((until - end for end in ends if end is not None and end <= until), default=none)


def _may_hear_until(group: Group, visit: Visit, branch: Branch) -> datetime | None:
    return hears_until(visit, branch.conditions, group.journey, group.context.settings)

"""Participants going from activity to activity, in memory, until each waits, has left, or stands before a message.

What became of them is noted in `Changes`, and written with the next step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from repoint.journeys.activities.kind import AsksLog, Group, Move, Performer, Visit, kind_of
from repoint.journeys.activities.messenger import Messenger
from repoint.journeys.engine.changes import OF_RUN, Changes, Place
from repoint.journeys.engine.published import Published
from repoint.queue.tasks import TaskContext

log = structlog.get_logger()

# The run, and the activity.
Stand = tuple[str, str]

# Those who stand at an activity that fails for a reason that nobody has foreseen are asked about again after this long.
_FAILED_WAIT = timedelta(minutes=1)


class Walk:
    """The walking of one lane's participants."""

    def __init__(self, context: TaskContext, published: Published) -> None:
        self._context = context
        self._published = published
        # Those who stand before a message.
        self.before_messages: dict[Stand, list[Visit]] = {}
        self.have_left = False

    async def go(self, changes: Changes, visits: Iterable[Visit]) -> None:
        """Have these go on from where they stand, as far as they come without a message."""
        ahead = list(visits)
        while ahead:
            further: list[Visit] = []
            for stand, those in _by_stand(ahead).items():
                further += await self._perform(changes, stand, those)
            ahead = further

    def group(self, stand: Stand, visits: Sequence[Visit]) -> Group:
        """Some who stand at one activity in one run."""
        run_id, activity_id = stand
        journey = self._published.journey
        content = journey.activities[activity_id].content
        return Group(self._context, journey, run_id, activity_id, content, visits, self._context.now())

    def move_all(self, changes: Changes, visits: Iterable[Visit], moves: Iterable[Move]) -> list[Visit]:
        """Note what becomes of participants; those who stand at another activity now."""
        by_participant, now = {move.participant: move for move in moves}, self._context.now()
        found = (self.move(changes, visit, by_participant[visit.participant], now) for visit in visits)
        return [visit for visit in found if visit is not None]

    def move(self, changes: Changes, visit: Visit, move: Move, now: datetime) -> Visit | None:
        """Note what becomes of a participant; where it stands now, None when it waits or has left."""
        for name in move.counts:
            changes.count(visit.run_id, visit.activity_id, name)
        if move.is_performed:
            visit = replace(visit, performed={**visit.performed, visit.activity_id: now})
        if move.answers:
            visit = replace(visit, answers={**visit.answers, visit.activity_id: move.answers})
        if move.waits_until is not None:
            self._wait(changes, visit, move)
            return None
        if move.next_id is None or move.next_id not in self._published.journey.activities:
            self._leave(changes, visit)
            return None
        changes.count(visit.run_id, move.next_id, "ENDPOINT_ENTERED")
        arrived = replace(visit, activity_id=move.next_id, arrived_at=now, is_waiting=False)
        due_at = self._published.by_its_clock(now)
        changes.places[visit.participant] = _place(arrived, due_at, is_absolute=False)
        return arrived

    def postpone(self, changes: Changes, visits: Iterable[Visit]) -> None:
        """Have these asked about again later, as they stand."""
        due_at = self._published.by_its_clock(self._context.now() + _FAILED_WAIT)
        for visit in visits:
            changes.places[visit.participant] = _place(visit, due_at, is_absolute=False)

    async def _perform(self, changes: Changes, stand: Stand, visits: Sequence[Visit]) -> list[Visit]:
        """Have the activity performed; those who go on."""
        there = []
        for visit in visits:
            # An endpoint that is gone leaves, wherever it stands (journeys.md section 3).
            if visit.endpoints and stand[1] in self._published.journey.activities:
                there.append(visit)
            else:
                self._leave(changes, visit)
        if not there:
            return []
        activity = self._published.journey.activities[stand[1]]
        kind = kind_of(activity)
        if isinstance(kind, Messenger):
            self.before_messages.setdefault(stand, []).extend(there)
            return []
        if changes.finished and isinstance(kind, AsksLog) and kind.asks_log(activity.content):
            # They stand there and are due once that is written about which they will be asked.
            return []
        assert isinstance(kind, Performer)  # noqa: S101 - there is no other kind
        try:
            moves = await kind.perform(self.group(stand, there))
        except Exception:
            # A mistake of one activity keeps nobody else from going on.
            log.exception("An activity of a journey failed", journey_id=self._published.id, activity_id=stand[1])
            self.postpone(changes, there)
            return []
        return self.move_all(changes, there, moves)

    def _wait(self, changes: Changes, visit: Visit, move: Move) -> None:
        assert move.waits_until is not None  # noqa: S101 - whoever asks has seen to it
        due_at = move.waits_until if move.is_absolute else self._published.by_its_clock(move.waits_until)
        waiting = replace(visit, is_waiting=True)
        changes.places[visit.participant] = _place(
            waiting, due_at, is_absolute=move.is_absolute, waits_for_event=move.waits_for_event
        )

    def _leave(self, changes: Changes, visit: Visit) -> None:
        changes.count(visit.run_id, OF_RUN, "ENDPOINT_LEFT")
        changes.places[visit.participant] = Place(
            visit.participant,
            None,
            visit.arrived_at,
            is_waiting=False,
            due_at=None,
            is_absolute=False,
            waits_for_event=False,
            performed=visit.performed,
            answers=visit.answers,
        )
        self.have_left = True


def _place(visit: Visit, due_at: datetime, *, is_absolute: bool, waits_for_event: bool = False) -> Place:
    return Place(
        visit.participant,
        visit.activity_id,
        visit.arrived_at,
        visit.is_waiting,
        due_at,
        is_absolute,
        waits_for_event,
        visit.performed,
        visit.answers,
    )


def _by_stand(visits: Iterable[Visit]) -> dict[Stand, list[Visit]]:
    found: dict[Stand, list[Visit]] = {}
    for visit in visits:
        found.setdefault((visit.run_id, visit.activity_id), []).append(visit)
    return found

"""One worker's time with one lane: what it holds, what it has still to write, and how fast it may send."""

import asyncio
from collections.abc import Sequence

from repoint.db.pool import Db
from repoint.delivery.pace import PATIENCE_S, Pace
from repoint.delivery.seats import Seats
from repoint.functions.payload import MOST_ENDPOINTS
from repoint.journeys.activities.kind import Group
from repoint.journeys.engine.changes import Changes
from repoint.journeys.engine.lane import Lane, Sending
from repoint.journeys.engine.published import Published
from repoint.journeys.engine.step import Reserve, Steps
from repoint.journeys.engine.walk import Walk
from repoint.queue.tasks import TaskContext

# Participants that are read together, however slowly their journey sends: not all of them are sent to.
_LEAST_AHEAD = 50
# Messages that are reserved at once, however many travel together.
_MOST_AT_ONCE = 250


class LaterError(Exception):
    """The journey's pace has no room now, or the worker stops: the lane is to be given back for so many seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"{wait_s:.1f} s")
        self.wait_s = wait_s


class Session:
    """One taking of a lane."""

    def __init__(self, context: TaskContext, published: Published, lane: Lane, seats: Seats) -> None:
        self.context = context
        self.published = published
        self.lane = lane
        self.walk = Walk(context, published)
        # What is to be written with the next step.
        self.changes = Changes()
        # What is on its way as the database has it, and of which it is not known here either what became of it.
        self.away: Sequence[Sending] = lane.sending
        self._seats = seats
        self._steps = Steps(context.database, context.settings, lane)
        per_second = published.journey.limits.per_second if published.is_there else None
        self._pace = Pace(context.database, published.application_id, published.id, per_second)

    async def take_step(self, reserve: Reserve, *, sends: bool = True) -> None:
        """Write what is to be written, and reserve, which names all that is away then. Raises as `Steps.take` does."""
        self.away = await self._steps.take(self.changes, reserve, sends=sends)
        self.changes = Changes()

    async def write(self) -> None:
        """Write what is to be written, and reserve nothing."""

        async def reserve(_db: Db, _written: Changes) -> list[Sending]:
            return [*self.away]

        if not self.changes.is_empty or len(self.lane.sending) > len(self.away):
            await self.take_step(reserve, sends=False)
        await self._seats.release(self.lane.holder)

    def most_ahead(self, visits: int) -> int:
        """How many of these are read together: what is read early may be out of date when it is sent to."""
        return max(_LEAST_AHEAD, self._pace.most_ahead(visits))

    async def take_seats(self, group: Group) -> int:
        """How many messages of an activity may go at once; waits for that. Raises LaterError when the worker stops."""
        calls = await self._seats.take(self.lane.holder)
        if self._seats.are_closed:
            raise LaterError(0)
        kind = self.published.journey.activities[group.activity_id].kind
        # Messages to a custom channel travel together, which takes one seat.
        per_call = MOST_ENDPOINTS if kind == "CUSTOM" else 1
        return self._pace.most_at_once(min(calls * per_call, _MOST_AT_ONCE))

    async def wait_for_turn(self, messages: int) -> None:
        """Wait until so many messages may leave; raises LaterError when that takes long."""
        wait_s = await self._pace.take(messages)
        if wait_s > PATIENCE_S:
            await self._pace.give_back(messages)
            raise LaterError(wait_s)
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def leave_turn(self, messages: int) -> None:
        """Room for these was not needed."""
        await self._pace.give_back(messages)

"""The transaction that walking is made of: what became of one group is written, and the next one reserved.

A message goes out only after the commit that names it as being on its way, and the commit that writes its end takes it
off again, and has its participant go on. So at every instant the database tells of each participant where it stands and
whether a message to it is on its way; a crash leaves nobody out, and in doubt only whose message was on the way.
"""

from collections.abc import Awaitable, Callable, Sequence

from psycopg.errors import DivisionByZero

from repoint.db.parameters import as_json
from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.delivery.write import insist
from repoint.journeys.engine.changes import Changes
from repoint.journeys.engine.lane import Lane, Sending, read_sending
from repoint.queue.lease import LostClaimError
from repoint.settings import Settings

Q = load_queries("repoint.journeys.engine")

# Says what is reserved, in the transaction, and adds to what is written who gets nothing after all. It is called anew
# when a transaction failed, so it changes nothing else.
Reserve = Callable[[Db, Changes], Awaitable[list[Sending]]]


class StoppedError(Exception):
    """The journey was paused or cancelled: nothing more is sent."""


class Steps:
    """The steps of one lane."""

    def __init__(self, database: Database, settings: Settings, lane: Lane) -> None:
        self._database = database
        self._settings = settings
        self._lane = lane

    async def take(self, changes: Changes, reserve: Reserve, *, sends: bool = True) -> Sequence[Sending]:
        """Write what has changed, and reserve what goes out next; what is on its way from now on.

        `sends` is false when what `reserve` names is out already. As long as the database is away it is tried again:
        what went out is known here only. Raises LostClaimError when the lane is another worker's, and StoppedError when
        nothing may be sent; then nothing was written.
        """
        whose = self._lane.journey_id
        sending = await insist(lambda: self._take(changes, reserve, sends=sends), self._made, journey_id=whose)
        self._lane.step += 1
        self._lane.sending = sending[0]
        return sending[0]

    # In a tuple, so that nothing reserved is not taken for nothing done.
    async def _take(self, changes: Changes, reserve: Reserve, *, sends: bool) -> tuple[list[Sending]]:
        lane, written = self._lane, changes.copy()
        try:
            async with self._database.transaction() as db:
                sending = await reserve(db, written)
                parameters = lane.held | {
                    "step": lane.step,
                    "sending": as_json(sending) if sending else None,
                    "sends": sends and bool(sending),
                    "lease_s": self._settings.worker_lease_s,
                }
                writes = written.ask_write(lane, suppresses=self._settings.suppress_bounced)
                await db.together((Q.step, parameters), *writes)
        except DivisionByZero:
            # What `step` says when there is nothing to move.
            return await self._made() or await self._refuse()
        return (sending,)

    async def _made(self) -> tuple[list[Sending]] | None:
        """What this step has reserved, if it was made already."""
        lane = self._lane
        async with self._database.connection() as db:
            row = await db.row(Q.where_is, lane.key)
        if row is None or (row["epoch"], row["step"]) != (lane.epoch, lane.step + 1):
            return None
        return (read_sending(row["sending"]),)

    async def _refuse(self) -> tuple[list[Sending]]:
        lane = self._lane
        async with self._database.connection() as db:
            row = await db.row(Q.where_is, lane.key)
        if row is not None and (row["epoch"], row["step"]) == (lane.epoch, lane.step):
            raise StoppedError
        raise LostClaimError(f"lane {lane.number} of {lane.journey_id}: epoch {lane.epoch} is over")

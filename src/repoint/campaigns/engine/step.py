"""The transaction that a run is made of: what became of one group is written, and the next one reserved.

A message goes out only after the commit that names it as being on its way, and the commit that writes its end takes it
off again. So at every instant the database tells of each endpoint of a batch that it is finished, on its way, or not
begun; a crash leaves nobody out, and in doubt only who was on the way.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from psycopg.errors import DivisionByZero

from repoint.campaigns.engine.batch import Batch, Sending, Trigger, add, read_batch_row
from repoint.campaigns.engine.ending import end_batch
from repoint.campaigns.engine.run import CancelledRunError
from repoint.db.parameters import as_json, object_as_json
from repoint.db.pool import Database, Db, Parameters
from repoint.db.queries import Query, load_queries
from repoint.delivery.finished import Counts, Finished
from repoint.delivery.write import ask_write_finished, insist
from repoint.queue.lease import LostClaimError
from repoint.settings import Settings

Q = load_queries("repoint.campaigns.engine")


@dataclass(slots=True)
class Reserved:
    """Where a batch is after a step."""

    after_key: str
    triggers: list[Trigger] | None = None
    # What goes out now.
    sending: list[Sending] = field(default_factory=list)
    # Everything that the batch has counted, this step's included.
    counts: Counts = field(default_factory=dict)


# Says what is reserved, in the transaction, and adds to what is finished who gets nothing after all. It is called anew
# when a transaction failed, so it changes nothing else.
Reserve = Callable[[Db, Finished], Awaitable[Reserved]]


class Steps:
    """The steps of one batch."""

    def __init__(self, database: Database, settings: Settings, batch: Batch, *, asks_caps: bool) -> None:
        self._database = database
        self._settings = settings
        self._batch = batch
        # Without caps to be asked for, a step is a single round trip.
        self._asks_caps = asks_caps

    async def take(self, finished: Finished, reserve: Reserve) -> Reserved:
        """Write what is finished and reserve what goes out next.

        As long as the database is away it is tried again: what went out is known here only. Raises LostClaimError when
        the batch is another worker's, and CancelledRunError when the run is over; then nothing was written.
        """
        reserved = await insist(lambda: self._take(finished, reserve), self._made, run_id=self._batch.run_id)
        self._batch.step += 1
        self._batch.counts = reserved.counts
        self._batch.sending = reserved.sending
        return reserved

    async def end(self, finished: Finished) -> None:
        """Write what is finished; the batch is done. Raises as `take` does, but not for a run that is over."""
        await insist(lambda: self._end(finished), self._ended, run_id=self._batch.run_id)

    async def _take(self, finished: Finished, reserve: Reserve) -> Reserved:
        batch, written = self._batch, finished.copy()
        try:
            # On a bare connection, statements that are sent together are a transaction.
            async with self._database.transaction() if self._asks_caps else self._database.connection() as db:
                reserved = await reserve(db, written)
                reserved.counts = add(batch.counts, written.counts)
                parameters = batch.claim | {
                    "after_key": None if reserved.triggers is not None else reserved.after_key,
                    "triggers": None if reserved.triggers is None else as_json(reserved.triggers),
                    "sending": as_json(reserved.sending) if reserved.sending else None,
                    "counts": object_as_json(reserved.counts),
                    "lease_s": self._settings.worker_lease_s,
                }
                await db.together((Q.step, parameters), *self._ask_write(written))
        except DivisionByZero:
            # What `step` says when there is nothing to move.
            return await self._made() or await self._refuse()
        return reserved

    async def _made(self) -> Reserved | None:
        """What this step has reserved, if it was made already."""
        batch = self._batch
        async with self._database.connection() as db:
            row = await db.row(Q.where_is, batch.key)
        if row is None or (row["epoch"], row["step"]) != (batch.epoch, batch.step + 1):
            return None
        found = read_batch_row(row)
        return Reserved(found.after_key, found.triggers, found.sending, found.counts)

    async def _refuse(self) -> Reserved:
        batch = self._batch
        async with self._database.connection() as db:
            row = await db.row(Q.where_is, batch.key)
        if row is not None and (row["epoch"], row["step"]) == (batch.epoch, batch.step):
            raise CancelledRunError
        raise LostClaimError(f"batch {batch.number}: epoch {batch.epoch} is over")

    async def _end(self, finished: Finished) -> Reserved:
        batch = self._batch
        async with self._database.transaction() as db:
            if await db.execute(Q.end_batch, batch.claim) == 0:
                raise LostClaimError(f"batch {batch.number}: epoch {batch.epoch} is over")
            await db.together(*self._ask_write(finished))
            await end_batch(db, batch, add(batch.counts, finished.counts), finished.at)
        return Reserved("")

    async def _ended(self) -> Reserved | None:
        """Something, if the batch is gone: by our commit, or with whoever has taken it meanwhile."""
        async with self._database.connection() as db:
            return Reserved("") if await db.row(Q.where_is, self._batch.key) is None else None

    def _ask_write(self, written: Finished) -> Iterator[tuple[Query, Parameters]]:
        batch, suppresses = self._batch, self._settings.suppress_bounced
        return ask_write_finished(batch.application_id, batch.run_id, written, suppresses=suppresses)

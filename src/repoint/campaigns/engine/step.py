"""The transaction that a run is made of: what became of one group is written, and the next one reserved.

A message goes out only after the commit that names it as being on its way, and the commit that writes its end takes it
off again. So at every instant the database tells of each endpoint of a batch that it is finished, on its way, or not
begun; a crash leaves nobody out, and in doubt only who was on the way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.campaigns.engine.batch import Batch, Counts, Sending, Trigger, add, as_json
from repoint.campaigns.engine.ending import end_batch
from repoint.campaigns.engine.finished import Finished
from repoint.campaigns.engine.run import CancelledRunError
from repoint.db.pool import Database, Db, Parameters
from repoint.db.queries import Query, load_queries
from repoint.delivery.ledger import ask_write
from repoint.delivery.sent import ask_note_sent
from repoint.delivery.suppression import suppress
from repoint.events.emit import ask_announce, emit_announced
from repoint.queue.lease import LostClaimError
from repoint.settings import Settings

log = structlog.get_logger()
Q = load_queries("repoint.campaigns.engine")

# Between tries to write, as long as the database is away and nobody has taken the batch over.
RETRY_S = 0.2


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


class _DoneError(Exception):
    """The commit of the try before was made, though nobody heard of it."""


class Steps:
    """The steps of one batch."""

    def __init__(self, database: Database, settings: Settings, batch: Batch) -> None:
        self._database = database
        self._settings = settings
        self._batch = batch
        # Of the last try that came as far as its commit.
        self._tried: Reserved | None = None

    async def take(self, finished: Finished, reserve: Reserve) -> Reserved:
        """Write what is finished and reserve what goes out next.

        As long as the database is away it is tried again: what went out is known here only. Raises LostClaimError when
        the batch is another worker's, and CancelledRunError when the run is over; then nothing was written.
        """
        self._tried = None
        reserved = await self._insist(lambda: self._take(finished, reserve))
        self._batch.step += 1
        self._batch.counts = reserved.counts
        self._batch.sending = reserved.sending
        return reserved

    async def end(self, finished: Finished) -> None:
        """Write what is finished; the batch is done. Raises as `take` does, but not for a run that is over."""
        await self._insist(lambda: self._end(finished))

    async def _insist(self, attempt: Callable[[], Awaitable[Reserved]]) -> Reserved:
        while True:
            try:
                return await attempt()
            except _DoneError:
                assert self._tried is not None  # noqa: S101 - that is what the error says
                return self._tried
            except (psycopg.OperationalError, psycopg.InternalError, PoolTimeout) as error:
                # The second ones too: a session that the server ended for sleeping in its transaction, or a server that
                # has just become read-only.
                log.warning("A campaign waits for the database", run_id=self._batch.run_id, reason=str(error))
            await asyncio.sleep(RETRY_S)

    async def _take(self, finished: Finished, reserve: Reserve) -> Reserved:
        batch, written = self._batch, finished.copy()
        async with self._database.transaction() as db:
            reserved = await reserve(db, written)
            reserved.counts = add(batch.counts, written.counts)
            parameters = batch.claim | {
                "after_key": None if reserved.triggers is not None else reserved.after_key,
                "triggers": None if reserved.triggers is None else as_json(reserved.triggers),
                "sending": as_json(reserved.sending) if reserved.sending else None,
                "counts": as_json(reserved.counts),
                "lease_s": self._settings.worker_lease_s,
            }
            [states, *_] = await db.together((Q.step, parameters), *_ask_write(batch, written))
            if not states:
                await self._refuse(db)
            if states[0][0] != "RUNNING" and reserved.sending:
                raise CancelledRunError
            await self._write_rest(db, written)
            self._tried = reserved
        return reserved

    async def _refuse(self, db: Db) -> None:
        batch = self._batch
        found = await db.row(Q.where_is, batch.key)
        if self._tried is not None and found == {"epoch": batch.epoch, "step": batch.step + 1}:
            raise _DoneError
        raise LostClaimError(f"batch {batch.number}: epoch {batch.epoch} is over")

    async def _end(self, finished: Finished) -> Reserved:
        batch, nothing = self._batch, Reserved("")
        async with self._database.transaction() as db:
            if await db.execute(Q.end_batch, batch.claim) == 0:
                # The try before may have committed, unheard; or another worker has taken the batch, and done it.
                raise LostClaimError(f"batch {batch.number}: epoch {batch.epoch} is over")
            await db.together(*_ask_write(batch, finished))
            await self._write_rest(db, finished)
            await end_batch(db, batch, add(batch.counts, finished.counts), finished.at)
        return nothing

    async def _write_rest(self, db: Db, written: Finished) -> None:
        if written.events:
            await emit_announced(db, written.events)
        if written.bounced and self._settings.suppress_bounced:
            await suppress(db, written.bounced, written.at)


def _ask_write(batch: Batch, written: Finished) -> Iterator[tuple[Query, Parameters]]:
    if written.entries:
        yield ask_write(batch.application_id, batch.run_id, written.at, written.entries)
    if written.sent:
        yield ask_note_sent(batch.application_id, written.at, written.sent)
    if written.events:
        yield ask_announce()

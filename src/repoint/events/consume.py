"""Readers of the log: named cursors, each read by one worker at a time, batch after batch, at least once.

A reader is a row: how far it has come, and a claim with an epoch. A worker claims the readers that have something to
read, hands each its next events and notes them as read; whoever holds an older epoch by then, having been frozen or
because the stream was changed meanwhile, notes nothing. Killed between the two, the worker has handed over one batch
that comes again.

Nothing is put on a queue for an event: readers are woken by looking at the last position given out, ten times a second
while there are readers, which costs the database one look at one row.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, runtime_checkable

import psycopg
import structlog

from repoint.db.pool import Database, Db, Row
from repoint.db.queries import load_queries
from repoint.events.horizon import MARGIN, Settled, ask_to_keep_places, settled
from repoint.events.log import Gathering, GoneError, LoggedEvent, SetAside, Subscriber, UnreachableError
from repoint.queue import TaskContext
from repoint.queue.beside import runs_beside

log = structlog.get_logger()
Q = load_queries("repoint.events")

POLL_S = 0.1
IDLE_POLL_S = 1.0
# Readers that one worker serves at the same time: so many that go well, and beside them so many that failed the last
# time, as these may hang and nobody should wait for that.
MAX_AT_ONCE = 8
MAX_FAILING_AT_ONCE = 4
# Of one batch, whichever is reached first: what Kinesis and Firehose take at once.
BATCH_EVENTS = 500
BATCH_BYTES = 4_000_000
# A batch that is not taken is tried again after this long, doubled each time up to the longest.
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
# What a destination may ask for at most.
LONGEST_WAIT_S = 3600.0
_REASON_CHARACTERS = 500


_USUAL = Gathering(BATCH_EVENTS, BATCH_BYTES)


class Consumer(Protocol):
    """What takes a reader's events outside any transaction."""

    async def put(self, events: Sequence[LoggedEvent]) -> list[SetAside]:
        """Take a batch; see `Sink.put`."""


@runtime_checkable
class Gatherer(Protocol):
    """A consumer that wants other batches than most."""

    gathering: Gathering


# Opens the consumer of one application's reader; raises UnreachableError when it cannot be opened now, GoneError when
# it never can.
Opener = Callable[[TaskContext, str], AbstractAsyncContextManager[Consumer]]

OPENERS: dict[str, Opener] = {}
SUBSCRIBERS: dict[str, tuple[frozenset[str] | None, Subscriber]] = {}


def consumes(name: str) -> Callable[[Opener], Opener]:
    """Register what readers of this name hand their events to."""

    def bind(function: Opener) -> Opener:
        OPENERS[name] = function
        return function

    return bind


def subscribes(name: str, event_types: Iterable[str] | None = None) -> Callable[[Subscriber], Subscriber]:
    """Register a feature that reads events under this name, of these types only if any are given; repeats are left out.

    It is called in the transaction that notes its batch as read: what it writes there happens once, and an exception
    brings the batch again. Applications are added by `begin_reading`.
    """
    types = None if event_types is None else frozenset(event_types)

    def bind(function: Subscriber) -> Subscriber:
        SUBSCRIBERS[name] = (types, function)
        return function

    return bind


async def begin_reading(db: Db, application_id: str, name: str) -> None:
    """Have this reader read what is logged from now on; one that reads already goes on where it is.

    In the caller's transaction; nothing that commits after it is missed.
    """
    end = await settled(db)
    parameters = {"application_id": application_id, "name": name, "position": end.position, "since": end.oldest}
    await db.execute(Q.begin_reading, parameters)


async def stop_reading(db: Db, application_id: str, name: str) -> None:
    """Forget this reader and what it has set aside; a batch under way may still arrive."""
    await db.execute(Q.stop_reading, {"application_id": application_id, "name": name})


class _Mark(NamedTuple):
    """The event that a reader has come to, or the place before the first."""

    position: int
    logged_at: datetime


@dataclass(slots=True)
class _Claim:
    """A reader that this worker holds."""

    application_id: str
    name: str
    epoch: int
    mark: _Mark
    failures: int

    @property
    def key(self) -> dict[str, object]:
        return {"application_id": self.application_id, "name": self.name, "epoch": self.epoch}


@runs_beside
async def read_log(context: TaskContext) -> None:
    """Serve readers until cancelled."""
    await Reading(context).run()


class Reading:
    """One worker's reading of the log."""

    def __init__(self, context: TaskContext) -> None:
        self._context = context
        self._database: Database = context.database
        self._seen = -1
        self._served: dict[asyncio.Task[None], _Claim] = {}

    async def run(self) -> None:
        """Serve readers for ever, through failures of the database."""
        try:
            while True:
                try:
                    pause_s = await self._look()
                except psycopg.Error as error:
                    log.warning("The event log could not be read", reason=str(error))
                    pause_s = IDLE_POLL_S
                await asyncio.sleep(pause_s)
        finally:
            for task in self._served:
                task.cancel()
            await asyncio.gather(*self._served, return_exceptions=True)

    async def drain(self) -> None:
        """Serve until no reader has anything left that it could take now (for tests)."""
        while True:
            await self._look()
            if not self._served:
                return
            await asyncio.gather(*self._served)

    async def _look(self) -> float:
        """Claim readers with work and serve them; how long to wait before the next look."""
        async with self._database.connection() as db:
            state = await db.row(Q.readers_state)
            assert state is not None  # noqa: S101 - one row always
            if not state["are_any"]:
                return IDLE_POLL_S
            has_room = len(self._served) < MAX_AT_ONCE + MAX_FAILING_AT_ONCE
            if has_room and (state["position"] != self._seen or state["are_waiting"]):
                end = await settled(db)
                # What is not settled yet is looked at again.
                self._seen = min(state["position"], end.position)
                for claim in await self._claim(db, end):
                    self._serve(claim)
        return POLL_S

    async def _claim(self, db: Db, end: Settled) -> list[_Claim]:
        failing = sum(claim.failures > 0 for claim in self._served.values())
        parameters = {
            "up_to": end.position,
            "lease_s": self._context.settings.worker_lease_s,
            "rows": max(0, MAX_AT_ONCE - (len(self._served) - failing)),
            "failing_rows": max(0, MAX_FAILING_AT_ONCE - failing),
            "names": list(OPENERS.keys() | SUBSCRIBERS.keys()),
            "margin": MARGIN,
        }
        return [_claim_of(row) for row in await db.rows(Q.claim_readers, parameters)]

    def _serve(self, claim: _Claim) -> None:
        task = asyncio.create_task(self._read_to_the_end(claim), name=f"reader {claim.name}")
        self._served[task] = claim
        task.add_done_callback(self._served.pop)

    async def _read_to_the_end(self, claim: _Claim) -> None:
        """Read until nothing is left, something fails, or the claim is lost; then give the reader back."""
        try:
            await self._read(claim)
        except GoneError:
            return
        except UnreachableError as error:
            await self._postpone(claim, str(error), error.wait_s)
        except psycopg.OperationalError as error:
            # The lease ends by itself.
            log.warning("A reader lost the database", reader=claim.name, reason=str(error))
        except Exception as error:
            log.exception("A reader of events failed", application_id=claim.application_id, reader=claim.name)
            await self._postpone(claim, f"{type(error).__name__}")
        finally:
            self._seen = -1

    async def _read(self, claim: _Claim) -> None:
        if claim.name in SUBSCRIBERS:
            while await self._hand_to_subscriber(claim):
                pass
        else:
            async with OPENERS[claim.name](self._context, claim.application_id) as consumer:
                await self._feed(claim, consumer)
        async with self._database.connection() as db:
            await db.execute(Q.give_back_reader, claim.key)

    async def _feed(self, claim: _Claim, consumer: Consumer) -> None:
        """Hand over batch after batch and note each, until there is none, it waits for more, or the claim is lost."""
        gathering = consumer.gathering if isinstance(consumer, Gatherer) else _USUAL
        events = await self._next(claim, claim.mark, gathering)
        while events and not await self._rest(claim, events, gathering):
            async with self._ahead(claim, events, gathering) as ahead:
                refused = await self._put(consumer, events)
                # Most batches are taken whole and noted by one statement, which commits itself.
                async with self._database.transaction() if refused else self._database.connection() as db:
                    if not await self._note(db, claim, events, refused):
                        return
                events = await (ahead or self._next(claim, claim.mark, gathering))

    @asynccontextmanager
    async def _ahead(
        self, claim: _Claim, events: list[LoggedEvent], gathering: Gathering
    ) -> AsyncIterator[asyncio.Task[list[LoggedEvent]] | None]:
        """Behind a full batch, the reading of the next one while this one is put; None behind any other.

        What follows a batch that is not full may still come in, so it is read when it is wanted.
        """
        if not _is_full(events, gathering):
            yield None
            return
        reading = asyncio.create_task(self._next(claim, _mark(events[-1]), gathering))
        try:
            yield reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _put(self, consumer: Consumer, events: list[LoggedEvent]) -> list[SetAside]:
        try:
            async with asyncio.timeout(self._context.settings.worker_lease_s / 2):
                return await consumer.put(events)
        except TimeoutError as error:
            raise UnreachableError("no answer in time") from error

    async def _hand_to_subscriber(self, claim: _Claim) -> bool:
        types, subscriber = SUBSCRIBERS[claim.name]
        events = await self._next(claim, claim.mark, _USUAL)
        if not events:
            return False
        wanted = [event for event in events if not event.is_repeat and (types is None or event.event_type in types)]
        async with self._database.transaction() as db:
            if not await self._note(db, claim, events, []):
                return False
            if wanted:
                await subscriber(db, claim.application_id, wanted)
        return True

    async def _rest(self, claim: _Claim, events: list[LoggedEvent], gathering: Gathering) -> bool:
        """Put the reader to rest until a batch that is not full has waited long enough; False when it has."""
        if not gathering.wait_s or _is_full(events, gathering):
            return False
        parameters = claim.key | {"logged_at": events[0].logged_at, "wait_s": gathering.wait_s}
        async with self._database.connection() as db:
            return await db.execute(Q.rest_reader, parameters) > 0

    async def _next(self, claim: _Claim, mark: _Mark, gathering: Gathering) -> list[LoggedEvent]:
        """The events behind a mark, in steps: the database looks at as many as are asked for, however few then fit."""
        events: list[LoggedEvent] = []
        after, left_bytes = mark.position, gathering.size_bytes
        async with self._database.connection() as db:
            end = await settled(db)
            while left_bytes > 0:
                most = min(BATCH_EVENTS, gathering.events - len(events))
                parameters = {
                    "application_id": claim.application_id,
                    "after": after,
                    "up_to": end.position,
                    "since": mark.logged_at - MARGIN,
                    "rows": most,
                    "bytes": left_bytes,
                }
                _, _, rows = await db.together(ask_to_keep_places(), (Q.go_in_order, {}), (Q.read_events, parameters))
                more = [LoggedEvent(*row) for row in rows]
                events += more
                if len(more) < most or len(events) == gathering.events:
                    break
                after, left_bytes = more[-1].position, left_bytes - sum(len(each.record.encode()) for each in more)
        return events

    async def _note(self, db: Db, claim: _Claim, events: list[LoggedEvent], refused: list[SetAside]) -> bool:
        """Note a batch as read; False when the claim is lost."""
        last = events[-1]
        parameters = claim.key | {
            "position": last.position,
            "logged_at": last.logged_at,
            "delivered": len(events) - len(refused),
            "set_aside": len(refused),
            "lease_s": self._context.settings.worker_lease_s,
        }
        if await db.execute(Q.note_read, parameters) == 0:
            return False
        if refused:
            records = {event.position: event.record for event in events}
            rows = [
                claim.key | {"position": each.position, "reason": each.reason, "record": records[each.position]}
                for each in refused
            ]
            await db.execute_many(Q.set_aside, rows)
        claim.mark, claim.failures = _mark(last), 0
        return True

    async def _postpone(self, claim: _Claim, reason: str, asked_s: float = 0) -> None:
        backoff_s = min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(claim.failures, 10))
        wait_s = max(backoff_s, min(asked_s, LONGEST_WAIT_S))
        parameters = claim.key | {"wait_s": wait_s, "reason": reason[:_REASON_CHARACTERS]}
        log.warning(
            "Events could not be handed over",
            application_id=claim.application_id,
            reader=claim.name,
            reason=reason,
            next_try_s=wait_s,
        )
        try:
            async with self._database.connection() as db:
                await db.execute(Q.postpone_reader, parameters)
        except psycopg.Error as error:
            # The lease ends by itself.
            log.warning("A reader lost the database", reader=claim.name, reason=str(error))


def _claim_of(row: Row) -> _Claim:
    mark = _Mark(row["position"], row["logged_at"])
    return _Claim(row["application_id"].hex, row["name"], row["epoch"], mark, row["failures"])


def _mark(event: LoggedEvent) -> _Mark:
    return _Mark(event.position, event.logged_at)


def _is_full(events: list[LoggedEvent], gathering: Gathering) -> bool:
    """Whether a batch is as large as it gets; half the bytes will do, as the next event may not have fitted."""
    if len(events) == gathering.events:
        return True
    return 2 * sum(len(each.record) for each in events) > gathering.size_bytes

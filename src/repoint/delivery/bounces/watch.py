"""Reads the mailboxes that bounces come to: each by one worker at a time, every `interval_s`.

A mail is marked when what it tells is committed. A worker that dies between the two leaves a mail that is read again,
and what is told twice is noted once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.db.queries import load_queries
from repoint.delivery.bounces.imap import FAILURES, MOST_MAILS, Visit
from repoint.delivery.bounces.read import read_bounce
from repoint.delivery.told import note_told
from repoint.queue import TaskContext
from repoint.queue.beside import runs_beside
from repoint.tables import BounceMailbox

log = structlog.get_logger()

Q = load_queries("repoint.delivery")

# A visit takes no longer; whoever has the mailbox longer than that is dead.
VISIT_S = 240
LEASE_S = 300
# How soon somebody looks whether a mailbox is due.
LOOK_S = 5.0


@dataclass(slots=True)
class Counts:
    """What a visit came to."""

    mails: int = 0
    noted: int = 0


@runs_beside
async def watch_bounce_mailboxes(context: TaskContext) -> None:
    """Read all mailboxes of the settings as long as the worker runs."""
    boxes = context.settings.bounce_mailboxes
    await asyncio.gather(*(_watch(context, name, box) for name, box in boxes.items()))


async def _watch(context: TaskContext, name: str, box: BounceMailbox) -> None:
    while True:
        try:
            await read_mailbox(context, name, box)
        except (TimeoutError, *FAILURES) as error:
            log.warning("A mailbox could not be read", mailbox=name, reason=str(error)[:200] or type(error).__name__)
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("A mailbox was not read: the database is away", mailbox=name, reason=type(error).__name__)
        except Exception:
            log.exception("A mailbox could not be read", mailbox=name)
        await asyncio.sleep(min(LOOK_S, box.interval_s))


async def read_mailbox(context: TaskContext, name: str, box: BounceMailbox) -> Counts | None:
    """Read what is unread in it; None when it is not due, or another worker's.

    Raises what connections and servers raise; the next look comes after `interval_s` all the same.
    """
    now = context.now()
    until = now + timedelta(seconds=LEASE_S)
    async with context.database.connection() as db:
        if await db.row(Q.take_bounce_mailbox, {"name": name, "now": now, "until": until}) is None:
            return None
    wait_s = box.interval_s
    try:
        async with asyncio.timeout(VISIT_S):
            counts = await _visit(context, box)
        if counts.mails == MOST_MAILS:
            wait_s = 0
        if counts.mails:
            log.info("A mailbox was read", mailbox=name, mails=counts.mails, noted=counts.noted)
        return counts
    finally:
        parameters = {"name": name, "until": until, "next_at": context.now() + timedelta(seconds=wait_s)}
        async with context.database.connection() as db:
            await db.execute(Q.leave_bounce_mailbox, parameters)


async def _visit(context: TaskContext, box: BounceMailbox) -> Counts:
    counts = Counts()
    async with _opened(box) as visit:
        for uid in await asyncio.to_thread(visit.unread):
            mail = await asyncio.to_thread(visit.fetch, uid)
            read = await asyncio.to_thread(read_bounce, mail, context.now())
            if read.told is not None:
                async with context.database.transaction() as db:
                    noted = await note_told(db, context.settings, context.now(), [read.told])
                counts.noted += noted.count
            await asyncio.to_thread(visit.done, uid, is_bounce=read.kind != "other")
            counts.mails += 1
        await asyncio.to_thread(visit.leave)
    return counts


@asynccontextmanager
async def _opened(box: BounceMailbox) -> AsyncIterator[Visit]:
    visit = Visit(box)
    try:
        await asyncio.to_thread(visit.open)
        yield visit
    finally:
        # A thread that still waits for the server, since we were cancelled, ends with that.
        visit.close()

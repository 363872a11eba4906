"""Writing what became of messages: together with the progress of who sends them, and for as long as it takes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.db.pool import Parameters
from repoint.db.queries import Query
from repoint.delivery.finished import Finished
from repoint.delivery.ledger import ask_write
from repoint.delivery.sent import ask_note_sent
from repoint.delivery.suppression import ask_suppress
from repoint.endpoints.amend import ask_set_gone
from repoint.events.emit import ask_announce, ask_append

log = structlog.get_logger()

# Between tries, as long as the database is away and nobody has taken the work over.
RETRY_S = 0.2

_Done = TypeVar("_Done")


def ask_write_finished(
    application_id: str, run_id: str, written: Finished, *, suppresses: bool
) -> Iterator[tuple[Query, Parameters]]:
    """The statements that write what is finished of a run, all but its counts.

    `suppresses` says whether nothing more is sent to addresses that bounced.
    """
    if written.entries:
        yield ask_write(application_id, run_id, written.at, written.entries)
    if written.sent:
        yield ask_note_sent(application_id, written.at, written.sent)
    if written.events:
        yield ask_announce()
        yield ask_append(written.events)
    if written.gone:
        yield ask_set_gone(application_id, written.gone)
    if suppresses:
        yield from ask_suppress(written.bounced, written.at)


async def insist(
    attempt: Callable[[], Awaitable[_Done]], made: Callable[[], Awaitable[_Done | None]], **whose: str
) -> _Done:
    """Try until it is done; a commit whose end was not heard may have been made, which is asked first.

    What went out is known here only. `whose` it is goes into the log.
    """
    is_sure = True
    while True:
        try:
            found = None if is_sure else await made()
            return found or await attempt()
        except (psycopg.OperationalError, psycopg.InternalError, PoolTimeout) as error:
            # The second ones too: a session that the server ended for sleeping in its transaction, or a server that has
            # just become read-only.
            is_sure = False
            log.warning("What was sent waits for the database", **whose, reason=str(error))
        await asyncio.sleep(RETRY_S)

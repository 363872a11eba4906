"""The event log's one way in (events.md section 1.5).

An event is in the log as soon as the transaction that emits it has committed, and not at all otherwise. Readers follow
by position (consume.py); so that they miss none whose transaction commits late, and wait for no transaction that emits
nothing, an emitter announces itself by a shared lock which names the last position before its own
(docs/decisions/0013).
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from repoint.db.cells import NULL, json_cell, text_cell
from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries

Q = load_queries("repoint.events")

_LINES_AT_ONCE = 200


class Event(msgspec.Struct, frozen=True):
    """One event as the log keeps it."""

    application_id: str
    event_type: str
    # When it happened as far as reports count it.
    occurred_at: datetime
    # A JSON object as streams carry it (records.py).
    record: str
    # Of the endpoint it is about, None for an address without endpoint.
    endpoint_key: str | None = None
    # What a client's repeat of the event has in common with it (`event_hash`); None for what the service reports.
    hash: str | None = None
    # It arrived before: streamed again, but neither counted nor a trigger.
    is_repeat: bool = False


async def emit(db: Db, events: Sequence[Event]) -> None:
    """Append events to the log in the transaction that `db` has open.

    Two round trips, however many there are. Nothing is sent for none.
    """
    if events:
        await db.execute(Q.announce)
        await emit_announced(db, events)


def ask_announce() -> tuple[Query, dict[str, str]]:
    """The announcement as a statement, for those who send it together with others before `emit_announced`."""
    return Q.announce, {}


async def emit_announced(db: Db, events: Iterable[Event]) -> None:
    """Append events in a transaction that has announced itself."""
    lines = map(_line, events)
    async with db.copy(Q.copy_events) as copy:
        # The server takes in one part while the next one is made.
        while part := "".join(islice(lines, _LINES_AT_ONCE)):
            await copy.write(part)


def event_hash(application_id: str, endpoint_key: str, event_id: str) -> str:
    """What tells a client's event from all others, as 32 hex digits; long enough that no two share one."""
    text = f"{application_id}\0{endpoint_key}\0{event_id}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _line(event: Event) -> str:
    return (
        f"{event.application_id}\t{event.occurred_at.isoformat()}\t{text_cell(event.event_type)}"
        f"\t{text_cell(event.endpoint_key)}\t{event.hash or NULL}\t{'t' if event.is_repeat else 'f'}"
        f"\t{json_cell(event.record)}\n"
    )

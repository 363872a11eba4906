"""The event log's one way in (events.md section 1.5).

An event is in the log as soon as the transaction that emits it has committed, and not at all otherwise. Readers follow
by position (consume.py); so that they miss none whose transaction commits late, and wait for no transaction that emits
nothing, an emitter announces itself by a shared lock which names the last position before its own
(docs/decisions/0013).
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from repoint.db.parameters import as_json
from repoint.db.pool import Db, Parameters
from repoint.db.queries import Query, load_queries
from repoint.events.origin import journey_of

Q = load_queries("repoint.events")


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
    # False where it is known that the record names no journey, which spares looking for it.
    may_name_journey: bool = True


async def emit(db: Db, events: Sequence[Event]) -> None:
    """Append events to the log in the transaction that `db` has open.

    One round trip, however many there are. Nothing is sent for none.
    """
    if events:
        await db.together(ask_announce(), ask_append(events))


def ask_announce() -> tuple[Query, Parameters]:
    """The announcement as a statement, for those who send it together with others before `ask_append`."""
    return Q.announce, {}


def ask_append(events: Sequence[Event]) -> tuple[Query, Parameters]:
    """The statement that appends events, in a transaction that has announced itself before."""
    return Q.append_events, {
        "application_ids": as_json([event.application_id for event in events]),
        "instants": as_json([event.occurred_at for event in events]),
        "event_types": as_json([event.event_type for event in events]),
        "endpoint_keys": as_json([event.endpoint_key for event in events]),
        "hashes": as_json([event.hash for event in events]),
        "repeats": as_json([event.is_repeat for event in events]),
        "journey_ids": as_json([journey_of(event.record) if event.may_name_journey else None for event in events]),
        # JSON has no line's end in it, but between its parts, where we write none.
        "records": "\n".join([event.record for event in events]),
    }


def event_hash(application_id: str, endpoint_key: str, event_id: str) -> str:
    """What tells a client's event from all others, as 32 hex digits; long enough that no two share one."""
    text = f"{application_id}\0{endpoint_key}\0{event_id}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

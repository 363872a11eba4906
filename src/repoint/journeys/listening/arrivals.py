"""Events that let endpoints into journeys (journeys.md section 5).

They are noted in the order of the log, each once; the engine lets the endpoints in. Whether an endpoint belongs to the
segment of those who may enter is asked here, when the event comes.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from repoint.db.parameters import as_json
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.events.filter import EventFilter, read_event_filter, read_logged
from repoint.events.log import LoggedEvent
from repoint.events.reserved import BY_SENDING
from repoint.journeys.engine.entry import refusal
from repoint.segments.conditions import IsMember, who_meets
from repoint.segments.members import Batch as SomeMembers
from repoint.segments.members import member_documents

Q = load_queries("repoint.journeys.listening")

# The part of the counts that is the reader's: it waits for nobody who lets others in.
_LANE = -2


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A journey that waits for events."""

    journey_id: str
    run_id: str
    starts_at: datetime
    ends_at: datetime
    wanted: EventFilter
    # Of those who may enter; None for everybody.
    segment_id: str | None

    def may_take(self, event: LoggedEvent) -> bool:
        """Whether the event came in time and is of a type that it wants; what it says is the filter's to judge."""
        types = self.wanted.event_types
        return self.starts_at <= event.logged_at <= self.ends_at and (types is None or event.event_type in types)


@dataclass(frozen=True, slots=True)
class _Arrival:
    journey: _Waiting
    endpoint_key: str
    event: LoggedEvent


async def note_arrivals(db: Db, application_id: str, events: Sequence[LoggedEvent]) -> None:
    """Note whom each event is to let into which journeys."""
    waiting = await _waiting(db, application_id)
    found = [arrival for event in events for arrival in _arrivals(waiting, event)] if waiting else []
    members = await _members(db, application_id, found)
    admitted = [each for each in found if _is_member(each, members)]
    if admitted:
        rows = [
            {
                "journey_id": each.journey.journey_id,
                "endpoint_key": each.endpoint_key,
                "at": each.event.logged_at,
                "event_position": each.event.position,
            }
            for each in admitted
        ]
        await db.execute(Q.insert_arrivals, {"application_id": application_id, "arrivals": as_json(rows)})
    await _count_turned_away(db, application_id, [each for each in found if not _is_member(each, members)])


async def _waiting(db: Db, application_id: str) -> list[_Waiting]:
    rows = await db.rows(Q.waiting_journeys, {"application_id": application_id, "app": application_id})
    return [_read(row) for row in rows]


def _read(row: Row) -> _Waiting:
    start = row["start"]
    return _Waiting(
        row["journey_id"].hex,
        row["run_id"].hex,
        row["starts_at"],
        row["ends_at"],
        read_event_filter(start["EventFilter"]),
        start.get("SegmentId") or None,
    )


def _arrivals(waiting: Sequence[_Waiting], event: LoggedEvent) -> Iterator[_Arrival]:
    """Into which journeys an event lets its endpoint. Its record is read only when its type is wanted by one."""
    key = event.endpoint_key
    asked = [each for each in waiting if each.may_take(event)]
    if key is None or not asked:
        return
    attributes, metrics = read_logged(event.record)
    # A journey that its own sending let somebody into would go on for ever.
    sender = attributes.get("journey_id") if event.event_type in BY_SENDING else None
    for each in asked:
        if each.journey_id != sender and each.wanted.matches(event.event_type, attributes, metrics):
            yield _Arrival(each, key, event)


async def _members(db: Db, application_id: str, found: Sequence[_Arrival]) -> dict[str, set[str]]:
    """By segment those of the endpoints that are members now; of a segment that is gone nobody is."""
    segments = sorted({each.journey.segment_id for each in found if each.journey.segment_id is not None})
    keys = sorted({each.endpoint_key for each in found if each.journey.segment_id is not None})
    conditions = [IsMember(segment_id) for segment_id in segments]
    met = await who_meets(db, application_id, conditions, SomeMembers(keys), datetime.now(UTC))
    return dict(zip(segments, met, strict=True))


def _is_member(arrival: _Arrival, members: dict[str, set[str]]) -> bool:
    segment_id = arrival.journey.segment_id
    return segment_id is None or arrival.endpoint_key in members[segment_id]


async def _count_turned_away(db: Db, application_id: str, arrivals: Sequence[_Arrival]) -> None:
    """Count those who are in no segment of those who may enter, or could not enter anyway; nobody who is not there."""
    if not arrivals:
        return
    keys = sorted({each.endpoint_key for each in arrivals})
    documents = await member_documents(db, application_id, SomeMembers(keys))
    counts: dict[tuple[str, str], Counter[str]] = {}
    for each in arrivals:
        if (document := documents.get(each.endpoint_key)) is not None:
            counted = counts.setdefault((each.journey.journey_id, each.journey.run_id), Counter())
            counted.update(["ENDPOINT_PRODUCED", refusal(document) or "FILTERED_OUT_BY_SEGMENT"])
    rows = [
        {"journey_id": journey_id, "run_id": run_id, "counts": counted}
        for (journey_id, run_id), counted in sorted(counts.items())
    ]
    if rows:
        parameters = {"application_id": application_id, "lane": _LANE, "counts": as_json(rows)}
        await db.execute(Q.count_turned_away, parameters)

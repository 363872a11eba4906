"""Those who are due in a lane, with their endpoints as they are now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from repoint.db.parameters import as_json
from repoint.db.pool import Db, Row
from repoint.db.queries import Query, load_queries
from repoint.endpoints.documents import documents_by_user
from repoint.endpoints.key import endpoint_key
from repoint.journeys.activities.kind import Visit
from repoint.journeys.engine.lane import Lane
from repoint.journeys.engine.published import Published
from repoint.journeys.listening.wakes import take_wakes
from repoint.segments.members import Batch as SomeMembers
from repoint.segments.members import member_documents
from repoint.segments.sources import Version

Q = load_queries("repoint.journeys.engine")

Endpoints = Mapping[str, Mapping[str, Any]]


async def due_visits(db: Db, published: Published, lane: Lane, now: datetime, rows: int) -> list[Visit]:
    """Those who are due longest, so many at most; nobody while the journey is paused or over. In a transaction.

    Due is also who waits for an event, when one has told of it. There may be nothing to be written of anybody: who has
    come to wait without that being written would miss an event that is taken in here.
    """
    await take_wakes(db, lane.held, now)
    parameters = lane.key | {"now": now, "rows": rows}
    return await _visits(db, published, await _rows(db, Q.due_visits, parameters))


async def these_visits(db: Db, published: Published, participants: Sequence[str]) -> list[Visit]:
    """Those of some participants who are inside. In a transaction."""
    parameters = published.key | {"participants": as_json(sorted(set(participants)))}
    return await _visits(db, published, await _rows(db, Q.these_visits, parameters))


async def _rows(db: Db, query: Query, parameters: Mapping[str, object]) -> list[Row]:
    await db.execute(Q.go_by_index)
    return await db.rows(query, parameters)


async def _visits(db: Db, published: Published, rows: Sequence[Row]) -> list[Visit]:
    snapshots = _snapshots(rows)
    endpoints = await _endpoints(db, published, rows, snapshots)
    return [_visit(row, endpoints.get(row["participant"], {}), snapshots.get(row["participant"])) for row in rows]


def _visit(row: Row, endpoints: Endpoints, snapshot_of: Version | None) -> Visit:
    return Visit(
        row["participant"],
        row["run_id"].hex,
        row["entered_at"],
        row["entries"],
        row["activity_id"],
        row["arrived_at"],
        row["is_waiting"],
        row["seed"],
        {activity_id: datetime.fromisoformat(at) for activity_id, at in row["performed"].items()},
        row["answers"],
        endpoints,
        row["waits_until"],
        snapshot_of,
    )


async def _endpoints(
    db: Db, published: Published, rows: Sequence[Row], snapshots: dict[str, Version]
) -> dict[str, dict[str, Mapping[str, Any]]]:
    """By participant and key; whoever is gone is left out."""
    application_id, participants = published.application_id, [row["participant"] for row in rows]
    if published.is_of_users:
        found: dict[str, dict[str, Mapping[str, Any]]] = {}
        if not participants:
            return found
        for participant, endpoint in await documents_by_user(db, application_id, {each: each for each in participants}):
            found.setdefault(participant, {})[endpoint_key(endpoint["Id"])] = endpoint
        return found
    documents = await member_documents(db, application_id, SomeMembers(participants, snapshots))
    return {key: {key: document} for key, document in documents.items()}


def _snapshots(rows: Sequence[Row]) -> dict[str, Version]:
    versions: dict[tuple[str, int], Version] = {}
    found = {}
    for row in rows:
        if row["segment_id"] is not None:
            name = row["segment_id"].hex, row["segment_version"]
            version = versions.setdefault(
                name, Version(*name, {}, lists_endpoints=False, lists_users=False, has_snapshots=True)
            )
            found[row["participant"]] = version
    return found

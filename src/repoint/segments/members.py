"""Who belongs to a segment: counted, fixed for a job, or read batch by batch in the order of their keys."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from repoint.db.parameters import as_json
from repoint.db.pool import Database, Db
from repoint.db.queries import Query, load_queries
from repoint.endpoints.documents import documents_by_key
from repoint.segments.audience import Audience, Range
from repoint.segments.sources import Version

Q = load_queries("repoint.segments")

# Rows judged in one statement: some hundredths of a second, and some megabytes when all of them are members.
BATCH_ROWS = 20_000
# Batches that are read while one is taken: enough to keep a second processor of the database at work.
AHEAD = 2

# Behind every key, which has at most 2,000 bytes.
_END = "\U0010ffff" * 501

_decode_keys = msgspec.json.Decoder(list[str]).decode


class Count(NamedTuple):
    """Members as segments.md section 9 counts them."""

    members: int
    # Members that are ACTIVE, not opted out, and have an address and a channel.
    eligible: int


@dataclass(slots=True)
class Batch:
    """Members in the order of their keys."""

    keys: list[str]
    # Those that are no registered endpoints, but snapshots of this version of an imported segment.
    snapshots: dict[str, Version] = field(default_factory=dict)


async def count_members(db: Db, audience: Audience) -> Count:
    """How many members there are at this instant, exactly. Raises EvaluationError."""
    statement = audience.whole(Q.count_members)
    _, [counts] = await db.together(_ask_plan_afresh(), (statement.query, statement.parameters))
    return Count(*counts)


async def zones_of_members(db: Db, audience: Audience) -> list[str]:
    """The names of the members' time zones, right or wrong. Raises EvaluationError."""
    statement = audience.whole(Q.zones_of_members)
    _, rows = await db.together(_ask_plan_afresh(), (statement.query, statement.parameters))
    return [name for (name,) in rows if name is not None]


def _ask_plan_afresh() -> tuple[Query, dict[str, str]]:
    """The statement that goes before one on a whole segment."""
    return Q.plan_afresh, {}


async def fix_members(db: Db, audience: Audience, job_id: str) -> int:
    """Note the members at this instant as those of an export job, in `job_members`, and count them.

    Raises EvaluationError.
    """
    statement = audience.whole(Q.fix_members)
    await db.rows(Q.plan_afresh)
    return await db.execute(statement.query, {**statement.parameters, "job_id": job_id})


async def read_members(  # noqa: PLR0913 - a range and how it is read, each with its usual value
    database: Database,
    audience: Audience,
    *,
    after_key: str = "",
    last_key: str | None = None,
    batch_rows: int = BATCH_ROWS,
    only_eligible: bool = False,
) -> AsyncGenerator[Batch, None]:
    """The members with keys above one and up to another, each once, in batches; an empty batch is passed over.

    Each batch is a statement of its own and sees what is stored by then. The next ones are read while one is taken, but
    no more than AHEAD: memory does not grow with the segment. Raises EvaluationError.
    """
    ranges = audience.ranges(only_eligible=only_eligible)
    waiting: deque[asyncio.Task[Batch]] = deque()
    try:
        async for begin, end in _spans(database, ranges, after_key, last_key, batch_rows):
            waiting.append(asyncio.create_task(read_batch(database, ranges, begin, end)))
            if len(waiting) > AHEAD and (batch := await waiting.popleft()).keys:
                yield batch
        while waiting:
            if (batch := await waiting.popleft()).keys:
                yield batch
    finally:
        for reading in waiting:
            reading.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _spans(
    database: Database, ranges: list[Range], after_key: str, last_key: str | None, rows: int
) -> AsyncIterator[tuple[str, str | None]]:
    """The range in spans of at most so many rows of each kind."""
    begin: str | None = after_key
    while begin is not None:
        end = await span_end(database, ranges, begin, last_key, rows=rows)
        yield begin, end or last_key
        begin = end


async def span_end(
    database: Database, ranges: list[Range], after_key: str, last_key: str | None = None, *, rows: int
) -> str | None:
    """The last key of the first `rows` rows in a range, of whichever kind comes to them first; None for all of it."""
    key = {"after_key": after_key, "last_key": last_key or _END, "rows": rows}
    statements = [(each.nth, {**each.parameters, **key}) for each in ranges]
    async with database.transaction() as db:
        _, *found = await db.together((Q.go_by_index, {}), *statements)
    return min((answer[0][0] for answer in found if answer), default=None)


async def read_batch(database: Database, ranges: list[Range], after_key: str, last_key: str | None) -> Batch:
    """The members with keys above one and up to another; None is no end."""
    key = {"after_key": after_key, "last_key": last_key or _END}
    statements = [(each.members, {**each.parameters, **key}) for each in ranges]
    async with database.transaction() as db:
        _, *found = await db.together((Q.go_by_index, {}), *statements)
    batch = Batch([])
    # Registered endpoints come first; a key counts once.
    for each, [[keys]] in zip(ranges, found, strict=True):
        _take_in(batch, _decode_keys(keys or "[]"), each.snapshots_of)
    # Python's order is that of code points, as the database's is.
    batch.keys.sort()
    return batch


async def members_among(
    database: Database, audience: Audience, keys: Sequence[str], snapshots_of: Version | None = None
) -> set[str]:
    """Those of some endpoints, or snapshots of a version, that are members now. Raises EvaluationError."""
    statement = audience.among(snapshots_of)
    if statement is None or not keys:
        return set()
    parameters = {**statement.parameters, "keys": as_json(sorted(keys))}
    async with database.transaction() as db:
        _, [[found]] = await db.together((Q.go_by_index, {}), (statement.query, parameters))
    return set(_decode_keys(found or "[]"))


async def member_documents(db: Db, application_id: str, batch: Batch) -> dict[str, Any]:
    """Members as answers show endpoints, by key; one that was deleted since is not there."""
    found = await documents_by_key(db, application_id, [key for key in batch.keys if key not in batch.snapshots])
    versions: dict[Version, list[str]] = {}
    for key, version in batch.snapshots.items():
        versions.setdefault(version, []).append(key)
    for version, keys in versions.items():
        parameters = {
            "application_id": application_id,
            "segment_id": version.segment_id,
            "version": version.number,
            "keys": as_json(sorted(keys)),
        }
        rows = await db.tuples(Q.snapshot_documents, parameters)
        found |= {key: msgspec.json.decode(document) for key, document in rows}
    return found


def _take_in(batch: Batch, keys: list[str], snapshots_of: Version | None) -> None:
    if snapshots_of is None:
        batch.keys = keys
        return
    known = set(batch.keys)
    new = [key for key in keys if key not in known]
    batch.keys += new
    batch.snapshots |= dict.fromkeys(new, snapshots_of)

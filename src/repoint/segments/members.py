"""Who belongs to a segment: counted, fixed for a job, or read batch by batch in the order of their keys."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.segments.audience import Audience, Range
from repoint.segments.sources import Version

Q = load_queries("repoint.segments")

# Rows judged in one statement: some hundredths of a second, and some megabytes when all of them are members.
BATCH_ROWS = 20_000

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
    """Members in the order of their keys, and how far the population was judged for them."""

    keys: list[str]
    # Those that are no registered endpoints, but snapshots of this version of an imported segment.
    snapshots: dict[str, Version] = field(default_factory=dict)
    # Every member up to this key has been given out; None when there is none behind.
    last_key: str | None = None


async def count_members(db: Db, audience: Audience) -> Count:
    """How many members there are at this instant, exactly. Raises EvaluationError."""
    statement = audience.whole(Q.count_members)
    _, [counts] = await db.together((Q.plan_afresh, {}), (statement.query, statement.parameters))
    return Count(*counts)


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

    Each batch is a statement of its own and sees what is stored by then. The next one is read while one is taken, and
    not more: memory does not grow with the segment. Raises EvaluationError.
    """
    ranges = audience.ranges(only_eligible=only_eligible)
    reading = asyncio.create_task(read_batch(database, ranges, after_key, last_key, rows=batch_rows))
    try:
        while (batch := await reading).last_key is not None:
            reading = asyncio.create_task(read_batch(database, ranges, batch.last_key, last_key, rows=batch_rows))
            if batch.keys:
                yield batch
        if batch.keys:
            yield batch
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def read_batch(
    database: Database, ranges: list[Range], after_key: str, last_key: str | None = None, *, rows: int
) -> Batch:
    """The members among the first `rows` rows with keys above one and up to another; None is no end."""
    key = {"after_key": after_key, "last_key": last_key or _END, "rows": rows}
    statements = [(each.statement.query, {**each.statement.parameters, **key}) for each in ranges]
    async with database.transaction() as db:
        _, *found = await db.together((Q.go_by_index, {}), *statements)
    parts = [(each.snapshots_of, *answer) for each, [answer] in zip(ranges, found, strict=True)]
    # Where one kind of rows has more to come, what the others have behind its last key is read again.
    unfinished = [reached for _, _, judged, reached in parts if judged == rows]
    batch = Batch([], last_key=min(unfinished, default=None))
    for snapshots_of, keys, _, _ in parts:
        _take_in(batch, _decode_keys(keys) if keys else [], snapshots_of)
    return batch


def _take_in(batch: Batch, keys: list[str], snapshots_of: Version | None) -> None:
    """Add the keys of one kind of rows, those of registered endpoints first; each key counts once."""
    # They come so already, but no clause promises it. Python's order is that of code points, as the database's is.
    keys.sort()
    if batch.last_key is not None and keys and keys[-1] > batch.last_key:
        keys = keys[: bisect_right(keys, batch.last_key)]
    if snapshots_of is None:
        batch.keys = keys
        return
    known = set(batch.keys)
    new = [key for key in keys if key not in known]
    batch.keys = sorted(batch.keys + new)
    batch.snapshots |= dict.fromkeys(new, snapshots_of)

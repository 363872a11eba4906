"""What was told of messages before they were noted: looked at again, ever more seldom, and given up after a while.

A message is noted after it was handed over, together with the others of its group. A relay on the same machine may
have bounced it by then, and so may a service have told of it, and whoever opens it at once. What went out when a worker
died is noted by the one that takes its work over.
"""

from collections.abc import Sequence
from datetime import timedelta

from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.delivery.telling import Told, read_what
from repoint.delivery.told import note_of_known
from repoint.queue import TaskContext, every
from repoint.resources.clearing import clears

Q = load_queries("repoint.delivery")

AT_ONCE = 500
KEPT_FOR = timedelta(hours=1)

clears(Q.clear_told_early)


@every(seconds=5)
async def look_for_told_early(context: TaskContext) -> None:
    """Note what was told of messages that have been noted since."""
    while await _look(context) == AT_ONCE:
        pass


async def _look(context: TaskContext) -> int:
    """How many were looked at."""
    now = context.now()
    async with context.database.transaction() as db:
        rows = await db.rows(Q.take_told_early, {"now": now, "rows": AT_ONCE})
        still_unknown: list[int] = []
        for application_id in dict.fromkeys(row["application_id"] for row in rows):
            some = [row for row in rows if row["application_id"] == application_id]
            told = [_read(row) for row in some]
            name = None if application_id is None else application_id.hex
            noted = await note_of_known(db, context.settings, now, told, name)
            still_unknown += _positions(some, told, noted.unknown)
        young = {row["position"] for row in rows if row["came_at"] > now - KEPT_FOR}
        kept = [each for each in still_unknown if each in young]
        done = [row["position"] for row in rows if row["position"] not in kept]
        await db.execute(Q.settle_told_early, {"now": now, "kept": kept, "done": done})
    return len(rows)


def _read(row: Row) -> Told:
    ids, kind = tuple(row["message_ids"]), row["kind"]
    return Told(ids, kind, row["happened_at"], read_what(kind, row["what"]), row["key"])


def _positions(rows: Sequence[Row], told: Sequence[Told], unknown: Sequence[Told]) -> list[int]:
    missed = set(unknown)
    return [row["position"] for row, each in zip(rows, told, strict=True) if each in missed]

"""What a deleted segment leaves behind in the tables of volume, cleared in the background, batch by batch.

Nothing can read it any more. A clearing can be killed anywhere and begun again: what has gone has gone.
"""

from repoint.db.queries import Query, load_queries
from repoint.queue import TaskContext, task
from repoint.resources.clearing import BATCH_ROWS, clears

Q = load_queries("repoint.segments")

for _statement in (Q.clear_all_members, Q.clear_all_users, Q.clear_all_snapshots):
    clears(_statement)


@task()
async def clear_segment(context: TaskContext, *, application_id: str, segment_id: str) -> None:
    """Delete every row of a segment that is gone."""
    key = {"application_id": application_id, "segment_id": segment_id, "rows": BATCH_ROWS}
    for statement in (Q.clear_members, Q.clear_users, Q.clear_snapshots):
        while await _clear_batch(context, statement, key):
            pass


async def _clear_batch(context: TaskContext, statement: Query, key: dict[str, object]) -> bool:
    """Whether there were rows to delete."""
    async with context.database.transaction() as db:
        return await db.execute(statement, key) > 0

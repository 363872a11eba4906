"""Rows that are kept for so many days, and then deleted some at a time."""

from datetime import timedelta

from repoint.db.queries import Query
from repoint.queue import TaskContext

AT_ONCE = 5000


async def forget_old(context: TaskContext, statement: Query, days: int) -> None:
    """Run a statement that deletes up to %(rows)s rows from before %(before)s, again and again, until none is left."""
    parameters = {"before": context.now() - timedelta(days=days), "rows": AT_ONCE}
    while True:
        async with context.database.connection() as db:
            if await db.execute(statement, parameters) < AT_ONCE:
                return

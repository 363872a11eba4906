"""What a deleted application leaves behind in the tables of volume, cleared in the background.

DeleteApp answers at once, and from then on nothing below the application can be read or written. Each room that keeps
rows of applications registers the statement that deletes some of them; a task runs these until nothing is left. It can
be killed anywhere and begun again: what has gone has gone.
"""

from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries
from repoint.operation import Call
from repoint.queue import TaskContext, enqueue, task
from repoint.resources.documents import on_delete

Q = load_queries("repoint.resources")

# Rows of one transaction: some tenths of a second, so that a clearing disturbs nobody.
BATCH_ROWS = 5000

_statements: list[Query] = []


def clears(statement: Query) -> None:
    """Register a statement that deletes up to %(rows)s of the rows of %(application_id)s, in any order.

    It is run again as long as it touches rows. Statements run in the order in which a room registers them. They name
    rows by their ctid: found by their keys in a list of unknown length, 5,000 of 250,000 endpoints took six minutes.
    """
    _statements.append(statement)


@on_delete("app")
async def clear_below(db: Db, _call: Call, application_id: str) -> None:
    """Take the documents below the application at once, the rest in the background."""
    await db.execute(Q.delete_below, {"application_id": application_id})
    await enqueue(db, clear_application, application_id=application_id)


@task()
async def clear_application(context: TaskContext, *, application_id: str) -> None:
    """Delete every row of an application that is gone, batch by batch."""
    for statement in _statements:
        while await _clear_batch(context, statement, application_id):
            pass


async def _clear_batch(context: TaskContext, statement: Query, application_id: str) -> bool:
    """Whether there were rows to delete."""
    async with context.database.transaction() as db:
        return await db.execute(statement, {"application_id": application_id, "rows": BATCH_ROWS}) > 0

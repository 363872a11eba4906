"""What journeys leave behind: deleted ones, once nobody works on them any more, and those that have long been over."""

from repoint.db.queries import Query, load_queries
from repoint.delivery.pace import drop_pace
from repoint.queue import TaskContext, every, task
from repoint.queue.forget import forget_old
from repoint.resources.clearing import BATCH_ROWS

Q = load_queries("repoint.journeys.engine")

# In this order: the row that says where it stands goes last, so that a task begun again finds what is left.
_CLEARED = (
    Q.clear_arrivals,
    Q.clear_wakes,
    Q.clear_sweeps,
    Q.clear_visits,
    Q.clear_counts,
    Q.clear_lanes,
    Q.clear_runs,
)


@task()
async def clear_journey(context: TaskContext, *, application_id: str, journey_id: str) -> None:
    """Delete every row of a journey that is gone, some at a time; the ledger's go with their age."""
    key = {"application_id": application_id, "journey_id": journey_id, "rows": BATCH_ROWS}
    for statement in _CLEARED:
        while await _clear(context, statement, key):
            pass
    async with context.database.transaction() as db:
        await drop_pace(db, application_id, journey_id)
        await db.execute(Q.clear_state, key)


async def _clear(context: TaskContext, statement: Query, key: dict[str, object]) -> bool:
    """Whether there were rows to delete."""
    async with context.database.transaction() as db:
        return await db.execute(statement, key) > 0


@every(seconds=3600)
async def forget_visits(context: TaskContext) -> None:
    """Delete who was in journeys that have been over for as long as the event log is kept."""
    await forget_old(context, Q.forget_visits, context.settings.event_days)

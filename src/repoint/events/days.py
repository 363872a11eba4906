"""The days that the log is cut into: made ahead, and dropped as a whole when they are old enough."""

from datetime import date, timedelta

import psycopg
import structlog

from repoint.db.pool import Database
from repoint.db.queries import load_queries
from repoint.events.horizon import ask_to_keep_places, settled
from repoint.queue import TaskContext, every
from repoint.queue.beside import runs_beside

log = structlog.get_logger()
Q = load_queries("repoint.events")

# A log without any worker for a week goes on in one place for all days and is sorted by the next worker.
_DAYS_AHEAD = 7


async def add_days(database: Database, today: date) -> None:
    """Give today, the days to come, and those without a place that events were written on, their places."""
    async with database.connection() as db:
        days = {row["day"] for row in await db.rows(Q.unsorted_days)}
    try:
        for day in sorted(days | {today + timedelta(days=ahead) for ahead in range(_DAYS_AHEAD + 1)}):
            async with database.transaction() as db:
                await db.execute(Q.be_patient)
                await db.execute(Q.add_day, {"day": day})
    except psycopg.errors.LockNotAvailable:
        log.warning("Somebody looks at the event log for long; its days are made at the next hour")


@runs_beside
async def begin_days(context: TaskContext) -> None:
    """Have today and the days to come as soon as a worker starts: a new log need not wait for the hour."""
    try:
        await add_days(context.database, context.now().date())
    except psycopg.Error as error:
        log.warning("The days of the event log are made at the next hour", reason=str(error))


@every(seconds=3600)
async def renew_days(context: TaskContext) -> None:
    """Make the days to come, and drop those older than `event_days`; what readers have not read of them is lost.

    Readers that have read all there is are brought to the end of the log.
    """
    await add_days(context.database, context.now().date())
    kept = {"days": context.settings.event_days}
    async with context.database.connection() as db:
        end = await settled(db)
        await db.together(ask_to_keep_places(), (Q.bring_forward, {"position": end.position, "at": end.at}))
        await db.execute(Q.drop_set_aside, kept)
        old = [row["day"] for row in await db.rows(Q.old_days, kept)]
    for day in old:
        await _drop(context.database, day)


async def _drop(database: Database, day: date) -> None:
    try:
        async with database.transaction() as db:
            await db.execute(Q.be_patient)
            lost = await db.rows(Q.count_dropped, {"day": day})
            await db.execute(Q.drop_day, {"day": day})
    except psycopg.errors.LockNotAvailable:
        # Somebody reads it for long; the next hour will do.
        return
    for row in lost:
        log.warning(
            "A reader of events lost what the log no longer keeps",
            application_id=row["application_id"].hex,
            reader=row["name"],
            events=row["dropped"],
        )

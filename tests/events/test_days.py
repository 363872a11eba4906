"""The days of the log."""

from datetime import UTC, datetime
from typing import Any

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.events.consume import begin_reading
from repoint.events.days import add_days, renew_days
from repoint.events.emit import Event, emit
from repoint.queue import TaskContext
from repoint.settings import Settings

APP = "0123456789abcdef0123456789abcdef"
AT = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = Query("places", "SELECT tableoid::regclass::text AS place, event_type FROM events ORDER BY position")
MAKE_OLDER = Query("older", "UPDATE events SET logged_at = logged_at - make_interval(days => %(days)s)")
TABLES = Query(
    "tables",
    "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass",
)


async def log(database: Database, *event_types: str) -> None:
    async with database.transaction() as db:
        await emit(db, [Event(APP, each, AT, "{}") for each in event_types])


async def run(database: Database, query: Query, **parameters: Any) -> None:
    async with database.connection() as db:
        await db.execute(query, parameters)


async def places(database: Database) -> list[tuple[str, str]]:
    async with database.connection() as db:
        return [(row["place"], row["event_type"]) for row in await db.rows(PLACES)]


async def test_what_was_written_before_a_day_had_its_place_is_brought_there(database: Database) -> None:
    await log(database, "before")
    assert [place for place, _ in await places(database)] == ["events_unsorted"]

    today = datetime.now(UTC).date()
    await add_days(database, today)
    await log(database, "after")
    await add_days(database, today)

    place = f"events_{today:%Y%m%d}"
    assert await places(database) == [(place, "before"), (place, "after")]
    async with database.connection() as db:
        # Today, seven days to come, and the place for all others.
        assert await db.value(TABLES) == 9


async def test_old_days_go_and_what_readers_had_not_read_of_them_is_counted(
    database: Database, settings: Settings
) -> None:
    settings = settings.model_copy(update={"event_days": 3})
    context = TaskContext(database, settings, "worker")
    async with database.connection() as db:
        await begin_reading(db, APP, "stream")
    today = datetime.now(UTC).date()
    await log(database, "old", "older")
    await run(database, MAKE_OLDER, days=4)
    await add_days(database, today)
    await log(database, "kept")

    await renew_days.run(context)

    assert [event_type for _, event_type in await places(database)] == ["kept"]
    async with database.connection() as db:
        assert await db.value(Query("dropped", "SELECT dropped FROM event_readers")) == 2

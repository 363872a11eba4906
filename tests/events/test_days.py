"""The days of the log."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.events.consume import begin_reading
from repoint.events.days import add_days, renew_days
from repoint.events.emit import Event, emit
from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.fixtures.locks import waits_for_a_table

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


async def test_an_event_written_while_its_day_gets_a_place_finds_it(database: Database) -> None:
    today = datetime.now(UTC).date()
    async with database.transaction() as db:
        await db.execute(Query("add", "SELECT add_events_day(%(day)s)"), {"day": today})
        writing = asyncio.create_task(log(database, "meanwhile"))
        while not await waits_for_a_table(database):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
    await writing

    assert await places(database) == [(f"events_{today:%Y%m%d}", "meanwhile")]


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


async def test_a_backup_under_way_holds_up_no_events_for_longer_than_a_moment(database: Database) -> None:
    today = datetime.now(UTC).date()
    async with database.transaction() as backup:
        await backup.execute(Query("look", "LOCK TABLE events_unsorted IN ACCESS SHARE MODE"))
        async with asyncio.timeout(5):
            await add_days(database, today)
            await log(database, "meanwhile")
        assert [place for place, _ in await places(database)] == ["events_unsorted"]

    await add_days(database, today)

    assert await places(database) == [(f"events_{today:%Y%m%d}", "meanwhile")]


class AheadOfTime(TaskContext):
    """A worker whose machine's clock is years ahead."""

    def now(self) -> datetime:
        """See `TaskContext.now`."""
        return datetime.now(UTC) + timedelta(days=4000)


async def test_a_worker_whose_clock_is_years_ahead_drops_nothing(database: Database, settings: Settings) -> None:
    await log(database, "kept")
    await add_days(database, datetime.now(UTC).date())

    await renew_days.run(AheadOfTime(database, settings, "worker"))

    assert [event_type for _, event_type in await places(database)] == ["kept"]


async def test_a_reader_with_nothing_to_read_stays_beside_the_end_of_the_log(
    database: Database, settings: Settings
) -> None:
    """Otherwise it would be looked for in every day since its last event, at each look."""
    async with database.connection() as db:
        for name in ("behind", "idle"):
            await begin_reading(db, APP if name == "behind" else "f" * 32, name)
    await run(database, Query("long", "UPDATE event_readers SET logged_at = logged_at - interval '80 days'"))
    await log(database, "unread")

    await renew_days.run(TaskContext(database, settings, "worker"))

    moved = Query(
        "moved", "SELECT name, position, logged_at > now() - interval '1 minute' FROM event_readers ORDER BY 1"
    )
    async with database.connection() as db:
        assert await db.tuples(moved) == [("behind", 0, False), ("idle", 1, True)]


async def test_records_set_aside_are_kept_as_long_as_the_log(database: Database, settings: Settings) -> None:
    settings = settings.model_copy(update={"event_days": 3})
    add = Query(
        "add",
        "INSERT INTO events_set_aside (application_id, name, position, set_aside_at, reason, record) "
        "VALUES (%(app)s, 'stream', %(days)s, now() - make_interval(days => %(days)s), 'too large', '{}')",
    )
    for days in (2, 4):
        await run(database, add, app=APP, days=days)

    await renew_days.run(TaskContext(database, settings, "worker"))

    async with database.connection() as db:
        assert await db.tuples(Query("left", "SELECT position FROM events_set_aside")) == [(2,)]

"""Readers of the log: what they are given when something fails, dies or changes under them."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from repoint.contract.errors import NotFoundException
from repoint.db.pool import Database, Db
from repoint.db.queries import Query
from repoint.events import consume
from repoint.events.consume import MAX_FAILING_AT_ONCE, Reading, begin_reading, consumes, stop_reading, subscribes
from repoint.events.emit import Event, emit
from repoint.events.horizon import before, settled
from repoint.events.log import LoggedEvent, SetAside, UnreachableError
from repoint.queue import TaskContext
from repoint.settings import Settings

APP = "0123456789abcdef0123456789abcdef"
AT = datetime(2026, 1, 1, tzinfo=UTC)

# What the test's sink was given, batch by batch.
GIVEN: list[list[str]] = []


class Sink:
    """Takes batches as the test tells it."""

    error: Exception | None = None
    refuses: str | None = None
    waits_s: float = 0.0

    async def put(self, events: Sequence[LoggedEvent]) -> list[SetAside]:
        """See `Sink.put`."""
        await asyncio.sleep(self.waits_s)
        if self.error is not None:
            raise self.error
        GIVEN.append([event.event_type for event in events])
        return [SetAside(event.position, "too large") for event in events if event.event_type == self.refuses]


@pytest.fixture
def sink() -> Iterator[Sink]:
    """Where readers named `test` lead to."""
    found = Sink()

    @consumes("test")
    @asynccontextmanager
    async def opens(_context: TaskContext, _application_id: str) -> AsyncIterator[Sink]:
        yield found

    GIVEN.clear()
    yield found
    del consume.OPENERS["test"]


@pytest.fixture
def reading(database: Database, settings: Settings) -> Reading:
    return Reading(TaskContext(database, settings, "worker"))


def event(event_type: str, **more: Any) -> Event:
    return Event(APP, event_type, AT, f'{{"event_type":"{event_type}"}}', "e1", **more)


async def log(database: Database, *event_types: str) -> None:
    async with database.transaction() as db:
        await emit(db, [event(each) for each in event_types])


async def begin(database: Database, name: str) -> None:
    async with database.connection() as db:
        await begin_reading(db, APP, name)


async def state(database: Database) -> dict[str, Any]:
    async with database.connection() as db:
        row = await db.row(Query("state", "SELECT delivered, set_aside, failures, last_error FROM event_readers"))
    assert row is not None
    return row


async def make_due(database: Database) -> None:
    """As if the wait for the next try were over."""
    async with database.connection() as db:
        await db.execute(Query("due", "UPDATE event_readers SET retry_at = now() - interval '1 second'"))


@pytest.mark.usefixtures("sink")
async def test_a_reader_gets_what_is_logged_after_it_began_in_batches(database: Database, reading: Reading) -> None:
    await log(database, "before")
    await begin(database, "test")
    await log(database, *(f"e{n}" for n in range(1100)))

    await reading.drain()

    assert [len(batch) for batch in GIVEN] == [500, 500, 100]
    assert [each for batch in GIVEN for each in batch] == [f"e{n}" for n in range(1100)]
    assert (await state(database))["delivered"] == 1100


@pytest.mark.usefixtures("sink")
async def test_a_batch_is_bounded_in_bytes_too(database: Database, reading: Reading) -> None:
    await begin(database, "test")
    large = [Event(APP, f"e{n}", AT, f'{{"x":"{"x" * 1_500_000}"}}') for n in range(3)]
    async with database.transaction() as db:
        await emit(db, large)

    await reading.drain()

    assert GIVEN == [["e0", "e1"], ["e2"]]


@pytest.mark.usefixtures("sink")
async def test_nothing_is_skipped_while_days_get_their_places(database: Database, reading: Reading) -> None:
    """No worker ran for long: the events of several days lie in one place, and go to their own while they are read."""
    await begin(database, "test")
    insert = """
        INSERT INTO events (application_id, logged_at, occurred_at, event_type, is_repeat, record)
        SELECT %(app)s, now() - interval '2 days' + n / 4000 * interval '1 day', now(), 'e' || n, false, '{}'
        FROM generate_series(0, 11999) AS n
    """
    async with database.connection() as db:
        await db.execute(Query("insert", insert), {"app": APP})
        await db.execute(Query("back", "UPDATE event_readers SET logged_at = now() - interval '3 days'"))

    working = asyncio.create_task(reading.drain())
    while not GIVEN:  # noqa: ASYNC110 - what another task does is seen from outside
        await asyncio.sleep(0)
    days = "SELECT add_events_day((now() AT TIME ZONE 'UTC')::date - %(ago)s::integer)"
    for ago in (2, 1, 0):
        async with database.connection() as db:
            await db.value(Query("day", days), {"ago": ago})
    await working
    await reading.drain()

    assert [each for batch in GIVEN for each in batch] == [f"e{n}" for n in range(12000)]


async def test_what_is_not_taken_comes_again_later(database: Database, sink: Sink, reading: Reading) -> None:
    await begin(database, "test")
    await log(database, "a", "b")
    sink.error = UnreachableError("the sink answers 500")

    await reading.drain()

    failed = await state(database)
    assert (failed["failures"], failed["last_error"], GIVEN) == (1, "the sink answers 500", [])
    sink.error = None
    await reading.drain()
    assert GIVEN == []
    await make_due(database)
    await reading.drain()
    assert GIVEN == [["a", "b"]]
    mended = await state(database)
    assert (mended["failures"], mended["last_error"], mended["delivered"]) == (0, None, 2)


@pytest.mark.parametrize(("asked_s", "least_s", "most_s"), [(0, 0.5, 1), (30, 29, 30), (10**9, 3599, 3600)])
async def test_a_sink_that_asks_for_time_gets_it_up_to_an_hour(  # noqa: PLR0913, PLR0917 - fixtures
    database: Database, sink: Sink, reading: Reading, asked_s: float, least_s: float, most_s: float
) -> None:
    await begin(database, "test")
    await log(database, "a")
    sink.error = UnreachableError("the sink answers 429", wait_s=asked_s)

    await reading.drain()

    async with database.connection() as db:
        left = await db.value(
            Query("left", "SELECT extract(epoch FROM retry_at - clock_timestamp())::float8 FROM event_readers")
        )
    assert least_s < left < most_s


async def test_a_sink_that_was_down_for_weeks_is_still_tried_every_minute(
    database: Database, sink: Sink, reading: Reading
) -> None:
    await begin(database, "test")
    await log(database, "a")
    async with database.connection() as db:
        await db.execute(Query("weeks", "UPDATE event_readers SET failures = 20000"))
    sink.error = UnreachableError("the sink answers 500")

    await reading.drain()

    assert (await state(database))["failures"] == 20001


@pytest.mark.usefixtures("sink")
async def test_sinks_that_hang_leave_room_for_others(database: Database, settings: Settings) -> None:
    hanging = Sink()
    hanging.waits_s = 60

    @consumes("hanging")
    @asynccontextmanager
    async def opens(_context: TaskContext, _application_id: str) -> AsyncIterator[Sink]:
        yield hanging

    applications = [f"{n:032x}" for n in range(20)]
    async with database.transaction() as db:
        for application_id in applications:
            await begin_reading(db, application_id, "hanging")
        await emit(db, [Event(application_id, "x", AT, "{}") for application_id in applications])
        await db.execute(Query("failed", "UPDATE event_readers SET failures = 1"))
    # A lease in which no test ends.
    patient = settings.model_copy(update={"worker_lease_s": 60})
    working = asyncio.create_task(Reading(TaskContext(database, patient, "worker")).run())
    async with asyncio.timeout(5):
        while await held(database) < MAX_FAILING_AT_ONCE:  # noqa: ASYNC110 - it is asked over SQL
            await asyncio.sleep(0.05)
    await begin(database, "test")
    await log(database, "a")

    async with asyncio.timeout(5):
        while not GIVEN:  # noqa: ASYNC110 - what another task does is seen from outside
            await asyncio.sleep(0.05)

    working.cancel()
    await asyncio.wait([working])
    del consume.OPENERS["hanging"]
    assert GIVEN == [["a"]]
    assert await held(database) <= MAX_FAILING_AT_ONCE


async def held(database: Database) -> int:
    """How many readers that hang workers hold."""
    held = "SELECT count(*) FROM event_readers WHERE leased_until > now() AND name = 'hanging'"
    async with database.connection() as db:
        count: int = await db.value(Query("held", held))
    return count


async def test_a_sink_that_hangs_is_given_up_and_tried_again(database: Database, sink: Sink, reading: Reading) -> None:
    await begin(database, "test")
    await log(database, "a")
    sink.waits_s = 60

    await reading.drain()

    assert (await state(database))["last_error"] == "no answer in time"


async def test_an_event_that_can_never_be_taken_costs_no_other(
    database: Database, sink: Sink, reading: Reading
) -> None:
    await begin(database, "test")
    await log(database, "a", "bad", "b")
    sink.refuses = "bad"

    await reading.drain()

    async with database.connection() as db:
        rows = await db.tuples(Query("aside", "SELECT reason, record FROM events_set_aside"))
    assert rows == [("too large", '{"event_type":"bad"}')]
    found = await state(database)
    assert (found["delivered"], found["set_aside"]) == (2, 1)


async def test_a_sink_and_the_database_that_fail_at_once_leave_the_reader_for_later(
    database: Database, settings: Settings, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    own = Database(f"{database.url}&options=-c%20statement_timeout%3D300ms")
    await own.open()
    await begin(database, "test")
    await log(database, "a")
    sink.error, sink.waits_s = UnreachableError("the sink answers 500"), 0.3
    working = asyncio.create_task(Reading(TaskContext(own, settings, "worker")).run())
    await asyncio.sleep(0.15)
    async with database.transaction() as db:
        # For the worker the database answers no more.
        await db.execute(Query("lock", "LOCK TABLE event_readers"))
        await asyncio.sleep(0.6)
    sink.error, sink.waits_s = None, 0

    async with asyncio.timeout(5):
        while not GIVEN:  # noqa: ASYNC110 - what another task does is seen from outside
            await asyncio.sleep(0.05)

    working.cancel()
    await asyncio.wait([working])
    await own.close()
    gc.collect()
    assert GIVEN == [["a"]]
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


async def test_a_database_that_may_only_be_read_for_a_while_does_not_end_the_reading(
    database: Database, settings: Settings, sink: Sink
) -> None:
    """As a standby that is being made the first."""
    assert sink.error is None
    await begin(database, "test")
    await log(database, "a")
    standby = Database(f"{database.url}&options=-c%20default_transaction_read_only%3Don")
    await standby.open()

    working = asyncio.create_task(Reading(TaskContext(standby, settings, "worker")).run())
    await asyncio.wait([working], timeout=0.5)

    is_over = working.done()
    working.cancel()
    await asyncio.wait([working])
    await standby.close()
    assert not is_over


async def test_a_subscriber_that_misses_something_of_its_own_is_seen_failing(
    database: Database, reading: Reading
) -> None:
    @subscribes("trigger")
    async def trigger(_db: Db, _application_id: str, _events: Sequence[LoggedEvent]) -> None:
        raise NotFoundException("the campaign is gone")

    await begin(database, "trigger")
    await log(database, "a")

    await reading.drain()
    del consume.SUBSCRIBERS["trigger"]

    assert (await state(database))["failures"] == 1


async def test_who_lost_the_claim_meanwhile_notes_nothing(database: Database, sink: Sink, reading: Reading) -> None:
    await begin(database, "test")
    await log(database, "a")
    sink.waits_s = 0.2
    working = asyncio.create_task(reading.drain())
    await asyncio.sleep(0.1)
    async with database.connection() as db:
        await db.execute(Query("take", "UPDATE event_readers SET epoch = epoch + 1, leased_until = 'infinity'"))
    await working

    assert GIVEN == [["a"]]
    assert (await state(database))["delivered"] == 0


async def test_who_held_a_reader_of_the_same_name_before_notes_nothing(
    database: Database, sink: Sink, reading: Reading
) -> None:
    await begin(database, "test")
    await log(database, "a")
    sink.waits_s = 0.3
    working = asyncio.create_task(reading.drain())
    await asyncio.sleep(0.1)
    async with database.connection() as db:
        await stop_reading(db, APP, "test")
    await begin(database, "test")
    async with database.connection() as db:
        # As another worker's first claim does.
        await db.execute(Query("take", "UPDATE event_readers SET epoch = epoch + 1, leased_until = 'infinity'"))
    await working

    assert GIVEN == [["a"]]
    assert (await state(database))["delivered"] == 0


@pytest.mark.usefixtures("sink")
async def test_the_first_event_of_all_is_not_missed_by_who_begins_before_it_is_committed(
    database: Database, reading: Reading
) -> None:
    async with database.transaction() as db:
        await emit(db, [event("first")])
        await begin(database, "test")
    await reading.drain()

    assert GIVEN == [["first"]]


@pytest.mark.usefixtures("sink")
async def test_a_server_whose_clock_was_years_ahead_is_read_on(database: Database, reading: Reading) -> None:
    await begin(database, "test")
    await log(database, "ahead")
    async with database.connection() as db:
        await db.execute(Query("ahead", "UPDATE events SET logged_at = logged_at + interval '4 years'"))
    await reading.drain()
    await log(database, "set right")

    await reading.drain()

    assert GIVEN == [["ahead"], ["set right"]]


@pytest.mark.usefixtures("sink")
async def test_an_event_whose_transaction_commits_late_is_not_missed(database: Database, reading: Reading) -> None:
    await begin(database, "test")
    async with database.transaction() as slow:
        await emit(slow, [event("late")])
        await log(database, "early")
        await reading.drain()
        given_before = list(GIVEN)
    await reading.drain()

    assert given_before == []
    assert GIVEN == [["late", "early"]]


@pytest.mark.usefixtures("sink")
async def test_a_transaction_that_emits_nothing_holds_nobody_up(database: Database, reading: Reading) -> None:
    await begin(database, "test")
    async with database.transaction() as importing:
        await importing.execute(Query("write", "CREATE TABLE import_rows AS SELECT 1 AS n"))
        await log(database, "a")
        await reading.drain()
        given = list(GIVEN)

    assert given == [["a"]]


@pytest.mark.usefixtures("sink")
async def test_nothing_of_a_transaction_that_is_rolled_back_is_read(database: Database, reading: Reading) -> None:
    await begin(database, "test")
    async with database.transaction() as db:
        await emit(db, [event("never")])
        raise psycopg.Rollback
    await log(database, "a")

    await reading.drain()

    assert GIVEN == [["a"]]


async def test_a_subscriber_is_given_its_types_once_and_no_repeats(database: Database, reading: Reading) -> None:
    taken: list[str] = []

    @subscribes("trigger", ["bought"])
    async def trigger(db: Db, application_id: str, events: Sequence[LoggedEvent]) -> None:
        await db.execute(Query("note", "CREATE TABLE IF NOT EXISTS noted (event text)"))
        taken.extend(f"{application_id[:2]} {each.event_type}" for each in events)
        if len(taken) == 1:
            raise psycopg.errors.UniqueViolation("first try")

    await begin(database, "trigger")
    async with database.transaction() as db:
        await emit(db, [event("bought"), event("looked"), event("bought", hash="0" * 32, is_repeat=True)])
    await reading.drain()
    await make_due(database)
    await reading.drain()
    del consume.SUBSCRIBERS["trigger"]

    assert taken == ["01 bought", "01 bought"]
    assert (await state(database))["delivered"] == 3


async def test_two_workers_do_not_read_for_one_reader_at_the_same_time(
    database: Database, settings: Settings, sink: Sink
) -> None:
    sink.waits_s = 0.05
    await begin(database, "test")
    await log(database, *(f"e{n}" for n in range(1500)))
    context = TaskContext(database, settings, "worker")

    await asyncio.gather(*(Reading(context).drain() for _ in range(3)))

    assert [each for batch in GIVEN for each in batch] == [f"e{n}" for n in range(1500)]


@pytest.mark.parametrize(
    ("last", "position"),
    [(10, 7), (10, 10), (10, 12), (2**31 + 5, 2**31 - 3), (2**31 - 3, 2**31 + 5), (5 * 2**31, 5 * 2**31 - 1)],
)
def test_an_announced_position_is_found_from_its_lowest_bits(last: int, position: int) -> None:
    assert before(last, position & (2**31 - 1)) == position


async def test_an_empty_log_is_settled_at_nothing(database: Database) -> None:
    async with database.connection() as db:
        assert (await settled(db)).position == 0

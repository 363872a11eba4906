"""Tasks as a worker in the test's process runs them."""

import asyncio
import time

import pytest
from structlog.testing import capture_logs

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.queue import LostClaimError, TaskContext, enqueue, every, task
from repoint.queue.claims import backoff_s
from repoint.queue.tasks import TASKS
from repoint.queue.worker import Worker, forget_failed_tasks
from repoint.settings import Settings

RAN: list[str] = []

LEFT = Query("left", "SELECT status, attempts, scheduled_at > now() AS is_later FROM procrastinate_jobs")
AGE = Query("age", "UPDATE procrastinate_events SET at = at - make_interval(days => %(days)s)")
UNKNOWN = Query(
    "unknown", "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('default', 'room.newer') RETURNING id"
)


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


@task()
async def greet(_context: TaskContext, *, name: str) -> None:
    RAN.append(name)


@task(retries=2)
async def fail(_context: TaskContext, *, times: int) -> None:
    RAN.append("fail")
    if len(RAN) <= times:
        raise ValueError("not yet")


@task()
async def lose(_context: TaskContext) -> None:
    RAN.append("lose")
    raise LostClaimError("epoch 1 is over")


@task()
async def chain(context: TaskContext, *, links: int) -> None:
    RAN.append("chain")
    async with context.database.transaction() as db:
        if links > 1:
            await enqueue(db, chain, links=links - 1)


AT_ONCE: list[int] = []
ENDED = asyncio.Semaphore(0)


@task(is_alone=True)
async def work_alone(_context: TaskContext) -> None:
    AT_ONCE.append(1)
    RAN.append(f"alone beside {len(AT_ONCE) - 1}")
    await asyncio.sleep(0.05)
    AT_ONCE.pop()
    ENDED.release()


@task(retries=None)
async def fail_often(_context: TaskContext) -> None:
    RAN.append("fail")
    if len(RAN) < 8:
        raise ValueError("not yet")


async def test_of_tasks_that_run_alone_one_runs_at_a_time_and_others_beside_it(
    database: Database, worker: Worker
) -> None:
    async with database.transaction() as db:
        for _ in range(5):
            await enqueue(db, work_alone)
        await enqueue(db, greet, name="Ada")

    await worker.drain()

    assert sorted(RAN) == ["Ada", *["alone beside 0"] * 5]
    assert RAN.index("Ada") < 3, "it did not wait for all of them"


async def test_the_next_task_that_runs_alone_is_taken_at_once(database: Database, settings: Settings) -> None:
    while not ENDED.locked():
        await ENDED.acquire()
    async with database.transaction() as db:
        for _ in range(4):
            await enqueue(db, work_alone)
    worker = Worker(database, settings.model_copy(update={"worker_poll_s": 60}))

    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(20):
        for _ in range(4):
            await ENDED.acquire()
    worker.stop()
    await running

    assert RAN == ["alone beside 0"] * 4


async def test_a_task_that_knows_when_to_end_is_tried_for_as_long_as_it_fails(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as db:
        await enqueue(db, fail_often)

    with capture_logs():
        await _drain_through(Worker(database, settings.model_copy(update={"task_backoff_s": 0})), runs=8)

    assert RAN == ["fail"] * 8
    assert await _left(database) == []


async def _drain_through(worker: Worker, *, runs: int) -> None:
    """Drain until so many runs are over: one that failed a moment ago may not be due yet."""
    while len(RAN) < runs:
        await worker.drain()


async def test_a_task_runs_with_its_arguments_and_is_forgotten(database: Database, worker: Worker) -> None:
    async with database.transaction() as db:
        await enqueue(db, greet, name="Ada")

    await worker.drain()

    assert RAN == ["Ada"]
    assert await _left(database) == []


async def test_a_task_runs_outside_any_transaction_and_may_queue_others(database: Database, worker: Worker) -> None:
    async with database.transaction() as db:
        await enqueue(db, chain, links=5)

    await worker.drain()

    assert RAN == ["chain"] * 5


async def test_a_failed_task_is_tried_again(database: Database, worker: Worker) -> None:
    async with database.transaction() as db:
        await enqueue(db, fail, times=2)

    with capture_logs() as logs:
        await worker.drain()

    assert RAN == ["fail"] * 3
    assert [entry["log_level"] for entry in logs] == ["warning", "warning"]


async def test_a_task_that_fails_for_good_is_logged_as_an_error_once_and_kept(
    database: Database, worker: Worker
) -> None:
    async with database.transaction() as db:
        await enqueue(db, fail, times=9)

    with capture_logs() as logs:
        await worker.drain()

    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["A task failed for good"]
    assert await _left(database) == [{"status": "failed", "attempts": 3, "is_later": False}]


async def test_a_failed_task_waits_before_it_is_tried_again(database: Database, settings: Settings) -> None:
    worker = Worker(database, settings.model_copy(update={"task_backoff_s": 100}))
    async with database.transaction() as db:
        await enqueue(db, fail, times=9)

    await worker.drain()

    assert await _left(database) == [{"status": "todo", "attempts": 1, "is_later": True}]


@pytest.mark.parametrize(("failures", "delay_s"), [(0, 1), (1, 4), (2, 16), (3, 64), (9, 600)])
def test_waits_grow_fourfold_up_to_ten_minutes(failures: int, delay_s: float) -> None:
    assert backoff_s(Settings(task_backoff_s=1), failures) == delay_s


async def test_a_task_taken_over_is_dropped_in_silence(database: Database, worker: Worker) -> None:
    async with database.transaction() as db:
        await enqueue(db, lose)

    with capture_logs() as logs:
        await worker.drain()

    assert RAN == ["lose"]
    assert [entry["log_level"] for entry in logs] == ["info"]
    assert await _left(database) == []


async def test_a_task_of_a_newer_program_is_left_for_its_worker(database: Database, worker: Worker) -> None:
    async with database.connection() as db:
        await db.value(UNKNOWN)

    await worker.drain()
    left = await _left(database)
    async with database.connection() as db:
        await db.connection.execute("DELETE FROM procrastinate_jobs")

    assert left == [{"status": "todo", "attempts": 0, "is_later": True}]


async def test_failed_tasks_are_forgotten_after_their_time(database: Database, worker: Worker) -> None:
    async with database.transaction() as db:
        await enqueue(db, fail, times=9)
    await worker.drain()

    await _age_and_forget(database, worker, days=6)
    kept = await _left(database)
    await _age_and_forget(database, worker, days=2)

    assert len(kept) == 1
    assert await _left(database) == []


async def test_a_task_on_a_schedule_runs_by_itself_and_once_a_tick(
    database: Database, database_url: str, settings: Settings
) -> None:
    ticked = asyncio.Semaphore(0)

    @every(seconds=1)
    async def tick(_context: TaskContext) -> None:
        RAN.append("tick")
        ticked.release()

    # A busy machine must not make the two take each other for dead; nor may they share a name.
    patient = settings.model_copy(update={"worker_lease_s": 60, "worker_heartbeat_s": 10})
    other = Database(database_url)
    await other.open()
    workers = [Worker(database, patient), Worker(other, patient)]
    started = time.monotonic()
    running = [asyncio.create_task(worker.run()) for worker in workers]
    async with asyncio.timeout(60):
        for _ in range(4):
            await ticked.acquire()
    for worker in workers:
        worker.stop()
    await asyncio.gather(*running)
    await other.close()
    seconds = time.monotonic() - started
    del TASKS[tick.name]

    # One for every second begun, and the one before.
    assert 4 <= len(RAN) <= seconds + 2


async def test_more_tasks_than_the_pool_has_connections_do_not_keep_a_worker_from_its_signs_of_life(
    database_url: str, settings: Settings
) -> None:
    small = Database(database_url, max_size=1)
    await small.open()
    async with small.transaction() as db:
        for _ in range(4):
            await enqueue(db, hold, seconds=0.9)

    # Longer than a crowded machine may stop for, and shorter than the tasks last together.
    patient = settings.model_copy(update={"worker_lease_s": 3})
    with capture_logs() as logs:
        await Worker(small, patient).drain()
    await small.close()

    assert RAN == ["hold"] * 4
    assert logs == []


@task()
async def hold(context: TaskContext, *, seconds: float) -> None:
    async with context.database.connection():
        await asyncio.sleep(seconds)
    RAN.append("hold")


async def _left(database: Database) -> list[dict[str, object]]:
    async with database.connection() as db:
        return await db.rows(LEFT)


async def _age_and_forget(database: Database, worker: Worker, *, days: int) -> None:
    async with database.transaction() as db:
        await db.execute(AGE, {"days": days})
        await enqueue(db, forget_failed_tasks)
    await worker.drain()

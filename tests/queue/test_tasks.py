"""What queues a task, and what the decorators accept."""

import tempfile

import psycopg
import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.queue import TaskContext, enqueue, every, task
from repoint.queue.tasks import TASKS
from repoint.queue.worker import Worker

QUEUED = Query("queued", "SELECT task_name, args FROM procrastinate_jobs")


@task()
async def greet(_context: TaskContext, *, name: str) -> None:
    """Only ever queued."""
    raise NotImplementedError(name)


async def test_enqueue_is_seen_when_its_transaction_commits(database: Database) -> None:
    async with database.transaction() as db:
        await enqueue(db, greet, name="Ada")
        async with database.connection() as other:
            before = await other.rows(QUEUED)
    async with database.connection() as other:
        after = await other.rows(QUEUED)

    assert before == []
    assert after == [{"task_name": greet.name, "args": {"name": "Ada"}}]


async def test_a_task_of_a_transaction_rolled_back_never_runs(database: Database, worker: Worker) -> None:
    async with database.transaction() as db:
        await enqueue(db, greet, name="Ada")
        raise psycopg.Rollback

    await worker.drain()

    async with database.connection() as db:
        assert await db.rows(QUEUED) == []


@pytest.mark.skipif(psycopg.pq.__impl__ == "python", reason="the trace needs the compiled library")
async def test_enqueue_costs_one_round_trip(database: Database) -> None:
    with tempfile.NamedTemporaryFile() as trace:
        async with database.transaction() as db:
            db.connection.pgconn.trace(trace.fileno())
            await enqueue(db, greet, name="Ada")
            db.connection.pgconn.untrace()
        trace.seek(0)
        answers = trace.read().count(b"ReadyForQuery")

    assert answers == 1


def test_a_name_is_taken_once() -> None:
    async def greet(_context: TaskContext) -> None:
        raise NotImplementedError

    with pytest.raises(ValueError, match="two tasks are named"):
        task()(greet)


@pytest.mark.parametrize(
    ("seconds", "cron"),
    [
        (1, "* * * * * */1"),
        (15, "* * * * * */15"),
        (60, "*/1 * * * * 0"),
        (300, "*/5 * * * * 0"),
        (3600, "0 */1 * * * 0"),
        (21600, "0 */6 * * * 0"),
        (86400, "0 0 * * * 0"),
    ],
)
def test_a_period_becomes_a_schedule(seconds: int, cron: str) -> None:
    async def tick(_context: TaskContext) -> None:
        raise NotImplementedError

    scheduled = every(seconds=seconds)(tick)
    del TASKS[scheduled.name]

    assert scheduled.cron == cron


@pytest.mark.parametrize("seconds", [0, -60, 7, 61, 5400, 100_000])
def test_a_period_that_clocks_cannot_keep_is_refused(seconds: int) -> None:
    async def tick(_context: TaskContext) -> None:
        raise NotImplementedError

    with pytest.raises(ValueError, match="no even part"):
        every(seconds=seconds)(tick)

"""Tasks as the worker runs them."""

import psycopg
import pytest

from repoint.db.pool import Database
from repoint.queue import TaskContext, enqueue, task
from repoint.queue.worker import Worker

GREETED: list[str] = []
FAILURES: list[int] = []


@task()
async def greet(_context: TaskContext, *, name: str) -> None:
    GREETED.append(name)


@task(retries=2)
async def fail(_context: TaskContext, *, times: int) -> None:
    FAILURES.append(times)
    if len(FAILURES) <= times:
        raise ValueError("not yet")


@pytest.fixture(autouse=True)
def _forget() -> None:
    GREETED.clear()
    FAILURES.clear()


async def test_a_task_runs_with_its_arguments(database: Database, worker: Worker) -> None:
    async with database.transaction() as db:
        await enqueue(db, greet, name="Ada")

    await worker.drain()

    assert GREETED == ["Ada"]


async def test_a_task_of_a_transaction_rolled_back_never_runs(database: Database, worker: Worker) -> None:
    async with database.transaction() as db:
        await enqueue(db, greet, name="Ada")
        raise psycopg.Rollback

    await worker.drain()

    assert GREETED == []


async def test_a_failed_task_is_tried_again(database: Database, worker: Worker) -> None:
    async with database.transaction() as db:
        await enqueue(db, fail, times=2)

    await worker.drain()

    assert len(FAILURES) == 3

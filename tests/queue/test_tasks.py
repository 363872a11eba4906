import pytest

from repoint.db.pool import Database
from repoint.queue import TaskContext, enqueue, every, task
from repoint.queue.tasks import TASKS


@task(retries=3)
async def greet(context: TaskContext, *, name: str) -> None:
    """Nothing; it is only queued."""


async def test_enqueue_is_part_of_the_callers_transaction(database: Database) -> None:
    async with database.transaction() as db:
        await enqueue(db, greet, name="Ada")

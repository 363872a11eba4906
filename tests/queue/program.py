"""A worker as a process of its own, for tests that kill or freeze it: `python program.py URL SETTINGS_JSON`.

Its first line of output is the worker's name.
"""

import asyncio
import json
import sys

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.queue import Claim, TaskContext, task
from repoint.queue.worker import run_worker
from repoint.settings import Settings

TABLES = """
CREATE TABLE counters (id text PRIMARY KEY, steps integer NOT NULL DEFAULT 0, epoch integer NOT NULL DEFAULT 0);
CREATE TABLE steps (id text NOT NULL, step integer NOT NULL, worker text NOT NULL);
CREATE TABLE copied (x integer NOT NULL);
INSERT INTO counters (id) VALUES ('a');
"""

TAKE = Query("take", "UPDATE counters SET epoch = epoch + 1 WHERE id = %(id)s RETURNING epoch")
CONFIRM = Query("confirm", "SELECT steps FROM counters WHERE id = %(id)s AND epoch = %(epoch)s FOR UPDATE")
STEP = Query(
    "step",
    """
    WITH counter AS (UPDATE counters SET steps = steps + 1 WHERE id = %(id)s RETURNING id, steps)
    INSERT INTO steps SELECT id, steps, %(worker)s FROM counter RETURNING step
    """,
)
DONE = Query("done", "SELECT steps FROM counters WHERE id = %(id)s")
COPY = Query("copy", "COPY copied FROM STDIN")


@task()
async def count_up(context: TaskContext, *, counter: str, to: int, pause_s: float) -> None:
    """Count in steps, each a transaction of its own that stays open for `pause_s`."""
    async with context.database.transaction() as db:
        claim = await Claim.take(db, TAKE, CONFIRM, {"id": counter})
        done = await db.value(DONE, {"id": counter})
    while done < to:
        async with context.database.transaction() as db:
            await claim.confirm(db)
            done = await db.value(STEP, {"id": counter, "worker": context.worker_id})
            await asyncio.sleep(pause_s)


@task()
async def copy_slowly(context: TaskContext, *, counter: str, rows: int, pause_s: float) -> None:
    """Hold the counter's row and copy; frozen in the middle, its session is busy and not idle."""
    async with context.database.transaction() as db:
        claim = await Claim.take(db, TAKE, CONFIRM, {"id": counter})
    async with context.database.transaction() as db:
        await claim.confirm(db)
        async with db.copy(COPY) as copy:
            for row in range(rows):
                await copy.write_row((row,))
                await asyncio.sleep(pause_s)
        await db.value(STEP, {"id": counter, "worker": context.worker_id})


async def main() -> None:
    settings = Settings(**json.loads(sys.argv[2]))
    database = Database(sys.argv[1])
    await database.open()
    sys.stdout.write(f"{database.name}\n")
    sys.stdout.flush()
    await run_worker(database, settings)
    await database.close()


if __name__ == "__main__":
    # Tasks are named by their module, which must be the same here and in the test.
    from tests.queue import program

    asyncio.run(program.main())

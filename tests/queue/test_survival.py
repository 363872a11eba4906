"""Workers that are killed, frozen, stopped or cut off: every step is counted once, and the work goes on."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from repoint.db.embedded import Embedded
from repoint.db.migrate import migrate
from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.queue import enqueue
from tests.queue.program import TABLES, copy_slowly, count_up

PROGRAM = Path(__file__).with_name("program.py")
ROOT = PROGRAM.parents[2]

# A lease of a second for those that are killed or frozen, one that never ends for those that must not need it.
SHORT = {"worker_lease_s": 1, "worker_heartbeat_s": 0.25, "worker_poll_s": 0.2, "worker_stop_s": 0.2}
LONG = SHORT | {"worker_lease_s": 600, "worker_heartbeat_s": 100}

# Three of a kind always, twenty in `make torture`.
SEEDS = [1, 2, 3, *(pytest.param(seed, marks=pytest.mark.torture) for seed in range(4, 21))]

STEPS = Query("steps", "SELECT step, worker FROM steps ORDER BY step")
TASKS = Query("tasks", "SELECT status, attempts FROM procrastinate_jobs")
COUNT = Query("count", "SELECT count(*) FROM steps")
COPYING = Query(
    "copying", "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY copied%%'"
)


@pytest.fixture
async def counted(database: Database) -> Database:
    async with database.connection() as db:
        await db.connection.execute(TABLES)
    return database


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_killed_workers_task_is_finished_by_another(counted: Database, seed: int) -> None:
    await _queue_counting(counted, to=60)

    with _worker(counted.url, SHORT) as first:
        await _until(lambda: _counted(counted), Random(seed).randint(5, 50))  # noqa: S311 - no secret
        first.kill()
    killed_at = await _counted(counted)
    with _worker(counted.url, SHORT):
        await _until(lambda: _counted(counted), 60)
        await _until_empty(counted)

    assert 3 <= killed_at <= 57
    await _each_step_counted_once(counted, 60, workers=2)


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_frozen_workers_late_commit_has_no_effect(counted: Database, seed: int) -> None:
    with _worker(counted.url, SHORT) as first, _worker(counted.url, SHORT) as second:
        await _until(lambda: _workers(counted), 2)
        await _queue_counting(counted, to=60)
        await _until(lambda: _counted(counted), Random(seed).randint(5, 30))  # noqa: S311 - no secret
        frozen = first if first.name == await _at_work(counted) else second
        frozen.send_signal(signal.SIGSTOP)
        frozen_at = await _counted(counted)
        await _until(lambda: _counted(counted), frozen_at + 10)
        frozen.send_signal(signal.SIGCONT)
        await _until(lambda: _counted(counted), 60)
        await _until_empty(counted)

    assert 3 <= frozen_at <= 57
    await _each_step_counted_once(counted, 60, workers=2)


async def test_a_worker_that_begins_takes_over_from_a_dead_one_before_its_lease_ends(counted: Database) -> None:
    await _queue_counting(counted, to=60)

    with _worker(counted.url, LONG) as first:
        await _until(lambda: _counted(counted), 10)
        first.kill()
    with _worker(counted.url, LONG):
        await _until(lambda: _counted(counted), 60)
        await _until_empty(counted)

    await _each_step_counted_once(counted, 60, workers=2)


async def test_a_worker_that_begins_leaves_one_that_lives_alone(counted: Database) -> None:
    with _worker(counted.url, LONG), _worker(counted.url, LONG):
        await _until(lambda: _workers(counted), 2)
        await asyncio.sleep(0.5)

        assert await _workers(counted) == 2


async def test_a_worker_that_was_frozen_takes_tasks_again(counted: Database) -> None:
    with _worker(counted.url, SHORT) as frozen:
        with _worker(counted.url, SHORT):
            await _until(lambda: _workers(counted), 2)
            frozen.send_signal(signal.SIGSTOP)
            await _until(lambda: _missing_workers(counted, of=2), 1)
            frozen.send_signal(signal.SIGCONT)
            await _until(lambda: _workers(counted), 2)
        await _queue_counting(counted, to=3)
        await _until(lambda: _counted(counted), 3)
        await _until_empty(counted)


async def test_a_worker_frozen_in_a_copy_does_not_keep_its_locks(counted: Database) -> None:
    async with counted.transaction() as db:
        await enqueue(db, copy_slowly, counter="a", rows=50, pause_s=0.02)

    with _worker(counted.url, SHORT) as frozen:
        await _until(lambda: _value(counted, COPYING), 1)
        frozen.send_signal(signal.SIGSTOP)
        with _worker(counted.url, SHORT):
            await _until(lambda: _counted(counted), 1)
            await _until_empty(counted)
        frozen.send_signal(signal.SIGCONT)

    await _each_step_counted_once(counted, 1, workers=1)


async def test_a_stopped_worker_gives_its_task_back_at_once(counted: Database) -> None:
    await _queue_counting(counted, to=40)

    with _worker(counted.url, LONG) as first:
        await _until(lambda: _counted(counted), 5)
        first.terminate()
        assert await asyncio.to_thread(first.wait, 20) == 0
    async with counted.connection() as db:
        left = await db.rows(TASKS)
    with _worker(counted.url, LONG):
        await _until_empty(counted)

    assert left == [{"status": "todo", "attempts": 0}]
    await _each_step_counted_once(counted, 40, workers=2)


async def test_a_stopped_worker_finishes_a_task_that_is_quick(counted: Database) -> None:
    await _queue_counting(counted, to=30)

    with _worker(counted.url, LONG | {"worker_stop_s": 30}) as first:
        await _until(lambda: _counted(counted), 5)
        first.terminate()
        assert await asyncio.to_thread(first.wait, 20) == 0

    await _each_step_counted_once(counted, 30, workers=1)


async def test_a_task_starts_when_its_transaction_commits_without_waiting_for_a_poll(counted: Database) -> None:
    with _worker(counted.url, LONG | {"worker_poll_s": 600}):
        await _until(lambda: _workers(counted), 1)
        await asyncio.sleep(0.5)
        begun = time.monotonic()
        await _queue_counting(counted, to=1)
        await _until(lambda: _counted(counted), 1)

    assert time.monotonic() - begun < 5


async def test_a_worker_goes_on_when_its_server_was_killed() -> None:
    with TemporaryDirectory(prefix="repoint-queue-") as folder, _server(Path(folder)) as server:
        url = server.start()
        migrate(url)
        database = Database(url)
        await database.open()
        async with database.connection() as db:
            await db.connection.execute(TABLES)
        await _queue_counting(database, to=60)
        with _worker(url, SHORT):
            await _until(lambda: _counted(database), 10)
            await asyncio.to_thread(_kill_and_start, server, Path(folder))
            await _until(lambda: _counted(database), 60)
            await _until_empty(database)
        await _each_step_counted_once(database, 60, workers=1)
        await database.close()


class WorkerProcess(subprocess.Popen[str]):
    """A worker of its own process, and the name it goes by."""

    name: str


@contextmanager
def _worker(url: str, settings: dict[str, Any]) -> Iterator[WorkerProcess]:
    process = WorkerProcess(
        [sys.executable, str(PROGRAM), url, json.dumps(settings)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.name = process.stdout.readline().strip()
        yield process
    finally:
        process.kill()
        process.communicate()


async def test_a_worker_stops_soon_when_its_server_is_gone() -> None:
    with TemporaryDirectory(prefix="repoint-queue-") as folder, _server(Path(folder)) as server:
        url = server.start()
        migrate(url)
        with _worker(url, LONG) as worker:
            await asyncio.sleep(0.5)
            server.stop()
            await asyncio.sleep(0.5)
            worker.terminate()
            begun = time.monotonic()

            assert await asyncio.to_thread(worker.wait, 30) == 0

    assert time.monotonic() - begun < 10


@contextmanager
def _server(folder: Path) -> Iterator[Embedded]:
    server = Embedded(folder)
    try:
        yield server
    finally:
        server.stop()


def _kill_and_start(server: Embedded, folder: Path) -> None:
    lines = folder.joinpath("postgres", "data", "postmaster.pid").read_text(encoding="utf-8").splitlines()
    os.kill(int(lines[0]), signal.SIGKILL)
    server.wait_dead()
    server.start()


async def _queue_counting(database: Database, *, to: int) -> None:
    async with database.transaction() as db:
        await enqueue(db, count_up, counter="a", to=to, pause_s=0.02)


async def _value(database: Database, query: Query) -> int:
    async with database.connection() as db:
        return int(await db.value(query))


async def _counted(database: Database) -> int:
    return await _value(database, COUNT)


async def _workers(database: Database) -> int:
    return await _value(database, Query("workers", "SELECT count(*) FROM workers"))


async def _missing_workers(database: Database, *, of: int) -> int:
    return of - await _workers(database)


async def _at_work(database: Database) -> str:
    async with database.connection() as db:
        return str(await db.value(Query("at_work", "SELECT worker FROM steps")))


async def _until(measure: Callable[[], Awaitable[int]], least: int) -> None:
    deadline = time.monotonic() + 60
    while await measure() < least:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def _until_empty(database: Database) -> None:
    await _until(lambda: _value(database, Query("tasks", "SELECT 1 - least(1, count(*)) FROM procrastinate_jobs")), 1)


async def _each_step_counted_once(database: Database, steps: int, *, workers: int) -> None:
    async with database.connection() as db:
        rows = await db.rows(STEPS)
    assert [row["step"] for row in rows] == list(range(1, steps + 1))
    assert len({row["worker"] for row in rows}) == workers

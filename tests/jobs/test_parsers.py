"""The processes that parse: their answers, and their ends."""

import asyncio
import os
import signal

import pytest

from repoint.jobs.parsers import ParserDiedError, Parsers, Request, open_parsers
from repoint.settings import Settings
from tests.fixtures.processes import processes
from tests.jobs.conftest import Bucket, Jobs
from tests.jobs.test_survival import worker_process

PROGRAM = "repoint.jobs.parsers"


def children(parent: int) -> list[int]:
    return [pid for pid, of, command in processes() if of == parent and PROGRAM in command]


async def ids(parsers: Parsers, block: str) -> list[str | None]:
    rows = await parsers.start(Request("CSV", "Id", 2, block.encode()))
    return [row.patch.endpoint_id if row.patch else row.failure for row in rows]


async def test_blocks_are_parsed_side_by_side_and_answered_each() -> None:
    async with open_parsers(2) as parsers:
        blocks = [f"a{i}\nb{i},\n" for i in range(20)]

        answers = await asyncio.gather(*(ids(parsers, block) for block in blocks))

    assert answers == [[f"a{i}", "Too many columns"] for i in range(20)]


async def test_a_block_without_rows_is_answered() -> None:
    async with open_parsers(1) as parsers:
        assert await ids(parsers, "\n\n") == []


async def test_a_large_block_is_answered() -> None:
    async with open_parsers(1) as parsers:
        assert len(await ids(parsers, "a\n" * 100_000)) == 100_000


async def test_a_child_that_is_killed_is_told() -> None:
    async with open_parsers(1) as parsers:
        (child,) = children(os.getpid())
        os.kill(child, signal.SIGKILL)

        with pytest.raises(ParserDiedError):
            await ids(parsers, "a\n")


async def test_children_are_gone_behind_the_block_whatever_they_were_at() -> None:
    async with open_parsers(2) as parsers:
        pending = [parsers.start(Request("CSV", "Id", 2, b"a\n" * 500_000)) for _ in range(4)]
        assert len(children(os.getpid())) == 2

    assert children(os.getpid()) == []
    assert all(task.cancelled() for task in pending)


async def test_an_import_survives_the_death_of_a_child(jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_batch_rows=10)
    rows = "".join(f"e{i},SMS,+{i}\n" for i in range(1000))
    job = jobs.create_import(await bucket.put("x.csv", f"Id,ChannelType,Address\n{rows}"))
    working = asyncio.create_task(jobs.work())

    await jobs.wait(job, lambda found: found.get("TotalProcessed", 0) > 0)
    for child in children(os.getpid()):
        os.kill(child, signal.SIGKILL)
    await working

    found = jobs.get_import(job["Id"])
    assert (found["JobStatus"], found["TotalProcessed"], found["TotalFailures"]) == ("COMPLETED", 1000, 0)


async def test_children_die_with_a_worker_that_is_killed(jobs: Jobs, bucket: Bucket, settings: Settings) -> None:
    slow = settings.model_copy(update={"import_batch_rows": 1})
    job = jobs.create_import(await bucket.put("x.csv", "User.UserId\n" + "u\n" * 5000))

    with worker_process(slow) as worker:
        await jobs.wait(job, lambda found: found.get("TotalProcessed", 0) > 0)
        found = children(worker.pid)
        assert found
        worker.kill()
        worker.wait()

    async with asyncio.timeout(20):
        while {pid for pid, _, command in processes() if PROGRAM in command} & set(found):  # noqa: ASYNC110 - not ours
            await asyncio.sleep(0.05)
    await jobs.work()

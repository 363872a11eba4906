"""Real kills: a worker that dies or freezes in a job changes nothing of what the job comes to.

Each is asserted to land between 5 % and 95 % of the job's progress; the seed that chose the moment is printed.
"""

import asyncio
import gzip
import os
import random
import secrets
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.settings import Settings
from tests.fixtures import forks
from tests.jobs.conftest import Bucket, Jobs
from tests.jobs.test_errors import errors
from tests.jobs.test_exports import add_many

ROWS = 1500
ENDPOINTS = 10_000
# What two imports of the same files cannot have in common.
DIFFERENT = ("ApplicationId", "CohortId", "CreationDate", "EffectiveDate", "RequestId")
OF_THE_JOB = ("ApplicationId", "CreationDate", "CompletionDate", "Id")

pytestmark = pytest.mark.timeout(300)

three_and_twenty = pytest.mark.parametrize(
    "run", [*range(3), *(pytest.param(run, marks=pytest.mark.torture) for run in range(3, 20))]
)


@contextmanager
def worker_process(settings: Settings) -> Iterator[forks.Forked]:
    """A worker of its own, killed at the end if it still lives."""
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    others = settings.model_dump_json(exclude={"database_url"})
    process = forks.start(str(Path(__file__).with_name("program.py")), url, others, env=os.environ)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Small batches, so that a job has many."""
    return settings.model_copy(update={"import_batch_rows": 30})


def moment() -> float:
    """When to strike, as a share of the progress."""
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")  # noqa: T201 - to repeat a failure
    return random.Random(seed).uniform(0.1, 0.8)  # noqa: S311 - no secret


async def progress(jobs: Jobs, job: dict[str, Any]) -> int:
    get = jobs.get_import if job["Type"] == "IMPORT" else jobs.get_export
    found = await asyncio.to_thread(get, job["Id"])
    return int(found.get("TotalProcessed", 0))


async def strike(jobs: Jobs, job: dict[str, Any], process: forks.Forked, number: int, total: int) -> int:
    """Send a signal at a moment of the job's progress; how far it had come by then."""
    share = moment()
    await jobs.wait(job, lambda found: found.get("TotalProcessed", 0) >= share * total)
    process.send_signal(number)
    if number == signal.SIGKILL:
        await asyncio.to_thread(process.wait)
    reached = await progress(jobs, job)
    assert 0.05 * total <= reached <= 0.95 * total
    return reached


def ended(job: dict[str, Any]) -> bool:
    return job["JobStatus"] in ("COMPLETED", "FAILED")


async def put_files(bucket: Bucket) -> str:
    """Files in which rows depend on earlier ones: shared addresses, users, updates, refusals, blank lines."""
    choose = random.Random(5)  # noqa: S311 - invented data
    header = "Id,ChannelType,Address,Attributes.A,Metrics.M,User.UserId,User.UserAttributes.P"
    lines = []
    for i in range(ROWS):
        name = f"e{choose.randrange(ROWS // 2)}" if choose.random() < 0.9 else ""
        channel = choose.choice(("EMAIL", "GCM", "SMS", "FAX", "", ""))
        address = f"a{choose.randrange(ROWS)}" if channel else ""
        metric = choose.choice(("", "1", "2.5", "many"))
        lines.append(f"{name},{channel},{address},x{i % 7},{metric},u{choose.randrange(90)},p{i}")
        if i % 50 == 0:
            lines.append("")
    third = len(lines) // 3
    await bucket.put("in/1.csv", "\n".join([header, *lines[:third]]))
    await bucket.put("in/2.csv.gz", gzip.compress("\r\n".join([header, *lines[third : 2 * third]]).encode()))
    await bucket.put("in/3.csv", "\n".join([header, *lines[2 * third :], ""]))
    await bucket.put("in/4.csv", "Shoe\n")
    return bucket.url("in/")


async def outcome(jobs: Jobs, bucket: Bucket, job: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a job came to: its document and every endpoint, without what must differ."""
    ended_job = jobs.get_import(job["Id"])
    await jobs.run_export(bucket.url(f"out/{job['Id']}"))
    endpoints = await bucket.exported(f"out/{job['Id']}/")
    return (
        {name: ended_job[name] for name in ended_job if name not in OF_THE_JOB},
        [{name: endpoint[name] for name in endpoint if name not in DIFFERENT} for endpoint in endpoints],
    )


async def undisturbed(jobs: Jobs, bucket: Bucket, url: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the import comes to in an application of its own."""
    application = jobs.client.create_app(CreateApplicationRequest={"Name": "Undisturbed"})["ApplicationResponse"]
    others = jobs.of(application["Id"])
    return await outcome(others, bucket, await others.run_import(url))


@three_and_twenty
async def test_a_worker_killed_in_an_import_changes_nothing(
    run: int,  # noqa: ARG001 - only tells the runs apart
    jobs: Jobs,
    bucket: Bucket,
    settings: Settings,
) -> None:
    url = await put_files(bucket)
    expected = await undisturbed(jobs, bucket, url)
    job = jobs.create_import(url)

    with worker_process(settings) as first:
        await strike(jobs, job, first, signal.SIGKILL, ROWS)
    with worker_process(settings):
        await jobs.wait(job, ended)

    assert expected[0]["TotalProcessed"] == ROWS
    assert expected[0]["TotalFailures"] > 100
    assert await outcome(jobs, bucket, job) == expected


async def test_an_object_that_changes_while_nobody_reads_it_is_told_behind_its_rows(
    jobs: Jobs, bucket: Bucket, settings: Settings
) -> None:
    url = await bucket.put("x.csv", "Id\n" + "nobody\n" * ROWS)
    job = jobs.create_import(url)

    with worker_process(settings) as first:
        await strike(jobs, job, first, signal.SIGKILL, ROWS)
    await bucket.put("x.csv", "Id\nother\n")
    with worker_process(settings):
        found = await jobs.wait(job, ended)

    told = await asyncio.to_thread(errors, jobs, job)
    assert found["JobStatus"] == "FAILED"
    assert [each.get("Line") for each in told] == [*range(2, found["TotalFailures"] + 2), None]


@three_and_twenty
async def test_a_worker_frozen_in_an_import_changes_nothing(
    run: int,  # noqa: ARG001 - only tells the runs apart
    jobs: Jobs,
    bucket: Bucket,
    settings: Settings,
) -> None:
    url = await put_files(bucket)
    expected = await undisturbed(jobs, bucket, url)
    job = jobs.create_import(url)

    with worker_process(settings) as frozen:
        reached = await strike(jobs, job, frozen, signal.SIGSTOP, ROWS)
        with worker_process(settings):
            await jobs.wait(job, lambda found: found["TotalProcessed"] > min(reached + 40, ROWS - 1))
            frozen.send_signal(signal.SIGCONT)
            await jobs.wait(job, ended)
        # What it still had in hand is dropped, and it takes tasks again.
        assert frozen.poll() is None
        assert await outcome(jobs, bucket, job) == expected


@three_and_twenty
async def test_a_worker_killed_in_an_export_changes_nothing(
    run: int,  # noqa: ARG001 - only tells the runs apart
    jobs: Jobs,
    bucket: Bucket,
    settings: Settings,
    database: Database,
) -> None:
    await add_many(database, jobs, ENDPOINTS)
    job = jobs.create_export(bucket.url("out"))

    with worker_process(settings) as first:
        await strike(jobs, job, first, signal.SIGKILL, ENDPOINTS)
    with worker_process(settings):
        await jobs.wait(job, ended)

    await check_export(jobs, bucket, job)


@three_and_twenty
async def test_a_worker_frozen_in_an_export_changes_nothing(
    run: int,  # noqa: ARG001 - only tells the runs apart
    jobs: Jobs,
    bucket: Bucket,
    settings: Settings,
    database: Database,
) -> None:
    await add_many(database, jobs, ENDPOINTS)
    job = jobs.create_export(bucket.url("out"))

    with worker_process(settings) as frozen:
        reached = await strike(jobs, job, frozen, signal.SIGSTOP, ENDPOINTS)
        with worker_process(settings):
            await jobs.wait(job, lambda found: found["TotalProcessed"] > min(reached + 200, ENDPOINTS - 1))
            frozen.send_signal(signal.SIGCONT)
            await jobs.wait(job, ended)
        assert frozen.poll() is None

    await check_export(jobs, bucket, job)


async def members(jobs: Jobs, bucket: Bucket, job: dict[str, Any]) -> list[dict[str, Any]]:
    """What a segment holds that an import has filled: members, each with its data."""
    segment_id = job["Definition"]["SegmentId"]
    await jobs.run_export(bucket.url(f"of/{job['Id']}"), SegmentId=segment_id)
    exported = await bucket.exported(f"of/{job['Id']}/")
    assert [each.removesuffix("*") for each in jobs.members(segment_id)] == [each["Id"] for each in exported]
    return [{name: each[name] for name in each if name not in DIFFERENT} for each in exported]


async def segment_outcome(jobs: Jobs, bucket: Bucket, job: dict[str, Any]) -> tuple[Any, ...]:
    """What an import into a segment came to."""
    ended_job, endpoints = await outcome(jobs, bucket, job)
    segment = jobs.get_segment(job["Definition"]["SegmentId"])
    definition = {name: ended_job["Definition"][name] for name in ended_job["Definition"] if name != "SegmentId"}
    listed = await members(jobs, bucket, job)
    return ended_job | {"Definition": definition}, endpoints, listed, segment["ImportDefinition"], segment["Version"]


async def put_segment_files(bucket: Bucket) -> str:
    """The files above, and one of users."""
    url = await put_files(bucket)
    await bucket.put("in/5.csv", "User.UserId\n" + "".join(f"u{i} u{i + 1}\n" for i in range(80)))
    return url


@pytest.mark.parametrize("registers", [True, False])
@three_and_twenty
async def test_a_worker_killed_in_an_import_into_a_segment_changes_nothing(
    run: int,  # noqa: ARG001 - only tells the runs apart
    *,
    registers: bool,
    jobs: Jobs,
    bucket: Bucket,
    settings: Settings,
) -> None:
    url = await put_segment_files(bucket)
    how: dict[str, Any] = {"DefineSegment": True, "RegisterEndpoints": registers}
    application = jobs.client.create_app(CreateApplicationRequest={"Name": "Undisturbed"})["ApplicationResponse"]
    others = jobs.of(application["Id"])
    expected = await segment_outcome(others, bucket, await others.run_import(url, **how))
    job = jobs.create_import(url, **how)

    with worker_process(settings) as first:
        await strike(jobs, job, first, signal.SIGKILL, ROWS)
    with worker_process(settings):
        await jobs.wait(job, ended)

    found = await segment_outcome(jobs, bucket, job)
    assert found[0]["TotalFailures"] > 100
    assert found[3]["Size"] == found[0]["TotalProcessed"] - found[0]["TotalFailures"] > 500
    assert len(found[2]) > 300
    assert found == expected


@three_and_twenty
async def test_a_worker_killed_in_a_segments_export_changes_nothing(
    run: int,  # noqa: ARG001 - only tells the runs apart
    jobs: Jobs,
    bucket: Bucket,
    settings: Settings,
    database: Database,
) -> None:
    await add_many(database, jobs, ENDPOINTS)
    segment_id = jobs.create_segment(Name="All but a few", Dimensions=ALL_BUT_A_FEW)
    job = jobs.create_export(bucket.url("out"), SegmentId=segment_id)

    with worker_process(settings) as first:
        await strike(jobs, job, first, signal.SIGKILL, ENDPOINTS)
        # What becomes a member now comes too late, and what is none any more was one.
        update = partial(jobs.update_endpoint, ChannelType="EMAIL")
        await asyncio.to_thread(update, "e0000001", Attributes={"Tier": ["silver"]})
        await asyncio.to_thread(update, "e9999999", Attributes={"Tier": ["gold"]}, Address="late@example.com")
    with worker_process(settings):
        await jobs.wait(job, ended)

    await check_export(jobs, bucket, job)


ALL_BUT_A_FEW = {"Attributes": {"Tier": {"AttributeType": "INCLUSIVE", "Values": ["gold"]}}}


async def check_export(jobs: Jobs, bucket: Bucket, job: dict[str, Any]) -> None:
    # The last worker was killed when the job had ended, perhaps before it could note that of the task.
    await jobs.work()
    found = jobs.get_export(job["Id"])
    assert found["JobStatus"] == "COMPLETED"
    assert (found["TotalPieces"], found["CompletedPieces"], found["FailedPieces"]) == (100, 100, 0)
    assert (found["TotalProcessed"], found["TotalFailures"]) == (ENDPOINTS, 0)
    assert await bucket.keys() == [f"out/{job['Id']}_{piece:05}.gz" for piece in range(100)]
    assert [endpoint["Id"] for endpoint in await bucket.exported()] == [f"E{n:07}" for n in range(1, ENDPOINTS + 1)]

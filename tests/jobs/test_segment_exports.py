"""Exports of segments: who is written, as what, and what happens when things change meanwhile."""

import asyncio
import gzip
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.segments.audience import Audience, load_audience
from tests.jobs.conftest import Bucket, Jobs, both_stores
from tests.jobs.test_exports import add_many, counters
from tests.jobs.test_imports import csv_of

GOLD = {"Attributes": {"Tier": {"AttributeType": "INCLUSIVE", "Values": ["gold"]}}}


def ids(endpoints: list[dict[str, Any]]) -> list[str]:
    return [endpoint["Id"] for endpoint in endpoints]


def based_on(segment_id: str, **more: Any) -> dict[str, Any]:
    """One group with one base segment."""
    return {"Groups": [{"SourceSegments": [{"Id": segment_id}], **more}]}


def put(jobs: Jobs, name: str, tier: str = "gold", **more: Any) -> None:
    jobs.update_endpoint(name, ChannelType="EMAIL", Address=f"{name}@example.com", Attributes={"Tier": [tier]}, **more)


@both_stores
async def test_the_members_are_exported_as_get_endpoint_shows_them(jobs: Jobs, bucket: Bucket) -> None:
    put(jobs, "b", User={"UserId": "u1", "UserAttributes": {"Plan": ["free"]}})
    put(jobs, "A", OptOut="ALL")
    put(jobs, "c", tier="silver")
    put(jobs, "d", EndpointStatus="INACTIVE")
    segment_id = jobs.create_segment(Name="Gold", Dimensions=GOLD)

    job = await jobs.run_export(bucket.url("out"), SegmentId=segment_id)

    assert (job["JobStatus"], counters(job)) == ("COMPLETED", (1, 1, 0, 3, 0))
    assert job["Definition"] == {
        "RoleArn": "arn:aws:iam::000000000000:role/import",
        "S3UrlPrefix": bucket.url("out"),
        "SegmentId": segment_id,
    }
    assert await bucket.keys() == [f"out/{job['Id']}_00000.gz"]
    assert await bucket.exported() == [jobs.get_endpoint(name) for name in ("a", "b", "d")]


async def test_a_segments_exports_are_listed_newest_first(jobs: Jobs, bucket: Bucket) -> None:
    segment_id = jobs.create_segment(Name="Gold", Dimensions=GOLD)
    first = await jobs.run_export(bucket.url("out"), SegmentId=segment_id)
    await jobs.run_export(bucket.url("out"))
    second = await jobs.run_export(bucket.url("out"), SegmentId=segment_id, SegmentVersion=1)

    listed = jobs.client.get_segment_export_jobs(ApplicationId=jobs.application_id, SegmentId=segment_id)

    assert listed["ExportJobsResponse"] == {"Item": [second, first]}
    assert second["Definition"]["SegmentVersion"] == 1
    imports = jobs.client.get_segment_import_jobs(ApplicationId=jobs.application_id, SegmentId=segment_id)
    assert imports["ImportJobsResponse"] == {"Item": []}


async def test_nobody_is_one_empty_object(jobs: Jobs, bucket: Bucket) -> None:
    put(jobs, "a", tier="silver")
    segment_id = jobs.create_segment(Name="Gold", Dimensions=GOLD)

    job = await jobs.run_export(bucket.url("out"), SegmentId=segment_id)

    assert (job["JobStatus"], counters(job)) == ("COMPLETED", (1, 1, 0, 0, 0))
    assert gzip.decompress(await bucket.get(f"out/{job['Id']}_00000.gz")) == b""


async def test_an_imported_segment_is_exported_with_current_data_snapshots_and_users(
    jobs: Jobs, bucket: Bucket
) -> None:
    put(jobs, "a")
    put(jobs, "z", User={"UserId": "u1"})
    put(jobs, "other")
    await bucket.put("in/1.csv", "Id,ChannelType,Address\na,,\ns,SMS,+1\n")
    await bucket.put("in/2.csv", "User.UserId\nu1 nobody\n")
    _, segment = await jobs.define(bucket.url("in/"), RegisterEndpoints=False)
    put(jobs, "a", tier="new")
    put(jobs, "y", User={"UserId": "u1"})

    job = await jobs.run_export(bucket.url("out"), SegmentId=segment["Id"])

    assert counters(job) == (1, 1, 0, 4, 0)
    exported = {each["Id"]: each for each in await bucket.exported("out/")}
    assert list(exported) == ["a", "s", "y", "z"]
    assert exported["a"]["Attributes"] == {"Tier": ["new"]}
    assert (exported["s"]["Address"], exported["s"]["User"]) == ("+1", {})


async def test_each_version_is_exported_as_it_is(jobs: Jobs, bucket: Bucket) -> None:
    _, segment = await jobs.define(await bucket.put("1.csv", csv_of("a", "b")))
    await jobs.define(await bucket.put("2.csv", csv_of("c")), SegmentId=segment["Id"])

    await jobs.run_export(bucket.url("latest"), SegmentId=segment["Id"])
    await jobs.run_export(bucket.url("first"), SegmentId=segment["Id"], SegmentVersion=1)

    assert ids(await bucket.exported("latest/")) == ["c"]
    assert ids(await bucket.exported("first/")) == ["a", "b"]


async def test_members_are_fixed_when_the_job_starts(
    jobs: Jobs, bucket: Bucket, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repoint.jobs.exports.PIECE_ENDPOINTS", 20)
    await add_many(database, jobs, 2000)
    segment_id = jobs.create_segment(Name="Gold", Dimensions=GOLD)
    job = jobs.create_export(bucket.url("out"), SegmentId=segment_id)
    working = asyncio.create_task(jobs.work())

    await jobs.wait(job, lambda found: found.get("TotalProcessed", 0) > 0)
    put_late = [asyncio.to_thread(put, jobs, name) for name in ("e9999999", "zzz")]
    put_late.append(asyncio.to_thread(put, jobs, "e0001999", "silver"))
    await asyncio.gather(*put_late)
    await asyncio.to_thread(jobs.client.delete_endpoint, ApplicationId=jobs.application_id, EndpointId="e0002000")
    assert jobs.get_export(job["Id"])["TotalProcessed"] < 1900
    await working

    found = jobs.get_export(job["Id"])
    assert (found["JobStatus"], counters(found)) == ("COMPLETED", (100, 100, 0, 1999, 0))
    exported = await bucket.exported()
    assert ids(exported) == [f"E{n:07}" for n in range(1, 2000)]
    assert exported[-1]["Attributes"] == {"Tier": ["silver"]}
    assert await left(database) == 0


async def left(database: Database) -> int:
    """Members of exports that are still noted."""
    async with database.connection() as db:
        return int(await db.value(Query("left", "SELECT count(*) FROM job_members")))


async def test_a_base_segment_that_is_gone_fails_the_export(jobs: Jobs, bucket: Bucket, database: Database) -> None:
    put(jobs, "a")
    base_id = jobs.create_segment(Name="Gold", Dimensions=GOLD)
    segment_id = jobs.create_segment(Name="Others", SegmentGroups=based_on(base_id, SourceType="NONE"))
    jobs.client.delete_segment(ApplicationId=jobs.application_id, SegmentId=base_id)

    job = await jobs.run_export(bucket.url("out"), SegmentId=segment_id)

    assert (job["JobStatus"], counters(job)) == ("FAILED", (1, 0, 1, 0, 0))
    assert job["Failures"] == [f"{bucket.url('out')}: Segment not found: {base_id}"]
    assert await bucket.keys() == []
    assert await left(database) == 0


async def test_a_segment_deleted_before_the_job_starts_fails_it(jobs: Jobs, bucket: Bucket) -> None:
    put(jobs, "a")
    segment_id = jobs.create_segment(Name="Gold", Dimensions=GOLD)
    job = jobs.create_export(bucket.url("out"), SegmentId=segment_id)
    jobs.client.delete_segment(ApplicationId=jobs.application_id, SegmentId=segment_id)
    await jobs.work()

    found = jobs.get_export(job["Id"])
    assert (found["JobStatus"], found["Failures"]) == (
        "FAILED",
        [f"{bucket.url('out')}: Segment not found: {segment_id}"],
    )
    listed = jobs.client.get_export_jobs(ApplicationId=jobs.application_id)["ExportJobsResponse"]
    assert listed == {"Item": [found]}


@pytest.mark.parametrize("nested", [False, True])
async def test_a_segment_deleted_while_its_export_runs_fails_it(
    *, nested: bool, jobs: Jobs, bucket: Bucket, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repoint.jobs.exports.PIECE_ENDPOINTS", 20)
    # Slow enough for something to happen meanwhile.
    monkeypatch.setattr("repoint.jobs.exports._READ_AT_ONCE", 1)
    url = await bucket.put("x.csv", csv_of(*(f"a{n:04}" for n in range(2000))))
    _, segment = await jobs.define(url, RegisterEndpoints=False)
    exported = segment["Id"]
    if nested:
        exported = jobs.create_segment(Name="x", SegmentGroups=based_on(segment["Id"]))
    job = jobs.create_export(bucket.url("out"), SegmentId=exported)
    working = asyncio.create_task(jobs.work())

    await jobs.wait(job, lambda found: found.get("TotalProcessed", 0) > 0)
    await asyncio.to_thread(jobs.client.delete_segment, ApplicationId=jobs.application_id, SegmentId=segment["Id"])
    # As another worker would, which clears the snapshots away.
    async with database.connection() as db:
        await db.execute(Query("clear", "DELETE FROM endpoint_snapshots"))
    await working

    found = jobs.get_export(job["Id"])
    assert (found["JobStatus"], found.get("Failures")) == (
        "FAILED",
        [f"{bucket.url('out')}: Segment not found: {segment['Id']}"],
    )
    # Up to four pieces are written at once, and one that was in place already when the segment went is not counted.
    assert 0 < found["TotalProcessed"] <= len(await bucket.exported("out/")) <= found["TotalProcessed"] + 4 * 20 < 2000
    assert found["CompletedPieces"] + found["FailedPieces"] == found["TotalPieces"] == 100
    assert await left(database) == 0


async def test_an_export_waits_for_the_import_that_fills_its_segment(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", csv_of("a", "b", "c"))
    # An import whose worker has not come to it yet.
    filling = jobs.create_import(url, DefineSegment=True)
    segment_id = filling["Definition"]["SegmentId"]
    nested_id = jobs.create_segment(Name="x", SegmentGroups=based_on(segment_id))
    waiting = [jobs.create_export(bucket.url("out"), SegmentId=each) for each in (segment_id, nested_id)]
    await hold_back(jobs, filling)

    await jobs.work()
    before = [jobs.get_export(job["Id"]) for job in waiting]
    await let_go(jobs)
    await jobs.work()
    after = [jobs.get_export(job["Id"]) for job in waiting]

    assert [job["JobStatus"] for job in before] == ["PENDING_JOB", "PENDING_JOB"]
    assert [(job["JobStatus"], job["TotalProcessed"]) for job in after] == [("COMPLETED", 3), ("COMPLETED", 3)]
    assert jobs.get_import(filling["Id"])["JobStatus"] == "COMPLETED"


async def test_an_export_does_not_wait_for_a_list_that_is_only_renewed(jobs: Jobs, bucket: Bucket) -> None:
    _, segment = await jobs.define(await bucket.put("1.csv", csv_of("a", "b")))
    others = jobs.create_segment(Name="x", SegmentGroups=based_on(segment["Id"], SourceType="NONE"))
    put(jobs, "z")
    url = await bucket.put("2.csv", csv_of("c"))
    renewing = jobs.create_import(url, DefineSegment=True, SegmentId=segment["Id"])
    await hold_back(jobs, renewing)

    await jobs.run_export(bucket.url("list"), SegmentId=segment["Id"])
    await jobs.run_export(bucket.url("others"), SegmentId=others)
    pinned = await jobs.run_export(bucket.url("second"), SegmentId=segment["Id"], SegmentVersion=2)

    assert ids(await bucket.exported("list/")) == ["a", "b"]
    assert ids(await bucket.exported("others/")) == ["z"]
    assert pinned["JobStatus"] == "PENDING_JOB"
    await let_go(jobs)
    await jobs.work()
    assert ids(await bucket.exported("second/")) == ["c"]
    assert jobs.members(segment["Id"]) == ["c"]


async def test_an_import_that_failed_leaves_the_list_as_it_was(jobs: Jobs, bucket: Bucket) -> None:
    _, segment = await jobs.define(await bucket.put("1.csv", csv_of("a", "b")))
    await bucket.put("in/1.csv", csv_of("a"))
    await bucket.put("in/2.csv", b"\xff\n")

    job, renewed = await jobs.define(bucket.url("in/"), SegmentId=segment["Id"])

    assert (job["JobStatus"], renewed["Version"], renewed["ImportDefinition"]["Size"]) == ("FAILED", 2, 1)
    assert jobs.members(segment["Id"]) == ["a", "b"]
    assert jobs.members(segment["Id"], version=2) == ["a"]


async def test_a_base_segment_that_changes_while_the_export_begins_is_judged_anew(
    jobs: Jobs, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    filling = jobs.create_import(await bucket.put("1.csv", csv_of("a", "b")), DefineSegment=True)
    await hold_back(jobs, filling)
    base_id = jobs.create_segment(Name="base", Dimensions=GOLD)
    segment_id = jobs.create_segment(Name="x", SegmentGroups=based_on(base_id))
    new_base = {"SegmentGroups": based_on(filling["Definition"]["SegmentId"])}
    looks = 0

    async def load(*given: Any, **more: Any) -> Audience:
        nonlocal looks
        found = await load_audience(*given, **more)
        looks += 1
        if looks == 1:
            named = {"ApplicationId": jobs.application_id, "SegmentId": base_id}
            await asyncio.to_thread(jobs.client.update_segment, **named, WriteSegmentRequest=new_base)
        return found

    monkeypatch.setattr("repoint.jobs.exports.load_audience", load)
    job = await jobs.run_export(bucket.url("out"), SegmentId=segment_id)

    assert job["JobStatus"] == "PENDING_JOB"
    await let_go(jobs)
    await jobs.work()
    assert ids(await bucket.exported("out/")) == ["a", "b"]


async def hold_back(jobs: Jobs, job: dict[str, Any]) -> None:
    """Have the task of a job wait for a day, as if it had failed."""
    statement = """
        UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 day' WHERE args ->> 'job_id' = %(id)s
    """
    async with jobs.database.connection() as db:
        await db.execute(Query("hold_back", statement), {"id": job["Id"]})


async def let_go(jobs: Jobs) -> None:
    async with jobs.database.connection() as db:
        await db.execute(Query("let_go", "UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'"))

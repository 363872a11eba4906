"""Dry runs: the verdicts of an import, and nothing of it."""

import asyncio
import json
import random
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from tests.fixtures.refusal import Refusal, refusal
from tests.jobs.conftest import ROLE, Bucket, Jobs
from tests.jobs.test_imports import WORKED_EXAMPLE, counters, csv_of, registered

# What an import could have left anywhere in the tables.
TABLES = (
    "endpoints", "users", "attribute_names", "attribute_recounts", "segment_members", "segment_users",
    "endpoint_snapshots", "dry_run_users", "import_objects",
)  # fmt: skip


def start(jobs: Jobs, url: str, file_format: str = "CSV", **more: Any) -> dict[str, Any]:
    request = {"S3Url": url, "Format": file_format, "RoleArn": ROLE, "DryRun": True, **more}
    job: dict[str, Any] = jobs.ours("POST", "jobs/import", request)
    return job


async def dry_run(jobs: Jobs, url: str, file_format: str = "CSV", **more: Any) -> dict[str, Any]:
    """A dry run to its end; the report."""
    job = await asyncio.to_thread(start, jobs, url, file_format, **more)
    await jobs.work()
    report: dict[str, Any] = jobs.ours("GET", f"jobs/import/{job['Id']}")
    return report


async def stored(database: Database) -> dict[str, list[Any]]:
    """Everything in the tables that an import writes."""
    async with database.connection() as db:
        return {
            table: [
                row["row"]
                for row in await db.rows(Query(table, f"SELECT to_jsonb(t) AS row FROM {table} AS t ORDER BY 1"))  # noqa: S608 - ours
            ]
            for table in TABLES
        }


@pytest.mark.parametrize("registers", [True, False])
@pytest.mark.parametrize("rows_a_batch", [1, 5000])
async def test_a_dry_run_gives_the_verdicts_and_writes_nothing(
    rows_a_batch: int, *, registers: bool, jobs: Jobs, bucket: Bucket, database: Database
) -> None:
    jobs.set_worker(import_batch_rows=rows_a_batch)
    jobs.update_endpoint("e9", ChannelType="EMAIL", Address="e9@example.com", Attributes={"Tier": ["gold"]})
    url = await bucket.put("in/people.csv", WORKED_EXAMPLE)
    before = await stored(database)

    report = await dry_run(jobs, url, DefineSegment=True, RegisterEndpoints=registers)

    assert (report["JobStatus"], counters(report)) == ("COMPLETED", (1, 1, 0, 7, 4))
    assert report["Failures"] == [
        f"{url}:5: Missing Address",
        f"{url}:6: Invalid Metrics.Visits: not a number",
        f"{url}:7: Invalid ChannelType",
        f"{url}:8: Too many columns",
    ]
    assert (report["DryRun"], report["KeepStatus"], report["Type"]) == (True, False, "IMPORT")
    assert (report["Definition"]["SegmentName"], "SegmentId" in report["Definition"]) == ("people", False)
    assert await stored(database) == before
    assert registered(jobs, "a1", "b2", "e9") == ["e9"]
    assert jobs.client.get_segments(ApplicationId=jobs.application_id)["SegmentsResponse"] == {"Item": []}


async def test_a_dry_run_is_no_job_of_the_contract(jobs: Jobs, bucket: Bucket) -> None:
    report = await dry_run(jobs, await bucket.put("x.csv", csv_of("a")))

    assert refusal(jobs.get_import, job_id=report["Id"]) == Refusal(404, "NotFoundException", "Resource not found")
    assert refusal(jobs.get_export, job_id=report["Id"]) == Refusal(404, "NotFoundException", "Resource not found")
    listed = jobs.client.get_import_jobs(ApplicationId=jobs.application_id)["ImportJobsResponse"]
    assert listed == {"Item": []}


async def test_a_dry_run_into_a_segment_leaves_it_as_it_is(jobs: Jobs, bucket: Bucket) -> None:
    _, segment = await jobs.define(await bucket.put("1.csv", csv_of("a")))
    url = await bucket.put("2.csv", csv_of("b", "c"))

    report = await dry_run(jobs, url, DefineSegment=True, SegmentId=segment["Id"], SegmentName="Renamed")

    assert counters(report) == (1, 1, 0, 2, 0)
    assert jobs.get_segment(segment["Id"]) == segment


async def test_rows_of_one_user_are_counted_over_all_batches(jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_batch_rows=2)
    for i in range(13):
        jobs.update_endpoint(f"e{i}", ChannelType="EMAIL", Address=f"{i}@example.com", User={"UserId": "u1"})
    rows = [f"n{i},EMAIL,n{i}@example.com,u1" for i in range(4)]
    # Two leave, so that two more find room; one comes back too late.
    rows += ["e0,,,u2", "e1,,,u2", "n5,EMAIL,n5@example.com,u1", "n6,EMAIL,n6@example.com,u1", "e0,,,u1"]
    url = await bucket.put("x.csv", "Id,ChannelType,Address,User.UserId\n" + "\n".join(rows))

    report = await dry_run(jobs, url)
    job = await jobs.run_import(url)

    message = "Exceeded maximum endpoint per user count: 15"
    assert report["Failures"] == [f"{url}:{line}: {message}" for line in (4, 5, 10)]
    assert job["Failures"] == report["Failures"]


async def test_names_of_attributes_count_with_those_of_the_application(jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_batch_rows=1, max_attribute_names=3)
    jobs.update_endpoint("a", ChannelType="EMAIL", Address="a@example.com", Attributes={"A": ["1"], "B": ["1"]})
    lines = [
        {"Id": name, "ChannelType": "EMAIL", "Address": f"{name}@example.com", "Attributes": {name: ["1"]}}
        for name in ("A", "C", "D", "C")
    ]
    url = await bucket.put("x.json", "\n".join(map(json.dumps, lines)))

    report = await dry_run(jobs, url, "JSON")
    job = await jobs.run_import(url, "JSON")

    assert report["Failures"] == [f"{url}:3: Too many custom attributes"]
    assert job["Failures"] == report["Failures"]


def population(choose: random.Random) -> list[dict[str, Any]]:
    """Rows that depend on each other and on what is stored: few keys, few users, sizes near the limit."""
    rows = []
    for _ in range(120):
        row: dict[str, Any] = {"Id": f"e{choose.randrange(60)}"}
        if choose.random() < 0.5:
            row |= {"ChannelType": choose.choice(("EMAIL", "GCM")), "Address": f"a{choose.randrange(30)}"}
        if choose.random() < 0.7:
            row["User"] = {"UserId": choose.choice(("u1", "u1", "u2", ""))}
        if choose.random() < 0.3:
            values = ["x" * 100] * choose.randrange(51)
            row.setdefault("User", {})["UserAttributes"] = {choose.choice("ABC"): values}
        if choose.random() < 0.3:
            row["Attributes"] = {choose.choice("PQR"): ["y" * 100] * choose.randrange(51)}
        rows.append(row)
    return rows


@pytest.mark.parametrize("registers", [True, False])
@pytest.mark.parametrize("seed", range(4))
async def test_a_dry_run_judges_as_the_import_then_does(
    seed: int, *, registers: bool, jobs: Jobs, bucket: Bucket
) -> None:
    choose = random.Random(seed)  # noqa: S311 - invented data
    jobs.set_worker(import_batch_rows=choose.choice((1, 7, 30)))
    await jobs.run_import(await bucket.put("1.json", "\n".join(map(json.dumps, population(choose)))), "JSON")
    url = await bucket.put("2.json", "\n".join(map(json.dumps, population(choose))))
    how = {"DefineSegment": not registers, "RegisterEndpoints": registers}

    report = await dry_run(jobs, url, "JSON", **how)
    job = await jobs.run_import(url, "JSON", **how)

    assert 2 < job["TotalFailures"] < 115
    assert report["Failures"] == job["Failures"]
    assert counters(report) == counters(job)


async def test_deleting_the_application_clears_what_a_dry_run_has_copied(
    jobs: Jobs, bucket: Bucket, database: Database
) -> None:
    jobs.set_worker(import_batch_rows=10)
    for i in range(5):
        jobs.update_endpoint(f"a{i}", ChannelType="EMAIL", Address=f"{i}@example.com", User={"UserId": "u1"})
    url = await bucket.put("x.csv", csv_of(*(f"a{i}" for i in range(2000))))
    created = await asyncio.to_thread(start, jobs, url)
    working = asyncio.create_task(jobs.work())
    async with asyncio.timeout(60):
        while not (await stored(database))["dry_run_users"]:  # noqa: ASYNC110 - it is asked over SQL
            await asyncio.sleep(0.01)

    await asyncio.to_thread(jobs.client.delete_app, ApplicationId=jobs.application_id)
    await working
    await jobs.work()

    assert created["JobStatus"] == "CREATED"
    assert await stored(database) == {table: [] for table in TABLES}


async def test_dry_runs_count_as_imports_under_way(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", csv_of("a"))
    for _ in range(10):
        await asyncio.to_thread(start, jobs, url)

    refused = refusal(jobs.create_import, url=url)

    assert refused == Refusal(429, "TooManyRequestsException", "Exceeded maximum number of active import jobs: 10")
    await jobs.work()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Format": "XML"}, "Invalid Format: XML"),
        ({"S3Url": None}, "Missing S3Url"),
        ({"S3Url": "s3://bucket/nothing"}, "No objects with format CSV found at s3://bucket/nothing"),
        ({"DryRun": "yes"}, "Invalid DryRun: must be true or false"),
        ({"KeepStatus": 1}, "Invalid KeepStatus: must be true or false"),
        ({"RegisterEndpoints": False}, "RegisterEndpoints and DefineSegment can't both be false"),
    ],
)
async def test_a_dry_run_is_refused_as_an_import_is(
    members: dict[str, Any], message: str, jobs: Jobs, bucket: Bucket
) -> None:
    url = await bucket.put("x.csv", csv_of("a"))
    request = {"S3Url": url, "Format": "CSV", "RoleArn": ROLE, "DryRun": True, **members}

    answer = jobs.raw.send("POST", f"/repoint/v1/apps/{jobs.application_id}/jobs/import", request)

    assert (answer.status, answer.json["Message"]) == (400, message)

"""Exports from the endpoints to the bucket, through boto3 and a worker."""

import asyncio
import gzip
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.settings import Settings
from tests.jobs.conftest import Bucket, Jobs, both_stores

# Endpoints straight into the table: thousands of them in a moment.
MANY = """
INSERT INTO endpoints (application_id, endpoint_key, endpoint_id, channel_type, address, attributes, metrics, cohort,
    endpoint_status, opt_out, opt_out_is_explicit, effective_at, created_at, request_id, size_bound)
SELECT %(application_id)s::uuid, 'e' || lpad(n::text, 7, '0'), 'E' || lpad(n::text, 7, '0'), 'EMAIL',
    n || '@example.com', '{"Tier": ["gold"]}', '{"Visits": 3}', n %% 100,
    'ACTIVE', 'NONE', false, now(), now(), 'r', 500
FROM generate_series(1, %(count)s) AS n
"""


async def add_many(database: Database, jobs: Jobs, count: int) -> None:
    async with database.transaction() as db:
        await db.execute(Query("many", MANY), {"application_id": jobs.application_id, "count": count})


def counters(job: dict[str, Any]) -> tuple[int, int, int, int, int]:
    """Pieces in all, completed, failed; endpoints processed, failed."""
    names = ("TotalPieces", "CompletedPieces", "FailedPieces", "TotalProcessed", "TotalFailures")
    total, completed, failed, processed, failures = (job[name] for name in names)
    return total, completed, failed, processed, failures


@both_stores
async def test_every_endpoint_is_exported_as_get_endpoint_shows_it(jobs: Jobs, bucket: Bucket) -> None:
    jobs.update_endpoint(
        "Zoë/1",
        ChannelType="EMAIL",
        Address='"Zoë\\" \t🐝"@example.com',
        Attributes={"Tier": ["gold", 'a"b\\c\nd']},
        Metrics={"Visits": 3.5},
        Demographic={"Make": "Apple"},
        Location={"City": "Zürich", "Latitude": 47.4},
        User={"UserId": "u1", "UserAttributes": {"Plan": ["free"]}},
    )
    jobs.update_endpoint("b", ChannelType="SMS", Address="+12065550100", OptOut="ALL", EndpointStatus="INACTIVE")
    jobs.update_endpoint("A", User={"UserId": "u1"})

    job = await jobs.run_export(bucket.url("exports/2026-11-21-10_15:03.123_UTC/"))

    assert (job["JobStatus"], counters(job)) == ("COMPLETED", (1, 1, 0, 3, 0))
    assert await bucket.keys() == [f"exports/2026-11-21-10_15:03.123_UTC/{job['Id']}_00000.gz"]
    assert await bucket.exported() == [jobs.get_endpoint(name) for name in ("a", "b", "zoë/1")]
    assert "Failures" not in job


async def test_the_job_echoes_the_request_and_shows_counters_only_when_it_runs(jobs: Jobs, bucket: Bucket) -> None:
    created = jobs.create_export(bucket.url("x"))
    read = jobs.get_export(created["Id"])
    await jobs.work()
    ended = jobs.get_export(created["Id"])

    assert created == read
    assert set(created) == {"ApplicationId", "CreationDate", "Definition", "Id", "JobStatus", "Type"}
    assert (created["JobStatus"], created["Type"]) == ("CREATED", "EXPORT")
    assert (
        created["Definition"]
        == ended["Definition"]
        == {
            "RoleArn": "arn:aws:iam::000000000000:role/import",
            "S3UrlPrefix": bucket.url("x"),
        }
    )
    assert ended["CompletionDate"] >= ended["CreationDate"]


async def test_no_endpoints_are_one_empty_object(jobs: Jobs, bucket: Bucket) -> None:
    job = await jobs.run_export(bucket.url("x"))

    assert (job["JobStatus"], counters(job)) == ("COMPLETED", (1, 1, 0, 0, 0))
    assert gzip.decompress(await bucket.get(f"x/{job['Id']}_00000.gz")) == b""


@pytest.mark.parametrize("prefix", ["", "/", "//", "a", "a/", "a//"])
async def test_the_key_is_the_prefix_and_the_job(prefix: str, jobs: Jobs, bucket: Bucket) -> None:
    job = await jobs.run_export(f"s3://{bucket.name}/{prefix}" if prefix else f"s3://{bucket.name}")

    slash = "/" if prefix == "a" else ""
    assert await bucket.keys() == [f"{prefix}{slash}{job['Id']}_00000.gz"]


async def test_the_same_prefix_twice_overwrites_nothing(jobs: Jobs, bucket: Bucket) -> None:
    first = await jobs.run_export(bucket.url("x"))
    second = await jobs.run_export(bucket.url("x"))

    assert await bucket.keys() == sorted(f"x/{job['Id']}_00000.gz" for job in (first, second))


@pytest.mark.parametrize("count", [4, 5, 6])
async def test_pieces_hold_equal_shares_in_the_order_of_ids(
    count: int, jobs: Jobs, bucket: Bucket, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repoint.jobs.exports.PIECE_ENDPOINTS", 2)
    monkeypatch.setattr("repoint.jobs.exports._READ_AT_ONCE", 1)
    await add_many(database, jobs, count)

    job = await jobs.run_export(bucket.url("x"))

    pieces = (count + 1) // 2
    assert (job["JobStatus"], counters(job)) == ("COMPLETED", (pieces, pieces, 0, count, 0))
    assert await bucket.keys() == [f"x/{job['Id']}_{piece:05}.gz" for piece in range(pieces)]
    assert [endpoint["Id"] for endpoint in await bucket.exported()] == [f"E{n:07}" for n in range(1, count + 1)]


async def test_100_000_endpoints_fill_a_piece(jobs: Jobs, bucket: Bucket, database: Database) -> None:
    await add_many(database, jobs, 100_001)

    job = await jobs.run_export(bucket.url("x"))

    assert counters(job) == (2, 2, 0, 100_001, 0)
    sizes = [gzip.decompress(await bucket.get(key)).count(b"\n") for key in await bucket.keys()]
    assert sizes == [100_000, 1]


async def test_an_export_can_be_imported_again(jobs: Jobs, bucket: Bucket) -> None:
    jobs.update_endpoint("a", ChannelType="EMAIL", Address="a@example.com", User={"UserId": "u1"})
    before = jobs.get_endpoint("a")
    await jobs.run_export(bucket.url("x"))
    jobs.client.delete_endpoint(ApplicationId=jobs.application_id, EndpointId="a")

    job = await jobs.run_import(bucket.url("x/"), "JSON")

    assert counters(job) == (1, 1, 0, 1, 0)
    changing = ("CreationDate", "EffectiveDate")
    after = jobs.get_endpoint("a")
    assert {name: after[name] for name in after if name not in changing} == {
        name: before[name] for name in before if name not in changing
    }


async def test_a_bucket_that_cannot_be_written_fails_the_job(jobs: Jobs, settings: Settings) -> None:
    settings.files_dir.mkdir(parents=True, exist_ok=True)
    (settings.files_dir / "not-a-folder").write_text("")

    job = await jobs.run_export("s3://not-a-folder/x")

    assert (job["JobStatus"], counters(job)) == ("FAILED", (1, 0, 1, 0, 0))
    assert job["Failures"] == ["s3://not-a-folder/x: AccessDenied"]
    assert job["CompletionDate"]


@pytest.mark.parametrize("store_name", ["s3"])
async def test_a_missing_bucket_fails_the_job(jobs: Jobs, bucket: Bucket) -> None:
    job = await jobs.run_export(f"s3://{bucket.name}-missing/x")

    assert (job["JobStatus"], counters(job)) == ("FAILED", (1, 0, 1, 0, 0))
    assert job["Failures"] == [f"s3://{bucket.name}-missing/x: NoSuchBucket"]


async def test_a_deleted_application_stops_its_export(
    jobs: Jobs, bucket: Bucket, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repoint.jobs.exports.PIECE_ENDPOINTS", 10)
    await add_many(database, jobs, 2000)
    created = jobs.create_export(bucket.url("x"))
    working = asyncio.create_task(jobs.work())

    await jobs.wait(created, lambda job: job.get("CompletedPieces", 0) > 0)
    await asyncio.to_thread(jobs.client.delete_app, ApplicationId=jobs.application_id)
    await working

    assert 0 < len(await bucket.keys()) < 200
    async with database.connection() as db:
        for table in ("jobs", "export_pieces", "endpoints"):
            assert await db.value(Query("left", f"SELECT count(*) AS rows FROM {table}")) == 0  # noqa: S608 - our tables

"""Imports from the bucket to the endpoints, through boto3 and a worker."""

import asyncio
import bz2
import gzip
import json
import shutil
from typing import Any

import pytest
from pydantic import SecretStr

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.settings import Settings
from repoint.tables import S3, AwsCredentials
from tests.jobs.conftest import Bucket, Jobs, both_stores

WORKED_EXAMPLE = """\
Id,ChannelType,Address,Attributes.Tier,Attributes.Tier,Metrics.Visits,User.UserId
a1,EMAIL,ann@example.com,"gold, old",vip,3,u1
,SMS,+12065550100,,,,u1
e9,,,silver,,,
zz,,,silver,,,
b2,EMAIL,bob@example.com,x,y,many,u2
b3,FAX,+1206,x,y,1,u3
b4,EMAIL,cid@example.com,x,y,1,u4,extra
"""


@both_stores
async def test_worked_example(jobs: Jobs, bucket: Bucket) -> None:
    jobs.update_endpoint("e9", ChannelType="EMAIL", Address="e9@example.com", Attributes={"Tier": ["gold"]})
    url = await bucket.put("in/people.csv", WORKED_EXAMPLE)

    job = await jobs.run_import(url)

    assert {name: job[name] for name in job if name not in ("CreationDate", "CompletionDate", "Id")} == {
        "ApplicationId": jobs.application_id,
        "Type": "IMPORT",
        "JobStatus": "COMPLETED",
        "Definition": {
            "S3Url": url,
            "RoleArn": "arn:aws:iam::000000000000:role/import",
            "Format": "CSV",
            "RegisterEndpoints": True,
            "DefineSegment": False,
            "ExternalId": "000000000000",
        },
        "TotalPieces": 1,
        "CompletedPieces": 1,
        "FailedPieces": 0,
        "TotalProcessed": 7,
        "TotalFailures": 4,
        "Failures": [
            f"{url}:5: Missing Address",
            f"{url}:6: Invalid Metrics.Visits: not a number",
            f"{url}:7: Invalid ChannelType",
            f"{url}:8: Too many columns",
        ],
    }
    a1 = jobs.get_endpoint("a1")
    assert (a1["Attributes"], a1["Metrics"]) == ({"Tier": ["gold, old", "vip"]}, {"Visits": 3.0})
    assert a1["User"] == {"UserId": "u1"}
    derived = jobs.get_endpoint("k82tly4q0rk85xgm7gghf/mfhcg")
    assert (derived["ChannelType"], derived["OptOut"], derived["User"]["UserId"]) == ("SMS", "NONE", "u1")
    e9 = jobs.get_endpoint("e9")
    assert (e9["ChannelType"], e9["Address"], e9["Attributes"]) == ("EMAIL", "e9@example.com", {"Tier": ["silver"]})


BARE_AND_LISTS = {"A": "x", "B": 1, "C": True, "D": ["y", None], "E": None}


def csv_of(*ids: str) -> str:
    return "Id,ChannelType,Address\n" + "".join(f"{name},EMAIL,{name}@example.com\n" for name in ids)


def json_of(*ids: str) -> str:
    return "".join(
        json.dumps({"Id": name, "ChannelType": "EMAIL", "Address": f"{name}@example.com"}) + "\n" for name in ids
    )


def counters(job: dict[str, Any]) -> tuple[int, int, int, int, int]:
    """Pieces in all, completed, failed; definitions processed, failed."""
    names = ("TotalPieces", "CompletedPieces", "FailedPieces", "TotalProcessed", "TotalFailures")
    total, completed, failed, processed, failures = (job[name] for name in names)
    return total, completed, failed, processed, failures


def registered(jobs: Jobs, *ids: str) -> list[str]:
    """Which of these endpoints exist."""
    found = []
    for name in ids:
        try:
            found.append(jobs.get_endpoint(name)["Id"])
        except jobs.client.exceptions.NotFoundException:
            continue
    return found


async def test_a_job_shows_counters_only_when_it_runs(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("people.csv", csv_of("a", "b"))

    created = jobs.create_import(url)
    read = jobs.get_import(created["Id"])
    await jobs.work()
    ended = jobs.get_import(created["Id"])

    assert created == read
    assert set(created) == {"ApplicationId", "CreationDate", "Definition", "Id", "JobStatus", "Type"}
    assert created["JobStatus"] == "CREATED"
    assert (ended["JobStatus"], counters(ended)) == ("COMPLETED", (1, 1, 0, 2, 0))
    assert "Failures" not in ended
    assert ended["CompletionDate"] >= ended["CreationDate"] == created["CreationDate"]


async def test_json_lines_are_imported(jobs: Jobs, bucket: Bucket) -> None:
    lines = [
        {"Id": "a", "ChannelType": "EMAIL", "Address": "a@example.com", "Attributes": BARE_AND_LISTS},
        {"ChannelType": "GCM", "Address": "token", "User": {"UserId": "u1", "UserAttributes": {"Plan": ["free"]}}},
        {"User": {"UserId": "u2"}},
        {"Id": "A"},
        {"Id": "nobody"},
        ["Id"],
    ]
    url = await bucket.put("x", "\r\n\r\n".join(json.dumps(line) for line in lines))

    job = await jobs.run_import(url, "JSON")

    assert counters(job) == (1, 1, 0, 6, 2)
    assert job["Failures"] == [
        f"{url}:9: Missing Address",
        f"{url}:11: Unexpected value: expected an object at column 1",
    ]
    assert jobs.get_endpoint("a")["Attributes"] == {"A": ["x"], "B": ["1"], "C": ["true"], "D": ["y"]}


async def test_endpoints_have_the_jobs_id_as_request_id_unless_the_row_has_one(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", "Id,ChannelType,Address,RequestId\na,SMS,+1,\nb,SMS,+2,mine\n")

    job = await jobs.run_import(url)

    assert jobs.get_endpoint("a")["RequestId"].replace("-", "") == job["Id"]
    assert jobs.get_endpoint("b")["RequestId"] == "mine"


async def test_a_row_of_an_id_alone_touches_nothing(jobs: Jobs, bucket: Bucket) -> None:
    jobs.update_endpoint("a", ChannelType="EMAIL", Address="a@example.com", EndpointStatus="INACTIVE")
    before = jobs.get_endpoint("a")
    url = await bucket.put("ids.csv", "Id\na\nb\n")

    job = await jobs.run_import(url)

    assert counters(job) == (1, 1, 0, 2, 1)
    assert job["Failures"] == [f"{url}:3: Missing Address"]
    assert jobs.get_endpoint("a") == before


async def test_a_file_of_user_ids_counts_every_id(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("users.csv", "User.UserId\nu1\nu2 u3 u4\n")

    assert counters(await jobs.run_import(url)) == (1, 1, 0, 4, 0)


async def test_later_rows_win_and_the_16th_endpoint_of_a_user_fails(jobs: Jobs, bucket: Bucket) -> None:
    rows = "".join(f"e{i},EMAIL,{i}@example.com,u1,{i}\n" for i in range(1, 17)) + "e1,,,,again\n"
    url = await bucket.put("x.csv", "Id,ChannelType,Address,User.UserId,Attributes.A\n" + rows)

    job = await jobs.run_import(url)

    assert counters(job) == (1, 1, 0, 17, 1)
    assert job["Failures"] == [f"{url}:17: Exceeded maximum endpoint per user count: 15"]
    assert jobs.get_endpoint("e1")["Attributes"] == {"A": ["again"]}


@pytest.mark.parametrize("rows_a_batch", [1, 2, 3, 7, 5000])
async def test_any_batch_size_gives_the_same(
    rows_a_batch: int, jobs: Jobs, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.set_worker(import_batch_rows=rows_a_batch)
    monkeypatch.setattr("repoint.jobs.cut.PIECE_DEFINITIONS", 4)
    monkeypatch.setattr("repoint.jobs.imports.PIECE_DEFINITIONS", 4)
    jobs.update_endpoint("e9", ChannelType="EMAIL", Address="e9@example.com")
    await bucket.put("in/1.csv", WORKED_EXAMPLE.replace("e9", "\n\ne9"))
    await bucket.put("in/2.csv", csv_of("a1", "c1", "c2", "c3"))
    await bucket.put("in/3.csv", "Id\n")

    job = await jobs.run_import(bucket.url("in/"))

    assert (job["JobStatus"], counters(job)) == ("COMPLETED", (4, 4, 0, 11, 4))
    assert [failure.rpartition("/")[2] for failure in job["Failures"]] == [
        "1.csv:7: Missing Address",
        "1.csv:8: Invalid Metrics.Visits: not a number",
        "1.csv:9: Invalid ChannelType",
        "1.csv:10: Too many columns",
    ]
    assert jobs.get_endpoint("a1")["Address"] == "a1@example.com"
    assert registered(jobs, "c1", "c2", "c3", "b2", "zz") == ["c1", "c2", "c3"]


async def test_pieces_are_10_000_definitions_of_one_object(jobs: Jobs, bucket: Bucket) -> None:
    users = "".join(f"u{i}\n\n" for i in range(10_001))
    await bucket.put("in/1.csv", f"User.UserId\n{users}")
    await bucket.put("in/2.csv.gz", gzip.compress(f"User.UserId\n{users}".encode()))
    await bucket.put("in/3.csv", "User.UserId\n")

    job = await jobs.run_import(bucket.url("in/"))

    assert counters(job) == (4, 4, 0, 20_002, 0)


async def test_the_first_100_failures_are_told(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", "Id\n" + "".join(f"nobody{i}\n" for i in range(150)))

    job = await jobs.run_import(url)

    assert counters(job) == (1, 1, 0, 150, 150)
    assert job["Failures"] == [f"{url}:{i}: Missing Address" for i in range(2, 102)]


@both_stores
async def test_a_folder_gives_its_objects_of_the_declared_format(jobs: Jobs, bucket: Bucket) -> None:
    await bucket.put("in/", b"")
    await bucket.put("in/a.csv", csv_of("a"))
    await bucket.put("in/b.json", json_of("b"))
    await bucket.put("in/c.jsonl.gz", gzip.compress(json_of("c").encode()))
    await bucket.put("in/d.CSV", csv_of("d"))
    await bucket.put("in/e", "\ufeff \n" + json_of("e"))
    await bucket.put("in/f.txt.gz", gzip.compress(csv_of("f").encode()))
    await bucket.put("in/g.csv", b"")
    await bucket.put("in/h.csv.bz2", bz2.compress(csv_of("h").encode()))
    await bucket.put("in/i", bz2.compress(csv_of("i").encode()))
    await bucket.put("in/sub/j.ndjson", json_of("j"))
    await bucket.put("in1.csv", csv_of("k"))
    await bucket.put("other/l.csv", csv_of("l"))
    every = "abcdefghijkl"

    of_json = await jobs.run_import(bucket.url("in/"), "JSON")
    after_json = registered(jobs, *every)
    of_csv = await jobs.run_import(bucket.url("in"), "CSV")

    assert (of_json["JobStatus"], counters(of_json)) == ("COMPLETED", (4, 4, 0, 4, 0))
    assert after_json == ["b", "c", "e", "j"]
    assert (of_csv["JobStatus"], counters(of_csv)) == ("COMPLETED", (4, 4, 0, 4, 0))
    assert registered(jobs, *every) == ["a", "b", "c", "d", "e", "f", "j", "k"]


@both_stores
async def test_an_exact_key_is_read_alone_and_its_format_trusted(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("people.json", csv_of("a"))
    await bucket.put("people.json.csv", csv_of("b"))

    job = await jobs.run_import(url, "CSV")

    assert counters(job) == (1, 1, 0, 1, 0)
    assert registered(jobs, "a", "b") == ["a"]


async def test_a_whole_bucket_is_read_in_the_order_of_its_keys(jobs: Jobs, bucket: Bucket) -> None:
    for number in (2, 10, 1):
        await bucket.put(f"{number}.csv", f"Id,ChannelType,Address\na,EMAIL,{number}@example.com\n")

    job = await jobs.run_import(bucket.url().removesuffix("/"))

    assert counters(job) == (3, 3, 0, 3, 0)
    assert jobs.get_endpoint("a")["Address"] == "2@example.com"


@both_stores
async def test_an_unusable_object_fails_whole_and_the_others_go_on(jobs: Jobs, bucket: Bucket) -> None:
    packed = gzip.compress(csv_of(*(f"g{i}" for i in range(5000))).encode())
    await bucket.put("in/1.csv", csv_of("a"))
    await bucket.put("in/2.csv", "Id,Shoe\nb,42\n")
    await bucket.put("in/3.csv", csv_of("c").encode() + b"d,EMAIL,\xff\n")
    await bucket.put("in/4.csv.gz", packed[: len(packed) // 2])
    await bucket.put("in/5.csv.gz", packed[:-8] + b"12345678")
    await bucket.put("in/6.csv", '"Id\nx\n')
    await bucket.put("in/7.csv", "\ufeff" + csv_of("e"))

    job = await jobs.run_import(bucket.url("in/"))

    assert (job["JobStatus"], counters(job)) == ("FAILED", (7, 2, 5, 2, 0))
    assert job["Failures"] == [
        f"{bucket.url('in/2.csv')}: Invalid header: Shoe",
        f"{bucket.url('in/3.csv')}: Not UTF-8 at line 3",
        f"{bucket.url('in/4.csv.gz')}: The gzip data is cut short",
        f"{bucket.url('in/5.csv.gz')}: The gzip data is broken",
        f"{bucket.url('in/6.csv')}: Invalid header: Quote left open",
    ]
    assert registered(jobs, "a", "b", "c", "e", "g0") == ["a", "e"]
    assert job["CompletionDate"]


async def test_an_object_with_a_bad_header_fails_all_its_pieces(jobs: Jobs, bucket: Bucket) -> None:
    await bucket.put("in/1.csv", csv_of("a"))
    await bucket.put("in/2.csv", "Id,Shoe\n" + "b,42\n" * 10_001)

    job = await jobs.run_import(bucket.url("in/"))

    assert (job["JobStatus"], counters(job)) == ("FAILED", (3, 1, 2, 1, 0))


async def test_a_gzip_bomb_fails_at_the_size_limit_and_costs_no_memory(jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_size_limit_bytes=10 * 1024 * 1024)
    await bucket.put("in/1.csv", csv_of("a"))
    await bucket.put("in/2.csv.gz", gzip.compress(b"Id\n" + b"a\n" * 50_000_000))
    await bucket.put("in/3.csv", csv_of("c"))

    job = await jobs.run_import(bucket.url("in/"))

    assert (job["JobStatus"], counters(job)) == ("FAILED", (3, 2, 1, 2, 0))
    assert job["Failures"] == [f"{bucket.url('in/2.csv.gz')}: Import size exceeds the maximum of 10 MB"]


@pytest.mark.parametrize("file_format", ["CSV", "JSON"])
async def test_10_mb_lines_fail_alone(file_format: str, jobs: Jobs, bucket: Bucket) -> None:
    good = (json_of if file_format == "JSON" else csv_of)("a", "b").splitlines()
    last = good.pop()
    url = await bucket.put("x", "\n".join([*good, "x" * 10_000_000, '"' + "y" * 10_000_000, last]))

    job = await jobs.run_import(url, file_format)

    first = len(good) + 1
    assert (job["JobStatus"], counters(job)) == ("COMPLETED", (1, 1, 0, 4, 2))
    assert job["Failures"] == [
        f"{url}:{first}: Line exceeds the maximum of 1,000,000 bytes",
        f"{url}:{first + 1}: Line exceeds the maximum of 1,000,000 bytes",
    ]
    assert registered(jobs, "a", "b") == ["a", "b"]


@both_stores
async def test_an_object_that_changes_or_vanishes_after_it_was_cut_fails(jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_batch_rows=10)
    await bucket.put("in/1.csv", csv_of(*(f"a{i}" for i in range(1000))))
    await bucket.put("in/2.csv", "User.UserId\n" + "b\n" * 10_001)
    await bucket.put("in/3.csv", csv_of("c"))
    await bucket.put("in/4.csv", csv_of("d"))
    created = jobs.create_import(bucket.url("in/"))
    working = asyncio.create_task(jobs.work())

    await jobs.wait(created, lambda job: job.get("TotalProcessed", 0) > 0)
    await bucket.put("in/2.csv", csv_of("b"))
    await bucket.files.delete(bucket.name, "in/3.csv")
    assert jobs.get_import(created["Id"])["TotalProcessed"] < 900
    await working

    job = jobs.get_import(created["Id"])
    assert (job["JobStatus"], counters(job)) == ("FAILED", (5, 2, 3, 1001, 0))
    assert job["Failures"] == [
        f"{bucket.url('in/2.csv')}: The object has changed",
        f"{bucket.url('in/3.csv')}: NoSuchKey",
    ]
    assert registered(jobs, "a0", "a999", "b", "c", "d") == ["a0", "a999", "d"]


async def test_a_job_shows_its_progress_and_failing_while_it_runs(jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_batch_rows=10)
    await bucket.put("in/1.csv", "Shoe\n")
    await bucket.put("in/2.csv", csv_of(*(f"a{i}" for i in range(1000))))
    await bucket.put("in/0.csv", csv_of("z"))
    created = jobs.create_import(bucket.url("in/"))
    working = asyncio.create_task(jobs.work())

    seen = await jobs.wait(created, lambda job: job.get("TotalProcessed", 0) > 1)
    await working

    assert seen["JobStatus"] == "FAILING"
    assert (seen["TotalPieces"], seen["CompletedPieces"], seen["FailedPieces"]) == (3, 1, 1)
    assert 1 < seen["TotalProcessed"] < 1001


@both_stores
async def test_what_vanishes_before_the_job_runs_fails_the_job(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", csv_of("a"))
    job_id = jobs.create_import(url)["Id"]
    await bucket.files.delete(bucket.name, "x.csv")

    await jobs.work()

    job = jobs.get_import(job_id)
    assert (job["JobStatus"], counters(job)) == ("FAILED", (1, 0, 1, 0, 0))
    assert job["Failures"] == [f"{url}: No objects with format CSV found"]


async def test_a_bucket_that_vanishes_before_the_job_runs_fails_the_job(
    jobs: Jobs, bucket: Bucket, settings: Settings
) -> None:
    url = await bucket.put("x.csv", csv_of("a"))
    job_id = jobs.create_import(url)["Id"]
    shutil.rmtree(settings.files_dir / bucket.name)

    await jobs.work()

    job = jobs.get_import(job_id)
    assert (job["JobStatus"], job["Failures"]) == ("FAILED", [f"{url}: NoSuchBucket"])


async def test_a_store_that_does_not_answer_fails_the_job_at_its_last_try(
    jobs: Jobs, bucket: Bucket, database: Database
) -> None:
    url = await bucket.put("x.csv", csv_of("a"))
    job_id = jobs.create_import(url)["Id"]
    credentials = AwsCredentials(access_key_id="test", secret_access_key=SecretStr("test"))
    jobs.set_worker(s3=S3(endpoint_url="http://127.0.0.1:1", credentials=credentials))
    async with database.connection() as db:
        # One of the tries is left: each takes long, having tries of its own.
        await db.execute(Query("arrange", "UPDATE jobs SET tries = 4"))

    await jobs.work()

    job = jobs.get_import(job_id)
    assert (job["JobStatus"], job["Failures"]) == ("FAILED", [f"{url}: EndpointUnreachable"])


async def test_a_deleted_application_stops_its_import(jobs: Jobs, bucket: Bucket, database: Database) -> None:
    jobs.set_worker(import_batch_rows=10)
    await bucket.put("in/1.csv", csv_of(*(f"a{i}" for i in range(1000))))
    created = jobs.create_import(bucket.url("in/"))
    working = asyncio.create_task(jobs.work())

    seen = await jobs.wait(created, lambda job: job.get("TotalProcessed", 0) > 0)
    await asyncio.to_thread(jobs.client.delete_app, ApplicationId=jobs.application_id)
    await working

    assert seen["TotalProcessed"] < 900
    async with database.connection() as db:
        for table in ("jobs", "import_objects", "endpoints"):
            assert await db.value(Query("left", f"SELECT count(*) AS rows FROM {table}")) == 0  # noqa: S608 - our tables


async def test_a_job_that_never_comes_on_is_given_up(jobs: Jobs, bucket: Bucket, database: Database) -> None:
    url = await bucket.put("x.csv", csv_of("a"))
    job_id = jobs.create_import(url)["Id"]
    async with database.connection() as db:
        await db.execute(Query("arrange", "UPDATE jobs SET tries = 5"))

    await jobs.work()

    job = jobs.get_import(job_id)
    assert (job["JobStatus"], counters(job)) == ("FAILED", (1, 0, 1, 0, 0))
    assert job["Failures"] == [f"{url}: Given up after several tries"]

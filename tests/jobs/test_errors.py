"""Every row that failed, and what became of the statuses that rows had."""

import gzip
import json
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.jobs.errors import RowFailure, forget_errors
from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.jobs.conftest import ROLE, Bucket, Jobs
from tests.jobs.test_dry_run import dry_run
from tests.jobs.test_imports import WORKED_EXAMPLE, counters, csv_of


def errors(jobs: Jobs, job: dict[str, Any], page_size: int = 1000) -> list[dict[str, Any]]:
    """All errors of a job, over all pages."""
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        page = jobs.ours("GET", f"jobs/import/{job['Id']}/errors?page-size={page_size}{token}")
        found += page["Item"]
        if "NextToken" not in page:
            return found
        assert len(page["Item"]) == page_size
        token = f"&token={page['NextToken']}"


async def test_every_row_that_failed_has_its_line_field_and_reason(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("in/people.csv", WORKED_EXAMPLE)

    job = await jobs.run_import(url)

    assert errors(jobs, job) == [
        {"Object": url, "Line": 4, "Field": "Address", "Reason": "Missing Address"},
        {"Object": url, "Line": 5, "Field": "Address", "Reason": "Missing Address"},
        {"Object": url, "Line": 6, "Field": "Metrics.Visits", "Reason": "Invalid Metrics.Visits: not a number"},
        {"Object": url, "Line": 7, "Field": "ChannelType", "Reason": "Invalid ChannelType"},
        {"Object": url, "Line": 8, "Reason": "Too many columns"},
    ]


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("Missing ChannelType", "ChannelType"),
        ("Missing User.UserId", "User.UserId"),
        ("Invalid EndpointId", "Id"),
        ("Invalid Latitude", "Location.Latitude"),
        ("Invalid Location.Latitude: not a number", "Location.Latitude"),
        ("Invalid Metrics.a: b", "Metrics.a"),
        ("Invalid EndpointStatus", "EndpointStatus"),
        ("Exceeded maximum endpoint per user count: 15", "User.UserId"),
        ("Invalid character", None),
        ("Quote left open", None),
        ("Endpoint size exceeds the maximum of 15 KB", None),
    ],
)
def test_the_field_is_the_one_that_the_reason_names(reason: str, field: str | None) -> None:
    assert RowFailure(2, reason).field == field


@pytest.mark.parametrize("rows_a_batch", [1, 7, 5000])
async def test_errors_come_in_pages_in_the_order_of_the_files(rows_a_batch: int, jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_batch_rows=rows_a_batch)
    for name in ("1", "2"):
        await bucket.put(f"in/{name}.csv", "Id\n" + "".join(f"nobody{i}\n" for i in range(150)))
    await bucket.put("in/3.csv", "Shoe\n")
    await bucket.put("in/4.csv", "Id\nnobody\n")

    job = await jobs.run_import(bucket.url("in/"))

    expected: list[tuple[str, int | None]] = [
        (bucket.url(f"in/{name}.csv"), line) for name in ("1", "2") for line in range(2, 152)
    ]
    expected += [(bucket.url("in/3.csv"), None), (bucket.url("in/4.csv"), 2)]
    assert counters(job) == (4, 3, 1, 301, 301)
    for page_size in (1000, 7):
        found = errors(jobs, job, page_size)
        assert [(each["Object"], each.get("Line")) for each in found] == expected
        assert found[-2] == {"Object": bucket.url("in/3.csv"), "Reason": "Invalid header: Shoe"}


async def test_errors_come_as_a_stream_of_lines(jobs: Jobs, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repoint.jobs.errors._READ_AT_ONCE", 70)
    url = await bucket.put("x.csv", "Id\n" + "".join(f"nobody{i}\n" for i in range(150)))
    job = await jobs.run_import(url)

    answer = jobs.raw.send(
        "GET", f"/repoint/v1/apps/{jobs.application_id}/jobs/import/{job['Id']}/errors?format=ndjson"
    )

    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert [json.loads(line) for line in answer.body.splitlines()] == errors(jobs, job)
    assert answer.body.count(b"\n") == 150


async def test_an_import_without_errors_has_none(jobs: Jobs, bucket: Bucket) -> None:
    job = await jobs.run_import(await bucket.put("x.csv", csv_of("a")))

    answer = jobs.raw.send(
        "GET", f"/repoint/v1/apps/{jobs.application_id}/jobs/import/{job['Id']}/errors?format=ndjson"
    )

    assert errors(jobs, job) == []
    assert (answer.status, answer.body) == (200, b"")


async def test_errors_of_unknown_jobs_and_in_unknown_forms_are_refused(jobs: Jobs, bucket: Bucket) -> None:
    job = await jobs.run_import(await bucket.put("x.csv", csv_of("a")))
    exported = await jobs.run_export(bucket.url("out"))
    path = f"/repoint/v1/apps/{jobs.application_id}/jobs/import"

    for asked, status, message in (
        (f"{path}/{exported['Id']}", 404, "Resource not found"),
        (f"{path}/{exported['Id']}/errors", 404, "Resource not found"),
        (f"{path}/x/errors", 404, "Resource not found"),
        (f"/repoint/v1/apps/{'0' * 32}/jobs/import/{job['Id']}/errors", 404, "Application not found"),
        (f"{path}/{job['Id']}/errors?format=xml", 400, "Invalid format: xml"),
        (f"{path}/{job['Id']}/errors?page-size=0", 400, "Invalid page-size"),
        (f"{path}/{job['Id']}/errors?token=x", 400, "Invalid token"),
    ):
        answer = jobs.raw.send("GET", asked)
        assert (answer.status, answer.json["Message"]) == (status, message)


async def ended_days_ago(database: Database, job: dict[str, Any], days: int) -> None:
    statement = "UPDATE jobs SET completed_at = now() - make_interval(days => %(days)s) WHERE id = %(id)s"
    async with database.connection() as db:
        await db.execute(Query("age", statement), {"id": job["Id"], "days": days})


async def test_errors_are_kept_for_a_while(jobs: Jobs, bucket: Bucket, database: Database, settings: Settings) -> None:
    url = await bucket.put("x.csv", "Id\nnobody\n")
    old, new = await jobs.run_import(url), await jobs.run_import(url)
    judged, young = await dry_run(jobs, url), await dry_run(jobs, url)
    for job, days in ((old, 31), (new, 29), (judged, 31), (young, 29)):
        await ended_days_ago(database, job, days)

    await forget_errors.run(TaskContext(database, settings, "test"))

    path = f"/repoint/v1/apps/{jobs.application_id}/jobs/import"
    cleared = jobs.raw.send("GET", f"{path}/{old['Id']}/errors")
    assert (cleared.status, cleared.json["Message"]) == (
        404,
        "The rows that failed were kept for 30 days and are cleared",
    )
    assert jobs.raw.send("GET", f"{path}/{judged['Id']}").status == 404
    assert len(errors(jobs, new)) == len(errors(jobs, young)) == 1
    assert jobs.get_import(old["Id"])["TotalFailures"] == 1
    async with database.connection() as db:
        kept = await db.rows(Query("kept", "SELECT job_id FROM import_errors ORDER BY 1"))
    assert [row["job_id"] for row in kept] == sorted([new["Id"], young["Id"]])


STATUSES = "Id,ChannelType,Address,EndpointStatus\n" + "".join(
    f"{name},EMAIL,{name}@example.com,{status}\n"
    for name, status in (("a", "INACTIVE"), ("b", "ACTIVE"), ("c", ""), ("d", " INACTIVE "), ("e", "inactive"))
)


def start(jobs: Jobs, url: str, file_format: str, **more: Any) -> dict[str, Any]:
    request = {"S3Url": url, "Format": file_format, "RoleArn": ROLE, **more}
    job: dict[str, Any] = jobs.ours("POST", "jobs/import", request)
    return job


async def report(jobs: Jobs, url: str, file_format: str = "CSV", **more: Any) -> dict[str, Any]:
    """An import by our own operation, to its end."""
    job = start(jobs, url, file_format, **more)
    await jobs.work()
    found: dict[str, Any] = jobs.ours("GET", f"jobs/import/{job['Id']}")
    return found


def statuses(jobs: Jobs, *ids: str) -> list[str]:
    return [jobs.get_endpoint(name)["EndpointStatus"] for name in ids]


async def test_ignored_statuses_are_counted(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", STATUSES + "f,,,INACTIVE\n")

    found = await report(jobs, url)

    assert (counters(found), found["StatusesIgnored"]) == ((1, 1, 0, 6, 1), 3)
    assert (found["DryRun"], found["KeepStatus"]) == (False, False)
    assert statuses(jobs, "a", "b", "c", "d", "e") == ["ACTIVE"] * 5
    assert jobs.get_import(found["Id"]) == {
        name: found[name] for name in found if name not in ("DryRun", "KeepStatus", "StatusesIgnored")
    }


async def test_an_import_of_the_contract_counts_them_too(jobs: Jobs, bucket: Bucket) -> None:
    job = await jobs.run_import(await bucket.put("x.csv", STATUSES))

    assert jobs.ours("GET", f"jobs/import/{job['Id']}")["StatusesIgnored"] == 3


async def test_statuses_are_kept_when_asked(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", STATUSES + "b,,,INACTIVE\n")

    found = await report(jobs, url, KeepStatus=True)

    assert found["Failures"] == [f"{url}:6: Invalid EndpointStatus"]
    assert (found["StatusesIgnored"], found["KeepStatus"]) == (0, True)
    assert statuses(jobs, "a", "b", "c", "d") == ["INACTIVE", "INACTIVE", "ACTIVE", "INACTIVE"]


async def test_an_export_comes_back_with_its_statuses(jobs: Jobs, bucket: Bucket, client: Any) -> None:
    jobs.update_endpoint("a", ChannelType="EMAIL", Address="same@example.com", EndpointStatus="INACTIVE")
    jobs.update_endpoint("b", ChannelType="EMAIL", Address="same@example.com")
    jobs.update_endpoint("c", ChannelType="EMAIL", Address="same@example.com", EndpointStatus="INACTIVE")
    await jobs.run_export(bucket.url("out"))
    other = jobs.of(client.create_app(CreateApplicationRequest={"Name": "Restored"})["ApplicationResponse"]["Id"])

    found = await report(other, bucket.url("out/"), "JSON", KeepStatus=True)

    assert (counters(found), found["StatusesIgnored"]) == ((1, 1, 0, 3, 0), 0)
    assert statuses(other, "a", "b", "c") == ["INACTIVE", "ACTIVE", "INACTIVE"]


@pytest.mark.parametrize("keeps", [True, False])
async def test_odd_statuses_of_json_rows(*, keeps: bool, jobs: Jobs, bucket: Bucket) -> None:
    lines = [
        {"Id": "a", "ChannelType": "EMAIL", "Address": "a@example.com", "EndpointStatus": ["x"]},
        {"Id": "b", "ChannelType": "EMAIL", "Address": "b@example.com", "EndpointStatus": None},
        {"Id": "c", "ChannelType": "EMAIL", "Address": "c@example.com", "EndpointStatus": "ACTIVE", "CohortId": []},
        {"User": {"UserId": "u1"}, "EndpointStatus": "INACTIVE"},
        {"Id": "b", "EndpointStatus": "INACTIVE"},
    ]
    url = await bucket.put("x.json.gz", gzip.compress("\n".join(map(json.dumps, lines)).encode()))

    found = await report(jobs, url, "JSON", KeepStatus=keeps)

    assert found.get("Failures") == ([f"{url}:1: Invalid EndpointStatus"] if keeps else None)
    assert found["StatusesIgnored"] == (1 if keeps else 3)
    assert statuses(jobs, "b", "c") == (["INACTIVE", "ACTIVE"] if keeps else ["ACTIVE", "ACTIVE"])


async def test_a_snapshot_can_keep_its_status(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.csv", STATUSES)

    found = await report(jobs, url, KeepStatus=True, DefineSegment=True, RegisterEndpoints=False)
    await jobs.run_export(bucket.url("out"), SegmentId=found["Definition"]["SegmentId"])

    exported = await bucket.exported("out/")
    assert [(each["Id"], each["EndpointStatus"]) for each in exported] == [
        ("a", "INACTIVE"),
        ("b", "ACTIVE"),
        ("c", "ACTIVE"),
        ("d", "INACTIVE"),
    ]

"""Imports into segments (jobs.md sections 3, 8 and 9): who is listed, what is saved, and what a snapshot holds."""

import asyncio
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.jobs.conftest import Bucket, Jobs
from tests.jobs.test_imports import WORKED_EXAMPLE, counters, csv_of, registered

DERIVED = "k82tly4q0rk85xgm7gghf/mfhcg"


def size(segment: dict[str, Any]) -> tuple[int, dict[str, int]]:
    """Definitions imported, and endpoints a channel."""
    return segment["ImportDefinition"]["Size"], segment["ImportDefinition"]["ChannelCounts"]


@pytest.mark.parametrize("registers", [True, False])
@pytest.mark.parametrize("rows_a_batch", [1, 2, 5000])
async def test_the_worked_example_defines_a_segment(
    rows_a_batch: int, *, registers: bool, jobs: Jobs, bucket: Bucket
) -> None:
    jobs.set_worker(import_batch_rows=rows_a_batch)
    jobs.update_endpoint("e9", ChannelType="EMAIL", Address="e9@example.com", Attributes={"Tier": ["gold"]})
    url = await bucket.put("in/people.csv", WORKED_EXAMPLE)

    job, segment = await jobs.define(url, RegisterEndpoints=registers)

    assert (job["JobStatus"], counters(job)) == ("COMPLETED", (1, 1, 0, 7, 4))
    assert job["Failures"] == [
        f"{url}:5: Missing Address",
        f"{url}:6: Invalid Metrics.Visits: not a number",
        f"{url}:7: Invalid ChannelType",
        f"{url}:8: Too many columns",
    ]
    assert (segment["Name"], segment["SegmentType"], segment["Version"]) == ("people", "IMPORT", 1)
    assert segment["ImportDefinition"] == {
        "S3Url": url,
        "RoleArn": "arn:aws:iam::000000000000:role/import",
        "ExternalId": "000000000000",
        "Format": "CSV",
        "Size": 3,
        "ChannelCounts": {"EMAIL": 2, "SMS": 1},
    }
    assert jobs.members(segment["Id"]) == (["a1", "e9", DERIVED] if registers else ["a1*", "e9", f"{DERIVED}*"])
    assert registered(jobs, "a1", DERIVED, "e9") == (["a1", DERIVED, "e9"] if registers else ["e9"])
    assert jobs.get_endpoint("e9")["Attributes"] == {"Tier": ["silver" if registers else "gold"]}


async def test_the_segment_is_there_with_its_job(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("people.csv", csv_of("a"))

    created = jobs.create_import(url, DefineSegment=True, SegmentName="Friends")
    definition = created["Definition"]
    segment = jobs.get_segment(definition["SegmentId"])
    listed = jobs.client.get_segment_import_jobs(ApplicationId=jobs.application_id, SegmentId=definition["SegmentId"])[
        "ImportJobsResponse"
    ]

    assert definition == {
        "S3Url": url,
        "RoleArn": "arn:aws:iam::000000000000:role/import",
        "Format": "CSV",
        "RegisterEndpoints": True,
        "DefineSegment": True,
        "ExternalId": "000000000000",
        "SegmentId": segment["Id"],
        "SegmentName": "Friends",
    }
    assert (segment["Name"], segment["Version"], size(segment)) == ("Friends", 1, (0, {}))
    assert listed == {"Item": [created]}
    await jobs.work()
    assert size(jobs.get_segment(segment["Id"])) == (1, {"EMAIL": 1})


@pytest.mark.parametrize(
    ("key", "asked", "name"),
    [
        ("in/people.csv", "in/people.csv", "people"),
        ("in/people.2026.csv.gz", "in/people.2026.csv.gz", "people.2026"),
        ("in/people", "in/people", "people"),
        ("in/.csv", "in/.csv", ".csv"),
        ("in/2026.11/x.csv", "in/2026.11/", "2026.11"),
        ("x.csv", "", "bucket"),
        ("y" * 200 + ".csv", "y" * 200 + ".csv", "y" * 128),
    ],
)
async def test_a_segment_without_a_name_gets_that_of_the_file(
    key: str, asked: str, name: str, jobs: Jobs, bucket: Bucket
) -> None:
    await bucket.put(key, csv_of("a"))

    job, segment = await jobs.define(bucket.url(asked))

    assert (job["Definition"]["SegmentName"], segment["Name"]) == (name, name)


async def test_without_define_segment_there_is_no_segment(jobs: Jobs, bucket: Bucket) -> None:
    job = await jobs.run_import(await bucket.put("x.csv", csv_of("a")), DefineSegment=False, SegmentName="x")

    assert not {"SegmentId", "SegmentName"} & set(job["Definition"])
    assert jobs.client.get_segments(ApplicationId=jobs.application_id)["SegmentsResponse"] == {"Item": []}


async def test_an_import_into_a_segment_is_its_next_version(jobs: Jobs, bucket: Bucket) -> None:
    first, segment = await jobs.define(await bucket.put("1.csv", csv_of("a", "b")))
    segment_id = segment["Id"]

    second, renewed = await jobs.define(await bucket.put("2.csv", csv_of("b", "c", "d")), SegmentId=segment_id)
    third, renamed = await jobs.define(
        await bucket.put("3.csv", csv_of("e")), SegmentId=segment_id, SegmentName="Third"
    )

    assert [job["Definition"]["SegmentId"] for job in (first, second, third)] == [segment_id] * 3
    assert [job["Definition"]["SegmentName"] for job in (first, second, third)] == ["1", "1", "Third"]
    assert [(each["Version"], each["Name"]) for each in (segment, renewed, renamed)] == [
        (1, "1"),
        (2, "1"),
        (3, "Third"),
    ]
    assert jobs.members(segment_id) == ["e"]
    assert [jobs.members(segment_id, version) for version in (1, 2, 3)] == [["a", "b"], ["b", "c", "d"], ["e"]]
    answer = jobs.client.get_segment_versions(ApplicationId=jobs.application_id, SegmentId=segment_id)
    assert [size(version)[0] for version in answer["SegmentsResponse"]["Item"]] == [1, 3, 2]
    listed = jobs.client.get_segment_import_jobs(ApplicationId=jobs.application_id, SegmentId=segment_id)
    assert listed["ImportJobsResponse"]["Item"] == [third, second, first]


async def test_a_segments_jobs_come_in_pages(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("1.csv", csv_of("a"))
    first, segment = await jobs.define(url)
    second, _ = await jobs.define(url, SegmentId=segment["Id"])
    await jobs.run_import(url)
    asked = {"ApplicationId": jobs.application_id, "SegmentId": segment["Id"]}

    page = jobs.client.get_segment_import_jobs(**asked, PageSize="1")["ImportJobsResponse"]
    last = jobs.client.get_segment_import_jobs(**asked, PageSize="1", Token=page["NextToken"])["ImportJobsResponse"]

    assert page["Item"] == [second]
    assert last == {"Item": [first]}
    with pytest.raises(ClientError, match="Invalid page-size"):
        jobs.client.get_segment_import_jobs(**asked, PageSize="0")
    with pytest.raises(ClientError, match="Invalid token"):
        jobs.client.get_segment_export_jobs(**asked, Token=page["NextToken"])


@pytest.mark.parametrize("registers", [True, False])
async def test_a_file_of_user_ids_lists_users(*, registers: bool, jobs: Jobs, bucket: Bucket) -> None:
    jobs.update_endpoint("a", ChannelType="EMAIL", Address="a@example.com", User={"UserId": "u1"})
    jobs.update_endpoint("b", ChannelType="SMS", Address="+1", User={"UserId": "u1"})
    jobs.update_endpoint("c", ChannelType="SMS", Address="+2", User={"UserId": "U1"})
    url = await bucket.put("users.csv", "User.UserId\nu1 nobody\nu1\n\n \nu2\n")

    job, segment = await jobs.define(url, RegisterEndpoints=registers)
    jobs.update_endpoint("d", ChannelType="SMS", Address="+3", User={"UserId": "u2"})

    assert counters(job) == (1, 1, 0, 4, 0)
    assert size(segment) == (4, {})
    assert jobs.members(segment["Id"]) == ["a", "b", "d"]


@pytest.mark.parametrize("registers", [True, False])
async def test_rows_of_every_kind_are_listed(*, registers: bool, jobs: Jobs, bucket: Bucket) -> None:
    jobs.update_endpoint("Old", ChannelType="EMAIL", Address="old@example.com", User={"UserId": "u1"})
    jobs.update_endpoint("u-mail", ChannelType="EMAIL", Address="u@example.com", User={"UserId": "u9"})
    before = jobs.get_endpoint("old")
    lines = [
        {"Id": "OLD"},
        {"Id": "New", "ChannelType": "GCM", "Address": "token"},
        {"Id": "new"},
        {"Id": "new", "Attributes": {"A": ["b"]}},
        {"User": {"UserId": "u9"}},
        {"Id": "gone", "Attributes": {"A": ["b"]}},
        {"Id": "half", "ChannelType": "EMAIL"},
    ]
    url = await bucket.put("x.json", "\n".join(map(json.dumps, lines)))

    job, segment = await jobs.define(url, "JSON", RegisterEndpoints=registers)

    assert job["Failures"] == [f"{url}:6: Missing Address", f"{url}:7: Missing Address"]
    assert size(segment) == (5, {"EMAIL": 1, "GCM": 1})
    new = "New" if registers else "New*"
    assert jobs.members(segment["Id"]) == [new, "Old", "u-mail"]
    assert jobs.get_endpoint("old") == before


async def snapshots(jobs: Jobs, bucket: Bucket, segment_id: str) -> dict[str, dict[str, Any]]:
    """What an export says of a segment's members, by id."""
    job = await jobs.run_export(bucket.url(f"of-{segment_id}"), SegmentId=segment_id)
    assert job["JobStatus"] == "COMPLETED"
    return {endpoint["Id"]: endpoint for endpoint in await bucket.exported(f"of-{segment_id}/{job['Id']}")}


FULL: dict[str, Any] = {
    "Id": "Zoë/1",
    "ChannelType": "EMAIL",
    "Address": '"Zoë\\" \t🐝"@example.com',
    "OptOut": "ALL",
    "RequestId": "mine",
    "Attributes": {"Tier": ["gold", 'a"b\\c\nd'], "Other": ["x"]},
    "Metrics": {"Visits": 3.5, "Spent": 1.0},
    "Demographic": {"Make": "App\\le", "Timezone": "Europe/Zurich"},
    "Location": {"City": "Zürich", "Latitude": 47.36, "Longitude": -8.5},
    "User": {"UserId": "u\t1", "UserAttributes": {"Plan": ["free"]}},
}


async def test_a_snapshot_holds_what_an_endpoint_would(jobs: Jobs, bucket: Bucket) -> None:
    url = await bucket.put("x.json", json.dumps(FULL))

    _, segment = await jobs.define(url, "JSON", RegisterEndpoints=False)
    [found] = (await snapshots(jobs, bucket, segment["Id"])).values()
    await jobs.run_import(url, "JSON")
    endpoint = jobs.get_endpoint("zoë/1")

    dates = {"CreationDate", "EffectiveDate"}
    assert {name: found[name] for name in found if name not in dates} == {
        name: endpoint[name] for name in endpoint if name not in dates
    }
    assert found["Address"] == '"Zoë\\" \t🐝"@example.com'
    assert found["User"] == {"UserId": "u\t1", "UserAttributes": {"Plan": ["free"]}}


@pytest.mark.parametrize("rows_a_batch", [1, 2, 5000])
async def test_later_rows_are_merged_into_a_snapshot(rows_a_batch: int, jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_batch_rows=rows_a_batch)
    lines = [
        FULL,
        {"Id": "zoë/1", "Attributes": {"Tier": [], "New": ["n"]}, "Metrics": {"Visits": 4}},
        {"Id": "b", "ChannelType": "SMS", "Address": "+1", "User": {"UserId": "u1", "UserAttributes": {"P": ["1"]}}},
        {"Id": "zoë/1", "Location": {"City": ""}, "User": {"UserAttributes": {"More": ["m"]}}},
        {"Id": "zoë/1"},
        {"Id": "b", "User": {"UserId": "u2"}, "OptOut": "ALL"},
        {"Id": "b", "ChannelType": "EMAIL", "Address": "b@example.com"},
        {"Id": "b", "Attributes": {"A": ["x" * 101]}},
    ]
    url = await bucket.put("x.json", "\n".join(map(json.dumps, lines)))

    job, segment = await jobs.define(url, "JSON", RegisterEndpoints=False)
    found = await snapshots(jobs, bucket, segment["Id"])

    assert job["Failures"] == [f"{url}:8: Attribute value exceeds 100 characters: A"]
    assert size(segment) == (7, {"EMAIL": 2})
    zoe, b = found["Zoë/1"], found["b"]
    assert zoe["Attributes"] == {"Other": ["x"], "New": ["n"]}
    assert zoe["Metrics"] == {"Visits": 4.0, "Spent": 1.0}
    assert zoe["Location"] == {"Latitude": 47.4, "Longitude": -8.5}
    assert zoe["User"] == {"UserId": "u\t1", "UserAttributes": {"Plan": ["free"], "More": ["m"]}}
    assert (zoe["OptOut"], zoe["RequestId"].replace("-", "")) == ("ALL", job["Id"])
    assert (b["ChannelType"], b["Address"], b["OptOut"], b["User"]) == (
        "EMAIL",
        "b@example.com",
        "ALL",
        {"UserId": "u2"},
    )


async def test_a_registered_endpoint_can_become_a_snapshot_of_the_segment(jobs: Jobs, bucket: Bucket) -> None:
    jobs.update_endpoint("a", ChannelType="EMAIL", Address="a@example.com")
    jobs.set_worker(import_batch_rows=1)
    url = await bucket.put("x.csv", "Id,ChannelType,Address\na,,\na,SMS,+1\na,,\n")

    _, segment = await jobs.define(url, RegisterEndpoints=False)

    assert size(segment) == (3, {"SMS": 1})
    assert jobs.members(segment["Id"]) == ["a*"]
    assert jobs.get_endpoint("a")["ChannelType"] == "EMAIL"


async def test_snapshots_share_nothing_with_users_and_addresses_that_are_registered(jobs: Jobs, bucket: Bucket) -> None:
    for i in range(15):
        jobs.update_endpoint(f"e{i}", ChannelType="EMAIL", Address=f"{i}@example.com", User={"UserId": "u1"})
    before = jobs.client.get_user_endpoints(ApplicationId=jobs.application_id, UserId="u1")["EndpointsResponse"]
    rows = "s1,EMAIL,0@example.com,u1,gold\ns2,EMAIL,0@example.com,u1,\n"
    url = await bucket.put("x.csv", f"Id,ChannelType,Address,User.UserId,User.UserAttributes.Plan\n{rows}")

    job, segment = await jobs.define(url, RegisterEndpoints=False)
    found = await snapshots(jobs, bucket, segment["Id"])

    assert counters(job) == (1, 1, 0, 2, 0)
    assert [found[name]["EndpointStatus"] for name in ("s1", "s2")] == ["ACTIVE", "ACTIVE"]
    assert [found[name]["User"].get("UserAttributes") for name in ("s1", "s2")] == [{"Plan": ["gold"]}, None]
    after = jobs.client.get_user_endpoints(ApplicationId=jobs.application_id, UserId="u1")["EndpointsResponse"]
    assert after == before


@pytest.mark.parametrize("rows_a_batch", [1, 5000])
async def test_a_snapshot_has_at_most_15_kb(rows_a_batch: int, jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_batch_rows=rows_a_batch)
    many = {f"n{i}": ["x" * 100] * 50 for i in range(3)}
    lines = [
        {"Id": "a", "ChannelType": "EMAIL", "Address": "a@example.com", "Attributes": {"n0": ["x" * 100] * 50}},
        {"Id": "a", "Attributes": {"n1": ["x" * 100] * 50}},
        {"Id": "a", "Attributes": {"n2": ["x" * 100] * 50}},
        {"Id": "b", "ChannelType": "EMAIL", "Address": "a@example.com", "Attributes": many},
        {"Id": "a", "User": {"UserId": "u" * 2000, "UserAttributes": {"n": ["x" * 100] * 20}}},
        {"Id": "a", "User": {"UserId": "u" * 2000, "UserAttributes": {"n": ["x" * 100] * 30}}},
    ]
    url = await bucket.put("x.json", "\n".join(map(json.dumps, lines)))

    job, segment = await jobs.define(url, "JSON", RegisterEndpoints=False)

    assert job["Failures"] == [f"{url}:{line}: Endpoint size exceeds the maximum of 15 KB" for line in (3, 4, 6)]
    found = await snapshots(jobs, bucket, segment["Id"])
    assert list(found["a"]["Attributes"]) == ["n0", "n1"]


async def test_a_failed_import_leaves_in_its_segment_what_it_imported(jobs: Jobs, bucket: Bucket) -> None:
    await bucket.put("in/1.csv", csv_of("a", "b"))
    await bucket.put("in/2.csv", "Shoe\nx\n")

    job, segment = await jobs.define(bucket.url("in/"))

    assert job["JobStatus"] == "FAILED"
    assert size(segment) == (2, {"EMAIL": 2})
    assert jobs.members(segment["Id"]) == ["a", "b"]


async def test_deleting_the_segment_ends_its_import(jobs: Jobs, bucket: Bucket) -> None:
    jobs.set_worker(import_batch_rows=10)
    url = await bucket.put("x.csv", csv_of(*(f"a{i}" for i in range(2000))))
    created = jobs.create_import(url, DefineSegment=True)
    segment_id = created["Definition"]["SegmentId"]
    working = asyncio.create_task(jobs.work())

    await jobs.wait(created, lambda job: job.get("TotalProcessed", 0) > 0)
    await asyncio.to_thread(jobs.client.delete_segment, ApplicationId=jobs.application_id, SegmentId=segment_id)
    await working

    job = jobs.get_import(created["Id"])
    assert (job["JobStatus"], job["Failures"]) == ("FAILED", [f"{url}: Segment not found: {segment_id}"])
    assert 0 < job["TotalProcessed"] < 2000
    assert registered(jobs, "a0") == ["a0"]
    listed = jobs.client.get_import_jobs(ApplicationId=jobs.application_id)["ImportJobsResponse"]["Item"]
    assert [each["Id"] for each in listed] == [created["Id"]]

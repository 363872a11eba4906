"""However the same rows come in, they end in the same endpoints: one by one, in batches, with events, by imports."""

import asyncio
import json
import random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.jobs.conftest import Bucket, Jobs

CHANNELS = ("EMAIL", "SMS", "GCM", "APNS", "ADM", "IN_APP")
# What no two ways of writing can have in common.
DIFFERENT = ("ApplicationId", "CohortId", "CreationDate", "EffectiveDate", "RequestId")

Row = dict[str, Any]
State = tuple[dict[str, Row], list[str]]


def population(seed: int) -> list[Row]:
    """Rows whose ids, addresses and users collide, some of them refused; a new id brings address and channel."""
    choose = random.Random(seed)  # noqa: S311 - invented data
    known: set[str] = set()
    rows = []
    for _ in range(choose.randrange(40, 90)):
        name = f"id{choose.randrange(34)}"
        row: Row = {"Id": choose.choice((name, name.upper()))}
        if name not in known or choose.random() < 0.4:
            row |= {"ChannelType": choose.choice(CHANNELS), "Address": f"address{choose.randrange(12)}"}
        row |= {member: value for member, value in _members(choose) if choose.random() < 0.5}
        if len(row) == 1:
            # An id alone touches an endpoint in an update, and is membership in an import.
            row["Metrics"] = {"Touched": 1}
        rows.append(row)
        if not _is_refused(row):
            known.add(name)
    return rows


def _members(choose: random.Random) -> list[tuple[str, Any]]:
    user: Row = {}
    if choose.random() < 0.7:
        user["UserId"] = choose.choice(("u", "u", "u", "U", "v", ""))
    if choose.random() < 0.5:
        user["UserAttributes"] = {choose.choice("PQR"): choose.choice((["1"], ["2", "3"], []))}
    return [
        ("OptOut", choose.choice(("ALL", "NONE"))),
        ("Attributes", {choose.choice("ABC"): choose.choice((["x"], ["y", "y"], [], ["\\ \t \"'"])) for _ in range(2)}),
        ("Metrics", {choose.choice("MN"): choose.choice((0, 1.5, -1e300))}),
        ("Demographic", {choose.choice(("Make", "Model")): choose.choice(("", "a\\b", "ü"))}),
        ("Location", {"City": choose.choice(("", "Oslo")), "Latitude": choose.choice((0, 47.61, 91))}),
        ("User", user),
    ]


def _is_refused(row: Row) -> bool:
    return bool(row.get("Location", {}).get("Latitude") == 91)


def one_by_one(jobs: Jobs, rows: list[Row]) -> list[str]:
    failures = []
    for row in rows:
        request = {member: value for member, value in row.items() if member != "Id"}
        try:
            jobs.update_endpoint(row["Id"], **request)
        except ClientError as error:
            failures.append(error.response["Error"]["Message"])
    return failures


def in_batches(jobs: Jobs, rows: list[Row], size: int) -> list[str]:
    """A batch that is refused for an item is sent again without it."""
    failures = []
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        while batch:
            try:
                jobs.client.update_endpoints_batch(
                    ApplicationId=jobs.application_id, EndpointBatchRequest={"Item": batch}
                )
            except ClientError as error:
                position, message = _refused_item(error.response["Error"]["Message"])
                failures.append(message)
                del batch[position]
            else:
                break
    return failures


def _refused_item(message: str) -> tuple[int, str]:
    if message.startswith("Item "):
        position, _, text = message.removeprefix("Item ").partition(": ")
        return int(position), text
    text, _, position = message.removesuffix(")").partition(" (Item ")
    return int(position), text


def with_events(jobs: Jobs, rows: list[Row], size: int) -> list[str]:
    """By PutEvents, which judges each endpoint by itself; a request has an id once in each spelling."""
    failures = []
    for start in range(0, len(rows), size):
        batch: dict[str, Row] = {}
        for row in rows[start : start + size]:
            if row["Id"] in batch:
                failures += _put_events(jobs, batch)
                batch = {}
            batch[row["Id"]] = {member: value for member, value in row.items() if member != "Id"}
        failures += _put_events(jobs, batch)
    return failures


def _put_events(jobs: Jobs, endpoints: dict[str, Row]) -> list[str]:
    batch = {name: {"Endpoint": endpoint, "Events": {}} for name, endpoint in endpoints.items()}
    answer = jobs.client.put_events(ApplicationId=jobs.application_id, EventsRequest={"BatchItem": batch})
    verdicts = [item["EndpointItemResponse"] for item in answer["EventsResponse"]["Results"].values()]
    return [verdict["Message"] for verdict in verdicts if verdict["StatusCode"] != 202]


async def imported(jobs: Jobs, bucket: Bucket, rows: list[Row], size: int) -> list[str]:
    jobs.set_worker(import_batch_rows=size)
    url = await bucket.put(f"{jobs.application_id}.json", "".join(json.dumps(row) + "\n" for row in rows))
    job = await jobs.run_import(url, "JSON")
    assert job["JobStatus"] == "COMPLETED"
    return [failure.removeprefix(url).split(": ", 1)[1] for failure in job.get("Failures", [])]


def endpoints(jobs: Jobs, rows: list[Row]) -> dict[str, Row]:
    found = {}
    for key in sorted({row["Id"].lower() for row in rows}):
        try:
            endpoint = jobs.get_endpoint(key)
        except ClientError:
            continue
        found[key] = {member: value for member, value in endpoint.items() if member not in DIFFERENT}
    return found


def another_application(jobs: Jobs) -> Jobs:
    created = jobs.client.create_app(CreateApplicationRequest={"Name": "another"})["ApplicationResponse"]
    return jobs.of(created["Id"])


async def check(jobs: Jobs, bucket: Bucket, seed: int) -> None:
    print(f"seed {seed}")  # noqa: T201 - to play a failure again
    rows = population(seed)
    failures = await asyncio.to_thread(one_by_one, jobs, rows)
    expected = await asyncio.to_thread(endpoints, jobs, rows)
    assert len(expected) > 10
    for size in (1, 7, 100):
        other = another_application(jobs)
        assert await asyncio.to_thread(in_batches, other, rows, size) == failures, f"batches of {size}"
        assert await asyncio.to_thread(endpoints, other, rows) == expected, f"batches of {size}"
    for size in (1, 100):
        other = another_application(jobs)
        assert await asyncio.to_thread(with_events, other, rows, size) == failures, f"{size} with events"
        assert await asyncio.to_thread(endpoints, other, rows) == expected, f"{size} with events"
    for size in (1, 7, 10_000):
        other = another_application(jobs)
        # A job's report names no value of a row.
        reported = [message.split(": ")[0] for message in failures]
        assert await imported(other, bucket, rows, size) == reported, f"an import by {size}"
        assert await asyncio.to_thread(endpoints, other, rows) == expected, f"an import by {size}"


@pytest.mark.parametrize("seed", range(4))
async def test_all_ways_of_writing_end_in_the_same_state(jobs: Jobs, bucket: Bucket, seed: int) -> None:
    await check(jobs, bucket, seed)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("run", range(50))
async def test_all_ways_of_writing_end_in_the_same_state_for_long(jobs: Jobs, bucket: Bucket, run: int) -> None:
    await check(jobs, bucket, random.randrange(10**6) + run)  # noqa: S311 - told, to play it again

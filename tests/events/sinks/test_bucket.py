"""Buckets: on moto's server and in the folder that stands in for it, alone and behind the reader."""

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.events import consume
from repoint.events.consume import Reading
from repoint.events.log import UnreachableError
from repoint.events.sinks import bucket as module
from repoint.events.sinks.sink import DestinationError, open_sink
from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.fixtures.s3 import S3Server
from tests.fixtures.streamed import APPLICATION, ROLE, destination, events, records

Client = Any


@pytest.fixture
def folder(tmp_path: Path) -> Settings:
    """Settings without S3."""
    return Settings(data_dir=tmp_path)


def unpacked(data: bytes) -> list[Any]:
    return [json.loads(line) for line in gzip.decompress(data).decode().splitlines()]


def objects(settings: Settings, bucket: str) -> list[Path]:
    return sorted((settings.files_dir / bucket).rglob("*.gz"))


@pytest.mark.parametrize("prefix", ["events/", "events"])
async def test_a_batch_is_an_object_named_by_its_hour_and_positions(s3: S3Server, prefix: str) -> None:
    given = events(3)

    async with open_sink(destination(f"s3://{s3.bucket}/{prefix}", s3.settings(Settings()))) as sink:
        await sink.check()
        refused = await sink.put(given)

    (found,) = s3.client.list_objects_v2(Bucket=s3.bucket)["Contents"]
    body = s3.client.get_object(Bucket=s3.bucket, Key=found["Key"])["Body"].read()
    assert refused == []
    assert found["Key"] == f"events/2026/11/20/23/{APPLICATION}-1-3.gz"
    assert unpacked(body) == records(given)


async def test_the_same_batch_again_is_the_same_object(folder: Settings) -> None:
    async with open_sink(destination("s3://events", folder)) as sink:
        await sink.put(events(3))
        (once,) = [path.read_bytes() for path in objects(folder, "events")]
        await sink.put(events(3))

    (found,) = objects(folder, "events")
    assert found.relative_to(folder.files_dir).as_posix() == f"events/2026/11/20/23/{APPLICATION}-1-3.gz"
    assert found.read_bytes() == once


async def test_a_missing_bucket_is_told(s3: S3Server) -> None:
    async with open_sink(destination("s3://no-such-bucket/", s3.settings(Settings()))) as sink:
        with pytest.raises(UnreachableError, match="NoSuchBucket: s3://no-such-bucket/"):
            await sink.put(events(1))


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("s3://a/", "InvalidBucketName"),
        ("s3://events/.repoint", "is kept for Repoint itself"),
        ("s3://events/.repoint/uploads/", "is kept for Repoint itself"),
        ("s3://events/" + "x" * 1000, "KeyTooLongError"),
    ],
)
async def test_names_that_cannot_be_are_refused(folder: Settings, address: str, reason: str) -> None:
    async with open_sink(destination(address, folder)) as sink:
        with pytest.raises(DestinationError, match=reason):
            await sink.check()


async def test_other_buckets_than_the_allowed_ones_are_refused(folder: Settings) -> None:
    narrow = folder.model_copy(update={"allowed_buckets": ("mine",)})

    with pytest.raises(DestinationError, match="the bucket other is not among allowed_buckets"):
        async with open_sink(destination("s3://other/", narrow)):
            pass
    async with open_sink(destination("s3://mine/", narrow)) as sink:
        assert await sink.put(events(1)) == []


async def test_roles_are_those_of_s3(s3: S3Server) -> None:
    other = s3.s3.model_copy(update={"roles": {"arn:aws:iam::000000000000:role/other": s3.s3.credentials}})

    with pytest.raises(DestinationError, match=f"AccessDenied: no credentials are set for {ROLE}"):
        async with open_sink(destination(f"s3://{s3.bucket}/", Settings(s3=other))):
            pass


async def test_events_wait_for_others_to_share_an_object(
    client: Client, database: Database, settings: Settings
) -> None:
    patient = settings.model_copy(update={"event_object_wait_s": 1})
    reading = Reading(TaskContext(database, patient, "worker"))
    app = streaming(client)

    put(client, app, 1, "a")
    await reading.drain()
    put(client, app, 2, "b")
    await reading.drain()
    before = len(objects(settings, "events"))
    await asyncio.sleep(1.1)
    await reading.drain()

    assert before == 1  # the test record
    assert received(settings) == [["_test.event_stream"], ["a", "b"]]


async def test_a_full_object_waits_for_nothing(
    client: Client, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OBJECT_EVENTS", 2)
    reading = Reading(TaskContext(database, settings, "worker"))
    app = streaming(client)

    put(client, app, 1, "a", "b", "c")
    await reading.drain()

    assert received(settings) == [["_test.event_stream"], ["a", "b"]]


async def test_an_object_may_be_larger_than_what_is_read_at_once(
    client: Client, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "BATCH_EVENTS", 2)
    reading = Reading(TaskContext(database, settings.model_copy(update={"event_object_wait_s": 0}), "worker"))
    app = streaming(client)

    put(client, app, 1, "a", "b", "c", "d", "e")
    await reading.drain()

    assert received(settings) == [["_test.event_stream"], ["a", "b", "c", "d", "e"]]


async def test_an_object_holds_no_more_than_its_size(
    client: Client, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "BATCH_EVENTS", 2)
    monkeypatch.setattr(module, "OBJECT_BYTES", 1800)
    reading = Reading(TaskContext(database, settings.model_copy(update={"event_object_wait_s": 0}), "worker"))
    app = streaming(client)

    put(client, app, 1, *(each * 20 for each in "abcdefg"))
    await reading.drain()

    sizes = [len(gzip.decompress(path.read_bytes()).replace(b"\n", b"")) for path in objects(settings, "events")]
    assert len(sizes) > 2
    assert max(sizes) <= 1800
    assert [name[0] for names in received(settings)[1:] for name in names] == [*"abcdefg"]


def streaming(client: Client) -> str:
    app: str = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]["Id"]
    request = {"DestinationStreamArn": "s3://events/", "RoleArn": ROLE}
    client.put_event_stream(ApplicationId=app, WriteEventStream=request)
    return app


def put(client: Client, app: str, call: int, *event_types: str) -> None:
    events = {each: {"EventType": each, "Timestamp": "2026-01-01T00:00:00Z"} for each in event_types}
    items = {f"e{call}": {"Endpoint": {}, "Events": events}}
    client.put_events(ApplicationId=app, EventsRequest={"BatchItem": items})


def received(settings: Settings) -> list[list[str]]:
    """Event types object after object, in the order of their positions."""
    found = sorted(objects(settings, "events"), key=lambda path: int(path.stem.split("-")[1]))
    return [[record["event_type"] for record in unpacked(path.read_bytes())] for path in found]

"""Event streams from PutEventStream to the sink, as clients and the worker run them (events.md sections 3 and 4)."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from repoint.db.pool import Database
from repoint.events import streams
from repoint.events.consume import Reading
from repoint.events.emit import Event, emit
from repoint.queue import TaskContext
from repoint.settings import Settings
from repoint.tables import AwsService
from tests.fixtures.refusal import refusal
from tests.fixtures.s3 import moto_client
from tests.fixtures.server import Raw
from tests.fixtures.streamed import service

Client = Any
KINESIS = "arn:aws:kinesis:us-east-1:123456789012:stream/"
FIREHOSE = "arn:aws:firehose:us-east-1:123456789012:deliverystream/"
ROLE = "arn:aws:iam::000000000000:role/stream"


@pytest.fixture
def hanging_url() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path, s3_endpoint_url: str, hanging_url: str) -> Settings:
    changes = {
        "event_folders": (tmp_path / "streams",),
        "event_webhook_secret": SecretStr("a secret of the operator's"),
        "firehose": service(hanging_url),
        "kinesis": service(s3_endpoint_url),
        # Half of it is what a stream may take for an answer.
        "worker_lease_s": 20,
    }
    return settings.model_copy(update=changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "streams" / "shop"


@pytest.fixture
def app(client: Client) -> str:
    created: str = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]["Id"]
    return created


@pytest.fixture
def reading(database: Database, settings: Settings) -> Reading:
    return Reading(TaskContext(database, settings, "worker"))


def stream_to(client: Client, app: str, address: str) -> Any:
    request = {"DestinationStreamArn": address, "RoleArn": ROLE}
    return client.put_event_stream(ApplicationId=app, WriteEventStream=request)["EventStream"]


def put(client: Client, app: str, *event_types: str) -> None:
    events = {f"v{n}": {"EventType": each, "Timestamp": "2026-01-01T00:00:00Z"} for n, each in enumerate(event_types)}
    client.put_events(ApplicationId=app, EventsRequest={"BatchItem": {"e1": {"Endpoint": {}, "Events": events}}})


def received(folder: Path) -> list[str]:
    lines = [line for path in sorted(folder.glob("*.ndjson")) for line in path.read_text().splitlines()]
    return [json.loads(line)["event_type"] for line in lines]


async def test_events_put_from_then_on_arrive_behind_a_test_record(
    client: Client, app: str, folder: Path, reading: Reading
) -> None:
    put(client, app, "before")
    stream = stream_to(client, app, f"file://{folder}")
    put(client, app, "a", "b")

    await reading.drain()
    put(client, app, "c")
    await reading.drain()

    assert stream["DestinationStreamArn"] == f"file://{folder}"
    assert received(folder) == ["_test.event_stream", "a", "b", "c"]


async def test_a_kinesis_stream_has_every_event_put_since(
    client: Client, app: str, reading: Reading, settings: Settings
) -> None:
    assert settings.kinesis
    with closing(kinesis_client(settings.kinesis)) as kinesis:
        kinesis.create_stream(StreamName="shop", ShardCount=1)
        kinesis.get_waiter("stream_exists").wait(StreamName="shop", WaiterConfig={"Delay": 1})
        stream_to(client, app, f"{KINESIS}shop")
        put(client, app, "a", "b")
        await reading.drain()

        place = {"StreamName": "shop", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
        found = kinesis.get_records(ShardIterator=kinesis.get_shard_iterator(**place)["ShardIterator"])["Records"]

    assert [(record["PartitionKey"], json.loads(record["Data"])["event_type"]) for record in found] == [
        (app, "_test.event_stream"),
        ("e1", "a"),
        ("e1", "b"),
    ]


def test_a_kinesis_stream_that_is_missing_is_refused_as_clients_know_it(client: Client, app: str) -> None:
    stream = {"DestinationStreamArn": f"{KINESIS}none", "RoleArn": ROLE}

    told = refusal(client.put_event_stream, ApplicationId=app, WriteEventStream=stream)

    assert told == (400, "BadRequestException", "Destination stream validation failed")


def test_a_webhook_inside_our_own_network_is_refused_and_told_why(client: Client, app: str) -> None:
    stream = {"DestinationStreamArn": "https://127.0.0.1:9/hook", "RoleArn": ROLE}

    told = refusal(client.put_event_stream, ApplicationId=app, WriteEventStream=stream)

    assert told.message == (
        "Destination stream validation failed: 127.0.0.1 is not on the public internet, see allowed_private_networks"
    )


def test_a_destination_that_hangs_is_refused_before_the_caller_gives_up(
    client: Client, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "TRY_S", 0.2)
    stream = {"DestinationStreamArn": f"{FIREHOSE}hangs", "RoleArn": ROLE}

    started_s = time.monotonic()
    told = refusal(client.put_event_stream, ApplicationId=app, WriteEventStream=stream)

    assert told == (400, "BadRequestException", "Destination stream validation failed")
    assert time.monotonic() - started_s < 5
    assert refusal(client.get_event_stream, ApplicationId=app).message == "Resource not found"


def kinesis_client(service: AwsService) -> Any:
    return moto_client("kinesis", service.endpoint_url)


def test_a_destination_that_none_serves_is_refused(client: Client, app: str) -> None:
    told = refusal(
        client.put_event_stream,
        ApplicationId=app,
        WriteEventStream={"DestinationStreamArn": "arn:aws:sqs:us-east-1:000000000000:queue", "RoleArn": ROLE},
    )

    assert told == (400, "BadRequestException", "Destination stream validation failed")
    assert refusal(client.get_event_stream, ApplicationId=app).message == "Resource not found"


async def test_metrics_tell_how_far_each_stream_is(
    client: Client, raw: Raw, app: str, folder: Path, reading: Reading
) -> None:
    stream_to(client, app, f"file://{folder}")
    put(client, app, "a", "b")
    await reading.drain()
    put(client, app, "c")

    lines = raw.send_unsigned("GET", "/metrics").body.decode().splitlines()

    labels = f'{{application="{app}",reader="stream"}}'
    found = dict(line.split(" ") for line in lines if line.startswith("repoint_event_reader_"))
    assert found[f"repoint_event_reader_delivered_total{labels}"] == "2.0"
    assert found[f"repoint_event_reader_failures{labels}"] == "0.0"
    assert float(found[f"repoint_event_reader_lag_seconds{labels}"]) > 0


def replay(raw: Raw, app: str, since: str) -> Any:
    return raw.send("POST", f"/repoint/v1/apps/{app}/event-readers/stream/replay", {"From": since})


async def test_replay_from_a_time_to_come_leaves_the_stream_where_it_is(
    client: Client, raw: Raw, app: str, folder: Path, reading: Reading
) -> None:
    stream_to(client, app, f"file://{folder}")
    put(client, app, "a")

    answer = replay(raw, app, "2099-01-01T00:00:00Z")
    await reading.drain()

    assert (answer.status, answer.json["Unread"]) == (200, 1)
    assert received(folder) == ["_test.event_stream", "a"]


async def test_replay_skips_nothing_that_was_not_read_yet(  # noqa: PLR0913, PLR0917 - fixtures
    client: Client, raw: Raw, app: str, folder: Path, reading: Reading, database: Database
) -> None:
    stream_to(client, app, f"file://{folder}")
    put(client, app, "unread")
    async with database.transaction() as db:
        await emit(db, [Event(app, "committed late", datetime.now(UTC), '{"event_type":"committed late"}')])
        since = datetime.now(UTC).isoformat()
        put(client, app, "b")
        replay(raw, app, since)
    await reading.drain()

    assert received(folder) == ["_test.event_stream", "unread", "committed late", "b"]


@pytest.mark.parametrize("since", ["2026-01-01T00:00:00Z", "0001-01-01T00:00:00Z"])
async def test_replay_brings_events_again(  # noqa: PLR0913, PLR0917 - fixtures
    client: Client, raw: Raw, app: str, folder: Path, reading: Reading, since: str
) -> None:
    stream_to(client, app, f"file://{folder}")
    put(client, app, "a", "b")
    await reading.drain()

    answer = replay(raw, app, since)
    await reading.drain()

    assert answer.status == 200, answer.body
    assert answer.json["Unread"] == 2
    assert received(folder) == ["_test.event_stream", "a", "b", "a", "b"]

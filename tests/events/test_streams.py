"""Event streams from PutEventStream to the sink, as clients and the worker run them (events.md sections 3 and 4)."""

import json
from pathlib import Path
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.events.consume import Reading
from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw

Client = Any
ROLE = "arn:aws:iam::000000000000:role/stream"


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return settings.model_copy(update={"event_folders": (tmp_path / "streams",)})


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


def test_a_destination_that_none_serves_is_refused(client: Client, app: str) -> None:
    told = refusal(
        client.put_event_stream,
        ApplicationId=app,
        WriteEventStream={"DestinationStreamArn": "arn:aws:sqs:us-east-1:000000000000:queue", "RoleArn": ROLE},
    )

    assert told == (400, "BadRequestException", "Destination stream validation failed")
    assert refusal(client.get_event_stream, ApplicationId=app).message == "Resource not found"


async def test_replay_brings_events_again(client: Client, raw: Raw, app: str, folder: Path, reading: Reading) -> None:
    stream_to(client, app, f"file://{folder}")
    put(client, app, "a", "b")
    await reading.drain()

    path = f"/repoint/v1/apps/{app}/event-readers/stream/replay"
    answer = raw.send("POST", path, {"From": "2026-01-01T00:00:00Z"})
    await reading.drain()

    assert answer.status == 200, answer.body
    assert answer.json["Unread"] == 2
    assert received(folder) == ["_test.event_stream", "a", "b", "a", "b"]

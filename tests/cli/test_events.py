import json
import subprocess
import sys
from typing import Any

import pytest

from tests.fixtures.processes import Serve, wait_until

AT = "2026-01-01T00:00:00Z"


def put(running: Serve, app: str, *events: str) -> None:
    items = {
        f"{each}{n}": {"EventType": each, "Timestamp": AT, "Attributes": {"n": f"{n}"}} for n, each in enumerate(events)
    }
    batch = {"e1": {"Endpoint": {}, "Events": items}}
    running.client().put_events(ApplicationId=app, EventsRequest={"BatchItem": batch})


def test_the_last_events_are_printed_newest_last(running: Serve, fresh_app: str) -> None:
    put(running, fresh_app, "a", "b", "c")

    answer = running.repoint("events", "tail", "--app", fresh_app, "-n", "2")

    lines = [line.split("\t") for line in answer.stdout.splitlines()]
    assert [line[1:] for line in lines] == [["b", "e1", "n=1"], ["c", "e1", "n=2"]]


def test_events_of_one_type_are_printed_whole(running: Serve, fresh_app: str) -> None:
    put(running, fresh_app, "a", "b", "a")

    answer = running.repoint("events", "tail", "--app", fresh_app, "--type", "b", "--json")

    (record,) = [json.loads(line) for line in answer.stdout.splitlines()]
    assert (record["event_type"], record["attributes"]) == ("b", {"n": "1"})


def test_what_is_added_is_printed_at_once(running: Serve, fresh_app: str) -> None:
    put(running, fresh_app, "before")
    command = [sys.executable, "-m", "repoint.cli.main", "events", "tail", "--app", fresh_app, "--follow"]
    environment = running.environment | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        before = tail.stdout.readline()
        put(running, fresh_app, "a")
        line = tail.stdout.readline()
        tail.kill()

    assert [before.split("\t")[1], line.split("\t")[1]] == ["before", "a"]


@pytest.mark.parametrize("change", [["pause"], ["resume"], ["replay", "--from", AT]])
def test_a_stream_that_is_not_there_cannot_be_steered(running: Serve, fresh_app: str, change: list[str]) -> None:
    answer = running.repoint("stream", change[0], "--app", fresh_app, *change[1:])

    assert answer.returncode == 1
    assert "Resource not found" in answer.stderr


def test_a_stream_is_paused_resumed_and_replayed(running: Serve, fresh_app: str) -> None:
    folder = running.folder.parent / "streams" / fresh_app
    stream = {"DestinationStreamArn": f"file://{folder}", "RoleArn": "arn:aws:iam::000000000000:role/stream"}
    running.client().put_event_stream(ApplicationId=fresh_app, WriteEventStream=stream)

    paused = running.repoint("stream", "pause", "--app", fresh_app)
    put(running, fresh_app, "a", "b")
    status = running.repoint("stream", "status", "--app", fresh_app)
    running.repoint("stream", "resume", "--app", fresh_app)
    wait_until(lambda: received(folder) == ["_test.event_stream", "a", "b"])
    running.repoint("stream", "replay", "--app", fresh_app, "--from", AT)
    wait_until(lambda: received(folder) == ["_test.event_stream", "a", "b", "a", "b"])

    assert paused.stdout.split("\t")[:2] == ["stream", "PAUSED"]
    assert status.stdout.split("\t")[:3] == ["stream", "PAUSED", "2"]


def received(folder: Any) -> list[str]:
    lines = [line for path in sorted(folder.glob("*.ndjson")) for line in path.read_text().splitlines()]
    return [json.loads(line)["event_type"] for line in lines]

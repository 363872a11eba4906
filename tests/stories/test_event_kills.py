"""A process is killed while events are taken in or sent on: what was answered is there once, and every sink gets it.

Each run prints its seed. Every kill is asserted to land between 5 % and 95 % of the work's way.
"""

import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from repoint.events.consume import BATCH_EVENTS
from tests.fixtures.processes import Serve, wait_until

SEEDS = (pytest.param(range(3), id="3 kills"), pytest.param(range(3, 53), id="50 kills", marks=pytest.mark.torture))
CALLS = 200
THREADS = 4
AT = "2026-01-01T00:00:00Z"
ROLE = "arn:aws:iam::000000000000:role/stream"

Client = Any


@pytest.fixture
def served(stopped: Serve) -> Iterator[Serve]:
    """A running server of the test's own, whose workers are soon taken for dead."""
    folders = json.dumps([str(stopped.folder.parent / "streams")])
    leases = {"REPOINT_WORKER_LEASE_S": "1", "REPOINT_WORKER_HEARTBEAT_S": "0.3"}
    stopped.start(env={"REPOINT_EVENT_FOLDERS": folders, **leases})
    yield stopped
    assert stopped.stop() == 0


def new_application(client: Client) -> str:
    """The id of a fresh application."""
    return str(client.create_app(CreateApplicationRequest={"Name": "kill"})["ApplicationResponse"]["Id"])


class Callers:
    """Threads that put one event a call, never the same twice, and note which were accepted."""

    def __init__(self, serve: Serve, application_id: str) -> None:
        self.serve = serve
        self.application_id = application_id
        self.accepted: set[str] = set()
        self.calls = iter(range(CALLS))
        self.lock = threading.Lock()

    def run(self) -> None:
        """Call until every number is taken; what fails is not called again."""
        client = self.serve.client(read_timeout=60)
        while (number := self.next()) is not None:
            event = {"EventType": "x", "Timestamp": AT, "Attributes": {"n": f"{number}"}}
            endpoint = {"ChannelType": "CUSTOM", "Address": f"{number % 50}"}
            batch = {f"e{number % 50}": {"Endpoint": endpoint, "Events": {f"v{number}": event}}}
            try:
                client.put_events(ApplicationId=self.application_id, EventsRequest={"BatchItem": batch})
            except (BotoCoreError, ClientError):
                continue
            self.accepted.add(f"{number}")

    def next(self) -> int | None:
        """The next number that nobody has called with yet."""
        with self.lock:
            return next(self.calls, None)


def kill_among_calls(child: str, callers: Callers, seed: int) -> None:
    """Kill a child of the server while it is called, somewhere in the middle, and let the calls go on to their end."""
    chance = random.Random(seed)  # noqa: S311 - the same kills every time
    kill_at = int(CALLS * chance.uniform(0.15, 0.85))
    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(callers.run) for _ in range(THREADS)]
        wait_until(lambda: len(callers.accepted) >= kill_at, 60)
        callers.serve.kill_child(child)
        reached = len(callers.accepted) / CALLS
        for one in running:
            one.result(120)
    print(f"seed {seed}: killed at {reached:.0%}, {len(callers.accepted)} accepted")  # noqa: T201 - to repeat it
    assert 0.05 <= reached <= 0.95


def logged(serve: Serve, application_id: str) -> Counter[str]:
    """How often the log has each number."""
    answer = serve.repoint("events", "tail", "--app", application_id, "-n", "1000", "--json")
    assert answer.returncode == 0, answer.stderr
    return Counter(json.loads(line)["attributes"]["n"] for line in answer.stdout.splitlines())


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", SEEDS)
def test_what_an_api_answered_before_it_was_killed_is_in_the_log_once(served: Serve, seeds: range) -> None:
    for seed in seeds:
        callers = Callers(served, new_application(served.client(retries={"total_max_attempts": 8})))
        kill_among_calls("api --supervised", callers, seed)
        wait_until(lambda: served.client().get_apps())

        found = logged(served, callers.application_id)

        assert callers.accepted <= set(found), f"seed {seed}: {callers.accepted - set(found)} lost"
        assert set(found.values()) == {1}


# --- a worker is killed while it sends events on ----------------------------------------------------------------------

REQUESTS = 50
EVENTS = 100


def put_large(client: Client, application_id: str) -> None:
    """5,000 events of some 8 KB, so that sending them takes a while."""
    filler = {f"f{n}": "x" * 200 for n in range(39)}
    for request in range(REQUESTS):
        events = {
            f"v{number}": {"EventType": "x", "Timestamp": AT, "Attributes": filler | {"n": f"{number}"}}
            for number in range(request * EVENTS, (request + 1) * EVENTS)
        }
        batch = {f"e{request}": {"Endpoint": {}, "Events": events}}
        client.put_events(ApplicationId=application_id, EventsRequest={"BatchItem": batch})


def received(folder: Path) -> Counter[str]:
    """How often the sink was given each number, whole lines only."""
    found: Counter[str] = Counter()
    for path in folder.glob("*.ndjson"):
        whole, _, _ = path.read_bytes().rpartition(b"\n")
        found.update(json.loads(line)["attributes"].get("n", "test") for line in whole.splitlines())
    del found["test"]
    return found


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", SEEDS)
def test_a_worker_killed_while_forwarding_loses_nothing(served: Serve, seeds: range) -> None:
    count = REQUESTS * EVENTS
    client = served.client()
    application_id = new_application(client)
    put_large(client, application_id)
    for seed in seeds:
        chance = random.Random(seed)  # noqa: S311 - the same kills every time
        reached = 0.0
        for attempt in range(20):
            folder = served.folder.parent / "streams" / f"{seed}-{attempt}"
            stream = {"DestinationStreamArn": f"file://{folder}", "RoleArn": ROLE}
            client.put_event_stream(ApplicationId=application_id, WriteEventStream=stream)
            at_bytes = count * 8_400 * chance.uniform(0.15, 0.7)
            replayed = served.repoint("stream", "replay", "--app", application_id, "--from", AT)
            assert replayed.returncode == 0, replayed.stderr
            wait_until(lambda f=folder, n=at_bytes: sum(path.stat().st_size for path in f.glob("*.ndjson")) >= n, 60)
            os.kill(served.child("worker --supervised"), signal.SIGKILL)
            reached = sum(received(folder).values()) / count
            if 0.05 <= reached <= 0.95:
                break
        print(f"seed {seed}: killed at {reached:.0%}")  # noqa: T201 - to repeat it
        assert 0.05 <= reached <= 0.95

        wait_until(lambda f=folder: len(received(f)) == count, 60)

        assert sum(received(folder).values()) - count <= BATCH_EVENTS
        client.delete_event_stream(ApplicationId=application_id)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", SEEDS)
def test_a_database_killed_in_between_loses_nothing(served: Serve, seeds: range) -> None:
    for seed in seeds:
        callers = Callers(served, new_application(served.client(retries={"total_max_attempts": 8})))
        folder = served.folder.parent / "streams" / f"database-{seed}"
        stream = {"DestinationStreamArn": f"file://{folder}", "RoleArn": ROLE}
        served.client().put_event_stream(ApplicationId=callers.application_id, WriteEventStream=stream)
        kill_among_calls("postgres -D", callers, seed)

        wait_until(lambda f=folder, c=callers: c.accepted <= set(received(f)), 60)

        assert set(logged(served, callers.application_id).values()) == {1}

"""A process is killed in the middle of things: nothing that was acknowledged is lost, and nothing is done by half.

Each run prints its seed. Every kill is asserted to land between 5 % and 95 % of the work's way.
"""

import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.fixtures.processes import Serve, wait_until

SEEDS = (pytest.param(range(3), id="3 kills"), pytest.param(range(3, 23), id="20 kills", marks=pytest.mark.torture))
ITEMS = 100
WRITES = 400
WRITERS = 4

Client = Any


@pytest.fixture
def served(stopped: Serve) -> Iterator[Serve]:
    """A running server of the test's own."""
    stopped.start()
    yield stopped
    assert stopped.stop() == 0


def new_application(client: Client) -> str:
    """The id of a fresh application."""
    return str(client.create_app(CreateApplicationRequest={"Name": "kill"})["ApplicationResponse"]["Id"])


# --- the API is killed during UpdateEndpointsBatch --------------------------------------------------------------------


def batch(round_number: int) -> dict[str, Any]:
    """100 endpoints that all say which round wrote them; large, so that a kill can land inside."""
    attributes = {f"Filler{n}": ["x" * 100] * 20 for n in range(4)} | {"Round": [f"{round_number}"]}
    return {
        "Item": [
            {
                "Id": f"e{n:03d}",
                "ChannelType": "EMAIL",
                "Address": f"e{n}@example.com",
                "Attributes": attributes,
                "User": {"UserId": f"u{n // 10}", "UserAttributes": {"Round": [f"{round_number}"]}},
            }
            for n in range(ITEMS)
        ]
    }


def usual_duration_s(client: Client, application_id: str) -> float:
    """How long a batch takes, from the call to its answer."""
    durations = []
    for _ in range(5):
        started = time.monotonic()
        client.update_endpoints_batch(ApplicationId=application_id, EndpointBatchRequest=batch(0))
        durations.append(time.monotonic() - started)
    return statistics.median(durations)


def kill_inside_a_batch(serve: Serve, application_id: str, round_number: int, chance: random.Random) -> float | None:
    """Kill the API while it works on a batch; how far it was, or None when it was too early, too late or all done."""
    client = serve.client(read_timeout=60)
    expected_s = usual_duration_s(client, application_id)
    fraction = chance.uniform(0.15, 0.85)
    pid = serve.child("api --supervised")
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        call = pool.submit(
            client.update_endpoints_batch, ApplicationId=application_id, EndpointBatchRequest=batch(round_number)
        )
        time.sleep(fraction * expected_s)
        was_answered = call.done()
        os.kill(pid, signal.SIGKILL)
        reached = (time.monotonic() - started) / expected_s
        error = call.exception(60)
    if was_answered or error is None or not 0.05 <= reached <= 0.95:
        return None
    assert isinstance(error, BotoCoreError | ClientError)
    return reached


def rounds_seen(client: Client, application_id: str) -> list[tuple[str, str]]:
    """Which round each endpoint and its user show, in the order of the batch."""
    endpoints = (
        client.get_endpoint(ApplicationId=application_id, EndpointId=f"e{n:03d}")["EndpointResponse"]
        for n in range(ITEMS)
    )
    return [(one["Attributes"]["Round"][0], one["User"]["UserAttributes"]["Round"][0]) for one in endpoints]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", SEEDS)
def test_an_api_killed_during_a_batch_leaves_all_or_nothing(served: Serve, seeds: range) -> None:
    application_id = new_application(served.client())
    for seed in seeds:
        chance = random.Random(seed)  # noqa: S311 - the same kills every time
        reached = None
        round_number = 0
        while reached is None:
            round_number += 1
            assert round_number <= 20, "no kill landed inside a batch"
            reached = kill_inside_a_batch(served, application_id, round_number, chance)
        print(f"seed {seed}: killed at {reached:.0%} of round {round_number}")  # noqa: T201 - to repeat it
        assert 0.05 <= reached <= 0.95

        seen = set(rounds_seen(served.client(retries={"total_max_attempts": 5}), application_id))

        assert seen in ({("0", "0")}, {(f"{round_number}", f"{round_number}")}), f"seed {seed}: {seen}"


# --- the embedded PostgreSQL is killed during writes ------------------------------------------------------------------


class Writers:
    """Threads that write endpoints one by one, each until it is acknowledged, and note which were."""

    def __init__(self, serve: Serve, application_id: str) -> None:
        self.serve = serve
        self.application_id = application_id
        self.acknowledged: set[int] = set()
        self.refused = 0
        self.numbers = iter(range(WRITES))
        self.lock = threading.Lock()

    def run(self) -> None:
        """Write until every number is taken."""
        client = self.serve.client(read_timeout=60)
        while (number := self.next()) is not None:
            while not self.write(client, number):
                time.sleep(0.05)

    def next(self) -> int | None:
        """The next number that nobody writes yet."""
        with self.lock:
            return next(self.numbers, None)

    def write(self, client: Client, number: int) -> bool:
        """Write one endpoint; whether it was acknowledged."""
        request = {"ChannelType": "CUSTOM", "Address": f"{number}", "Metrics": {"Number": number}}
        try:
            client.update_endpoint(ApplicationId=self.application_id, EndpointId=f"n{number}", EndpointRequest=request)
        except (BotoCoreError, ClientError):
            self.refused += 1
            return False
        self.acknowledged.add(number)
        return True


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", SEEDS)
def test_a_killed_database_loses_nothing_that_was_acknowledged(served: Serve, seeds: range) -> None:
    for seed in seeds:
        chance = random.Random(seed)  # noqa: S311 - the same kills every time
        kill_at = int(WRITES * chance.uniform(0.15, 0.85))
        writers = Writers(served, new_application(served.client(retries={"total_max_attempts": 5})))
        with ThreadPoolExecutor(WRITERS) as pool:
            running = [pool.submit(writers.run) for _ in range(WRITERS)]
            wait_until(lambda w=writers, n=kill_at: len(w.acknowledged) >= n, 60)
            served.kill_child("postgres -D")
            before = set(writers.acknowledged)
            for one in running:
                one.result(120)
        reached = len(before) / WRITES
        print(f"seed {seed}: killed at {reached:.0%}, {writers.refused} refused")  # noqa: T201 - to repeat it
        assert 0.05 <= reached <= 0.95

        assert len(writers.acknowledged) == WRITES
        client = served.client()
        for number in range(WRITES):
            got = client.get_endpoint(ApplicationId=writers.application_id, EndpointId=f"n{number}")
            assert got["EndpointResponse"]["Metrics"] == {"Number": float(number)}
    assert served.log.read_text().count("The embedded database died; it is started again") == len(seeds)

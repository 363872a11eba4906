"""A destination is in trouble for a while, and then it is not: every event arrives, whatever the trouble was."""

import json
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fixtures.processes import Serve, wait_until
from tests.fixtures.receiver import Answer, Received, Receiver

LONG_S = 600
TROUBLES_S = (pytest.param(1, id="a second"), pytest.param(LONG_S, id="ten minutes", marks=pytest.mark.torture))
REQUESTS = 8
EVENTS = 100
AT = "2026-01-01T00:00:00Z"
# The longest pause between two tries, and some time to send.
PATIENCE_S = 90
ROLE = "arn:aws:iam::000000000000:role/stream"

Client = Any


class Stream:
    """A Kinesis of the test's own, which tells what it has taken."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.troubles = 0
        # What is answered to a put in trouble; None for no trouble.
        self.trouble: Callable[[list[str]], Answer] | None = None
        self.is_over = threading.Event()

    def answer(self, request: Received) -> Answer:
        """As Kinesis, unless in trouble."""
        if request.headers["x-amz-target"].endswith(".DescribeStream"):
            return Answer(200, json.dumps({"StreamDescription": {"StreamStatus": "ACTIVE"}}).encode())
        asked = [json.loads(b64decode(record["Data"])) for record in json.loads(request.body)["Records"]]
        numbers = [record["attributes"].get("n", "test") for record in asked]
        if self.trouble is None:
            return self.take(numbers)
        self.troubles += 1
        return self.trouble(numbers)

    def take(self, numbers: list[str]) -> Answer:
        """All of them."""
        self.taken.update(numbers)
        results = [{"ShardId": "shardId-0", "SequenceNumber": "1"}] * len(numbers)
        return Answer(200, json.dumps({"FailedRecordCount": 0, "Records": results}).encode())

    def take_half(self, numbers: list[str]) -> Answer:
        """Every second one."""
        self.taken.update(numbers[::2])
        took, failed = {"ShardId": "shardId-0", "SequenceNumber": "1"}, {"ErrorCode": "InternalFailure"}
        results = [failed if index % 2 else took for index in range(len(numbers))]
        return Answer(200, json.dumps({"FailedRecordCount": len(numbers) // 2, "Records": results}).encode())

    def refuse(self, _numbers: list[str]) -> Answer:
        """None, at once."""
        return Answer(500, b'{"__type": "InternalFailure"}')

    def hang(self, _numbers: list[str]) -> Answer:
        """None, and not a word until the trouble is over."""
        self.is_over.wait(LONG_S * 2)
        return Answer(500)


@pytest.fixture
def stream(receiver: Receiver) -> Iterator[Stream]:
    stream = Stream()
    receiver.answer = stream.answer
    yield stream
    stream.is_over.set()


@pytest.fixture
def served(stopped: Serve, receiver: Receiver) -> Iterator[Serve]:
    """A running server that sends to the test's Kinesis, and soon gives up one that does not answer."""
    kinesis = {"endpoint_url": receiver.url, "credentials": {"access_key_id": "test", "secret_access_key": "test"}}
    leases = {"REPOINT_WORKER_LEASE_S": "1", "REPOINT_WORKER_HEARTBEAT_S": "0.3"}
    stopped.start(env={"REPOINT_KINESIS": json.dumps(kinesis), **leases})
    yield stopped
    assert stopped.stop() == 0


def put(client: Client, application_id: str, request: int) -> None:
    """A hundred events, each with a number of its own."""
    numbers = range(request * EVENTS, (request + 1) * EVENTS)
    events = {f"v{n}": {"EventType": "x", "Timestamp": AT, "Attributes": {"n": f"{n}"}} for n in numbers}
    batch = {f"e{request}": {"Endpoint": {}, "Events": events}}
    client.put_events(ApplicationId=application_id, EventsRequest={"BatchItem": batch})


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("trouble_s", TROUBLES_S)
@pytest.mark.parametrize("trouble", [Stream.refuse, Stream.take_half, Stream.hang])
def test_a_stream_in_trouble_has_every_event_in_the_end(
    served: Serve, stream: Stream, trouble: Callable[[Stream, list[str]], Answer], trouble_s: int
) -> None:
    client = served.client()
    application_id = client.create_app(CreateApplicationRequest={"Name": "sinks"})["ApplicationResponse"]["Id"]
    to = {"DestinationStreamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/events", "RoleArn": ROLE}
    client.put_event_stream(ApplicationId=application_id, WriteEventStream=to)
    put(client, application_id, 0)
    wait_until(lambda: stream.taken["99"])

    stream.trouble = lambda numbers: trouble(stream, numbers)
    ends_s = time.monotonic() + trouble_s
    for request in range(1, REQUESTS):
        put(client, application_id, request)
    wait_until(lambda: stream.troubles >= 2 and time.monotonic() >= ends_s, trouble_s + PATIENCE_S)
    taken_in_trouble = set(stream.taken)
    stream.trouble = None
    stream.is_over.set()

    everything = {"test", *(f"{n}" for n in range(REQUESTS * EVENTS))}
    assert taken_in_trouble < everything
    wait_until(lambda: set(stream.taken) == everything, PATIENCE_S)

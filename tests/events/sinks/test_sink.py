"""What holds of every sink, whatever it leads to. A new sink adds its way here."""

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from repoint.events.log import UnreachableError
from repoint.events.sinks import sink as module
from repoint.events.sinks.sink import DestinationError, open_sink
from repoint.settings import Settings
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.fixtures.streamed import CREDENTIALS, PERSONAL, destination, event, events, records, service

WEBHOOK_SECRET = "a secret of the operator's"
SECRETS = {CREDENTIALS.secret_access_key.get_secret_value(), WEBHOOK_SECRET}


@dataclass(frozen=True)
class Way:
    """A destination, what has arrived there, and how to break it and mend it again."""

    address: str
    settings: Settings
    received: Callable[[], list[Any]]
    fail: Callable[[], None]
    mend: Callable[[], None]


def to_file(folder: Path, _receiver: Receiver) -> Way:
    target = folder / "streams"
    settings = Settings(event_folders=(folder,))
    return Way(f"file://{target}", settings, lambda: lines_of(target, Path.read_bytes), *blocking(target))


def to_bucket(folder: Path, _receiver: Receiver) -> Way:
    settings = Settings(data_dir=folder)
    target = settings.files_dir / "events"
    return Way(
        "s3://events/",
        settings,
        lambda: lines_of(target, lambda path: gzip.decompress(path.read_bytes())),
        *blocking(target),
    )


def to_kinesis(_folder: Path, receiver: Receiver) -> Way:
    address = "arn:aws:kinesis:us-east-1:123456789012:stream/events"
    return to_receiver(receiver, address, Settings(kinesis=service(receiver.url)), data_of_puts)


def to_firehose(_folder: Path, receiver: Receiver) -> Way:
    address = "arn:aws:firehose:us-east-1:123456789012:deliverystream/events"
    return to_receiver(receiver, address, Settings(firehose=service(receiver.url)), data_of_puts)


def to_lambda_function(_folder: Path, receiver: Receiver) -> Way:
    address = "arn:aws:lambda:us-east-1:123456789012:function:events"
    return to_receiver(receiver, address, Settings(lambda_api=service(receiver.url)), data_of_calls)


def to_webhook(_folder: Path, receiver: Receiver) -> Way:
    settings = Settings(
        event_webhook_secret=SecretStr(WEBHOOK_SECRET),
        allowed_private_networks=(ip_network("127.0.0.0/8"),),
    )
    return to_receiver(receiver, f"{receiver.url}/hook", settings, lambda received: received.body.splitlines())


WAYS = {
    "bucket": to_bucket,
    "file": to_file,
    "firehose": to_firehose,
    "kinesis": to_kinesis,
    "lambda_function": to_lambda_function,
    "webhook": to_webhook,
}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, tmp_path: Path, receiver: Receiver) -> Way:
    return WAYS[request.param](tmp_path, receiver)


def test_every_sink_is_tried_here() -> None:
    files = Path(module.__file__).parent.glob("*.py")

    assert {path.stem for path in files if "\n@leads(" in path.read_text()} == set(WAYS)


async def test_what_is_put_arrives_whole_and_in_order(way: Way) -> None:
    given = [event(1), event(2, client_id=""), event(3, client_id="Zoë\n\u2028🎉"), *events(1200)[3:]]

    async with open_sink(destination(way.address, way.settings)) as sink:
        await sink.check()
        refused = [await sink.put(given[:3]), await sink.put(given[3:])]

    assert refused == [[], []]
    assert way.received() == records(given)


async def test_what_could_not_be_put_can_be_put_later(way: Way) -> None:
    given = events(3)

    async with open_sink(destination(way.address, way.settings)) as sink:
        way.fail()
        with pytest.raises(UnreachableError):
            await sink.put(given)
        way.mend()
        refused = await sink.put(given)

    assert refused == []
    assert way.received()[-3:] == records(given)


async def test_operators_are_told_neither_events_nor_secrets(way: Way) -> None:
    async with open_sink(destination(way.address, way.settings)) as sink:
        way.fail()
        with pytest.raises(UnreachableError) as caught:
            await sink.put(events(3))

    text = str(caught.value)
    assert text
    assert not any(secret in text for secret in {*SECRETS, PERSONAL, "page.view", "/hook"})


@pytest.mark.parametrize("to", [to_kinesis, to_firehose])
@pytest.mark.parametrize("answer", [b"", b"<html>welcome</html>", b"null", b"[]", b"{}", b"5", b"\xff"])
async def test_an_answer_that_is_none_of_the_services_takes_nothing(
    to: Callable[[Path, Receiver], Way], tmp_path: Path, receiver: Receiver, answer: bytes
) -> None:
    way = to(tmp_path, receiver)
    receiver.answer = lambda _: Answer(200, answer)

    async with open_sink(destination(way.address, way.settings)) as sink:
        with pytest.raises(DestinationError, match="InvalidResponse"):
            await sink.check()
        with pytest.raises(UnreachableError):
            await sink.put(events(1))


@pytest.mark.parametrize("to", [to_kinesis, to_firehose, to_lambda_function])
@pytest.mark.parametrize("region", ["-", "a" * 70])
async def test_a_region_that_is_none_is_told(
    to: Callable[[Path, Receiver], Way], tmp_path: Path, receiver: Receiver, region: str
) -> None:
    way = to(tmp_path, receiver)
    address = way.address.replace("us-east-1", region)

    with pytest.raises(DestinationError, match="InvalidRegion"):
        async with open_sink(destination(address, way.settings)):
            pass


async def test_nobody_serves_other_forms(way: Way) -> None:
    other = replace(destination(way.address, way.settings), address="arn:aws:sqs:us-east-1:123456789012:events")

    with pytest.raises(DestinationError, match="no sink serves"):
        async with open_sink(other):
            pass


def lines_of(folder: Path, read: Callable[[Path], bytes]) -> list[Any]:
    """Records of every file below the folder that has any, the oldest file first."""
    files = sorted(
        (path for path in folder.rglob("*") if path.suffix in {".gz", ".ndjson"}),
        key=lambda path: path.stat().st_mtime_ns,
    )
    return [json.loads(line) for path in files for line in read(path).splitlines()]


def blocking(folder: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """Put a file where the folder is to be, and the folder back."""

    def fail() -> None:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.touch()

    def mend() -> None:
        folder.unlink()
        folder.mkdir()

    return fail, mend


def to_receiver(
    receiver: Receiver, address: str, settings: Settings, data_of: Callable[[Received], list[bytes]]
) -> Way:
    """A way to the test's own server, which takes everything or answers 500 with what it was sent."""
    receiver.answer = taken

    def received() -> list[Any]:
        return [json.loads(data) for each in receiver.received for data in data_of(each)]

    def fail() -> None:
        receiver.answer = lambda request: Answer(500, json.dumps({"message": request.body.decode()}).encode())

    def mend() -> None:
        receiver.answer = taken

    return Way(address, settings, received, fail, mend)


def taken(request: Received) -> Answer:
    operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
    asked = json.loads(request.body)["Records"] if operation.startswith("Put") else []
    answers: dict[str, Any] = {
        "DescribeStream": {"StreamDescription": {"StreamStatus": "ACTIVE"}},
        "DescribeDeliveryStream": {"DeliveryStreamDescription": {"DeliveryStreamStatus": "ACTIVE"}},
        "PutRecords": {
            "FailedRecordCount": 0,
            "Records": [{"ShardId": "shardId-0", "SequenceNumber": "1"}] * len(asked),
        },
        "PutRecordBatch": {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"}] * len(asked)},
    }
    return Answer(200, json.dumps(answers.get(operation, {})).encode())


def data_of_puts(received: Received) -> list[bytes]:
    asked = json.loads(received.body).get("Records", [])
    return [base64.b64decode(record["Data"]) for record in asked]


def data_of_calls(received: Received) -> list[bytes]:
    asked = json.loads(received.body or b'{"Records": []}')["Records"]
    return [base64.b64decode(record["kinesis"]["data"]) for record in asked]

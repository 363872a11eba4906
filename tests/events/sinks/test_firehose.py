"""Firehose delivery streams: on moto's server as they work, on one of the test's own as they fail."""

import base64
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from repoint.events.log import UnreachableError
from repoint.events.sinks import aws
from repoint.events.sinks.sink import DestinationError, is_destination, open_sink
from repoint.settings import Settings
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.fixtures.s3 import S3Server, moto_client
from tests.fixtures.streamed import destination, event, events, records, service

ARN = "arn:aws:firehose:us-east-1:123456789012:deliverystream/"
_numbers = count(1)


@pytest.fixture
def stream(s3: S3Server) -> Iterator[str]:
    """The name of a delivery stream into the test's bucket."""
    client = moto_client("firehose", s3.endpoint_url)
    name = f"delivery-{next(_numbers)}"
    role, bucket = "arn:aws:iam::123456789012:role/firehose", f"arn:aws:s3:::{s3.bucket}"
    client.create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration={"RoleARN": role, "BucketARN": bucket}
    )
    yield name
    client.close()


def delivered(s3: S3Server) -> list[Any]:
    """Every record, object after object; they are JSON lines."""
    found = s3.client.list_objects_v2(Bucket=s3.bucket).get("Contents", [])
    bodies = [s3.client.get_object(Bucket=s3.bucket, Key=each["Key"])["Body"].read() for each in found]
    return [json.loads(line) for body in bodies for line in body.decode().splitlines()]


async def test_records_are_delivered_as_lines(s3: S3Server, stream: str) -> None:
    given = events(3)

    async with open_sink(destination(ARN + stream, Settings(firehose=service(s3.endpoint_url)))) as sink:
        await sink.check()
        refused = await sink.put(given)

    assert refused == []
    assert delivered(s3) == records(given)


async def test_a_missing_stream_is_told_by_name(s3: S3Server) -> None:
    address = ARN + "none"

    async with open_sink(destination(address, Settings(firehose=service(s3.endpoint_url)))) as sink:
        with pytest.raises(DestinationError, match=f"{address}: ResourceNotFoundException: .*none"):
            await sink.check()
        with pytest.raises(UnreachableError, match=f"{address}: ResourceNotFoundException$"):
            await sink.put(events(1))


async def test_requests_keep_within_the_limits(receiver: Receiver) -> None:
    receiver.answer = all_taken
    small = events(501)
    large = [event(position, padding=900_000) for position in range(502, 507)]
    too_large = event(507, padding=1_024_000)

    async with open_sink(destination(ARN + "large", Settings(firehose=service(receiver.url)))) as sink:
        refused = await sink.put([*small, *large, too_large])

    counts = [len(json.loads(request.body)["Records"]) for request in receiver.received]
    assert counts == [500, 5, 1]
    assert [each.position for each in refused] == [507]


async def test_only_the_records_that_failed_are_put_again(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "WAITS_S", (0,))
    receiver.answer = lambda request: first_refused(request) if len(receiver.received) == 1 else all_taken(request)
    given = events(3)

    async with open_sink(destination(ARN + "busy", Settings(firehose=service(receiver.url)))) as sink:
        refused = await sink.put(given)

    assert refused == []
    assert [sent(request) for request in receiver.received] == [records(given), records(given[:1])]


@pytest.mark.parametrize("address", [ARN, ARN + "a/b", "arn:aws:firehose:us-east-1:123456789012:stream/a"])
def test_other_arns_are_no_destinations(address: str) -> None:
    assert not is_destination(address)


def sent(request: Received) -> list[Any]:
    return [json.loads(base64.b64decode(record["Data"])) for record in json.loads(request.body)["Records"]]


def all_taken(request: Received) -> Answer:
    asked = json.loads(request.body)["Records"]
    results = [{"RecordId": "1"}] * len(asked)
    return Answer(200, json.dumps({"FailedPutCount": 0, "RequestResponses": results}).encode())


def first_refused(request: Received) -> Answer:
    asked = json.loads(request.body)["Records"]
    refused = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
    results = [refused] + [{"RecordId": "1"}] * (len(asked) - 1)
    return Answer(200, json.dumps({"FailedPutCount": 1, "RequestResponses": results}).encode())

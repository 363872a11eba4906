"""Kinesis data streams: on moto's server as they work, on one of the test's own as they fail."""

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
from repoint.tables import AwsService
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.fixtures.s3 import moto_client
from tests.fixtures.streamed import APPLICATION, CREDENTIALS, PERSONAL, ROLE, destination, event, events, service

ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/"
_numbers = count(1)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "WAITS_S", (0, 0, 0))


@pytest.fixture
def kinesis(s3_endpoint_url: str) -> Iterator[Any]:
    client = moto_client("kinesis", s3_endpoint_url)
    yield client
    client.close()


@pytest.fixture
def stream(kinesis: Any) -> str:
    """The name of a stream with one shard."""
    name = f"events-{next(_numbers)}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    return name


@pytest.fixture
def settings(s3_endpoint_url: str) -> Settings:
    return Settings(kinesis=service(s3_endpoint_url))


def failing(receiver: Receiver) -> Settings:
    return Settings(kinesis=service(receiver.url))


def read(kinesis: Any, stream: str) -> list[tuple[str, str]]:
    """Partition key and data of every record."""
    (shard,) = kinesis.describe_stream(StreamName=stream)["StreamDescription"]["Shards"]
    place = {"StreamName": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**place)["ShardIterator"]
    found: list[tuple[str, str]] = []
    while more := kinesis.get_records(ShardIterator=iterator, Limit=10_000):
        found += [(record["PartitionKey"], record["Data"].decode()) for record in more["Records"]]
        iterator = more["NextShardIterator"]
        if not more["Records"]:
            break
    return found


async def test_records_arrive_in_order_as_they_are_keyed_by_their_endpoint(
    kinesis: Any, stream: str, settings: Settings
) -> None:
    given = events(3)

    async with open_sink(destination(ARN + stream, settings)) as sink:
        await sink.check()
        refused = await sink.put(given)

    assert refused == []
    assert read(kinesis, stream) == [
        ("ep-1", given[0].record),
        ("ep-2", given[1].record),
        ("ep-3", given[2].record),
    ]


async def test_keys_are_never_empty_or_too_long(kinesis: Any, stream: str, settings: Settings) -> None:
    given = [event(1, client_id=""), event(2, client_id="ü" * 300)]

    async with open_sink(destination(ARN + stream, settings)) as sink:
        await sink.put(given)

    assert [key for key, _ in read(kinesis, stream)] == [APPLICATION, "ü" * 256]


async def test_a_batch_larger_than_one_request_goes_in_several(kinesis: Any, stream: str, settings: Settings) -> None:
    many = events(501)
    large = [event(position, padding=700_000) for position in range(502, 512)]

    async with open_sink(destination(ARN + stream, settings)) as sink:
        refused = await sink.put([*many, *large])

    assert refused == []
    assert [data for _, data in read(kinesis, stream)] == [each.record for each in [*many, *large]]


async def test_a_record_that_is_too_large_is_set_aside_and_the_others_go_on(
    kinesis: Any, stream: str, settings: Settings
) -> None:
    async with open_sink(destination(ARN + stream, settings)) as sink:
        refused = await sink.put([event(1), event(2, padding=1 << 20), event(3)])

    assert [each.position for each in refused] == [2]
    assert refused[0].reason == "1048696 bytes; the destination takes 1048576 at most"
    assert len(read(kinesis, stream)) == 2


async def test_a_missing_stream_is_told_by_name(settings: Settings) -> None:
    address = ARN + "none"

    async with open_sink(destination(address, settings)) as sink:
        with pytest.raises(DestinationError, match=f"{address}: ResourceNotFoundException: .*none"):
            await sink.check()
        with pytest.raises(UnreachableError, match=f"{address}: ResourceNotFoundException$"):
            await sink.put(events(1))


async def test_only_the_records_that_failed_are_put_again(receiver: Receiver) -> None:
    taken: list[str] = []
    receiver.answer = lambda request: half_taken(request, taken)
    given = events(10)

    async with open_sink(destination(ARN + "busy", failing(receiver))) as sink:
        refused = await sink.put(given)

    assert refused == []
    assert sorted(taken) == sorted(each.record for each in given)
    assert [len(json.loads(request.body)["Records"]) for request in receiver.received] == [10, 5, 2, 1]


async def test_what_goes_on_failing_names_the_codes_and_no_data(receiver: Receiver) -> None:
    receiver.answer = all_throttled

    async with open_sink(destination(ARN + "busy", failing(receiver))) as sink:
        with pytest.raises(UnreachableError) as caught:
            await sink.put(events(3))

    assert str(caught.value) == "3 of 3 records failed 4 times: ProvisionedThroughputExceededException (3)"


async def test_a_refusal_that_quotes_an_event_is_not_passed_on(receiver: Receiver) -> None:
    quoting = {"__type": "ValidationException", "message": f"Value {PERSONAL} failed to satisfy constraint"}
    receiver.answer = lambda _: Answer(400, json.dumps(quoting).encode())

    async with open_sink(destination(ARN + "strict", failing(receiver))) as sink:
        with pytest.raises(UnreachableError) as caught:
            await sink.put(events(1))

    assert str(caught.value) == f"{ARN}strict: ValidationException"


@pytest.mark.parametrize("code", ["AccessDeniedException", "LimitExceededException"])
async def test_who_is_refused_is_told_why(receiver: Receiver, code: str) -> None:
    refusal = {"__type": code, "message": "User: arn:aws:iam::1:user/test is not authorized"}
    receiver.answer = lambda _: Answer(400, json.dumps(refusal).encode())

    async with open_sink(destination(ARN + "closed", failing(receiver))) as sink:
        with pytest.raises(DestinationError, match=f"{code}: User: arn:aws:iam::1:user/test is not authorized"):
            await sink.check()
        with pytest.raises(UnreachableError, match=code):
            await sink.put(events(1))


async def test_an_answer_without_results_counts_as_none(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, b"{}")

    async with open_sink(destination(ARN + "odd", failing(receiver))) as sink:
        with pytest.raises(UnreachableError, match="0 results for 1 records"):
            await sink.put(events(1))


async def test_a_stream_that_is_being_made_cannot_be_used_yet(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, json.dumps({"StreamDescription": {"StreamStatus": "CREATING"}}).encode())

    async with open_sink(destination(ARN + "new", failing(receiver))) as sink:
        with pytest.raises(DestinationError, match="is CREATING"):
            await sink.check()


async def test_nobody_there_is_told_without_secrets() -> None:
    nowhere = Settings(kinesis=service("http://127.0.0.1:1"))

    async with open_sink(destination(ARN + "far", nowhere)) as sink:
        with pytest.raises(DestinationError, match="EndpointUnreachable") as caught:
            await sink.check()
        with pytest.raises(UnreachableError, match="EndpointUnreachable"):
            await sink.put(events(1))

    assert CREDENTIALS.secret_access_key.get_secret_value() not in str(caught.value)


async def test_roles_decide_who_may_be_named_and_who_we_are(receiver: Receiver) -> None:
    other = CREDENTIALS.model_copy(update={"access_key_id": "OTHER"})
    roles = service(receiver.url, roles={"arn:aws:iam::000000000000:role/other": other})
    mine = service(receiver.url, roles={ROLE: other})
    receiver.answer = lambda _: Answer(200, json.dumps({"StreamDescription": {"StreamStatus": "ACTIVE"}}).encode())

    with pytest.raises(DestinationError, match=f"AccessDenied: no credentials are set for {ROLE}"):
        async with open_sink(destination(ARN + "events", Settings(kinesis=roles))):
            pass
    async with open_sink(destination(ARN + "events", Settings(kinesis=mine))) as sink:
        await sink.check()

    assert "Credential=OTHER/" in receiver.received[0].headers["authorization"]


@pytest.mark.parametrize(("region", "signed"), [(None, "eu-west-1"), ("us-east-2", "us-east-2")])
async def test_the_region_is_the_arns_unless_set(receiver: Receiver, region: str | None, signed: str) -> None:
    there: AwsService = service(receiver.url, region=region)
    receiver.answer = lambda _: Answer(200, json.dumps({"StreamDescription": {"StreamStatus": "ACTIVE"}}).encode())
    address = "arn:aws:kinesis:eu-west-1:123456789012:stream/events"

    async with open_sink(destination(address, Settings(kinesis=there))) as sink:
        await sink.check()

    assert f"/{signed}/kinesis/" in receiver.received[0].headers["authorization"]


@pytest.mark.parametrize("address", [ARN, ARN + "a/b", ARN + "a b", "arn:aws:kinesis:us-east-1:1:stream/a"])
def test_other_arns_are_no_destinations(address: str) -> None:
    assert not is_destination(address)


def half_taken(request: Received, taken: list[str]) -> Answer:
    """Every second record fails, but the last one of a request is taken."""
    asked = json.loads(request.body)["Records"]
    fails = [index % 2 == 1 for index in range(len(asked))]
    taken += [data_of(record) for record, failed in zip(asked, fails, strict=True) if not failed]
    done, failure = {"SequenceNumber": "1", "ShardId": "shardId-0"}, {"ErrorCode": "InternalFailure"}
    results = [failure if failed else done for failed in fails]
    return Answer(200, json.dumps({"FailedRecordCount": sum(fails), "Records": results}).encode())


def data_of(record: dict[str, str]) -> str:
    return base64.b64decode(record["Data"]).decode()


def all_throttled(request: Received) -> Answer:
    asked = json.loads(request.body)["Records"]
    result = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": f"for {PERSONAL}"}
    return Answer(200, json.dumps({"FailedRecordCount": len(asked), "Records": [result] * len(asked)}).encode())

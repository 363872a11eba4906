"""Functions that are given batches, behind a server of the test's own that speaks Lambda's Invoke."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from repoint.events.log import UnreachableError
from repoint.events.sinks.sink import DestinationError, is_destination, open_sink
from repoint.settings import Settings
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.fixtures.streamed import APPLICATION, PERSONAL, destination, event, events, records, service

ARN = "arn:aws:lambda:us-east-1:123456789012:function:digest"


def bounced(batch: Any) -> list[str]:
    """What people who used Pinpoint have deployed: whose mail bounced."""
    found = []
    for record in batch["Records"]:
        told = json.loads(base64.b64decode(record["kinesis"]["data"]))
        if told["event_type"] == "_email.hardbounce":
            found.append(told["client"]["client_id"])
    return found


async def test_a_handler_written_for_kinesis_works_unchanged(receiver: Receiver) -> None:
    given = [event(1), event(2, event_type="_email.hardbounce", client_id="ep-9"), event(3)]

    async with open_sink(destination(ARN, Settings(lambda_api=service(receiver.url)))) as sink:
        await sink.check()
        refused = await sink.put(given)

    check, call = receiver.received
    assert refused == []
    assert (check.headers["x-amz-invocation-type"], check.body) == ("DryRun", b"")
    assert unquote(call.path) == f"/2015-03-31/functions/{ARN}/invocations"
    assert bounced(json.loads(call.body)) == ["ep-9"]


async def test_a_record_looks_as_behind_a_stream(receiver: Receiver) -> None:
    given = event(7, client_id="ep-7")

    async with open_sink(destination(ARN, Settings(lambda_api=service(receiver.url)))) as sink:
        await sink.put([given])

    assert json.loads(receiver.received[0].body) == {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "ep-7",
                    "sequenceNumber": "7",
                    "data": base64.b64encode(given.record.encode()).decode(),
                    "approximateArrivalTimestamp": 1795219197.0,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": "shardId-000000000000:7",
                "eventName": "aws:kinesis:record",
                "awsRegion": "us-east-1",
                "eventSourceARN": f"arn:aws:mobiletargeting:us-east-1:000000000000:apps/{APPLICATION}",
            }
        ]
    }


async def test_a_batch_larger_than_a_payload_goes_in_several_calls(receiver: Receiver) -> None:
    given = [event(position, padding=1_000_000) for position in range(1, 7)]
    too_large = event(7, padding=5_000_000)

    async with open_sink(destination(ARN, Settings(lambda_api=service(receiver.url)))) as sink:
        refused = await sink.put([*given, too_large])

    assert [len(json.loads(call.body)["Records"]) for call in receiver.received] == [4, 2]
    assert [record for call in receiver.received for record in told(call)] == records(given)
    assert [each.position for each in refused] == [7]


async def test_a_function_from_a_file_is_called_as_one_at_amazon(tmp_path: Path) -> None:
    (tmp_path / "digest.py").write_text(
        "import base64, json\n"
        "def handler(event, context):\n"
        "    told = [json.loads(base64.b64decode(each['kinesis']['data'])) for each in event['Records']]\n"
        f"    open('{tmp_path}/told.json', 'w').write(json.dumps(told))\n"
    )
    functions: Any = {"digest": {"file": f"{tmp_path}/digest.py:handler", "allow": [f"{ours('apps')}/{APPLICATION}"]}}

    async with open_sink(destination(ARN, Settings(functions=functions))) as sink:
        await sink.check()
        refused = await sink.put(events(2))

    assert refused == []
    assert json.loads((tmp_path / "told.json").read_text()) == records(events(2))


async def test_a_function_that_other_applications_have_is_refused() -> None:
    functions: Any = {"digest": {"lambda": "digest", "allow": [f"{ours('apps')}/other/*"]}}

    with pytest.raises(DestinationError, match=r"functions\.digest\.allow does not fit arn:aws:mobiletargeting"):
        async with open_sink(destination(ARN, Settings(functions=functions))):
            pass


def ours(resource: str) -> str:
    return f"arn:aws:mobiletargeting:us-east-1:000000000000:{resource}"


async def test_a_function_that_fails_is_called_again_later(receiver: Receiver) -> None:
    body = json.dumps({"errorMessage": f"no such person: {PERSONAL}", "errorType": "KeyError"}).encode()
    receiver.answer = lambda _: Answer(200, body, {"X-Amz-Function-Error": "Unhandled"})

    async with open_sink(destination(ARN, Settings(lambda_api=service(receiver.url)))) as sink:
        with pytest.raises(UnreachableError) as caught:
            await sink.put(events(1))

    assert str(caught.value) == f"{ARN}: the function failed: Unhandled"
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(404, "ResourceNotFoundException"), (403, "AccessDeniedException"), (429, "TooManyRequests")]
)
async def test_a_function_that_cannot_be_called_is_told(receiver: Receiver, status: int, code: str) -> None:
    receiver.answer = lambda _: Answer(status, b'{"Message": "digest"}', {"x-amzn-ErrorType": code})

    async with open_sink(destination(ARN, Settings(lambda_api=service(receiver.url)))) as sink:
        with pytest.raises(DestinationError, match=f"{ARN}: {code}: digest"):
            await sink.check()
        with pytest.raises(UnreachableError, match=f"{ARN}: {code}$"):
            await sink.put(events(1))


async def test_moto_knows_no_such_function(s3_endpoint_url: str) -> None:
    async with open_sink(destination(ARN, Settings(lambda_api=service(s3_endpoint_url)))) as sink:
        with pytest.raises(DestinationError, match="ResourceNotFoundException"):
            await sink.check()


@pytest.mark.parametrize(
    ("address", "is_one"), [(ARN, True), (f"{ARN}:live", True), (f"{ARN}:1:2", False), (ARN.replace("1", ""), False)]
)
def test_functions_are_named_by_their_arn(address: str, *, is_one: bool) -> None:
    assert is_destination(address) == is_one


def told(call: Received) -> list[Any]:
    return [json.loads(base64.b64decode(each["kinesis"]["data"])) for each in json.loads(call.body)["Records"]]

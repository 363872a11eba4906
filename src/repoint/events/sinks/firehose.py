r"""`arn:aws:firehose:<region>:<account>:deliverystream/<name>`: one record an event, each ended by `\n`."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from repoint.aws import AwsError, open_client
from repoint.events.log import LoggedEvent, SetAside
from repoint.events.sinks.aws import Entry, checking, put_entries, putting
from repoint.events.sinks.pieces import Limits
from repoint.events.sinks.sink import Destination, DestinationError, Sink, leads

# docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
LIMITS = Limits(items=500, size_bytes=4 << 20)
MOST_BYTES = 1000 << 10

_ARN = r"arn:aws[a-z-]*:firehose:(?P<region>[a-z0-9-]+):\d{12}:deliverystream/(?P<name>[a-zA-Z0-9_.-]{1,64})"


@leads(_ARN)
@asynccontextmanager
async def open_firehose(destination: Destination) -> AsyncIterator[Sink]:
    """A delivery stream at Amazon or where the setting `firehose` leads."""
    match = re.fullmatch(_ARN, destination.address)
    assert match  # noqa: S101 - leads has asked
    opened = open_client(
        "firehose", destination.settings.firehose, region=match["region"], role_arn=destination.role_arn
    )
    try:
        async with opened as client:
            yield FirehoseSink(client, destination.address, match["name"])
    except AwsError as error:
        raise DestinationError(str(error)) from error


class FirehoseSink:
    """A delivery stream."""

    def __init__(self, client: Any, address: str, name: str) -> None:
        self._client = client
        self._address = address
        self._name = name

    async def check(self) -> None:
        """See `Sink.check`."""
        with checking(self._address):
            answer = await self._client.describe_delivery_stream(DeliveryStreamName=self._name, Limit=1)
            status = answer["DeliveryStreamDescription"]["DeliveryStreamStatus"]
        if status != "ACTIVE":
            raise DestinationError(f"{self._address} is {status}")

    async def put(self, events: Sequence[LoggedEvent]) -> list[SetAside]:
        """See `Sink.put`."""
        entries = [_entry(event) for event in events]
        return await put_entries(entries, self._put, LIMITS, most_bytes=MOST_BYTES)

    async def _put(self, records: list[dict[str, object]]) -> list[dict[str, Any]]:
        with putting(self._address):
            answer = await self._client.put_record_batch(DeliveryStreamName=self._name, Records=records)
        results: list[dict[str, Any]] = answer.get("RequestResponses", [])
        return results


def _entry(event: LoggedEvent) -> Entry:
    data = f"{event.record}\n".encode()
    return Entry(event.position, {"Data": data}, len(data))

"""`arn:aws:kinesis:<region>:<account>:stream/<name>`: one record an event, as Pinpoint put it (events.md section 4)."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from repoint.aws import AwsError, open_client
from repoint.events.log import LoggedEvent, SetAside
from repoint.events.sinks.aws import Entry, checking, put_entries, putting
from repoint.events.sinks.pieces import Limits
from repoint.events.sinks.sink import Destination, DestinationError, Sink, leads

# Of one request and of one record with its key: docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html.
# Amazon takes more by now; other servers do not.
LIMITS = Limits(items=500, size_bytes=5 << 20)
MOST_BYTES = 1 << 20
_KEY_CHARACTERS = 256

_ARN = r"arn:aws[a-z-]*:kinesis:(?P<region>[a-z0-9-]+):\d{12}:stream/(?P<name>[a-zA-Z0-9_.-]{1,128})"
_USABLE = {"ACTIVE", "UPDATING"}


class _Client(msgspec.Struct):
    client_id: str = ""


class _Record(msgspec.Struct):
    client: _Client = msgspec.field(default_factory=_Client)


_decode = msgspec.json.Decoder(_Record).decode


@leads(_ARN)
@asynccontextmanager
async def open_kinesis(destination: Destination) -> AsyncIterator[Sink]:
    """A data stream at Amazon or where the setting `kinesis` leads."""
    match = re.fullmatch(_ARN, destination.address)
    assert match  # noqa: S101 - leads has asked
    opened = open_client("kinesis", destination.settings.kinesis, region=match["region"], role_arn=destination.role_arn)
    try:
        async with opened as client:
            yield KinesisSink(client, destination, match["name"])
    except AwsError as error:
        raise DestinationError(str(error)) from error


class KinesisSink:
    """A data stream."""

    def __init__(self, client: Any, destination: Destination, name: str) -> None:
        self._client = client
        self._address = destination.address
        self._application_id = destination.application_id
        # The ARN reaches streams of other accounts, the name those of servers that know no ARNs.
        self._stream = {"StreamName": name, "StreamARN": destination.address}

    async def check(self) -> None:
        """See `Sink.check`; by DescribeStream, as roles that were made for Pinpoint allow no other."""
        with checking(self._address):
            answer = await self._client.describe_stream(**self._stream, Limit=1)
            status = answer["StreamDescription"]["StreamStatus"]
        if status not in _USABLE:
            raise DestinationError(f"{self._address} is {status}")

    async def put(self, events: Sequence[LoggedEvent]) -> list[SetAside]:
        """See `Sink.put`: keeps the order of one endpoint's events, unless some of them had to be put again."""
        entries = [self._entry(event) for event in events]
        return await put_entries(entries, self._put, LIMITS, most_bytes=MOST_BYTES)

    def _entry(self, event: LoggedEvent) -> Entry:
        data = event.record.encode()
        key = partition_key(event, self._application_id)
        return Entry(event.position, {"Data": data, "PartitionKey": key}, len(data) + len(key.encode()))

    async def _put(self, records: list[dict[str, object]]) -> list[dict[str, Any]]:
        with putting(self._address):
            answer = await self._client.put_records(**self._stream, Records=records)
        results: list[dict[str, Any]] = answer.get("Records", [])
        return results


def partition_key(event: LoggedEvent, application_id: str) -> str:
    """What keeps one endpoint's events in one shard: its id as in the record, else the application's."""
    return _decode(event.record).client.client_id[:_KEY_CHARACTERS] or application_id

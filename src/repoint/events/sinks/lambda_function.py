"""`arn:aws:lambda:…:function:<name>`: a function that is given batches as if it were behind a Kinesis stream."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from repoint.aws import AwsError
from repoint.events.log import LoggedEvent, SetAside, UnreachableError
from repoint.events.sinks.aws import checking, putting
from repoint.events.sinks.kinesis import partition_key
from repoint.events.sinks.pieces import Limits, pieces
from repoint.events.sinks.sink import Destination, DestinationError, Sink, leads
from repoint.functions.lambda_api import FUNCTION_ARN, MOST_BYTES, Function, FunctionError, open_function

_HEAD, _TAIL = b'{"Records":[', b"]}"
LIMITS = Limits(items=500, size_bytes=MOST_BYTES - len(_HEAD) - len(_TAIL))


@leads(FUNCTION_ARN)
@asynccontextmanager
async def open_lambda_function(destination: Destination) -> AsyncIterator[Sink]:
    """A function at Amazon or where the setting `lambda_api` leads."""
    settings = destination.settings
    try:
        async with open_function(destination.address, settings.lambda_api, role_arn=destination.role_arn) as function:
            yield FunctionSink(function, destination)
    except AwsError as error:
        raise DestinationError(str(error)) from error


class FunctionSink:
    """A function; what it returns is not looked at."""

    def __init__(self, function: Function, destination: Destination) -> None:
        self._function = function
        self._address = destination.address
        self._application_id = destination.application_id
        self._account_id = destination.settings.account_id
        self._region = destination.address.split(":")[3]

    async def check(self) -> None:
        """See `Sink.check`; the function is not run."""
        with checking(self._address):
            await self._function.check()

    async def put(self, events: Sequence[LoggedEvent]) -> list[SetAside]:
        """See `Sink.put`: in calls one after the other, none of which begins before the one before has succeeded."""
        encoded = [(event, self._record(event)) for event in events]
        fitting = [record for _, record in encoded if len(record) <= LIMITS.size_bytes]
        # The comma counts, too.
        for piece in pieces([(record, len(record) + 1) for record in fitting], LIMITS):
            await self._call(_HEAD + b",".join(piece) + _TAIL)
        return [
            SetAside(event.position, f"{len(record)} bytes as a record; a function takes {MOST_BYTES} at most")
            for event, record in encoded
            if len(record) > LIMITS.size_bytes
        ]

    async def _call(self, payload: bytes) -> None:
        try:
            with putting(self._address):
                await self._function.call(payload)
        except FunctionError as error:
            raise UnreachableError(f"{self._address}: {error}") from error

    def _record(self, event: LoggedEvent) -> bytes:
        """docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, with what we have in the stream's place."""
        application = f"arn:aws:mobiletargeting:{self._region}:{self._account_id}:apps/{self._application_id}"
        return msgspec.json.encode(
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": partition_key(event, self._application_id),
                    "sequenceNumber": str(event.position),
                    "data": base64.b64encode(event.record.encode()).decode(),
                    "approximateArrivalTimestamp": event.logged_at.timestamp(),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000000:{event.position}",
                "eventName": "aws:kinesis:record",
                "awsRegion": self._region,
                "eventSourceARN": application,
            }
        )

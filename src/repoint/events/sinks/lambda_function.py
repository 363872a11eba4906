"""`arn:aws:lambda:…:function:<name>`: a function that is given batches as if it were behind a Kinesis stream."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from repoint.events.log import LoggedEvent, SetAside, UnreachableError
from repoint.events.sinks.kinesis import partition_key
from repoint.events.sinks.pieces import Limits, pieces
from repoint.events.sinks.sink import Destination, DestinationError, Sink, leads
from repoint.functions.call import Callee, open_functions
from repoint.functions.lambda_api import FUNCTION_ARN
from repoint.functions.result import MOST_BYTES, Failed

_HEAD, _TAIL = b'{"Records":[', b"]}"
LIMITS = Limits(items=500, size_bytes=MOST_BYTES - len(_HEAD) - len(_TAIL))


@leads(FUNCTION_ARN)
@asynccontextmanager
async def open_lambda_function(destination: Destination) -> AsyncIterator[Sink]:
    """A function that the setting `functions` has, or one at Amazon or where the setting `lambda_api` leads."""
    account_id = destination.settings.account_id
    region = destination.address.split(":")[3]
    application_arn = f"arn:aws:mobiletargeting:{region}:{account_id}:apps/{destination.application_id}"
    async with open_functions(destination.settings, role_arn=destination.role_arn, region=region) as functions:
        function = await functions.find(destination.address, source_arn=application_arn)
        if isinstance(function, Failed):
            raise DestinationError(f"{destination.address}: {function.detail}")
        yield FunctionSink(function, destination.application_id, application_arn)


class FunctionSink:
    """A function; what it returns is not looked at."""

    def __init__(self, function: Callee, application_id: str, application_arn: str) -> None:
        self._function = function
        self._application_id = application_id
        self._application_arn = application_arn
        self._region = application_arn.split(":")[3]

    async def check(self) -> None:
        """See `Sink.check`; the function is not run."""
        failed = await self._function.check()
        if failed is not None:
            raise DestinationError(f"{self._function.arn}: {failed.detail}")

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
        result = await self._function.call(payload)
        if isinstance(result, Failed):
            raise UnreachableError(f"{self._function.arn}: {result.detail}")

    def _record(self, event: LoggedEvent) -> bytes:
        """docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, with what we have in the stream's place."""
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
                "eventSourceARN": self._application_arn,
            }
        )

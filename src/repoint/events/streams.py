"""Event streams: which sink an application's events go to (events.md sections 3 and 4)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import structlog

from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.shapes import EventStream
from repoint.db.queries import load_queries
from repoint.events.consume import Consumer, begin_reading, consumes, stop_reading
from repoint.events.log import GoneError, LoggedEvent, UnreachableError
from repoint.events.records import Origin, stream_test
from repoint.events.sinks.sink import Destination, DestinationError, is_destination, open_sink
from repoint.operation import Call, Input, operation
from repoint.queue import TaskContext
from repoint.resources.documents import Document, Resource
from repoint.resources.lock import hold_application, lock_quota

log = structlog.get_logger()
Q = load_queries("repoint.events")

READER = "stream"
# How long a destination is tried before its stream is set, all together: clients wait for a minute, some for less.
TRY_S = 20
_REFUSED = "Destination stream validation failed"


def _check(_request: Mapping[str, Any]) -> None:
    """The contract has seen to both members; the destination is tried, not judged."""


# One an application, with its id.
STREAMS = Resource("event-stream", check=_check)


@operation(in_steps=True)
async def put_event_stream(call: Call, arguments: Input) -> EventStream:
    """Set where the application's events go from now on, after a test record has arrived there."""
    application_id, request = arguments["ApplicationId"], arguments["WriteEventStream"]
    address, role_arn = request["DestinationStreamArn"], request["RoleArn"]
    await _try(call, Destination(address, role_arn, application_id, call.settings, call.database))
    async with call.step() as db:
        await hold_application(db, application_id)
        await lock_quota(db, STREAMS.kind)
        content = request | {"LastUpdatedBy": call.principal.arn}
        try:
            stream = await STREAMS.merge(call, application_id, content)
        except NotFoundException:
            stream = await STREAMS.create(call, content, document_id=application_id, application_id=application_id)
        await begin_reading(db, application_id, READER)
        # What failed at another destination may work at this one; a batch under way to that one comes here again.
        await db.execute(Q.renew_reader, {"application_id": application_id, "name": READER})
        output = _answer(stream)
        await call.record(output)
    return output


@operation(one_statement=True)
async def get_event_stream(call: Call, arguments: Input) -> EventStream:
    """Where the application's events go."""
    return _answer(await STREAMS.get(call.db, arguments["ApplicationId"]))


@operation()
async def delete_event_stream(call: Call, arguments: Input) -> EventStream:
    """Stop streaming; what has not been sent is not sent any more. Answers what the stream was."""
    stream = await STREAMS.delete(call, arguments["ApplicationId"])
    await stop_reading(call.db, arguments["ApplicationId"], READER)
    return _answer(stream)


@consumes(READER)
@asynccontextmanager
async def open_stream(context: TaskContext, application_id: str) -> AsyncIterator[Consumer]:
    """The sink that the application's stream leads to now."""
    try:
        async with context.database.connection() as db:
            stream = await STREAMS.get(db, application_id)
    except NotFoundException as error:
        raise GoneError from error
    try:
        async with open_sink(_destination(stream, context)) as sink:
            yield sink
    except DestinationError as error:
        raise UnreachableError(str(error)) from error


def _destination(stream: Document, context: TaskContext) -> Destination:
    content = stream.content
    return Destination(
        content["DestinationStreamArn"], content["RoleArn"], stream.id, context.settings, context.database
    )


async def _try(call: Call, destination: Destination) -> None:
    """See that the destination takes a record; raises BadRequestException when it does not."""
    if not is_destination(destination.address):
        raise BadRequestException(_REFUSED)
    record = stream_test(Origin(call.settings.account_id, destination.application_id), call.now)
    event = LoggedEvent(0, call.now, "_test.event_stream", None, False, call.now, record)  # noqa: FBT003 - is_repeat
    try:
        async with asyncio.timeout(TRY_S), open_sink(destination) as sink:
            await sink.check()
            refused = await sink.put([event])
    except (DestinationError, UnreachableError) as error:
        raise _refusal(destination, str(error)) from error
    except TimeoutError as error:
        raise _refusal(destination, "no answer in time") from error
    if refused:
        raise _refusal(destination, refused[0].reason)


def _refusal(destination: Destination, reason: str) -> BadRequestException:
    log.warning("An event stream was refused", application_id=destination.application_id, reason=reason)
    # Clients of Pinpoint know the bare text; what is beyond Pinpoint may tell more.
    is_arn = destination.address.startswith("arn:")
    return BadRequestException(_REFUSED if is_arn else f"{_REFUSED}: {reason}")


def _answer(stream: Document) -> EventStream:
    content = stream.content
    return {
        "ApplicationId": stream.id,
        "DestinationStreamArn": content["DestinationStreamArn"],
        "LastModifiedDate": format_instant(stream.modified_at),
        "LastUpdatedBy": content["LastUpdatedBy"],
        "RoleArn": content["RoleArn"],
    }

"""Where messages from people are published: topics of SNS, and beyond Pinpoint URLs and functions.

A topic and a URL are given the message itself; a function is given it as SNS would, so that a handler which hung on the
topic runs unchanged.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import msgspec

from repoint.aws import AwsError, aws_errors, open_client
from repoint.functions.call import Callee
from repoint.functions.opened import functions_of
from repoint.functions.result import Failed
from repoint.queue import TaskContext
from repoint.settings import Settings

# Most that SNS takes in one call (docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html).
SNS_BATCH, SNS_BYTES = 10, 256 << 10
# Calls at a time, and messages that a crash may have published once more.
AT_ONCE = 8
DONE_AT_ONCE = 50

Messages = Mapping[str, Mapping[str, str]]
# Of a call of PublishBatch.
Entry = dict[str, str]
Item = TypeVar("Item")
Done = Callable[[Sequence[str]], Awaitable[None]]


class Destination(Protocol):
    """One place to publish to."""

    async def publish(self, messages: Messages, done: Done) -> str | None:
        """Publish messages, which are given by id; why some were not taken, if they were not.

        `done` is told ids as soon as they are safe, some at a time.
        """


def destination_of(context: TaskContext, destination: str) -> Destination:
    """The place that a setting names."""
    if destination.startswith("arn:") and ":sns:" in destination:
        return _Topic(context.settings, destination)
    return _Function(context, destination)


class _Topic:
    def __init__(self, settings: Settings, arn: str) -> None:
        self._settings = settings
        self._arn = arn

    async def publish(self, messages: Messages, done: Done) -> str | None:
        region = self._arn.split(":")[3]
        try:
            async with open_client("sns", self._settings.sns, region=region, role_arn=None) as client:
                return await _each(list(batches(messages)), lambda entries: self._put(client, entries, done))
        except AwsError as error:
            return str(error)

    async def _put(self, client: Any, entries: Sequence[Entry], done: Done) -> str | None:
        try:
            with aws_errors():
                answer = await client.publish_batch(TopicArn=self._arn, PublishBatchRequestEntries=entries)
                taken = {each["Id"] for each in answer.get("Successful") or ()}
                failed = [str(each.get("Code") or "Unknown") for each in answer.get("Failed") or ()]
        except AwsError as error:
            return str(error)
        await done([each["Id"] for each in entries if each["Id"] in taken])
        return None if len(taken) == len(entries) else next(iter(failed), "not answered")


def batches(messages: Messages) -> Iterator[list[Entry]]:
    """Messages as SNS takes them, in calls that are not too large."""
    batch: list[Entry] = []
    size = 0
    for message_id, told in messages.items():
        text = msgspec.json.encode(told)
        if batch and (len(batch) == SNS_BATCH or size + len(text) > SNS_BYTES):
            yield batch
            batch, size = [], 0
        batch.append({"Id": message_id, "Message": text.decode()})
        size += len(text)
    if batch:
        yield batch


class _Function:
    """A function by name or ARN, or a URL."""

    def __init__(self, context: TaskContext, destination: str) -> None:
        self._functions = functions_of(context.database, context.settings)
        self._destination = destination
        self._is_url = "://" in destination
        self._topic = f"arn:aws:sns:{context.settings.regions[0]}:{context.settings.account_id}:two-way-sms"

    async def publish(self, messages: Messages, done: Done) -> str | None:
        async with AsyncExitStack() as stack:
            if self._is_url:
                callee = await stack.enter_async_context(self._functions.at_url(self._destination))
            else:
                callee = await self._functions.find(self._destination, source_arn=self._topic)
            if isinstance(callee, Failed):
                return str(callee)
            found: Callee = callee
            taken: list[str] = []

            async def call(message_id: str) -> str | None:
                result = await found.call(self._payload(messages[message_id]))
                if isinstance(result, Failed):
                    return str(result)
                taken.append(message_id)
                if len(taken) >= DONE_AT_ONCE:
                    some = taken[:]
                    taken.clear()
                    await done(some)
                return None

            why = await _each(list(messages), call)
            await done(taken)
            return why

    def _payload(self, told: Mapping[str, str]) -> bytes:
        if self._is_url:
            return msgspec.json.encode(told)
        return msgspec.json.encode(sns_event(self._topic, told))


def sns_event(topic: str, told: Mapping[str, str]) -> dict[str, Any]:
    """What Lambda hands to a function for a message of a topic (docs.aws.amazon.com/lambda/latest/dg/with-sns.html)."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    notification: dict[str, Any] = {
        "Type": "Notification",
        "MessageId": told["inboundMessageId"],
        "TopicArn": topic,
        "Subject": None,
        "Message": msgspec.json.encode(told).decode(),
        "Timestamp": at,
        "MessageAttributes": {},
    }
    record = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": topic, "Sns": notification}
    return {"Records": [record]}


async def _each(items: Sequence[Item], do: Callable[[Item], Awaitable[str | None]]) -> str | None:
    """Do it for all, some at a time; why it could not be done for one of them, if it could not."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(item: Item) -> str | None:
        async with turns:
            return await do(item)

    found = await asyncio.gather(*map(one, items))
    return next((why for why in found if why is not None), None)

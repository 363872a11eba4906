"""Where messages from people are published: topics of SNS, and beyond Pinpoint URLs and functions.

A topic and a URL are given the message itself; a function is given it as SNS would, so that a handler which hung on the
topic runs unchanged.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from repoint.aws import AwsError, aws_errors, open_client
from repoint.functions.call import Callee
from repoint.functions.opened import functions_of
from repoint.functions.result import Failed
from repoint.queue import TaskContext
from repoint.settings import Settings

# Most that SNS takes in one call (docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html).
SNS_BATCH = 10
# Calls at a time, and messages that a crash may have published once more.
AT_ONCE = 8
DONE_AT_ONCE = 50

Messages = Mapping[str, Mapping[str, str]]
Done = Callable[[Sequence[str]], Awaitable[None]]


class Destination(Protocol):
    """One place to publish to."""

    async def publish(self, messages: Messages, done: Done) -> dict[str, str]:
        """Publish messages, which are given by id; why some were not taken, by id.

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

    async def publish(self, messages: Messages, done: Done) -> dict[str, str]:
        region = self._arn.split(":")[3]
        try:
            async with open_client("sns", self._settings.sns, region=region, role_arn=None) as client:
                ids = list(messages)
                batches = [ids[start : start + SNS_BATCH] for start in range(0, len(ids), SNS_BATCH)]

                async def put(some: Sequence[str]) -> dict[str, str]:
                    return await self._put(client, {each: messages[each] for each in some}, done)

                return await _each(batches, put)
        except AwsError as error:
            return dict.fromkeys(messages, str(error))

    async def _put(self, client: Any, messages: Messages, done: Done) -> dict[str, str]:
        entries = [{"Id": each, "Message": msgspec.json.encode(told).decode()} for each, told in messages.items()]
        try:
            with aws_errors():
                answer = await client.publish_batch(TopicArn=self._arn, PublishBatchRequestEntries=entries)
                taken = {each["Id"] for each in answer.get("Successful") or ()}
                failed = {each["Id"]: str(each.get("Code") or "Unknown") for each in answer.get("Failed") or ()}
        except AwsError as error:
            return dict.fromkeys(messages, str(error))
        await done([each for each in messages if each in taken])
        return {each: failed.get(each, "not answered") for each in messages if each not in taken}


class _Function:
    """A function by name or ARN, or a URL."""

    def __init__(self, context: TaskContext, destination: str) -> None:
        self._functions = functions_of(context.database, context.settings)
        self._destination = destination
        self._is_url = "://" in destination
        self._topic = f"arn:aws:sns:{context.settings.regions[0]}:{context.settings.account_id}:two-way-sms"

    async def publish(self, messages: Messages, done: Done) -> dict[str, str]:
        async with AsyncExitStack() as stack:
            if self._is_url:
                callee = await stack.enter_async_context(self._functions.at_url(self._destination))
            else:
                callee = await self._functions.find(self._destination, source_arn=self._topic)
            if isinstance(callee, Failed):
                return dict.fromkeys(messages, str(callee))
            found: Callee = callee

            async def call(message_id: str) -> dict[str, str]:
                result = await found.call(self._payload(messages[message_id]))
                if isinstance(result, Failed):
                    return {message_id: str(result)}
                taken.append(message_id)
                if len(taken) >= DONE_AT_ONCE:
                    some = taken[:]
                    taken.clear()
                    await done(some)
                return {}

            taken: list[str] = []
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


async def _each(items: Sequence[Any], do: Callable[[Any], Awaitable[dict[str, str]]]) -> dict[str, str]:
    """Do it for all, some at a time; what any of them has answered."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(item: Any) -> dict[str, str]:
        async with turns:
            return await do(item)

    found: dict[str, str] = {}
    for each in await asyncio.gather(*(one(item) for item in items)):
        found |= each
    return found

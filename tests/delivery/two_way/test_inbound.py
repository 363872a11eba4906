"""Messages from people by SMPP, on their way to an SNS topic, a URL or a function."""

import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.heard import Inbound, Part
from repoint.delivery.hearing import hears
from repoint.delivery.provider import KINDS  # noqa: F401 - kinds are discovered below
from repoint.discover import discover
from repoint.queue.worker import Worker
from repoint.settings import AwsCredentials, AwsService, Settings, SmsNumber
from tests.fixtures.processes import wait_until
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.fixtures.s3 import moto_client

discover()

OURS, ANA, BEN = "+12065550142", "+12065550101", "+12065550102"
KEY = AwsCredentials(access_key_id="testing", secret_access_key="testing")  # type: ignore[arg-type] # a plain text will do
COUNT = Query("count", "SELECT count(*) FROM inbound_messages WHERE body IS NOT NULL OR reply IS NOT NULL")


class Topic:
    """A topic of moto's with a queue that hangs on it."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self._sns, self._sqs = moto_client("sns", endpoint_url), moto_client("sqs", endpoint_url)
        name = f"replies-{os.urandom(4).hex()}"
        self.arn: str = self._sns.create_topic(Name=name)["TopicArn"]
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        queue = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        self._sns.subscribe(TopicArn=self.arn, Protocol="sqs", Endpoint=queue["QueueArn"])

    def received(self) -> list[Any]:
        """What was published since, as a Lambda function gets it: whole notifications."""
        found: list[Any] = []
        while more := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for each in more:
                found.append(json.loads(each["Body"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"])
        return found

    def close(self) -> None:
        """Let both go."""
        self._sns.close()
        self._sqs.close()


@pytest.fixture
def topic(s3_endpoint_url: str) -> Iterator[Topic]:
    """A topic of its own."""
    topic = Topic(s3_endpoint_url)
    yield topic
    topic.close()


def with_numbers(settings: Settings, topic: Topic | None = None, **number: Any) -> Settings:
    """Settings with our number, which publishes to the topic."""
    given = {"destination": topic.arn, **number} if topic else number
    sns = AwsService(endpoint_url=topic.endpoint_url, credentials=KEY) if topic else None
    return settings.model_copy(update={"sms_numbers": {OURS: SmsNumber(**given)}, "sns": sns})


async def hear(database: Database, settings: Settings, *bodies: str, **more: Any) -> None:
    """Have somebody write, and run what follows."""
    await hears(database, settings)([Inbound(ANA, OURS, body, **more) for body in bodies])
    await Worker(database, settings).drain()


def handler(event: Any, _context: Any) -> list[tuple[str, str, str]]:
    """A function as it hung on the topic at Amazon's."""
    found = []
    for record in event["Records"]:
        message = json.loads(record["Sns"]["Message"])
        found.append((message["messageBody"], message["originationNumber"], message["destinationNumber"]))
    return found


async def test_a_message_is_published_to_the_topic(database: Database, settings: Settings, topic: Topic) -> None:
    given = with_numbers(settings, topic, keyword="SHOP")

    await hear(database, given, "Is it open? ü 🎉")

    (notification,) = topic.received()
    message = json.loads(notification["Message"])
    assert len(message.pop("inboundMessageId")) == 36
    assert message == {
        "originationNumber": ANA,
        "destinationNumber": OURS,
        "messageKeyword": "SHOP",
        "messageBody": "Is it open? ü 🎉",
    }
    assert handler({"Records": [{"Sns": notification}]}, None) == [("Is it open? ü 🎉", ANA, OURS)]

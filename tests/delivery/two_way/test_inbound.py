"""Messages from people by SMPP, on their way to an SNS topic, a URL or a function."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.heard import Inbound, Part
from repoint.delivery.hearing import hears
from repoint.delivery.two_way.publish import forget_inbound, publish_inbound
from repoint.discover import discover
from repoint.queue import TaskContext
from repoint.queue.worker import Worker
from repoint.settings import Settings
from repoint.tables import AwsCredentials, AwsService, SmsNumber
from tests.delivery.test_receipts import Shop
from tests.fixtures.processes import wait_until
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.s3 import moto_client
from tests.fixtures.server import Serve
from tests.fixtures.smsc import Smsc, running_smsc

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

    def subscribe_url(self, url: str) -> None:
        """Have it call a URL, too."""
        self._sns.subscribe(TopicArn=self.arn, Protocol="http", Endpoint=url)

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


async def test_a_handler_behind_the_topic_is_called_by_http(
    database: Database, settings: Settings, topic: Topic, receiver: Receiver
) -> None:
    topic.subscribe_url(receiver.url)

    await hear(database, with_numbers(settings, topic), "Is it open? ü")

    notification = json.loads(receiver.received[-1].body)
    assert notification["Type"] == "Notification"
    assert handler({"Records": [{"Sns": notification}]}, None) == [("Is it open? ü", ANA, OURS)]


async def test_each_message_has_an_id_of_its_own(database: Database, settings: Settings, topic: Topic) -> None:
    await hear(database, with_numbers(settings, topic), *(f"message {number}" for number in range(25)))

    messages = [json.loads(each["Message"]) for each in topic.received()]
    assert sorted(each["messageBody"] for each in messages) == sorted(f"message {number}" for number in range(25))
    assert len({each["inboundMessageId"] for each in messages}) == 25
    assert {each["messageKeyword"] for each in messages} == {"KEYWORD_000000000000"}


async def test_what_a_provider_tells_twice_is_published_once(
    database: Database, settings: Settings, topic: Topic
) -> None:
    given = with_numbers(settings, topic)

    await hear(database, given, "once", id="gateway/SM1")
    await hear(database, given, "once", id="gateway/SM1")
    await hear(database, given, "twice")
    await hear(database, given, "twice")

    assert [json.loads(each["Message"])["messageBody"] for each in topic.received()] == ["once", "twice", "twice"]


async def test_a_topic_that_is_away_gets_it_later(database: Database, settings: Settings, topic: Topic) -> None:
    given = with_numbers(settings, topic)
    away = given.model_copy(update={"sns": AwsService(endpoint_url="http://127.0.0.1:9", credentials=KEY)})
    await hears(database, away)([Inbound(ANA, OURS, "hello")])

    await publish_inbound.run(TaskContext(database, away, "worker"))
    await Worker(database, given).drain()

    assert [json.loads(each["Message"])["messageBody"] for each in topic.received()] == ["hello"]
    assert await left(database) == 0


async def test_what_was_published_is_not_published_again(
    database: Database, settings: Settings, receiver: Receiver
) -> None:
    given = with_url(settings, receiver)
    receiver.answer = lambda got: Answer(500 if b"bad" in got.body else 200)
    await hears(database, given)([Inbound(ANA, OURS, body) for body in ("good", "bad", "fine")])
    await publish_inbound.run(TaskContext(database, given, "worker"))

    receiver.answer = lambda _: Answer()
    await Worker(database, given).drain()

    bodies = [json.loads(each.body)["messageBody"] for each in receiver.received]
    assert sorted(bodies) == ["bad", "bad", "fine", "good"]


async def test_what_nobody_takes_for_three_days_is_given_up(
    database: Database, settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = with_url(settings, receiver)
    receiver.answer = lambda _: Answer(500)
    await hears(database, given)([Inbound(ANA, OURS, "hello")])
    now = datetime.now(UTC)
    monkeypatch.setattr(TaskContext, "now", lambda _: now + timedelta(days=3, minutes=1))

    await Worker(database, given).drain()
    await forget_inbound.run(TaskContext(database, given, "worker"))

    assert await left(database) == 0


async def test_a_url_gets_the_message_itself(database: Database, settings: Settings, receiver: Receiver) -> None:
    await hear(database, with_url(settings, receiver), "hello")

    (received,) = receiver.received
    assert received.headers["content-type"] == "application/json"
    assert json.loads(received.body)["messageBody"] == "hello"


async def test_a_url_into_a_private_network_is_not_called(
    database: Database, settings: Settings, receiver: Receiver
) -> None:
    given = with_url(settings, receiver).model_copy(update={"allowed_private_networks": ()})
    await hears(database, given)([Inbound(ANA, OURS, "hello")])

    await publish_inbound.run(TaskContext(database, given, "worker"))

    assert receiver.received == []


async def test_a_handler_of_the_topic_runs_unchanged_as_a_function(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "replies.py").write_text(HANDLER.format(path=str(tmp_path / "out.jsonl")))
    numbers = {OURS: {"destination": "replies"}}
    functions = {"replies": {"file": f"{tmp_path}/replies.py:handler"}}
    given = Settings(**{**settings.model_dump(), "sms_numbers": numbers, "functions": functions})

    await hear(database, given, "hello", "there")

    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert sorted(map(json.loads, lines)) == [["hello", ANA, OURS], ["there", ANA, OURS]]


async def test_nul_and_halves_of_letters_do_not_hold_up_others(
    database: Database, settings: Settings, topic: Topic
) -> None:
    await hear(database, with_numbers(settings, topic), "a\0b", "\ud83d", "fine", id=None)

    bodies = [json.loads(each["Message"])["messageBody"] for each in topic.received()]
    assert sorted(bodies) == ["?", "a\ufffdb", "fine"]


async def test_a_long_message_is_published_whole_and_once(database: Database, settings: Settings, topic: Topic) -> None:
    given = with_numbers(settings, topic)
    hear_one = hears(database, given)
    parts = [Inbound(ANA, OURS, text, part=Part(7, number, 3)) for number, text in enumerate("abc", 1)]

    await hear_one([parts[2], parts[0]])
    await hear_one([parts[0], Inbound(BEN, OURS, "x", part=Part(7, 1, 2))])
    await Worker(database, given).drain()
    before = topic.received()
    await hear_one([parts[1]])
    await Worker(database, given).drain()

    assert before == []
    assert [json.loads(each["Message"])["messageBody"] for each in topic.received()] == ["abc"]


async def test_a_letter_that_is_cut_between_two_parts_is_whole_again(
    database: Database, settings: Settings, topic: Topic
) -> None:
    given = with_numbers(settings, topic)
    parts = [
        Inbound(ANA, OURS, text, part=Part(9, number, 3))
        for number, text in enumerate(("a\ud83c", "\udf89b\ud83c", "c"), 1)
    ]

    for part in parts:
        await hears(database, given)([part])
    await Worker(database, given).drain()

    assert [json.loads(each["Message"])["messageBody"] for each in topic.received()] == ["a🎉b\ufffdc"]


async def test_what_is_left_of_an_earlier_long_message_does_not_get_into_a_later_one(
    database: Database, settings: Settings, topic: Topic
) -> None:
    given = with_numbers(settings, topic)
    old, first, second = (
        Inbound(ANA, OURS, text, part=Part(7, number, 2)) for text, number in (("old", 2), ("a", 1), ("b", 2))
    )

    # The old one was told again after its message was whole; the later message's comes first.
    await hears(database, given)([old])
    await hears(database, given)([second])
    await hears(database, given)([first])
    await Worker(database, given).drain()

    assert [json.loads(each["Message"])["messageBody"] for each in topic.received()] == ["ab"]


async def test_a_name_is_not_answered(database: Database, settings: Settings) -> None:
    await hears(database, settings)([Inbound("BANK", OURS, "HELP"), Inbound("BANK", OURS, "STOP")])
    await Worker(database, settings).drain()

    async with database.connection() as db:
        assert await db.value(Query("count", "SELECT count(*) FROM mailbox")) == 0


async def test_of_a_number_without_settings_only_opt_outs_are_heeded(database: Database, settings: Settings) -> None:
    await hear(database, settings, "hello", "STOP")

    async with database.connection() as db:
        listed = await db.rows(Query("listed", "SELECT address, reason FROM suppressions"))
    assert listed == [{"address": ANA, "reason": "OPT_OUT"}]


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    """An SMSC that a shop sends by."""
    with running_smsc() as smsc:
        yield smsc


def test_stop_ends_every_message_of_the_account(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    endpoint = {"ChannelType": "SMS", "Address": ANA}
    shop.client.update_endpoint(ApplicationId=shop.app, EndpointId="ana", EndpointRequest=endpoint)
    message_id = shop.send()

    write(smsc, "Stop.")

    result = shop.try_to_send(ANA)
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("OPT_OUT", 400)
    assert result["StatusMessage"] == "Destination phone number opted out"
    assert len(smsc.submits) == 1
    found = shop.client.get_endpoint(ApplicationId=shop.app, EndpointId="ana")["EndpointResponse"]
    assert found["OptOut"] == "NONE"
    told = next(each for each in shop.records() if each["event_type"] == "_SMS.OPTOUT")
    assert told["attributes"]["record_status"] == "OPTED_OUT"
    assert told["attributes"]["message_id"] == message_id
    assert told["attributes"]["destination_phone_number"] == ANA


def test_start_lets_messages_through_again(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    shop.send()

    write(smsc, "STOP")
    write(smsc, "unstop")

    assert shop.try_to_send(ANA)["DeliveryStatus"] == "SUCCESSFUL"


def test_start_does_not_undo_what_the_operator_said(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    shop.send()
    assert shop.raw.send("PUT", "/repoint/v1/suppressions/SMS/%2B12065550101").status == 200

    write(smsc, "START")

    assert shop.try_to_send(ANA)["DeliveryStatus"] == "PERMANENT_FAILURE"


async def test_replies_are_sent_even_to_who_has_opted_out(serve: Serve, smsc: Smsc, database: Database) -> None:
    shop = Shop(serve, smsc)
    shop.send()
    for body in ("STOP", "help", "start"):
        write(smsc, body)

    await Worker(database, shop.settings).drain()

    replies = [bytes.fromhex(each["text"]).decode() for each in smsc.submits[1:]]
    defaults = SmsNumber()
    assert sorted(replies) == sorted([defaults.stop_reply, defaults.help_reply, defaults.start_reply])
    assert {(each["source"], each["destination"]) for each in smsc.submits[1:]} == {(OURS[1:], ANA[1:])}
    assert await left(database) == 0


async def test_a_reply_that_is_not_taken_now_is_sent_later_and_once(
    serve: Serve, smsc: Smsc, database: Database
) -> None:
    shop = Shop(serve, smsc)
    shop.send()
    smsc.does(ANA, "0x58")
    write(smsc, "HELP")
    await publish_inbound.run(TaskContext(database, shop.settings, "worker"))

    smsc.does(ANA, "take")
    await Worker(database, shop.settings).drain()

    assert len(smsc.submits) == 2


async def test_the_last_message_to_somebody_is_told(
    serve: Serve, smsc: Smsc, database: Database, settings: Settings, topic: Topic
) -> None:
    numbers = {OURS: {"destination": topic.arn}}
    shop = Shop(serve, smsc, sms_numbers=numbers)
    shop.send()
    message_id = shop.send()

    write(smsc, "yes")
    await Worker(database, with_numbers(settings, topic)).drain()

    (notification,) = topic.received()
    assert json.loads(notification["Message"])["previousPublishedMessageId"] == message_id


def test_a_worker_is_bound_while_nothing_is_sent(stopped: Any, receiver: Receiver) -> None:
    with running_smsc() as smsc:
        environment = {
            "REPOINT_PROVIDERS": json.dumps({"carrier": {"kind": "sms_smpp", "host": "127.0.0.1", "port": smsc.port}}),
            "REPOINT_SMS_NUMBERS": json.dumps({OURS: {"destination": f"{receiver.url}/replies"}}),
            "REPOINT_ALLOWED_PRIVATE_NETWORKS": '["127.0.0.0/8"]',
        }
        stopped.start(env=environment)
        wait_until(lambda: smsc.ask("about")["links"] == 1)

        smsc.ask("drop")
        wait_until(lambda: len(smsc.ask("about")["binds"]) == 2)
        write(smsc, "hello")
        wait_until(lambda: len(receiver.received) == 1)

    assert json.loads(receiver.received[0].body)["messageBody"] == "hello"


def write(smsc: Smsc, body: str, **fields: Any) -> None:
    """Have Ana write, and wait until it is answered."""
    before = len(smsc.told)
    smsc.deliver(source=ANA[1:], text=body.encode(), **fields)
    wait_until(lambda: len(smsc.told) > before)
    assert smsc.told[-1] == 0


def with_url(settings: Settings, receiver: Receiver) -> Settings:
    """Settings with our number, which publishes to the receiver."""
    given = {"sms_numbers": {OURS: {"destination": f"{receiver.url}/x"}}, "allowed_private_networks": ["127.0.0.0/8"]}
    return Settings(**{**settings.model_dump(), **given})


async def left(database: Database) -> int:
    """How many messages are still to be published or answered."""
    async with database.connection() as db:
        return int(await db.value(COUNT))


HANDLER = """
import json

def handler(event, context):
    for record in event["Records"]:
        message = json.loads(record["Sns"]["Message"])
        told = [message["messageBody"], message["originationNumber"], message["destinationNumber"]]
        with open({path!r}, "a") as out:
            out.write(json.dumps(told) + "\\n")
"""

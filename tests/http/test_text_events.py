"""What End User Messaging tells over SNS of texts and calls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.delivery.receipts import look_for_early_receipts
from repoint.queue import TaskContext
from tests.fixtures.amazon import MESSAGE_ID, Amazon
from tests.fixtures.receiver import Answer
from tests.fixtures.server import Raw, Serve, Server, make_client
from tests.fixtures.topic import Topic, deliver, open_topic

ANA = "+12065550101"


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """The service."""
    with Amazon().running() as amazon:
        yield amazon


@pytest.fixture
def topic(tmp_path: Path) -> Iterator[Topic]:
    """The topic that its events go to."""
    with open_topic(tmp_path) as topic:
        yield topic


@pytest.fixture
def server(serve: Serve, topic: Topic, amazon: Amazon) -> Server:
    """An API that sends by the service and listens to the topic."""
    texts = {"kind": "sms_aws", "receipts": True, **amazon.options(configuration_set="events")}
    calls = {"kind": "voice_aws", **amazon.options(origination_identity="+12065550199")}
    return serve(
        **topic.settings,
        providers={"texts": texts, "calls": calls},
        channel_providers={"SMS": ["texts"], "VOICE": ["calls"]},
    )


@pytest.fixture
def raw(server: Server) -> Raw:
    """Requests by hand."""
    return Raw(server)


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """A boto3 client of it."""
    client = make_client(server)
    yield client
    client.close()


@pytest.fixture
def app(client: Any) -> str:
    """An application that sends texts and makes calls."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"Enabled": True})
    client.update_voice_channel(ApplicationId=app, VoiceChannelRequest={"Enabled": True})
    return app


def send(client: Any, app: str, channel: str = "SMS") -> dict[str, Any]:
    """Send to Ana; what became of it."""
    content = {"SMSMessage": {"Body": "Hi"}, "VoiceMessage": {"Body": "Hi"}}
    request = {"Addresses": {ANA: {"ChannelType": channel}}, "MessageConfiguration": content}
    answer = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]
    result: dict[str, Any] = answer["Result"][ANA]
    return result


def event(amazon: Amazon, kind: str, **members: Any) -> dict[str, Any]:
    """An event about the last message that the service was given."""
    call = amazon.calls[-1][1]
    return {
        "eventType": kind,
        "eventVersion": "1.0",
        "eventTimestamp": 1686975103470,
        "isFinal": True,
        "originationPhoneNumber": "+12065550152",
        "destinationPhoneNumber": call["DestinationPhoneNumber"],
        "isoCountryCode": "US",
        "mcc": "310",
        "mnc": "800",
        "messageId": MESSAGE_ID,
        "messageRequestTimestamp": 1686975103170,
        "messageEncoding": "GSM",
        "messageType": "TRANSACTIONAL",
        "messageStatus": kind.partition("_")[2],
        "messageStatusDescription": "Message has been accepted by phone",
        "context": call["Context"],
        "totalMessageParts": 1,
        "totalMessagePrice": 0.00581,
        "totalCarrierFee": 0.00302,
        **members,
    }


def records(raw: Raw, app: str) -> list[dict[str, Any]]:
    """What is logged, oldest first."""
    return [each["Record"] for each in raw.send("GET", f"/repoint/v1/apps/{app}/events").json["Item"]]


def ends(raw: Raw, app: str) -> list[tuple[str, str]]:
    """What is logged of texts beside that they were handed over."""
    found = [(each["event_type"], each["attributes"]["record_status"]) for each in records(raw, app)]
    return [each for each in found if each[0] != "_SMS.BUFFERED"]


def test_a_receipt_ends_the_message_with_its_price(
    client: Any, raw: Raw, app: str, amazon: Amazon, topic: Topic
) -> None:
    sent = send(client, app)
    before = [each["event_type"] for each in records(raw, app)]

    answer = deliver(raw, topic.delivery(event(amazon, "TEXT_DELIVERED")))

    assert before == ["_SMS.BUFFERED"]
    assert (answer.status, answer.json) == (200, {"Kind": "TEXT_DELIVERED", "Noted": 1, "Unknown": []})
    last = records(raw, app)[-1]
    assert (last["event_type"], last["attributes"]["record_status"]) == ("_SMS.SUCCESS", "DELIVERED")
    assert last["attributes"]["message_id"] == sent["MessageId"]
    assert last["metrics"] == {"price_in_millicents_usd": 581.0}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("TEXT_SUCCESSFUL", ("_SMS.SUCCESS", "SUCCESSFUL")),
        ("TEXT_INVALID", ("_SMS.FAILURE", "INVALID")),
        ("TEXT_INVALID_MESSAGE", ("_SMS.FAILURE", "INVALID_MESSAGE")),
        ("TEXT_UNREACHABLE", ("_SMS.FAILURE", "UNREACHABLE")),
        ("TEXT_CARRIER_UNREACHABLE", ("_SMS.FAILURE", "CARRIER_UNREACHABLE")),
        ("TEXT_BLOCKED", ("_SMS.FAILURE", "BLOCKED")),
        ("TEXT_CARRIER_BLOCKED", ("_SMS.FAILURE", "CARRIER_BLOCKED")),
        ("TEXT_PROTECT_BLOCKED", ("_SMS.FAILURE", "BLOCKED")),
        ("TEXT_SPAM", ("_SMS.FAILURE", "SPAM")),
        ("TEXT_UNKNOWN", ("_SMS.FAILURE", "UNKNOWN")),
        ("TEXT_TTL_EXPIRED", ("_SMS.FAILURE", "TTL_EXPIRED")),
    ],
)
def test_each_kind_has_its_status(  # noqa: PLR0913, PLR0917 - those who take part
    client: Any, raw: Raw, app: str, amazon: Amazon, topic: Topic, kind: str, expected: tuple[str, str]
) -> None:
    send(client, app)

    deliver(raw, topic.delivery(event(amazon, kind, totalMessagePrice=None)))

    assert ends(raw, app) == [expected]
    assert "metrics" not in records(raw, app)[-1]


def test_what_is_not_the_end_says_nothing_and_the_first_end_counts(
    client: Any, raw: Raw, app: str, amazon: Amazon, topic: Topic
) -> None:
    send(client, app)
    for kind in ("TEXT_QUEUED", "TEXT_PENDING", "TEXT_SENT"):
        deliver(raw, topic.delivery(event(amazon, kind)))
    deliver(raw, topic.delivery(event(amazon, "TEXT_SUCCESSFUL", isFinal=False)))
    before = ends(raw, app)

    once = topic.delivery(event(amazon, "TEXT_DELIVERED"))
    for each in (once, once, topic.delivery(event(amazon, "TEXT_UNREACHABLE"))):
        assert deliver(raw, each).status == 200

    assert before == []
    assert ends(raw, app) == [("_SMS.SUCCESS", "DELIVERED")]


async def test_a_receipt_may_come_before_the_answer(  # noqa: PLR0913, PLR0917 - those who take part
    client: Any, raw: Raw, app: str, amazon: Amazon, topic: Topic, database: Database, server: Server
) -> None:
    def tell_at_once(_operation: str, _members: Any) -> None:
        deliver(raw, topic.delivery(event(amazon, "TEXT_DELIVERED")))

    amazon.says = tell_at_once
    send(client, app)
    before = ends(raw, app)

    await look_for_early_receipts.run(TaskContext(database, server.settings, "worker"))

    assert before == []
    assert ends(raw, app) == [("_SMS.SUCCESS", "DELIVERED")]


def test_a_text_in_doubt_ends_as_its_event_says(client: Any, raw: Raw, app: str, amazon: Amazon, topic: Topic) -> None:
    amazon.says = lambda _operation, _members: Answer(200, b"{}")

    sent = send(client, app)
    deliver(raw, topic.delivery(event(amazon, "TEXT_DELIVERED")))

    assert sent["DeliveryStatus"] == "UNKNOWN_FAILURE"
    assert records(raw, app)[0]["attributes"]["record_status"] == "PENDING"
    assert ends(raw, app) == [("_SMS.SUCCESS", "DELIVERED")]


def test_what_is_told_of_others_messages_and_of_calls_is_passed_over(
    client: Any, raw: Raw, app: str, amazon: Amazon, topic: Topic
) -> None:
    send(client, app)
    others = event(amazon, "TEXT_DELIVERED", context={"order": "77"})
    nobodys = event(amazon, "TEXT_DELIVERED", context={"repoint-message-id": "m-1"})
    odd = event(amazon, "TEXT_DELIVERED", context={"repoint-message-id": "m\0"})
    none = event(amazon, "TEXT_DELIVERED", context=None)
    called = send(client, app, "VOICE")
    call = event(amazon, "VOICE_NO_ANSWER", totalMessagePrice=None)

    answers = [deliver(raw, topic.delivery(each)) for each in (others, nobodys, odd, none, call, call)]

    assert called["DeliveryStatus"] == "SUCCESSFUL"
    assert [answer.status for answer in answers] == [200] * 6
    assert ends(raw, app) == []
    page = raw.send_unsigned("GET", "/metrics").body.decode()
    assert 'repoint_topic_messages_total{kind="VOICE_NO_ANSWER"} 2.0' in page
    assert 'repoint_topic_messages_total{kind="TEXT_DELIVERED"} 4.0' in page

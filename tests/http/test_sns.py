"""What Amazon SES tells over SNS: believed when it is signed, and noted once."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from structlog.testing import capture_logs

from repoint.delivery.sns import listener
from repoint.delivery.sns.hosts import certificate_url, subscribe_url
from tests.fixtures.receiver import Answer, Received
from tests.fixtures.server import Raw, Serve, Server, make_client
from tests.fixtures.topic import ARN, CERTIFICATE, CONFIRM, Topic, certificate, deliver, open_topic

SES_ID = "0100018f6f2a1b3c-1a2b3c4d-1111-2222-3333-444455556666-000000"


class _Ses:
    """Takes mail and names it as Amazon SES does."""

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802 - the library's name
        return f"250 Ok {SES_ID}"


@pytest.fixture
def ses() -> Iterator[int]:
    """The port of a mail server that names mail as Amazon SES does."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    controller = Controller(_Ses(), hostname="127.0.0.1", port=port)
    controller.start()
    yield port
    controller.stop()


@pytest.fixture
def topic(tmp_path: Path) -> Iterator[Topic]:
    """A topic with a server for its certificate."""
    with open_topic(tmp_path) as topic:
        yield topic


@pytest.fixture
def server(serve: Serve, topic: Topic, ses: int) -> Server:
    """An API that listens to the topic and sends by Amazon SES."""
    relay = {"kind": "email_smtp", "host": "127.0.0.1", "port": ses, "tls": "none", "tells_of_delivery": True}
    return serve(**topic.settings, providers={"ses": relay}, channel_providers={"EMAIL": ["ses"]})


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """A boto3 client of it."""
    client = make_client(server)
    yield client
    client.close()


@pytest.fixture
def app(client: Any) -> str:
    """An application that sends e-mail."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    email = {"FromAddress": "news@example.com", "Identity": "example.com"}
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=email)
    return app


@pytest.fixture
def raw(server: Server) -> Raw:
    """Requests by hand."""
    return Raw(server)


def send(client: Any, app: str) -> Any:
    """Send a message to Ann; what became of it."""
    content = {"EmailMessage": {"SimpleEmail": {"TextPart": {"Data": "x"}}}}
    request = {"Addresses": {"ann@example.com": {"ChannelType": "EMAIL"}}, "MessageConfiguration": content}
    return client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]["Result"][
        "ann@example.com"
    ]


def kinds(raw: Raw, app: str) -> list[str]:
    """What was logged behind the sending."""
    return [each["event_type"] for each in records(raw, app)][1:]


def records(raw: Raw, app: str) -> list[dict[str, Any]]:
    return [each["Record"] for each in raw.send("GET", f"/repoint/v1/apps/{app}/events").json["Item"]]


def event(kind: str, ses_id: str = SES_ID, *, name: str = "eventType", **members: Any) -> dict[str, Any]:
    """An event as Amazon SES publishes it."""
    mail = {
        "timestamp": "2026-11-22T10:00:00.000Z",
        "source": "news@example.com",
        "messageId": ses_id,
        "destination": ["ann@example.com"],
        "headersTruncated": False,
        "headers": [{"name": "From", "value": "news@example.com"}],
        "commonHeaders": {"from": ["news@example.com"], "messageId": ses_id, "subject": "x"},
        "tags": {"ses:configuration-set": ["all"]},
    }
    return {name: kind, "mail": mail, **members}


def bounce(kind: str = "Permanent", *, feedback_id: str = "f-1", **how: Any) -> dict[str, Any]:
    """A bounce as Amazon SES tells it."""
    recipient = {
        "emailAddress": "ann@example.com",
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 nobody here",
    }
    told = {
        "bounceType": kind,
        "bounceSubType": "General",
        "bouncedRecipients": [recipient],
        "timestamp": "2026-11-22T10:00:01.000Z",
        "feedbackId": feedback_id,
        "reportingMTA": "dsn; a8-50.smtp-out.amazonses.com",
    }
    return event("Bounce", **how, bounce=told)


DELIVERY = {
    "timestamp": "2026-11-22T10:00:02.000Z",
    "processingTimeMillis": 2000,
    "recipients": ["ann@example.com"],
    "smtpResponse": "250 ok: Message 64111812 accepted",
    "reportingMTA": "a8-70.smtp-out.amazonses.com",
}
COMPLAINT = {
    "complainedRecipients": [{"emailAddress": "ann@example.com"}],
    "timestamp": "2026-11-22T10:00:03.000Z",
    "feedbackId": "f-2",
    "userAgent": "Mail report 1.0",
    "complaintFeedbackType": "abuse",
    "arrivalDate": "2026-11-22T10:00:03.000Z",
}
VISIT = {"ipAddress": "192.0.2.1", "timestamp": "2026-11-22T10:00:04.000Z", "userAgent": "Mozilla/5.0"}


@pytest.mark.parametrize("form", [("1", "eventType"), ("2", "eventType"), ("2", "notificationType")])
def test_a_permanent_bounce_is_logged_and_its_address_suppressed(
    client: Any, raw: Raw, app: str, topic: Topic, form: tuple[str, str]
) -> None:
    version, name = form
    sent = send(client, app)

    answer = deliver(raw, topic.delivery(bounce(name=name), version=version, Subject="Amazon SES Email Event"))

    assert (answer.status, answer.json) == (200, {"Kind": "Bounce", "Noted": 1, "Unknown": []})
    assert kinds(raw, app) == ["_email.hardbounce"]
    mail = records(raw, app)[-1]["facets"]["email_channel"]["mail_event"]
    assert mail["mail"]["message_id"] == sent["MessageId"]
    assert mail["bounce"] == {
        "bounce_type": "Permanent",
        "bounce_sub_type": "General",
        "bounced_recipients": [
            {
                "email_address": "ann@example.com",
                "action": "failed",
                "status": "5.1.1",
                "diagnostic_code": "smtp; 550 5.1.1 nobody here",
            }
        ],
        "timestamp": "2026-11-22T10:00:01.000Z",
        "feedback_id": "f-1",
        "reporting_mta": "dsn; a8-50.smtp-out.amazonses.com",
    }
    assert send(client, app)["StatusMessage"] == "Address is suppressed"


def test_a_transient_bounce_suppresses_nobody(client: Any, raw: Raw, app: str, topic: Topic) -> None:
    send(client, app)

    deliver(raw, topic.delivery(bounce("Transient")))
    deliver(raw, topic.delivery(bounce("Undetermined", feedback_id="f-3")))

    assert kinds(raw, app) == ["_email.softbounce", "_email.softbounce"]
    types = [each["facets"]["email_channel"]["mail_event"]["bounce"]["bounce_type"] for each in records(raw, app)[1:]]
    assert types == ["Transient", "Undetermined"]
    assert send(client, app)["DeliveryStatus"] == "SUCCESSFUL"


def test_every_kind_becomes_its_event(client: Any, raw: Raw, app: str, topic: Topic) -> None:
    send(client, app)
    link = {"link": "https://shop.example/", "linkTags": {"unsubscribeLinkTag": ["all"]}}

    for each in (
        event("Send", send={}),
        event("Delivery", delivery=DELIVERY),
        event("DeliveryDelay", deliveryDelay={"delayType": "MailboxFull", "timestamp": "2026-11-22T10:00:01.000Z"}),
        event("Open", open=VISIT),
        event("Click", click={**VISIT, "link": "https://shop.example/a", "linkTags": None}),
        event("Click", click={**VISIT, **link}),
        event("Complaint", complaint=COMPLAINT),
        event("Reject", reject={"reason": "Bad content"}),
        event("Rendering Failure", failure={"errorMessage": "Attribute 'a' is missing", "templateName": "t"}),
        event("Subscription", subscription={}),
    ):
        assert deliver(raw, topic.delivery(each)).status == 200

    assert kinds(raw, app) == [
        "_email.delivered",
        "_email.softbounce",
        "_email.open",
        "_email.click",
        "_email.click",
        "_email.unsubscribe",
        "_email.complaint",
        "_email.rejected",
        "_email.rendering_failure",
    ]
    told = {each["event_type"]: each["facets"]["email_channel"]["mail_event"] for each in records(raw, app)}
    assert told["_email.delivered"]["delivery"]["smtp_response"] == "250 ok: Message 64111812 accepted"
    assert told["_email.delivered"]["delivery"]["reporting_mta"] == "a8-70.smtp-out.amazonses.com"
    assert told["_email.open"]["open"] == {"ip_address": "192.0.2.1", "user_agent": "Mozilla/5.0"}
    assert told["_email.click"]["click"]["link"] == "https://shop.example/"
    assert told["_email.complaint"]["complaint"]["complaint_feedback_type"] == "abuse"
    assert told["_email.rejected"]["reject"] == {"reason": "Bad content"}
    assert told["_email.rendering_failure"]["rendering_failure"]["template_name"] == "t"


def test_what_comes_twice_is_noted_once(client: Any, raw: Raw, app: str, topic: Topic) -> None:
    send(client, app)
    again = topic.delivery(event("Open", open=VISIT))
    soft = topic.delivery(bounce("Transient"))

    answers = [
        deliver(raw, document).json["Noted"]
        for document in (
            again,
            again,
            topic.delivery(event("Open", open=VISIT)),
            soft,
            soft,
            # The same in both forms, over two subscriptions.
            topic.delivery(bounce()),
            topic.delivery(bounce(name="notificationType")),
            topic.delivery(event("Delivery", delivery=DELIVERY)),
            topic.delivery(event("Delivery", name="notificationType", delivery=DELIVERY)),
        )
    ]

    assert answers == [1, 0, 1, 1, 0, 1, 0, 1, 0]


def test_messages_that_nobody_knows_are_passed_over(raw: Raw, app: str, topic: Topic) -> None:
    answers = [
        deliver(raw, topic.delivery(message))
        for message in (
            bounce(ses_id="0100018f6f2a1b3c-99999999-1111-2222-3333-444455556666-000000"),
            "Successfully validated SNS topic for Amazon SES event publishing.",
            {"eventType": "Bounce"},
            event("Bounce", bounce=None),
            event("Bounce", bounce={"bounceType": 1}),
            {"notificationType": ["x"], "mail": {"messageId": SES_ID}},
            "",
            "[" * 5000,
            '{"x":' + "[" * 50_000 + "]" * 50_000 + "}",
        )
    ]

    assert [answer.status for answer in answers] == [200] * len(answers)
    assert [answer.json["Noted"] for answer in answers] == [0] * len(answers)
    assert answers[0].json["Unknown"] == ["0100018f6f2a1b3c-99999999-1111-2222-3333-444455556666-000000"]
    assert records(raw, app) == []


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_a_report_that_takes_a_complaint_back_is_none(client: Any, raw: Raw, app: str, topic: Topic, kind: str) -> None:
    send(client, app)

    told = event("Complaint", complaint={**COMPLAINT, "complaintFeedbackType": kind})
    answer = deliver(raw, topic.delivery(told))

    assert answer.status == 200
    assert kinds(raw, app) == []
    assert send(client, app)["DeliveryStatus"] == "SUCCESSFUL"


def test_letters_that_cannot_be_stored_are_replaced(client: Any, raw: Raw, app: str, topic: Topic) -> None:
    send(client, app)
    recipient = {"status": "5.1.1\0", "diagnosticCode": "no\0body", "action": None}
    told = {"bounceType": "Transient", "feedbackId": "f\0", "bouncedRecipients": [recipient], "reportingMTA": None}

    answers = [
        deliver(raw, topic.delivery(event("Bounce", bounce=told))),
        deliver(raw, topic.delivery(event("Click", click={**VISIT, "link": "https://shop.example/\0"}))),
        deliver(raw, topic.delivery(bounce(ses_id="a\0b"))),
    ]

    assert [answer.status for answer in answers] == [200, 200, 200]
    mail = [each["facets"]["email_channel"]["mail_event"] for each in records(raw, app)[1:]]
    assert mail[0]["bounce"]["bounced_recipients"][0]["diagnostic_code"] == "no\ufffdbody"
    assert mail[1]["click"]["link"] == "https://shop.example/\ufffd"


def altered(document: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {**document, **members}


def stamp(age: timedelta) -> str:
    return (datetime.now(UTC) - age).isoformat(timespec="milliseconds").replace("+00:00", "Z")


FORGED: dict[str, Callable[[Topic], dict[str, Any]]] = {
    "another text": lambda topic: altered(topic.delivery(bounce("Transient")), Message=json.dumps(bounce())),
    "another id": lambda topic: altered(topic.delivery(bounce()), MessageId="m"),
    "a subject added": lambda topic: altered(topic.delivery(bounce()), Subject="s"),
    "no signature": lambda topic: altered(topic.delivery(bounce()), Signature=""),
    "no base64": lambda topic: altered(topic.delivery(bounce()), Signature="*"),
    "the other version": lambda topic: altered(topic.delivery(bounce()), SignatureVersion="2"),
    "two hours old": lambda topic: topic.delivery(bounce(), Timestamp=stamp(timedelta(hours=2))),
    "of the future": lambda topic: topic.delivery(bounce(), Timestamp=stamp(timedelta(hours=-2))),
    "no time": lambda topic: topic.delivery(bounce(), Timestamp="now"),
    "another topic": lambda topic: topic.delivery(bounce(), TopicArn=ARN + "2"),
    "another host": lambda topic: topic.delivery(bounce(), SigningCertURL=f"https://127.0.0.1:1{CERTIFICATE}"),
    "another port": lambda topic: topic.delivery(bounce(), SigningCertURL=f"https://localhost{CERTIFICATE}"),
    "no https": lambda topic: topic.delivery(bounce(), SigningCertURL=f"http://{topic.host}{CERTIFICATE}"),
    "a password": lambda topic: topic.delivery(bounce(), SigningCertURL=f"https://a:b@{topic.host}{CERTIFICATE}"),
    "no certificate": lambda topic: topic.delivery(bounce(), SigningCertURL=f"https://{topic.host}/other.pem"),
    "another's page": lambda topic: topic.delivery(
        bounce(), SigningCertURL="https://sns.us-east-1.amazonaws.com.evil.example/x.pem"
    ),
    "a file": lambda topic: topic.delivery(bounce(), SigningCertURL="file:///etc/passwd"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_what_is_forged_altered_or_old_is_refused(client: Any, raw: Raw, app: str, topic: Topic, forged: str) -> None:
    send(client, app)

    answer = deliver(raw, FORGED[forged](topic))

    assert answer.status == 403
    assert answer.headers["x-amzn-errortype"].startswith("AccessDeniedException")
    assert kinds(raw, app) == []


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"TopicArn": ARN + "2"}, "The topic is none of sns_topics"),
        ({"Timestamp": stamp(timedelta(hours=2))}, "The Timestamp is too far from now"),
    ],
)
def test_the_log_says_why_a_delivery_was_refused(raw: Raw, topic: Topic, members: dict[str, Any], reason: str) -> None:
    with capture_logs() as logs:
        deliver(raw, topic.delivery(bounce(), **members))

    (said,) = [each for each in logs if each["event"] == "A topic's message was refused"]
    assert said["reason"] == reason


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(certificate(age=timedelta(days=3)), id="over"),
        pytest.param(b"no certificate", id="none"),
        pytest.param(certificate() + certificate("other"), id="of nobody's"),
    ],
)
def test_a_certificate_that_is_not_fit_proves_nothing(
    client: Any, raw: Raw, app: str, topic: Topic, pem: bytes
) -> None:
    send(client, app)
    topic.pem = pem

    answer = deliver(raw, topic.delivery(bounce()))

    assert answer.status == 403
    assert kinds(raw, app) == []


def test_the_certificate_is_asked_for_once(raw: Raw, topic: Topic) -> None:
    for _ in range(3):
        assert deliver(raw, topic.delivery(bounce())).status == 200

    assert topic.asked(CERTIFICATE) == 1


def test_sns_comes_again_when_the_certificate_cannot_be_had(client: Any, raw: Raw, app: str, topic: Topic) -> None:
    send(client, app)
    topic.server.answer = lambda received: topic.answer(received).__class__(503)

    first = deliver(raw, topic.delivery(bounce()))
    topic.server.answer = topic.answer
    second = deliver(raw, topic.delivery(bounce()))

    assert (first.status, second.status) == (500, 200)
    assert kinds(raw, app) == ["_email.hardbounce"]


def test_while_one_certificate_is_waited_for_others_are_believed(client: Any, raw: Raw, app: str, topic: Topic) -> None:
    send(client, app)
    deliver(raw, topic.delivery(bounce("Transient")))
    asked, answered = threading.Event(), threading.Event()

    def hang(_: Received) -> Answer:
        asked.set()
        answered.wait(20)
        return Answer(404)

    topic.server.answer = hang
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(deliver, raw, topic.delivery(bounce(), SigningCertURL=f"https://{topic.host}/slow.pem"))
        assert asked.wait(20)
        try:
            answer = deliver(raw, topic.delivery(bounce()))
        finally:
            answered.set()

    assert (answer.status, slow.result().status) == (200, 403)
    assert kinds(raw, app) == ["_email.softbounce", "_email.hardbounce"]


def test_a_certificate_that_was_believed_is_while_it_cannot_be_asked_for_anew(
    client: Any, raw: Raw, app: str, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_KEPT_S", -1)
    send(client, app)
    deliver(raw, topic.delivery(bounce("Transient")))
    for number in range(15):
        deliver(raw, topic.delivery(bounce(), SigningCertURL=f"https://{topic.host}/{number}.pem"))

    answer = deliver(raw, topic.delivery(bounce()))

    assert answer.status == 200
    assert kinds(raw, app) == ["_email.softbounce", "_email.hardbounce"]


def test_certificates_are_not_asked_for_without_end(raw: Raw, topic: Topic) -> None:
    for number in range(15):
        deliver(raw, topic.delivery(bounce(), SigningCertURL=f"https://{topic.host}/{number}.pem"))

    assert topic.asked("/") == 10


def test_a_subscription_to_an_allowed_topic_is_confirmed(raw: Raw, topic: Topic) -> None:
    answer = deliver(raw, topic.subscription())

    assert answer.status == 200
    assert topic.asked(CONFIRM) == 1


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"SubscribeURL": "https://169.254.169.254/?Action=ConfirmSubscription"}, id="another host"),
        pytest.param({"TopicArn": ARN + "2"}, id="another topic"),
        pytest.param({"SubscribeURL": None}, id="no URL"),
    ],
)
def test_other_subscriptions_are_not_confirmed(raw: Raw, topic: Topic, members: dict[str, Any]) -> None:
    answer = deliver(raw, topic.subscription(**members))

    assert answer.status == 403
    assert topic.asked(CONFIRM) == 0


def test_a_subscription_with_another_url_than_was_signed_is_not_confirmed(raw: Raw, topic: Topic) -> None:
    document = topic.subscription()

    answer = deliver(raw, {**document, "SubscribeURL": document["SubscribeURL"] + "&x=1"})

    assert (answer.status, topic.asked(CONFIRM)) == (403, 0)


def test_a_subscription_that_could_not_be_confirmed_comes_again(raw: Raw, topic: Topic) -> None:
    topic.confirm_status = 500

    assert deliver(raw, topic.subscription()).status == 500


def test_who_is_unsubscribed_does_not_come_back(raw: Raw, topic: Topic) -> None:
    answer = deliver(raw, topic.subscription("UnsubscribeConfirmation"))

    assert (answer.status, topic.asked(CONFIRM)) == (200, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"Type": "Notification"}',
        b"\xff",
        b"[" * 100_000,
        b'{"Type":"Other","MessageId":"m"}',
        b'{"Else":' + b"[" * 400_000 + b"]" * 400_000 + b"}",
    ],
)
def test_what_is_no_delivery_is_refused(raw: Raw, body: bytes) -> None:
    assert deliver(raw, body).status == 400


def test_a_delivery_may_be_as_large_as_sns_makes_it(client: Any, raw: Raw, app: str, topic: Topic) -> None:
    send(client, app)

    largest = deliver(raw, topic.delivery({**bounce(), "padding": "x" * 255_000}))
    too_large = deliver(raw, b"x" * (1 << 20) + b"x")

    assert (largest.status, too_large.status) == (200, 413)


def test_without_topics_nobody_is_listened_to(serve: Serve, topic: Topic) -> None:
    raw = Raw(serve())

    assert deliver(raw, topic.delivery(bounce())).status == 404
    assert raw.send_unsigned("GET", "/callbacks/sns").status == 405


def test_private_addresses_are_not_asked_for_certificates(serve: Serve, topic: Topic) -> None:
    raw = Raw(serve(**{**topic.settings, "allowed_private_networks": []}))

    answer = deliver(raw, topic.delivery(bounce()))

    assert (answer.status, topic.asked("/")) == (403, 0)


@pytest.mark.parametrize(
    ("url", "arn", "is_allowed"),
    [
        (f"https://sns.us-east-1.amazonaws.com{CERTIFICATE}", ARN, True),
        (f"https://sns.us-east-1.amazonaws.com:443{CERTIFICATE}", ARN, True),
        (f"https://sns.cn-north-1.amazonaws.com.cn{CERTIFICATE}", ARN.replace("us-east-1", "cn-north-1"), True),
        (f"https://sns.eu-west-1.amazonaws.com{CERTIFICATE}", ARN, False),
        (f"https://sns.us-east-1.amazonaws.com:8443{CERTIFICATE}", ARN, False),
        (f"http://sns.us-east-1.amazonaws.com{CERTIFICATE}", ARN, False),
        (f"https://sns.us-east-1.amazonaws.com.evil.example{CERTIFICATE}", ARN, False),
        (f"https://evil.example#sns.us-east-1.amazonaws.com{CERTIFICATE}", ARN, False),
        (f"https://evil.example\\@sns.us-east-1.amazonaws.com{CERTIFICATE}", ARN, False),
        ("https://sns.us-east-1.amazonaws.com/evil.pem", ARN, False),
        (f"https://sns.us-east-1.amazonaws.com{CERTIFICATE}?a=b", ARN, False),
        (f"https://sns.us-east-1.amazonaws.com/bucket/..{CERTIFICATE}/x", ARN, False),
        ("", ARN, False),
    ],
)
def test_certificates_come_from_sns_itself(url: str, arn: str, is_allowed: bool) -> None:  # noqa: FBT001 - a parameter
    if is_allowed:
        assert certificate_url(url, arn, ()).host.startswith("sns.")
        return
    with pytest.raises(Exception, match="SigningCertURL"):
        certificate_url(url, arn, ())


def test_only_a_confirmation_is_called_at_sns() -> None:
    base = "https://sns.us-east-1.amazonaws.com/"

    assert subscribe_url(f"{base}?Action=ConfirmSubscription&TopicArn={ARN}&Token=t", ARN, ()).host
    for other in (f"{base}?Action=DeleteTopic&TopicArn={ARN}", f"{base}?Action=ConfirmSubscription&TopicArn=a", base):
        with pytest.raises(Exception, match="SubscribeURL"):
            subscribe_url(other, ARN, ())

"""NoteBounce: a mail that came back, handed over."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.delivery.bounces import mails
from tests.fixtures.server import Raw, Serve, Server, make_client

PATH = "/repoint/v1/bounces"


@pytest.fixture
def server(serve: Serve) -> Server:
    """An API as it is when nothing is set."""
    return serve()


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
    email = {"FromAddress": "news@shop.example", "Identity": "shop.example"}
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=email)
    return app


@pytest.fixture
def raw(server: Server) -> Raw:
    """Requests by hand."""
    return Raw(server)


def send(client: Any, app: str) -> Any:
    """Send a message to Ann; what became of it."""
    content = {"EmailMessage": {"SimpleEmail": {"TextPart": {"Data": "x"}}}}
    request = {"Addresses": {"ann@example.net": {"ChannelType": "EMAIL"}}, "MessageConfiguration": content}
    answer = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]
    return answer["Result"]["ann@example.net"]


def about(mail: bytes, message_id: str) -> bytes:
    return mail.replace(mails.MESSAGE_ID.encode(), message_id.encode())


def kinds(raw: Raw, app: str) -> list[str]:
    items = raw.send("GET", f"/repoint/v1/apps/{app}/events").json["Item"]
    return [each["Record"]["event_type"] for each in items]


def test_a_hard_bounce_is_logged_once_and_its_address_suppressed(client: Any, raw: Raw, app: str) -> None:
    message_id = send(client, app)["MessageId"]

    first = raw.send("POST", PATH, about(mails.POSTFIX, message_id))
    again = raw.send("POST", PATH, about(mails.POSTFIX, message_id))
    other = raw.send("POST", PATH, about(mails.EXCHANGE, message_id))

    assert (first.status, first.json) == (200, {"Kind": "hardbounce", "Noted": 1})
    assert [again.json["Noted"], other.json["Noted"]] == [0, 0]
    assert kinds(raw, app) == ["_email.send", "_email.delivered", "_email.hardbounce"]
    assert send(client, app)["StatusMessage"] == "Address is suppressed"


def test_soft_bounces_are_logged_as_often_as_they_come(client: Any, raw: Raw, app: str) -> None:
    message_id = send(client, app)["MessageId"]
    delayed = about(mails.POSTFIX_DELAYED, message_id)

    for mail in (delayed, delayed, delayed.replace(b"report-1@", b"report-2@")):
        raw.send("POST", PATH, mail)

    assert kinds(raw, app)[2:] == ["_email.softbounce", "_email.softbounce"]
    assert send(client, app)["DeliveryStatus"] == "SUCCESSFUL"


def test_a_complaint_is_logged_and_its_address_suppressed(client: Any, raw: Raw, app: str) -> None:
    message_id = send(client, app)["MessageId"]

    answer = raw.send("POST", PATH, about(mails.ABUSE, message_id))

    assert answer.json == {"Kind": "complaint", "Noted": 1}
    assert kinds(raw, app)[2:] == ["_email.complaint"]
    assert send(client, app)["StatusMessage"] == "Address is suppressed"


def test_what_a_relay_has_taken_is_delivered_once(client: Any, raw: Raw, app: str) -> None:
    message_id = send(client, app)["MessageId"]

    answer = raw.send("POST", PATH, about(mails.DELIVERED, message_id))

    assert answer.json == {"Kind": "delivered", "Noted": 0}
    assert kinds(raw, app) == ["_email.send", "_email.delivered"]


@pytest.mark.parametrize("mail", [b"", b"\0", b"x" * 3_000_000, mails.VACATION, mails.POSTFIX])
def test_mails_that_tell_nothing_are_passed_over(raw: Raw, app: str, mail: bytes) -> None:
    answer = raw.send("POST", PATH, mail)

    assert (answer.status, answer.json["Noted"]) == (200, 0)
    assert kinds(raw, app) == []


def test_addresses_stay_free_where_the_operator_says_so(serve: Serve) -> None:
    server = serve(suppress_bounced=False)
    client, raw = make_client(server), Raw(server)
    app = client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"]
    email = {"FromAddress": "news@shop.example", "Identity": "shop.example"}
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=email)

    answer = raw.send("POST", PATH, about(mails.POSTFIX, send(client, app)["MessageId"]))

    assert answer.json["Noted"] == 1
    assert send(client, app)["DeliveryStatus"] == "SUCCESSFUL"
    client.close()


def test_a_key_needs_the_right_to_it(client: Any, raw: Raw, app: str) -> None:
    message_id = send(client, app)["MessageId"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "mobiletargeting:*", "Resource": "*"}],
    }
    made = raw.send("POST", "/repoint/v1/keys", {"Name": "app", "Policy": policy}).json
    raw.key = type(raw.key)(made["AccessKeyId"], made["SecretAccessKey"])

    answer = raw.send("POST", PATH, about(mails.POSTFIX, message_id))

    assert answer.status == 403

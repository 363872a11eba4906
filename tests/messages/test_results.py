"""What is told of each recipient: the rows of channels.md section 2, Result, that ask for a provider.

The others are in test_operations.py, those of notifications in test_push.py, that of the opt-out list is in
delivery/two_way/test_inbound.py.
"""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.fixtures.amazon import Amazon, error
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.fixtures.server import Serve, Server, make_client

TIMEOUT_S = 0.5


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """SES."""
    with Amazon().running() as amazon:
        yield amazon


@pytest.fixture
def server(serve: Serve, amazon: Amazon, receiver: Receiver) -> Server:
    """Texts go to a gateway, e-mail to SES."""
    gateway = {
        "kind": "sms_http",
        "url": receiver.url + "/send",
        "form": {"To": "{address}"},
        "status_at": "/status",
        "temporary": ["busy"],
        "connect_timeout_s": TIMEOUT_S,
        "answer_timeout_s": TIMEOUT_S,
    }
    providers = {"texts": gateway, "ses": {"kind": "email_ses", **amazon.options()}}
    return serve(providers=providers, channel_providers={"SMS": ["texts"], "EMAIL": ["ses"]})


@pytest.fixture
def app(client: Any) -> str:
    """An application with both channels."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"SenderId": "SHOP"})
    channel = {"FromAddress": "shop@example.com", "Identity": "example.com"}
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=channel)
    return app


def send(client: Any, app: str, channel_type: str, address: str, message: dict[str, Any]) -> dict[str, Any]:
    """What is told of one address."""
    request = {"Addresses": {address: {"ChannelType": channel_type}}, "MessageConfiguration": message}
    answer = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]
    result: dict[str, Any] = answer["Result"][address]
    return result


@pytest.mark.parametrize(
    ("answer", "told", "text"),
    [
        (Answer(200, b'{"status":"ok"}'), ("SUCCESSFUL", 200), None),
        (Answer(429, headers={"Retry-After": "1"}), ("THROTTLED", 429), ""),
        (Answer(503), ("TEMPORARY_FAILURE", 500), ""),
        (Answer(200, b'{"status":"busy"}'), ("TEMPORARY_FAILURE", 500), ""),
        (Answer(400, b'{"status":"bad"}'), ("PERMANENT_FAILURE", 400), ""),
        (Answer(is_dropped=True), ("UNKNOWN_FAILURE", 500), "the connection to the gateway broke"),
        (None, ("UNKNOWN_FAILURE", 504), "the gateway did not answer in time"),
    ],
)
def test_a_text_is_told_as_it_ended(  # noqa: PLR0913, PLR0917 - two of them are the row
    client: Any, app: str, receiver: Receiver, answer: Answer | None, told: tuple[str, int], text: str | None
) -> None:
    def answered(_: Received) -> Answer:
        if answer is None:
            time.sleep(TIMEOUT_S * 4)
        return answer or Answer()

    receiver.answer = answered

    result = send(client, app, "SMS", "+14255550199", {"SMSMessage": {"Body": "Hi"}})

    assert (result["DeliveryStatus"], result["StatusCode"]) == told
    [asked] = receiver.received
    assert parse_qs(asked.body.decode()) == {"To": ["+14255550199"]}
    if text is None:
        assert result["StatusMessage"] == f"MessageId: {result['MessageId']}"
        assert len(result["MessageId"]) == 40
    else:
        assert "MessageId" not in result
        assert text in result["StatusMessage"]


def test_a_gateway_that_is_not_there_is_a_failure_that_may_pass(app: str, serve: Serve) -> None:
    gateway = {"kind": "sms_http", "url": "http://127.0.0.1:1/send", "form": {"To": "{address}"}}
    nowhere = make_client(serve(providers={"texts": gateway}, channel_providers={"SMS": ["texts"]}))

    result = send(nowhere, app, "SMS", "+14255550199", {"SMSMessage": {"Body": "Hi"}})

    assert (result["DeliveryStatus"], result["StatusCode"]) == ("TEMPORARY_FAILURE", 500)
    assert result["StatusMessage"].startswith("the gateway cannot be reached")
    nowhere.close()


def test_an_email_that_may_not_be_sent_says_why(client: Any, app: str, amazon: Amazon) -> None:
    refusal = "User is not authorized to perform ses:SendEmail on resource arn:aws:ses:eu-west-1:0:identity/example.com"
    amazon.says = lambda _operation, _members: error("AccessDeniedException", refusal, status=403)

    result = send(client, app, "EMAIL", "ann@example.com", {"EmailMessage": {"Body": "Hi"}})

    assert result == {"DeliveryStatus": "PERMANENT_FAILURE", "StatusCode": 403, "StatusMessage": refusal}


def test_an_email_that_was_taken_tells_its_id(client: Any, app: str, amazon: Amazon) -> None:
    result = send(client, app, "EMAIL", "ann@example.com", {"EmailMessage": {"Body": "Hi"}})

    assert (result["DeliveryStatus"], result["StatusCode"]) == ("SUCCESSFUL", 200)
    assert result["StatusMessage"] == result["MessageId"]
    assert len(amazon.taken) == 1
    assert "example.com" in json.dumps(amazon.taken)


def test_who_answers_is_asked_once(client: Any, app: str, receiver: Receiver) -> None:
    """Failed recipients are not tried again."""
    receiver.answer = lambda _: Answer(503)

    send(client, app, "SMS", "+14255550199", {"SMSMessage": {"Body": "Hi"}})

    assert len(receiver.received) == 1

"""SendMessages to Amazon's services: e-mail to moto's SES, texts and calls to a server that answers as theirs do."""

import json
from collections.abc import Iterator
from email import message_from_string, policy
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest

from tests.fixtures.amazon import MESSAGE_ID, Amazon, error
from tests.fixtures.s3 import moto_client, running_moto
from tests.fixtures.server import Serve, Server, make_client

Client = Any
SHOP = "shop@moto.example"


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """End User Messaging."""
    with Amazon().running() as amazon:
        yield amazon


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    """A server of moto's that nobody else uses: it cannot show all that others keep there."""
    with running_moto() as url:
        yield url


@pytest.fixture
def server(serve: Serve, amazon: Amazon, moto_url: str) -> Server:
    """E-mail goes to moto, texts and calls to the other."""
    test = {"access_key_id": "test", "secret_access_key": "test"}
    providers = {
        "ses": {"kind": "email_ses", "endpoint_url": moto_url, "credentials": test},
        "texts": {"kind": "sms_aws", **amazon.options()},
        "calls": {"kind": "voice_aws", **amazon.options(origination_identity="+12065550100")},
    }
    channels = {"EMAIL": ["ses"], "SMS": ["texts"], "VOICE": ["calls"]}
    return serve(providers=providers, channel_providers=channels)


@pytest.fixture
def app(client: Client, moto_url: str) -> str:
    """An application with the three channels, whose sender SES knows."""
    ses = moto_client("ses", moto_url)
    ses.verify_email_identity(EmailAddress=SHOP)
    ses.close()
    app: str = client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"]
    client.update_email_channel(
        ApplicationId=app, EmailChannelRequest={"FromAddress": f"Bücher <{SHOP}>", "Identity": "moto.example"}
    )
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"SenderId": "SHOP"})
    client.update_voice_channel(ApplicationId=app, VoiceChannelRequest={"Enabled": True})
    return app


def send(client: Client, app: str, channel_type: str, addresses: list[str], message: dict[str, Any]) -> dict[str, Any]:
    """What is told of each address."""
    request = {
        "Addresses": {address: {"ChannelType": channel_type} for address in addresses},
        "MessageConfiguration": message,
    }
    answer = client.send_messages(ApplicationId=app, MessageRequest=request)
    told: dict[str, Any] = answer["MessageResponse"]["Result"]
    return told


def noted(database_url: str, message_id: str) -> str | None:
    """What the service calls a message that has gone out."""
    with psycopg.connect(database_url) as connection:
        asked = "SELECT provider_message_id FROM sent_messages WHERE message_id = %s"
        (found,) = connection.execute(asked, (message_id,)).fetchall()
    return None if found[0] is None else str(found[0])


def test_an_email_reaches_ses_and_is_known_by_its_id_there(
    client: Client, app: str, database_url: str, moto_url: str
) -> None:
    parts = {"Subject": {"Data": "Für {{Address}}"}, "TextPart": {"Data": "Hi"}, "HtmlPart": {"Data": "<p>Hi</p>"}}

    told = send(client, app, "EMAIL", ["ann@example.com"], {"EmailMessage": {"SimpleEmail": parts}})["ann@example.com"]

    assert (told["DeliveryStatus"], told["StatusCode"]) == ("SUCCESSFUL", 200)
    assert told["StatusMessage"] == told["MessageId"]
    provider_message_id = noted(database_url, told["MessageId"])
    with urlopen(f"{moto_url}/moto-api/data.json") as answer:  # noqa: S310 - on this machine
        (taken,) = [each for each in json.load(answer)["ses"]["RawMessage"] if each["id"] == provider_message_id]
    mail = message_from_string(taken["raw_data"], policy=policy.default)
    assert (mail["From"], mail["To"], mail["Subject"]) == (f"Bücher <{SHOP}>", "ann@example.com", "Für ann@example.com")
    assert taken["destinations"][0] == "ann@example.com"


@pytest.mark.parametrize("content", [{"Body": "Hi"}, {"RawEmail": {"Data": b"From: shop@moto.example\n\nHi\n"}}])
def test_the_channels_configuration_set_goes_along(serve: Serve, amazon: Amazon, content: dict[str, Any]) -> None:
    ses = {"kind": "email_ses", **amazon.options()}
    client = make_client(serve(providers={"ses": ses}, channel_providers={"EMAIL": ["ses"]}))
    app = client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"]
    channel = {"FromAddress": SHOP, "Identity": "moto.example", "ConfigurationSet": "shop"}
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=channel)

    send(client, app, "EMAIL", ["ann@example.com"], {"EmailMessage": content})
    client.close()

    ((_, members),) = amazon.taken
    assert members["ConfigurationSetName"] == "shop"


def test_who_is_not_verified_at_ses_is_told_so(client: Client, app: str) -> None:
    message = {"EmailMessage": {"FromAddress": "other@moto.example", "Body": "Hi"}}

    told = send(client, app, "EMAIL", ["ann@example.com"], message)["ann@example.com"]

    assert told == {
        "DeliveryStatus": "PERMANENT_FAILURE",
        "StatusCode": 400,
        "StatusMessage": "MessageRejected: Did not have authority to send from email other@moto.example",
    }


def test_a_text_comes_from_the_channels_sender(client: Client, app: str, amazon: Amazon, database_url: str) -> None:
    told = send(client, app, "SMS", ["+1 425 555 0199"], {"SMSMessage": {"Body": "Hi {{Address}}"}})["+1 425 555 0199"]

    assert (told["DeliveryStatus"], told["StatusMessage"]) == ("SUCCESSFUL", f"MessageId: {told['MessageId']}")
    assert amazon.taken == [
        (
            "SendTextMessage",
            {
                "DestinationPhoneNumber": "+14255550199",
                "OriginationIdentity": "SHOP",
                "MessageBody": "Hi +1 425 555 0199",
                "MessageType": "TRANSACTIONAL",
                "Context": {"repoint-message-id": told["MessageId"], "repoint-application-id": app},
            },
        )
    ]
    assert noted(database_url, told["MessageId"]) == MESSAGE_ID


def test_each_text_is_told_as_it_ended(client: Client, app: str, amazon: Amazon) -> None:
    answers = {
        "+14255550102": error("ConflictException", "no", Reason="DESTINATION_PHONE_NUMBER_OPTED_OUT"),
        "+14255550103": error("ThrottlingException", "Rate exceeded"),
        "+14255550104": error("AccessDeniedException", "User is not authorized to perform sms-voice:SendTextMessage"),
    }
    amazon.says = lambda _, members: answers.get(members["DestinationPhoneNumber"])

    told = send(client, app, "SMS", ["+14255550101", *answers], {"SMSMessage": {"Body": "Hi"}})

    assert {address: (each["DeliveryStatus"], each["StatusCode"]) for address, each in told.items()} == {
        "+14255550101": ("SUCCESSFUL", 200),
        "+14255550102": ("OPT_OUT", 400),
        "+14255550103": ("THROTTLED", 429),
        "+14255550104": ("PERMANENT_FAILURE", 403),
    }
    assert told["+14255550104"]["StatusMessage"] == "User is not authorized to perform sms-voice:SendTextMessage"


def test_a_call_speaks_the_messages_language(client: Client, app: str, amazon: Amazon) -> None:
    message = {"VoiceMessage": {"Body": "<speak>Hallo</speak>", "LanguageCode": "de-DE"}}

    told = send(client, app, "VOICE", ["+14255550199"], message)["+14255550199"]

    assert (told["DeliveryStatus"], told["StatusMessage"]) == ("SUCCESSFUL", f"MessageId: {told['MessageId']}")
    ((operation, members),) = amazon.taken
    assert operation == "SendVoiceMessage"
    assert members["OriginationIdentity"] == "+12065550100"
    assert (members["MessageBody"], members["MessageBodyTextType"]) == ("<speak>Hallo</speak>", "SSML")
    assert members["VoiceId"] == "VICKI"

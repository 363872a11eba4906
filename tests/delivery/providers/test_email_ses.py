"""E-mail by SES: on moto's server as it works, on one of the test's own for what is asked of it."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from repoint.delivery.message import Email, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.discover import discover
from tests.delivery.providers.ways import opening
from tests.fixtures.amazon import MESSAGE_ID, Amazon
from tests.fixtures.messages import APPLICATION, HEAD, email
from tests.fixtures.s3 import moto_client

discover()

MIME = HEAD + b"\r\nHi\r\n"


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """A service that takes everything."""
    with Amazon().running() as amazon:
        yield amazon


async def send(options: dict[str, Any], message: Message) -> Outcome:
    async with opening("email_ses", options, [])() as provider:
        (outcome,) = await provider.send([message])
    return outcome


async def asked(amazon: Amazon, message: Message, **options: Any) -> dict[str, Any]:
    """The call that is made for this message."""
    outcome = await send(amazon.options(**options), message)

    assert outcome == Outcome(Status.SUCCESSFUL, 200, f"MessageId: {MESSAGE_ID}", MESSAGE_ID)
    ((operation, members),) = amazon.taken
    assert operation == "SendEmail"
    return members


def mail(sender: str = "shop@example.com", mime: bytes = MIME, **content: Any) -> Message:
    """An e-mail; bounces go to `sender`."""
    return replace(email(), content=Email(sender, mime, "Shop <shop@example.com>", "Hello", **content))


async def test_the_finished_text_goes_to_the_address_with_what_names_it(amazon: Amazon) -> None:
    members = await asked(amazon, mail(), configuration_set="events")

    assert b64decode(members["Content"].pop("Raw")["Data"]) == MIME
    assert members == {
        "FromEmailAddress": "Shop <shop@example.com>",
        "Destination": {"ToAddresses": ["user1@example.com"]},
        "Content": {},
        "EmailTags": [
            {"Name": "repoint-message-id", "Value": "m-1"},
            {"Name": "repoint-application-id", "Value": APPLICATION},
        ],
        "ConfigurationSetName": "events",
    }


async def test_the_channels_configuration_set_goes_before_the_providers(amazon: Amazon) -> None:
    members = await asked(amazon, mail(configuration_set="shop"), configuration_set="events")

    assert members["ConfigurationSetName"] == "shop"


async def test_bounces_go_where_the_message_says(amazon: Amazon) -> None:
    members = await asked(amazon, mail("bounces@bücher.example"))

    assert members["FeedbackForwardingEmailAddress"] == "bounces@xn--bcher-kva.example"
    assert "ConfigurationSetName" not in members


async def test_a_name_beyond_ascii_stays_as_it_is_written_in_the_text(amazon: Amazon) -> None:
    written = b"From: =?utf-8?q?B=C3=BCcher?=\r\n <shop@example.com>\r\n"

    members = await asked(amazon, mail(mime=written + b"Subject: x\n\nHi\n"))

    assert members["FromEmailAddress"] == "=?utf-8?q?B=C3=BCcher?= <shop@example.com>"
    assert b64decode(members["Content"]["Raw"]["Data"]) == written + b"Subject: x\r\n\r\nHi\r\n"


@pytest.mark.parametrize(
    ("origin", "tags"),
    [
        (
            {"campaign_id": "c1", "treatment_id": "0", "campaign_activity_id": "a1"},
            {"repoint-campaign-id": "c1", "repoint-treatment-id": "0", "repoint-campaign-activity-id": "a1"},
        ),
        ({"journey_id": "j1", "journey_activity_id": "no tag: ü"}, {"repoint-journey-id": "j1"}),
    ],
)
async def test_tags_name_the_campaign(amazon: Amazon, origin: Mapping[str, str], tags: Mapping[str, str]) -> None:
    members = await asked(amazon, mail(origin=origin))

    told = {tag["Name"]: tag["Value"] for tag in members["EmailTags"]}
    assert told == {"repoint-message-id": "m-1", "repoint-application-id": APPLICATION, **tags}


async def test_what_is_no_address_is_refused_without_a_call(amazon: Amazon) -> None:
    outcome = await send(amazon.options(), email(address="nobody at example.com"))

    assert outcome == Outcome(Status.PERMANENT_FAILURE, 400, "not an e-mail address")
    assert amazon.calls == []


async def test_moto_takes_what_comes_from_a_verified_domain_and_rejects_the_rest(s3_endpoint_url: str) -> None:
    ses = moto_client("sesv2", s3_endpoint_url)
    ses.create_email_identity(EmailIdentity="verified.example")
    ses.close()
    options = {
        "endpoint_url": s3_endpoint_url,
        "credentials": {"access_key_id": "test", "secret_access_key": "test"},
    }
    mime = b"From: Shop <shop@verified.example>\r\nSubject: Hello\r\n\r\nHi\r\n"

    taken = await send(options, mail("shop@verified.example", mime))
    rejected = await send(options, mail())

    assert taken.is_sent
    assert taken.provider_message_id
    assert taken.detail == f"MessageId: {taken.provider_message_id}"
    detail = "MessageRejected: Did not have authority to send from email shop@example.com"
    assert rejected == Outcome(Status.PERMANENT_FAILURE, 400, detail)


async def test_deliveries_that_ses_tells_of_are_not_taken_for_granted(amazon: Amazon) -> None:
    assert not (await send(amazon.options(), mail())).tells_of_delivery
    assert (await send(amazon.options(tells_of_delivery=True), mail())).tells_of_delivery

"""Text messages by End User Messaging: what is asked of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from repoint.delivery.message import Sms
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.routes import RouteError, read_routes
from repoint.discover import discover
from repoint.settings import Settings
from tests.delivery.providers.ways import opening
from tests.fixtures.amazon import MESSAGE_ID, Amazon
from tests.fixtures.messages import APPLICATION, sms

discover()

NUMBER, POOL = "+12065550199", "pool-0123456789abcdef"


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """A service that takes everything."""
    with Amazon().running() as amazon:
        yield amazon


async def asked(amazon: Amazon, content: Sms, **options: Any) -> dict[str, Any]:
    """The call that is made for this message."""
    async with opening("sms_aws", amazon.options(**options), [])() as provider:
        outcomes = await provider.send([replace(sms(), content=content)])

    assert outcomes == [Outcome(Status.SUCCESSFUL, 200, f"MessageId: {MESSAGE_ID}", MESSAGE_ID)]
    ((operation, members),) = amazon.taken
    assert operation == "SendTextMessage"
    return members


async def test_all_that_a_message_says_goes_along(amazon: Amazon) -> None:
    content = Sms("Grüße 🎉", "PROMOTIONAL", NUMBER, None, "SHOP", "https://example.com/a.png", "entity", "template")

    members = await asked(amazon, content, configuration_set="events", origination_identity=POOL)

    assert members == {
        "DestinationPhoneNumber": "+12065550001",
        "OriginationIdentity": NUMBER,
        "MessageBody": "Grüße 🎉",
        "MessageType": "PROMOTIONAL",
        "Keyword": "SHOP",
        "DestinationCountryParameters": {"IN_ENTITY_ID": "entity", "IN_TEMPLATE_ID": "template"},
        "ConfigurationSetName": "events",
        "Context": {"repoint-message-id": "m-1", "repoint-application-id": APPLICATION},
    }


async def test_what_nobody_has_said_is_left_to_the_service(amazon: Amazon) -> None:
    assert await asked(amazon, Sms("Hi", "TRANSACTIONAL")) == {
        "DestinationPhoneNumber": "+12065550001",
        "MessageBody": "Hi",
        "MessageType": "TRANSACTIONAL",
        "Context": {"repoint-message-id": "m-1", "repoint-application-id": APPLICATION},
    }


@pytest.mark.parametrize(
    ("number", "sender_id", "identity", "expected"),
    [
        (NUMBER, "SHOP", POOL, NUMBER),
        (None, "SHOP", POOL, "SHOP"),
        (None, None, POOL, POOL),
        (None, None, None, None),
    ],
)
async def test_a_number_goes_before_a_sender_id_and_both_before_the_option(
    amazon: Amazon, number: str | None, sender_id: str | None, identity: str | None, expected: str | None
) -> None:
    content = Sms("Hi", "TRANSACTIONAL", number, sender_id)

    members = await asked(amazon, content, origination_identity=identity)

    assert members.get("OriginationIdentity") == expected


@pytest.mark.parametrize(
    ("option", "mistake"),
    [
        ({"origination_identity": "no identity"}, "providers.texts.origination_identity: String should match"),
        ({"endpoint_url": "ftp://example.com"}, "providers.texts.endpoint_url: String should match"),
        ({"credentials": {"access_key_id": "a"}}, "providers.texts.credentials.secret_access_key: Field required"),
        ({"ca_file": "/nowhere/ca.pem"}, "providers.texts.ca_file: Path does not point to a file"),
        ({"password": "a-secret"}, "providers.texts.password: Extra inputs are not permitted"),
    ],
)
def test_options_that_do_not_fit_are_told_by_name(option: dict[str, Any], mistake: str) -> None:
    settings = Settings.model_validate({"providers": {"texts": {"kind": "sms_aws", **option}}})

    with pytest.raises(RouteError) as caught:
        read_routes(settings)

    assert str(caught.value).startswith(mistake)
    assert "a-secret" not in str(caught.value)

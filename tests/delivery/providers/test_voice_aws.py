"""Calls by End User Messaging: what is asked of it, and what is not."""

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import get_session
from msgspec.structs import replace

from repoint.delivery.message import Message, Voice
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.providers import voice_aws
from repoint.delivery.providers.voice_aws import VOICES
from repoint.discover import discover
from tests.delivery.providers.ways import opening
from tests.fixtures.amazon import MESSAGE_ID, Amazon
from tests.fixtures.messages import APPLICATION, sms

discover()

NUMBER = "+12065550199"


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """A service that takes everything."""
    with Amazon().running() as amazon:
        yield amazon


def call(body: str = "Hi", **content: Any) -> Message:
    return replace(sms(), channel_type="VOICE", content=Voice(body, **{"origination_number": NUMBER, **content}))


async def send(amazon: Amazon, message: Message, **options: Any) -> Outcome:
    async with opening("voice_aws", amazon.options(**options), [])() as provider:
        (outcome,) = await provider.send([message])
    return outcome


async def asked(amazon: Amazon, message: Message, **options: Any) -> dict[str, Any]:
    """The call of the API that is made for this message."""
    outcome = await send(amazon, message, **options)

    assert outcome == Outcome(Status.SUCCESSFUL, 200, f"MessageId: {MESSAGE_ID}", MESSAGE_ID)
    ((operation, members),) = amazon.taken
    assert operation == "SendVoiceMessage"
    return members


async def test_all_that_a_message_says_goes_along(amazon: Amazon) -> None:
    message = call("<speak>Hi</speak>", language_code="en-GB", voice_id="Brian")

    members = await asked(amazon, message, configuration_set="events", origination_identity="+12065550188")

    assert members == {
        "DestinationPhoneNumber": "+12065550001",
        "OriginationIdentity": NUMBER,
        "MessageBody": "<speak>Hi</speak>",
        "MessageBodyTextType": "SSML",
        "VoiceId": "BRIAN",
        "ConfigurationSetName": "events",
        "Context": {"repoint-message-id": "m-1", "repoint-application-id": APPLICATION},
    }


@pytest.mark.parametrize(
    ("language_code", "voice"), [("de-DE", "VICKI"), ("DE-de", "VICKI"), ("en-GB-WLS", "GERAINT"), (None, None)]
)
async def test_a_language_has_a_voice_of_its_own(amazon: Amazon, language_code: str | None, voice: str | None) -> None:
    members = await asked(amazon, call(language_code=language_code))

    assert members.get("VoiceId") == voice
    assert members["MessageBodyTextType"] == "TEXT"


async def test_a_message_without_a_number_comes_from_the_options(amazon: Amazon) -> None:
    members = await asked(amazon, call(origination_number=None), origination_identity="pool-1")

    assert members["OriginationIdentity"] == "pool-1"


async def test_three_thousand_characters_may_be_spoken(amazon: Amazon) -> None:
    members = await asked(amazon, call(f"<speak><p>{'x' * 3000}</p></speak>"))

    assert len(members["MessageBody"]) == 3022


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        (
            call(origination_number=None),
            "Missing OriginationNumber: neither the message nor the provider's origination_identity has one",
        ),
        (call("x" * 3001), "Invalid Message: 3,001 characters are to be spoken, and 3,000 may be"),
        (
            call(f"<speak>{'x' * 3001}</speak>"),
            "Invalid Message: 3,001 characters are to be spoken, and 3,000 may be",
        ),
        (call(f"<speak>{'<p></p>' * 900}</speak>"), "Invalid Message: 6,315 characters with SSML, and 6,000 may be"),
        (call(language_code="fi-FI"), "Invalid LanguageCode: fi-FI has no voice of its own; name a VoiceId"),
    ],
)
async def test_what_nobody_can_be_called_with_is_refused_without_a_call(
    amazon: Amazon, message: Message, detail: str
) -> None:
    assert await send(amazon, message) == Outcome(Status.PERMANENT_FAILURE, 400, detail)
    assert amazon.calls == []


def test_voices_are_those_of_the_service_and_those_that_are_told() -> None:
    model = get_session().get_service_model("pinpoint-sms-voice-v2")
    known = set(model.shape_for("VoiceId").enum)
    (told,) = re.findall(r"Voices: (.*?)\. Any other", inspect.getdoc(voice_aws) or "", re.DOTALL)

    assert set(VOICES.values()) <= known
    assert dict(pair.split() for pair in told.replace("\n", " ").split(", ")) == {
        code: voice.capitalize() for code, voice in VOICES.items()
    }

"""Calls through AWS End User Messaging (`pinpoint-sms-voice-v2`), or any server that speaks as it does.

Each message is one SendVoiceMessage, SSML when it begins with `<speak>`. It comes from the message's number, else from
`origination_identity`; with neither nobody is called. The voice is the message's VoiceId, else the one below for its
LanguageCode, else the service's own, which is Matthew. 3,000 characters may be spoken, tags of SSML not counted. Its
Context holds `repoint-message-id` and `repoint-application-id`, which events of a configuration set tell again. A
request is made again only where the service says that they come too fast; one that was sent and not answered leaves its
message in doubt. The key must be allowed `sms-voice:SendVoiceMessage`.

Voices: arb Zeina, cmn-CN Zhiyu, cy-GB Gwyneth, da-DK Naja, de-DE Vicki, en-AU Nicole, en-GB Amy, en-GB-WLS Geraint,
en-IN Raveena, en-US Matthew, es-ES Lucia, es-MX Mia, es-US Penelope, fr-CA Chantal, fr-FR Celine, is-IS Dora, it-IT
Carla, ja-JP Mizuki, ko-KR Seoyeon, nb-NO Liv, nl-NL Lotte, pl-PL Ewa, pt-BR Camila, pt-PT Ines, ro-RO Carmen, ru-RU
Tatyana, sv-SE Astrid, tr-TR Filiz. Any other LanguageCode needs a VoiceId.

Tested against a server of ours that checks signed requests and answers as the published API says.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pydantic import Field

from repoint.delivery.aws.call import AwsOptions, AwsProvider, open_service, present
from repoint.delivery.aws.names import IDENTITY, names
from repoint.delivery.message import Message, Voice
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider

# Of what is spoken, and of all with its tags: channels.md section 5, and the service's own limit for SSML.
SPOKEN_CHARACTERS = 3000
SSML_CHARACTERS = 6000
_TAGS = re.compile(r"<[^>]*>")
# One that the service has (its VoiceId) for each language of docs.aws.amazon.com/polly/latest/dg/available-voices.html.
VOICES = {
    "arb": "ZEINA",
    "cmn-CN": "ZHIYU",
    "cy-GB": "GWYNETH",
    "da-DK": "NAJA",
    "de-DE": "VICKI",
    "en-AU": "NICOLE",
    "en-GB": "AMY",
    "en-GB-WLS": "GERAINT",
    "en-IN": "RAVEENA",
    "en-US": "MATTHEW",
    "es-ES": "LUCIA",
    "es-MX": "MIA",
    "es-US": "PENELOPE",
    "fr-CA": "CHANTAL",
    "fr-FR": "CELINE",
    "is-IS": "DORA",
    "it-IT": "CARLA",
    "ja-JP": "MIZUKI",
    "ko-KR": "SEOYEON",
    "nb-NO": "LIV",
    "nl-NL": "LOTTE",
    "pl-PL": "EWA",
    "pt-BR": "CAMILA",
    "pt-PT": "INES",
    "ro-RO": "CARMEN",
    "ru-RU": "TATYANA",
    "sv-SE": "ASTRID",
    "tr-TR": "FILIZ",
}
_BY_CODE = {code.lower(): voice for code, voice in VOICES.items()}


class VoiceAwsOptions(AwsOptions, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "voice_aws"`."""

    origination_identity: str | None = Field(
        default=None,
        pattern=IDENTITY,
        description="Number or pool, or the ARN of one, that calls come from whose messages name no OriginationNumber.",
    )


@provider("voice_aws", "VOICE", options=VoiceAwsOptions)
@asynccontextmanager
async def open_voice_aws(options: VoiceAwsOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""

    def ask(message: Message, content: Voice) -> Mapping[str, Any] | Outcome:
        return _send_voice_message(message, content, options)

    async with open_service("pinpoint-sms-voice-v2", options, surroundings.settings) as service:
        yield AwsProvider(service, "send_voice_message", (Voice, "End User Messaging makes calls here"), ask)


def _send_voice_message(message: Message, content: Voice, options: VoiceAwsOptions) -> dict[str, Any] | Outcome:
    """The members of docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendVoiceMessage.html."""
    is_ssml = content.body.startswith("<speak>")
    identity = content.origination_number or options.origination_identity
    if why := _wrong(content, identity, is_ssml=is_ssml):
        return Outcome(Status.PERMANENT_FAILURE, 400, why)
    return present(
        {
            "DestinationPhoneNumber": message.address,
            "OriginationIdentity": identity,
            "MessageBody": content.body,
            "MessageBodyTextType": "SSML" if is_ssml else "TEXT",
            "VoiceId": _voice(content),
            "ConfigurationSetName": options.configuration_set,
            "Context": names(message),
        }
    )


def _wrong(content: Voice, identity: str | None, *, is_ssml: bool) -> str | None:
    """Why nobody can be called with this message; None when somebody can."""
    if not identity:
        return "Missing OriginationNumber: neither the message nor the provider's origination_identity has one"
    spoken = len(_TAGS.sub("", content.body) if is_ssml else content.body)
    if spoken > SPOKEN_CHARACTERS:
        return f"Invalid Message: {spoken:,} characters are to be spoken, and {SPOKEN_CHARACTERS:,} may be"
    if len(content.body) > SSML_CHARACTERS:
        return f"Invalid Message: {len(content.body):,} characters with SSML, and {SSML_CHARACTERS:,} may be"
    if content.language_code and not _voice(content):
        return f"Invalid LanguageCode: {content.language_code[:100]} has no voice of its own; name a VoiceId"
    return None


def _voice(content: Voice) -> str | None:
    if content.voice_id:
        return content.voice_id.upper()
    return _BY_CODE.get(content.language_code.lower()) if content.language_code else None

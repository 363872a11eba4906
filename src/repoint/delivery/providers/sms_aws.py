"""Text messages through AWS End User Messaging (`pinpoint-sms-voice-v2`), or any server that speaks as it does.

Each message is one SendTextMessage; the service splits long ones. It comes from the number, short code or sender id
that the message or its channel names, else from `origination_identity`, else from what the service chooses. EntityId
and TemplateId go along for India; MediaUrl, which Pinpoint reserved, goes nowhere. Its Context holds
`repoint-message-id` and `repoint-application-id`, which events of a configuration set tell again. Where these lead to a
topic of `sns_topics`, `receipts` has a text end as its events say, one in doubt, too; without, what was taken counts as
delivered. A call is made again only where the service says that calls come too fast; one that was sent and not answered
leaves its message in doubt. The key must be allowed `sms-voice:SendTextMessage`.

Tested against a server of ours that checks signed requests and answers as the published API says.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace
from pydantic import Field

from repoint.delivery.aws.call import AwsOptions, AwsProvider, open_service, present
from repoint.delivery.aws.names import IDENTITY, names, receipt_id
from repoint.delivery.message import Message, Sms
from repoint.delivery.outcome import Outcome
from repoint.delivery.provider import Provider, Surroundings, provider


class SmsAwsOptions(AwsOptions, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "sms_aws"`."""

    origination_identity: str | None = Field(
        default=None,
        pattern=IDENTITY,
        description="Number, sender id or pool, or the ARN of one, that messages come from that name none.",
    )
    receipts: bool = Field(
        default=False,
        description="Whether the events of the configuration set tell how messages ended (over `sns_topics`); "
        "otherwise what the service has taken counts as delivered.",
    )


@provider("sms_aws", "SMS", options=SmsAwsOptions)
@asynccontextmanager
async def open_sms_aws(options: SmsAwsOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""

    def ask(message: Message, content: Sms) -> Mapping[str, Any]:
        return _send_text_message(message, content, options)

    async with open_service("pinpoint-sms-voice-v2", options, surroundings.settings) as service:
        way = AwsProvider(service, "send_text_message", (Sms, "End User Messaging carries text messages here"), ask)
        yield _Telling(way) if options.receipts else way


class _Telling:
    """The service with events that tell how messages ended."""

    def __init__(self, way: AwsProvider) -> None:
        self._way = way

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider."""
        outcomes = await self._way.send(messages)
        return [_awaiting(message, each) for message, each in zip(messages, outcomes, strict=True)]


def _awaiting(message: Message, outcome: Outcome) -> Outcome:
    if not outcome.is_sent and not outcome.is_in_doubt:
        return outcome
    return replace(outcome, receipt_ids=(receipt_id(message.id),))


def _send_text_message(message: Message, content: Sms, options: SmsAwsOptions) -> dict[str, Any]:
    """The members of docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html."""
    return present(
        {
            "DestinationPhoneNumber": message.address,
            "OriginationIdentity": content.origination_number or content.sender_id or options.origination_identity,
            "MessageBody": content.body,
            "MessageType": content.message_type,
            "Keyword": content.keyword,
            "DestinationCountryParameters": present(
                {
                    "IN_ENTITY_ID": content.entity_id,
                    "IN_TEMPLATE_ID": content.template_id,
                }
            ),
            "ConfigurationSetName": options.configuration_set,
            "Context": names(message),
        }
    )

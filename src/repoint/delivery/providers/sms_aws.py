"""Text messages through AWS End User Messaging (`pinpoint-sms-voice-v2`), or any server that speaks as it does.

Each message is one SendTextMessage; the service splits long ones. It comes from the number, short code or sender id
that the message or its channel names, else from `origination_identity`, else from what the service chooses. EntityId
and TemplateId go along for India; MediaUrl, which Pinpoint reserved, goes nowhere. Its Context holds
`repoint-message-id` and `repoint-application-id`, which events of a configuration set tell again. A call is made again
only where the service says that calls come too fast; one that was sent and not answered leaves its message in doubt.
The key must be allowed `sms-voice:SendTextMessage`.

Tested against a server of ours that checks signed requests and answers as the published API says.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pydantic import Field

from repoint.delivery.aws.call import AwsOptions, AwsProvider, open_service, present
from repoint.delivery.aws.names import IDENTITY, names
from repoint.delivery.message import Message, Sms
from repoint.delivery.provider import Provider, Surroundings, provider


class SmsAwsOptions(AwsOptions, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "sms_aws"`."""

    origination_identity: str | None = Field(
        default=None,
        pattern=IDENTITY,
        description="Number, sender id or pool, or the ARN of one, that messages come from that name none.",
    )


@provider("sms_aws", "SMS", options=SmsAwsOptions)
@asynccontextmanager
async def open_sms_aws(options: SmsAwsOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""

    def ask(message: Message, content: Sms) -> Mapping[str, Any]:
        return _send_text_message(message, content, options)

    async with open_service("pinpoint-sms-voice-v2", options, surroundings.settings) as service:
        yield AwsProvider(service, "send_text_message", (Sms, "End User Messaging carries text messages here"), ask)


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

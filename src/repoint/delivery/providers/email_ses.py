"""E-mail through Amazon SES (version 2 of its API), or any server that speaks as it does.

Each message is one SendEmail with the finished text. Bounces go to FeedbackForwardingAddress where a message has one,
else to its From, and both must be verified at SES, which puts a Message-ID and a Date of its own into the text and
calls the message by an id of its own. Its configuration set is the ConfigurationSet of the application's channel, else
`configuration_set`. Tags tell the set's events what they are about: `repoint-message-id`, `repoint-application-id`, and
of a campaign `repoint-campaign-id`, `repoint-treatment-id` and `repoint-campaign-activity-id`. A call is made again
only where SES says that calls come too fast; one that was sent and not answered leaves its message in doubt. An account
that is paused, or a key that is no good, may be right again, so the next provider is asked; what SES rejects goes to
nobody else. The key must be allowed `ses:SendEmail` and `ses:SendRawEmail`.

Tested against moto's SES, and against a server of ours that answers as the published API says, and fails in every way.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from email.utils import parseaddr
from typing import Any

from msgspec.structs import replace
from pydantic import Field

from repoint.delivery.aws.call import AwsOptions, AwsProvider, open_service, present
from repoint.delivery.aws.names import names
from repoint.delivery.message import Email, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.delivery.smtp.envelope import UnsendableError, path, sender_path, with_plain_line_ends

# docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


class EmailSesOptions(AwsOptions, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "email_ses"`."""

    tells_of_delivery: bool = Field(
        default=False,
        description="Whether SES tells later what was delivered (over `sns_topics`); otherwise what it has taken "
        "counts as delivered.",
    )


@provider("email_ses", "EMAIL", options=EmailSesOptions)
@asynccontextmanager
async def open_email_ses(options: EmailSesOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""

    def ask(message: Message, content: Email) -> Mapping[str, Any] | Outcome:
        try:
            return _send_email(message, content, content.configuration_set or options.configuration_set)
        except UnsendableError as error:
            return Outcome(Status.PERMANENT_FAILURE, 400, str(error))

    async with open_service("sesv2", options, surroundings.settings) as service:
        way = AwsProvider(service, "send_email", (Email, "SES carries e-mail"), ask)
        yield _Telling(way) if options.tells_of_delivery else way


class _Telling:
    """SES that tells of deliveries."""

    def __init__(self, way: AwsProvider) -> None:
        self._way = way

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider."""
        return [replace(each, tells_of_delivery=each.is_sent) for each in await self._way.send(messages)]


def _send_email(message: Message, content: Email, configuration_set: str | None) -> dict[str, Any]:
    """The members of docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html."""
    # As it stands in the text, encoded words and all: a display name is not to be lost.
    written = next((value for name, value in content.headers() if name.lower() == "from"), "")
    bounces_to = sender_path(content.sender)
    return present(
        {
            "FromEmailAddress": written,
            "FeedbackForwardingEmailAddress": bounces_to if bounces_to != parseaddr(written)[1] else None,
            "Destination": {"ToAddresses": [path(message.address)]},
            "Content": {"Raw": {"Data": with_plain_line_ends(content.mime)}},
            "EmailTags": _tags(message, content),
            "ConfigurationSetName": configuration_set,
        }
    )


def _tags(message: Message, content: Email) -> list[dict[str, str]]:
    origin = {f"repoint-{name.replace('_', '-')}": value for name, value in content.origin.items()}
    told = {**names(message), **origin}
    return [{"Name": name, "Value": value} for name, value in told.items() if _TAG.fullmatch(value)]

"""A service of Amazon's that takes one message a call: what providers of that kind have in common."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, Field, FilePath

from repoint.aws import AwsError, aws_errors, open_client
from repoint.delivery.aws.refusal import came_too_soon, in_doubt, refused
from repoint.delivery.message import Content, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.settings import Settings
from repoint.tables import AwsCredentials, AwsService

# Before a call is made again that came too soon: at first, then twice as long each time; more or less.
FIRST_WAIT_S = 0.5
# Who asks for a longer pause is left alone.
LONGEST_WAIT_S = 5
# Beyond the time for an answer: a name is looked up, a connection made, an answer read that comes in drops.
_AROUND_S = 60
# It is told to callers and kept under an index.
_ID = re.compile(r"[!-~]{1,256}")

ContentT = TypeVar("ContentT", bound=Content)


class AwsOptions(BaseModel, frozen=True, extra="forbid"):
    """What all providers say that lead to one of Amazon's services."""

    endpoint_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Any server that speaks the service's protocol; without it Amazon's own.",
    )
    region: str | None = Field(
        default=None,
        min_length=1,
        description="Region of the service, which requests are signed for; by default the first of the setting "
        "`regions`.",
    )
    credentials: AwsCredentials | None = Field(
        default=None,
        description="Who we are: `access_key_id`, `secret_access_key` and, of a temporary key, `session_token`; "
        "without them AWS's own chain is asked (`AWS_ACCESS_KEY_ID`, profiles, the machine's role).",
    )
    configuration_set: str | None = Field(
        default=None, min_length=1, description="Configuration set of the service that its events are told by."
    )
    connections: int = Field(
        default=16, ge=1, le=1000, description="Most calls of one process at a time, each on a connection that is kept."
    )
    attempts: int = Field(
        default=3,
        ge=1,
        le=10,
        description="How often a call is made that the service did not take because calls came too fast; others are "
        "made once.",
    )
    answer_timeout_s: float = Field(
        default=30, gt=0, description="Seconds that the service has for an answer; then the message is in doubt."
    )
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of the CAs that the service is proved by, instead of the public ones."
    )

    def service(self) -> AwsService:
        """Where calls go, and as whom."""
        return AwsService(endpoint_url=self.endpoint_url, region=self.region, credentials=self.credentials)

    def secrets(self) -> list[str]:
        """What is told to nobody."""
        if self.credentials is None:
            return []
        given = (self.credentials.secret_access_key, self.credentials.session_token)
        return [secret.get_secret_value() for secret in given if secret is not None]


@asynccontextmanager
async def open_service(name: str, options: AwsOptions, settings: Settings) -> AsyncIterator["Service"]:
    """The service that aiobotocore knows by this name; connections are made when there is something to send."""
    opened = open_client(
        name,
        options.service(),
        region=settings.regions[0],
        role_arn=None,
        read_timeout_s=options.answer_timeout_s,
        # What botocore would try again could have been taken.
        attempts=1,
        connections=options.connections,
        ca_file=options.ca_file,
    )
    async with opened as client:
        yield Service(client, options)


class Service:
    """A service with our connections to it."""

    def __init__(self, client: Any, options: AwsOptions) -> None:
        self._client = client
        self._turns = asyncio.Semaphore(options.connections)
        self._attempts = options.attempts
        self._timeout_s = options.answer_timeout_s + _AROUND_S
        self._hidden = [secret for secret in options.secrets() if secret]

    async def call(self, operation: str, members: Mapping[str, Any]) -> Outcome:
        """Make the call when it is its turn, again where it certainly was not taken, only too soon; how it ended."""
        async with self._turns:
            attempt = 1
            while isinstance(found := await self._call(operation, members), AwsError):
                outcome = refused(found, self._hidden)
                wait_s = outcome.retry_after_s or FIRST_WAIT_S * 2 ** (attempt - 1)
                if attempt >= self._attempts or not came_too_soon(found) or wait_s > LONGEST_WAIT_S:
                    return outcome
                attempt += 1
                # Whoever waits keeps its turn, so that fewer calls are made.
                await asyncio.sleep(wait_s * random.uniform(1, 1.5))  # noqa: S311 - spreads load, hides nothing
            return found

    async def _call(self, operation: str, members: Mapping[str, Any]) -> Outcome | AwsError:
        try:
            async with asyncio.timeout(self._timeout_s):
                with aws_errors():
                    answer = await getattr(self._client, operation)(**members)
        except TimeoutError:
            return in_doubt(504, "the service did not answer in time")
        except AwsError as error:
            return error
        message_id = answer.get("MessageId")
        if not isinstance(message_id, str) or not _ID.fullmatch(message_id):
            return in_doubt(500, "the service answered without a MessageId")
        return Outcome(Status.SUCCESSFUL, 200, f"MessageId: {message_id}", message_id)


class AwsProvider:
    """Sends each message by a call of its own."""

    def __init__(
        self,
        service: Service,
        operation: str,
        carries: tuple[type[ContentT], str],
        ask: Callable[[Message, ContentT], Mapping[str, Any] | Outcome],
    ) -> None:
        """`carries` is the kind of content and what it is called; `ask` makes the call's members, or refuses."""
        self._service = service
        self._operation = operation
        self._carries = carries
        self._ask: Callable[[Message, Any], Mapping[str, Any] | Outcome] = ask

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider."""
        return await asyncio.gather(*(self._send(message) for message in messages))

    async def _send(self, message: Message) -> Outcome:
        content_type, called = self._carries
        if not isinstance(message.content, content_type):
            return Outcome(Status.PERMANENT_FAILURE, 400, f"{called}, and no {type(message.content).__name__}")
        members = self._ask(message, message.content)
        return members if isinstance(members, Outcome) else await self._service.call(self._operation, members)


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """A call's members without those that nobody has said anything of."""
    return {name: value for name, value in members.items() if value}

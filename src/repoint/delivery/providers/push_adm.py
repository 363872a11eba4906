"""Notifications for Amazon's devices, through Amazon Device Messaging (ADM).

Sent with the client id and secret that the application's channel has. A registration that ADM says is gone makes its
endpoint INACTIVE; one that it wants to be replaced is told as UpdatedToken.

Tested against a server of the tests' own, by the reference that Amazon has published; not against Amazon's.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote

from pydantic import Field

from repoint.channels.stored import Channel
from repoint.delivery.http2.exchange import Answer, Headers, Request
from repoint.delivery.message import Message, Push
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.adm import make_adm
from repoint.delivery.push.caller import Http1Client, open_http1
from repoint.delivery.push.failure import (
    BUSY,
    TOKEN_GONE,
    TOO_LARGE,
    Meaning,
    failed,
    meaning_of_status,
    read_object,
    tidy,
)
from repoint.delivery.push.host import BaseUrl, PushOptions
from repoint.delivery.push.oauth import Tokens
from repoint.delivery.push.provider import PushProvider

_MOST_TOKEN_BYTES = 4096
# developer.amazon.com/docs/adm/send-message.html
_HEADERS: Headers = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
    (b"x-amzn-type-version", b"com.amazon.device.messaging.ADMMessage@1.0"),
    (b"x-amzn-accept-type", b"com.amazon.device.messaging.ADMSendResult@1.0"),
)
# By reason, likewise; those that are not listed follow their status.
_REASONS: dict[str, Meaning] = {
    "Unregistered": TOKEN_GONE,
    "MessageTooLarge": TOO_LARGE,
    "MaxRateExceeded": BUSY,
}


class PushAdmOptions(PushOptions, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "push_adm"`."""

    url: BaseUrl = Field(default="https://api.amazon.com", description="Where ADM is.")
    token_url: BaseUrl = Field(
        default="https://api.amazon.com/auth/O2/token", description="Where access tokens come from."
    )
    connections: int = Field(default=16, ge=1, le=1000, description="Most requests of one process at a time.")


@provider("push_adm", "ADM", options=PushAdmOptions)
@asynccontextmanager
async def open_push_adm(options: PushAdmOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""
    async with open_http1(options, options.connections) as client:

        async def open_account(channel: Channel) -> AdmAccount:
            return AdmAccount(channel, options, client)

        yield PushProvider(surroundings.channel, open_account)


class AdmAccount:
    """See Account."""

    def __init__(self, channel: Channel, options: PushAdmOptions, client: Http1Client) -> None:
        self._secret: str = channel.members["ClientSecret"]
        form = {
            "grant_type": "client_credentials",
            "scope": "messaging:push",
            "client_id": channel.members["ClientId"],
            "client_secret": self._secret,
        }
        self._tokens = Tokens(client, options.token_url, lambda: form)
        self._caller = client.to(options.url.rstrip("/"))
        self._token = ""
        # Why there is no token.
        self._problem: RefusedError | None = None

    async def prepare(self, _contents: Sequence[Push]) -> None:
        """See Account."""
        self._problem = None
        try:
            self._token = await self._tokens.get()
        except RefusedError as error:
            self._problem = error

    def is_unauthorized(self, answer: Answer) -> bool:
        """See Account."""
        return answer.status == 401  # noqa: PLR2004 - RFC 9110

    def renew(self) -> None:
        """See Account."""
        self._tokens.drop()

    def hand_over(self, message: Message, content: Push) -> Request:
        """See Account."""
        registration = quote(message.address, safe="")
        if len(registration) > _MOST_TOKEN_BYTES:
            raise RefusedError.permanent("the registration id is too long")
        body = make_adm(content)
        if self._problem is not None:
            raise self._problem
        path = f"/messaging/registrations/{registration}/messages".encode("ascii")
        own = ((b"authorization", f"Bearer {self._token}".encode("ascii")),)
        request = Request(path, _HEADERS, own, body, asyncio.get_running_loop().create_future())
        self._caller.send(request)
        return request

    def read(self, message: Message, _content: Push, answer: Answer) -> Outcome:
        """See Account."""
        hidden = (self._secret, self._token, message.address)
        found = read_object(answer.body)
        registration = found.get("registrationID")
        if answer.status == 200 and isinstance(registration, str):  # noqa: PLR2004 - RFC 9110
            updated = registration if registration and registration != message.address else None
            told = tidy(answer.body.decode("utf-8", "replace").strip(), ())
            return Outcome(Status.SUCCESSFUL, 200, told, updated_token=updated)
        word = found.get("reason")
        reason = word if isinstance(word, str) else ""
        meaning = _REASONS.get(reason) if answer.status >= 400 else None  # noqa: PLR2004 - RFC 9110
        return failed(
            message.channel_type,
            answer,
            meaning or meaning_of_status(answer.status),
            error=reason,
            response={"reason": reason},
            hidden=hidden,
        )

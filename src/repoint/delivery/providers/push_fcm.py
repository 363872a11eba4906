"""Notifications for Android devices, through Firebase Cloud Messaging (FCM).

With the service account of the application's channel (method TOKEN) they go to the HTTP v1 API, with its API key
(method KEY) to the legacy one, which Google has switched off and test servers still have. All messages of a process
share one HTTP/2 connection; `http://` URLs, and `http_version = "1.1"`, are for test servers without it. A token that
FCM says is unregistered makes its endpoint INACTIVE.

Tested against servers of the tests' own, by the reference that Google has published; not against Google's.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from pydantic import Field

from repoint.channels.stored import Channel
from repoint.delivery.http2.exchange import Answer, Headers, Request
from repoint.delivery.http2.headers import fits
from repoint.delivery.message import Message, Push
from repoint.delivery.outcome import Outcome
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.caller import Caller, Http1Client, open_http1
from repoint.delivery.push.failure import read_object
from repoint.delivery.push.fcm import make_legacy, make_v1
from repoint.delivery.push.fcm_answers import error_code, read_legacy, read_v1
from repoint.delivery.push.host import BaseUrl, Http2Options, http2_client, http2_trust
from repoint.delivery.push.jwt import KeyFormError, read_rsa_key, sign
from repoint.delivery.push.oauth import Tokens
from repoint.delivery.push.provider import PushProvider

_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JSON = (b"content-type", b"application/json")
# All applications share a connection, which a server may close for larger headers.
_MOST_TOKEN_BYTES, _MOST_PROJECT_CHARACTERS = 4096, 255


class PushFcmOptions(Http2Options, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "push_fcm"`."""

    url: BaseUrl = Field(default="https://fcm.googleapis.com", description="Where FCM is.")
    token_url: BaseUrl = Field(
        default="https://oauth2.googleapis.com/token",
        description="Where access tokens come from; what a service account's file says of it is not followed.",
    )
    http_version: Literal["2", "1.1"] = Field(default="2", description="What is spoken with `url`.")
    connections: int = Field(default=16, ge=1, le=1000, description="Most connections at a time, with HTTP/1.1.")
    deep_links: bool = Field(
        default=False, description="Send DEEP_LINK with method TOKEN, too, which Pinpoint refused."
    )


@provider("push_fcm", "GCM", options=PushFcmOptions)
@asynccontextmanager
async def open_push_fcm(options: PushFcmOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""
    url = options.url.rstrip("/")
    async with AsyncExitStack() as stack:
        http1 = await stack.enter_async_context(open_http1(options, options.connections))
        caller: Caller = http1.to(url)
        if options.http_version == "2" and url.startswith("https://"):
            caller = http2_client(url, options, await asyncio.to_thread(http2_trust, options.ca_file))
            stack.push_async_callback(caller.close)

        async def open_account(channel: Channel) -> FcmAccount:
            return await asyncio.to_thread(FcmAccount, channel, options, caller, http1)

        yield PushProvider(surroundings.channel, open_account)


class FcmAccount:
    """See Account."""

    def __init__(self, channel: Channel, options: PushFcmOptions, caller: Caller, http1: Http1Client) -> None:
        members = channel.members
        self._options = options
        self._caller = caller
        self._api_key: str = members.get("ApiKey") or ""
        if not (self._api_key.isascii() and fits(self._api_key, _MOST_TOKEN_BYTES)):
            raise RefusedError.permanent("the channel's ApiKey cannot be used")
        self._tokens = self._open_tokens(members.get("ServiceJson"), http1)
        usual = "TOKEN" if self._tokens is not None and not self._api_key else "KEY"
        self._method = str(members.get("DefaultAuthenticationMethod") or usual).upper()
        self._legacy: Headers = (_JSON, (b"authorization", b"key=" + self._api_key.encode("ascii")))
        self._v1: Headers = ()
        self._token = ""
        # Why there is no token.
        self._problem: RefusedError | None = None

    def _open_tokens(self, service_json: str | None, http1: Http1Client) -> Tokens | None:
        if not service_json:
            return None
        account = msgspec.json.decode(service_json)
        try:
            self._key = read_rsa_key(account["private_key"])
        except KeyFormError as error:
            raise RefusedError.permanent(f"the channel's ServiceJson cannot be used: private_key is {error}") from None
        if len(account["project_id"]) > _MOST_PROJECT_CHARACTERS:
            raise RefusedError.permanent("the channel's ServiceJson cannot be used: project_id is too long")
        self._email, self._key_id = account["client_email"], account.get("private_key_id")
        self._path = f"/v1/projects/{quote(account['project_id'], safe='')}/messages:send".encode("ascii")
        return Tokens(http1, self._options.token_url, self._form)

    def _form(self) -> dict[str, str]:
        """What an access token is given for: developers.google.com/identity/protocols/oauth2/service-account."""
        now = int(time.time())
        header = {"typ": "JWT"} | ({"kid": self._key_id} if isinstance(self._key_id, str) else {})
        claims = {"iss": self._email, "scope": _SCOPE, "aud": self._options.token_url, "iat": now, "exp": now + 3600}
        return {"grant_type": _GRANT, "assertion": sign(self._key, header, claims)}

    async def prepare(self, contents: Sequence[Push]) -> None:
        """See Account."""
        if self._tokens is None or all(self._method_of(content) != "TOKEN" for content in contents):
            return
        self._problem = None
        try:
            token = await self._tokens.get()
        except RefusedError as error:
            self._problem = error
            return
        if token != self._token:
            self._token, self._v1 = token, (_JSON, (b"authorization", b"Bearer " + token.encode("ascii")))

    def is_unauthorized(self, answer: Answer) -> bool:
        """See Account."""
        if answer.status != 401 or self._tokens is None:  # noqa: PLR2004 - RFC 9110
            return False
        return error_code(read_object(answer.body)) != "THIRD_PARTY_AUTH_ERROR"

    def renew(self) -> None:
        """See Account."""
        if self._tokens is not None:
            self._tokens.drop()

    def hand_over(self, message: Message, content: Push) -> Request:
        """See Account."""
        if len(message.address.encode()) > _MOST_TOKEN_BYTES:
            raise RefusedError.permanent("the registration token is too long")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        match self._method_of(content):
            case "TOKEN" if self._tokens is not None:
                body = make_v1(content, message.address, deep_links=self._options.deep_links)
                if self._problem is not None:
                    raise self._problem
                request = Request(self._path, self._v1, (), body, future)
            case "KEY" if self._api_key:
                request = Request(b"/fcm/send", self._legacy, (), make_legacy(content, message.address), future)
            case "TOKEN" | "KEY" as method:
                lacks = "ServiceJson" if method == "TOKEN" else "ApiKey"
                raise RefusedError.permanent(f"the channel has no {lacks} to send with")
            case _:
                raise RefusedError.permanent("Invalid PreferredAuthenticationMethod")
        self._caller.send(request)
        return request

    def read(self, message: Message, content: Push, answer: Answer) -> Outcome:
        """See Account."""
        hidden = (self._api_key, self._token, message.address)
        if self._method_of(content) == "TOKEN":
            return read_v1(message, answer, hidden)
        return read_legacy(message, answer, hidden)

    def _method_of(self, content: Push) -> str:
        preferred = content.members.get("PreferredAuthenticationMethod")
        return str(preferred).upper() if preferred else self._method

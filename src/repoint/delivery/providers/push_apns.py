"""Notifications for Apple's devices, through the Apple Push Notification service (APNs).

Sent with the credentials that the application's channel has: a token key (.p8), or a certificate with its private key.
Messages of `APNS_SANDBOX` and `APNS_VOIP_SANDBOX` go to the sandbox. An application's channel has one HTTP/2 connection
in a process, over which many messages are under way at once. The header `apns-id` is made of the message's id. A
token that Apple says is gone makes its endpoint INACTIVE.

Tested against an HTTP/2 server of the tests' own, by the rules that Apple has published; not against Apple's.
"""

import asyncio
import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote
from weakref import WeakSet

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import Field

from repoint.channels.stored import Channel
from repoint.delivery.http2.client import Client
from repoint.delivery.http2.exchange import Answer, Headers, Request
from repoint.delivery.http2.headers import fits
from repoint.delivery.message import Message, Push
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.apns import make_headers, make_payload
from repoint.delivery.push.certificate import CertificateError, bundle_id, present
from repoint.delivery.push.failure import (
    BUSY,
    FAILED,
    TOKEN_GONE,
    TOO_LARGE,
    Meaning,
    failed,
    meaning_of_status,
    read_object,
)
from repoint.delivery.push.host import Http2Options, TlsUrl, http2_client, http2_trust
from repoint.delivery.push.jwt import KeyFormError, read_ec_key, sign
from repoint.delivery.push.provider import PushProvider

_SANDBOX = frozenset({"APNS_SANDBOX", "APNS_VOIP_SANDBOX"})
_VOIP = frozenset({"APNS_VOIP", "APNS_VOIP_SANDBOX"})
# A token holds for an hour, and may not be renewed within 20 minutes.
_TOKEN_S, _TOKEN_LEAST_S = 40 * 60, 20 * 60
# Of what stands in headers: for larger ones a server may close the connection, with all that is under way on it.
_MOST_TOKEN_BYTES, _MOST_NAME_BYTES = 2048, 255
_METHODS = {"CERTIFICATE": "CERTIFICATE", "KEY": "KEY", "TOKEN": "KEY"}
_SENT = Outcome(Status.SUCCESSFUL, 200)
_CREDENTIALS = {"CERTIFICATE": "Certificate", "KEY": "TokenKey"}
# By reason; those that are not listed follow their status. Section "Handling notification responses from APNs" of
# developer.apple.com/documentation/usernotifications
_REASONS: dict[str, Meaning] = {
    "BadDeviceToken": TOKEN_GONE,
    "Unregistered": TOKEN_GONE,
    "ExpiredToken": TOKEN_GONE,
    "PayloadTooLarge": TOO_LARGE,
    "TooManyRequests": BUSY,
    # About our renewing tokens, and no fault of the message.
    "TooManyProviderTokenUpdates": FAILED,
    "ExpiredProviderToken": FAILED,
    "IdleTimeout": FAILED,
}


class PushApnsOptions(Http2Options, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "push_apns"`."""

    url: TlsUrl = Field(default="https://api.push.apple.com", description="Where APNs is.")
    sandbox_url: TlsUrl = Field(default="https://api.sandbox.push.apple.com", description="Where its sandbox is.")


@provider("push_apns", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", options=PushApnsOptions)
@asynccontextmanager
async def open_push_apns(options: PushApnsOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""
    clients: WeakSet[Client] = WeakSet()
    # For all who show no certificate: such a context knows every public CA, and is large.
    usual = await asyncio.to_thread(http2_trust, options.ca_file)

    async def open_account(channel: Channel) -> ApnsAccount:
        credentials = await asyncio.to_thread(_Credentials, channel, options, usual)
        url = options.sandbox_url if channel.kind.type in _SANDBOX else options.url
        # What shows a certificate is known by that, whatever its messages say; so each method has its connection.
        found = {method: http2_client(url, options, context) for method, context in credentials.trust.items()}
        clients.update(found.values())
        return ApnsAccount(credentials, found)

    try:
        yield PushProvider(surroundings.channel, open_account)
    finally:
        await asyncio.gather(*(client.close() for client in clients))


class _Credentials:
    """What a channel proves with that it may send; raises RefusedError for what cannot be used."""

    def __init__(self, channel: Channel, options: PushApnsOptions, usual: ssl.SSLContext) -> None:
        members = channel.members
        self.is_voip = channel.kind.type in _VOIP
        # By method that it has what is needed for: whom we trust, and how we are known.
        self.trust: dict[str, ssl.SSLContext] = {}
        self.key: ec.EllipticCurvePrivateKey | None = None
        self.key_id, self.team_id = members.get("TokenKeyId", ""), members.get("TeamId", "")
        topic = members.get("BundleId")
        try:
            if members.get("Certificate"):
                self.trust["CERTIFICATE"] = http2_trust(options.ca_file)
                present(self.trust["CERTIFICATE"], members["Certificate"], members["PrivateKey"])
                topic = topic or bundle_id(members["Certificate"])
            if members.get("TokenKey"):
                self.trust["KEY"] = usual
                self.key = read_ec_key(members["TokenKey"])
        except CertificateError as error:
            raise RefusedError.permanent(f"the channel's credentials cannot be used: {error}") from None
        except KeyFormError as error:
            raise RefusedError.permanent(f"the channel's credentials cannot be used: TokenKey is {error}") from None
        if topic and not (topic.isascii() and fits(topic, _MOST_NAME_BYTES)):
            raise RefusedError.permanent("the channel's credentials cannot be used: BundleId is no name of an app")
        if max(len(self.key_id), len(self.team_id)) > _MOST_NAME_BYTES:
            raise RefusedError.permanent("the channel's credentials cannot be used: TokenKeyId and TeamId are too long")
        self.topic = f"{topic}.voip" if topic and self.is_voip and not topic.endswith(".voip") else topic
        given = str(members.get("DefaultAuthenticationMethod") or "").upper()
        self.method = _METHODS.get(given) or next(iter(self.trust))


class ApnsAccount:
    """See Account."""

    def __init__(self, credentials: _Credentials, clients: Mapping[str, Client]) -> None:
        self._credentials = credentials
        self._clients = clients
        self._token = ""
        # By the clock that never goes back, and by the one that goes on while the machine sleeps.
        self._signed_at = self._issued_at = 0.0
        # By what makes them differ: method, push type, priority.
        self._common: dict[tuple[str, str, str], Headers] = {}
        self._loop = asyncio.get_running_loop()

    async def prepare(self, _contents: Sequence[Push]) -> None:
        """Sign a new token when the one that we have is old."""
        found = self._credentials
        if found.key is None or (self._token and self._age_s() < _TOKEN_S):
            return
        self._signed_at, self._issued_at = time.monotonic(), time.time()
        claims = {"iss": found.team_id, "iat": int(self._issued_at)}
        self._token = sign(found.key, {"kid": found.key_id}, claims)
        self._common.clear()

    def is_unauthorized(self, answer: Answer) -> bool:
        """See Account."""
        if answer.status != 403 or self._age_s() < _TOKEN_LEAST_S:  # noqa: PLR2004 - RFC 9110
            return False
        return read_object(answer.body).get("reason") == "ExpiredProviderToken"

    def renew(self) -> None:
        """See Account."""
        self._token = ""

    def hand_over(self, message: Message, content: Push) -> Request:
        """See Account."""
        method = self._method(content)
        device = quote(message.address, safe="")
        if len(device) > _MOST_TOKEN_BYTES:
            raise RefusedError.permanent("the device token is too long")
        body, is_silent = make_payload(content)
        kind, own = make_headers(content, is_silent=is_silent, is_voip=self._credentials.is_voip)
        common = self._common.get((method, *kind))
        if common is None:
            common = self._common[method, *kind] = self._headers(method, *kind)
        path = f"/3/device/{device}".encode("ascii")
        own[b"apns-id"] = _apns_id(message.id)
        request = Request(path, common, tuple(own.items()), body, self._loop.create_future())
        self._clients[method].send(request)
        return request

    def read(self, message: Message, _content: Push, answer: Answer) -> Outcome:
        """See Account."""
        if answer.status == 200:  # noqa: PLR2004 - RFC 9110
            return _SENT
        told = read_object(answer.body).get("reason")
        # A reason is one word; what is none could be anything.
        reason = told if isinstance(told, str) and told.isascii() and told.isalnum() else ""
        meaning = _REASONS.get(reason) or (TOKEN_GONE if answer.status == 410 else meaning_of_status(answer.status))  # noqa: PLR2004 - RFC 9110
        return failed(
            message.channel_type, answer, meaning, error=reason, response={"reason": reason}, hidden=(message.address,)
        )

    def _age_s(self) -> float:
        """How old the token is."""
        return max(time.monotonic() - self._signed_at, time.time() - self._issued_at)

    def _method(self, content: Push) -> str:
        """By what the message is sent; no other is tried when the channel lacks it."""
        preferred = content.members.get("PreferredAuthenticationMethod")
        method = _METHODS.get(str(preferred).upper()) if preferred else self._credentials.method
        if method is None:
            raise RefusedError.permanent("Invalid PreferredAuthenticationMethod")
        if method not in self._clients:
            raise RefusedError.permanent(f"the channel has no {_CREDENTIALS[method]} to send with")
        return method

    def _headers(self, method: str, push_type: str, priority: str) -> Headers:
        topic = self._credentials.topic
        found = {
            b"authorization": f"bearer {self._token}" if method == "KEY" else None,
            b"apns-topic": topic,
            b"apns-push-type": push_type,
            b"apns-priority": priority,
        }
        return tuple((name, value.encode("ascii")) for name, value in found.items() if value is not None)


def _apns_id(message_id: str) -> bytes:
    """A UUID that is the same whenever the message is sent: of version 8, RFC 9562 section 5.8."""
    text = hashlib.blake2b(message_id.encode(), digest_size=16).hexdigest()
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-a{text[17:20]}-{text[20:]}".encode("ascii")

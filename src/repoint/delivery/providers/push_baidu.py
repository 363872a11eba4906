"""Notifications through Baidu Cloud Push.

Sent with the API key and secret that the application's channel has, each as a request to `single_device` of its REST
API. A channel id that Baidu says is bound to nothing makes its endpoint INACTIVE.

Tested against a server of the tests' own, with the error codes that are generally known; not against Baidu's.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from pydantic import Field

from repoint.channels.stored import Channel
from repoint.delivery.http2.exchange import Answer, Headers, Request
from repoint.delivery.message import Message, Push
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.delivery.push.baidu import make_baidu, signed
from repoint.delivery.push.caller import Http1Client, open_http1
from repoint.delivery.push.failure import (
    BUSY,
    FAILED,
    NOT_ALLOWED,
    NOT_VALID,
    TOKEN_GONE,
    Meaning,
    failed,
    meaning_of_status,
    read_object,
    tidy,
)
from repoint.delivery.push.host import BaseUrl, PushOptions
from repoint.delivery.push.provider import PushProvider

_PATH = "/rest/3.0/push/single_device"
_HEADERS: Headers = (
    (b"content-type", b"application/x-www-form-urlencoded;charset=utf-8"),
    # It wants to be called by an SDK.
    (b"user-agent", b"BCCS_SDK/3.0 (repoint)"),
)
_ANDROID = "3"
# By error_code: push.baidu.com/doc/restapi/error_code; those that are not listed follow their status.
_ERRORS: dict[object, Meaning] = {
    30600: FAILED,
    30602: NOT_VALID,
    30603: NOT_ALLOWED,
    30604: BUSY,
    30608: TOKEN_GONE,
    30612: NOT_ALLOWED,
}


class PushBaiduOptions(PushOptions, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "push_baidu"`."""

    url: BaseUrl = Field(default="https://api.tuisong.baidu.com", description="Where Baidu Cloud Push is.")
    connections: int = Field(default=16, ge=1, le=1000, description="Most requests of one process at a time.")


@provider("push_baidu", "BAIDU", options=PushBaiduOptions)
@asynccontextmanager
async def open_push_baidu(options: PushBaiduOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""
    async with open_http1(options, options.connections) as client:

        async def open_account(channel: Channel) -> BaiduAccount:
            return BaiduAccount(channel, options, client)

        yield PushProvider(surroundings.channel, open_account)


class BaiduAccount:
    """See Account."""

    def __init__(self, channel: Channel, options: PushBaiduOptions, client: Http1Client) -> None:
        self._api_key: str = channel.members["ApiKey"]
        self._secret: str = channel.members["SecretKey"]
        self._url = options.url.rstrip("/") + _PATH
        self._caller = client.to(options.url.rstrip("/"))

    async def prepare(self, _contents: Sequence[Push]) -> None:
        """Nothing is to be prepared: each request is signed."""

    def is_unauthorized(self, _answer: Answer) -> bool:
        """There are no tokens."""
        return False

    def renew(self) -> None:
        """There are no tokens."""

    def hand_over(self, message: Message, content: Push) -> Request:
        """See Account."""
        parameters = {
            "apikey": self._api_key,
            "channel_id": message.address,
            "device_type": _ANDROID,
            "timestamp": str(int(time.time())),
            **make_baidu(content),
        }
        body = urlencode(signed(self._url, parameters, self._secret)).encode("ascii")
        request = Request(_PATH.encode("ascii"), _HEADERS, (), body, asyncio.get_running_loop().create_future())
        self._caller.send(request)
        return request

    def read(self, message: Message, _content: Push, answer: Answer) -> Outcome:
        """See Account."""
        found = read_object(answer.body)
        sent = found.get("response_params")
        if answer.status == 200 and isinstance(sent, dict) and "error_code" not in found:  # noqa: PLR2004 - RFC 9110
            told = tidy(answer.body.decode("utf-8", "replace").strip(), ())
            message_id = sent.get("msg_id")
            return Outcome(Status.SUCCESSFUL, 200, told, None if message_id is None else str(message_id))
        code = found.get("error_code")
        error = found.get("error_msg")
        return failed(
            message.channel_type,
            answer,
            (_ERRORS.get(code) if isinstance(code, int) else None) or meaning_of_status(answer.status),
            error=error if isinstance(error, str) else "",
            response={"error_code": code if isinstance(code, int) else None},
            hidden=(self._api_key, self._secret, message.address),
        )

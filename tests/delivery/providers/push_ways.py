"""The counterparts of push services: HTTP/2 servers for Apple's and Google's, HTTP/1.1 ones for the others."""

import json
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from repoint.contract.shapes import ChannelType
from repoint.delivery.message import Message, Push
from tests.delivery.providers.ways import PASSWORD, Does, Way, opening
from tests.fixtures.certificates import serving
from tests.fixtures.http2_server import Asked, Http2Server, Reply
from tests.fixtures.messages import CUSTOM, VOICE, email, other, sms
from tests.fixtures.push import Channels, channels_of, service_json, token_key
from tests.fixtures.receiver import Answer, Received, Receiver

WAIT = {"Retry-After": "120"}
SLOW = {"retry-after": "120"}
# INTERNAL_ERROR of HTTP/2.
BROKEN = 2


def message_of(channel_type: ChannelType) -> Callable[[int], Message]:
    """What makes a notification for the recipient of a number."""
    return lambda number: other(channel_type, Push({"Title": "Hi"}, {}, {"campaign_id": "_DIRECT"} | ORIGIN), number)


ORIGIN = {"treatment_id": "0", "campaign_activity_id": ""}


@asynccontextmanager
async def over_http2(  # noqa: PLR0913 - what makes them differ
    kind: str,
    channel_type: ChannelType,
    folder: Path,
    channels: Channels,
    options: dict[str, Any],
    *,
    number_of: Callable[[Asked], int],
    name_of: Callable[[Asked], str],
    answers: dict[Does, Reply],
) -> AsyncIterator[Way]:
    """A server that many messages reach over one connection."""
    does: defaultdict[int, Does] = defaultdict(lambda: Does.TAKE)
    taken: list[tuple[str, int]] = []

    def answer(asked: Asked) -> Reply:
        number = number_of(asked)
        if does[number] is Does.TAKE:
            taken.append((name_of(asked), number))
        return answers[does[number]]

    server = Http2Server()
    server.answer = answer
    context, ca_file = serving("localhost", folder)
    running = ExitStack()
    running.enter_context(server.running(context))
    with running:
        usual = {"url": server.url, "ca_file": ca_file, "answer_timeout_s": 0.7}

        async def stop() -> None:
            running.close()

        yield Way(
            opens=opening(kind, usual | options, [], channel=channels.find),
            message=message_of(channel_type),
            others=[email(), sms(), VOICE, CUSTOM],
            does=does,
            can=frozenset(Does),
            received=lambda: list(taken),
            stop=stop,
        )


def push_apns(folder: Path) -> AbstractAsyncContextManager[Way]:
    """Apple's service."""
    answers = {
        Does.TAKE: Reply(),
        Does.REFUSE: Reply(400, json.dumps({"reason": "BadTopic", "said": PASSWORD}).encode()),
        Does.FAIL: Reply(503, b'{"reason":"ServiceUnavailable"}'),
        Does.THROTTLE: Reply(429, b'{"reason":"TooManyRequests"}', SLOW),
        Does.HANG: Reply(hangs=True),
        Does.DROP: Reply(resets=BROKEN),
    }
    return over_http2(
        "push_apns",
        "APNS",
        folder,
        channels_of("APNS", **token_key()),
        {},
        number_of=lambda asked: int(asked.path.removeprefix("/3/device/address-")),
        name_of=lambda asked: asked.headers["apns-id"],
        answers=answers,
    )


@asynccontextmanager
async def push_fcm(folder: Path) -> AsyncIterator[Way]:
    """Google's service, and what gives tokens for it."""

    def error(code: int, status: str, **more: str) -> Reply:
        told = {"code": code, "status": status, "message": f"bad: {PASSWORD}"}
        return Reply(code, json.dumps({"error": told}).encode(), more)

    answers = {
        Does.TAKE: Reply(200, b'{"name":"projects/shop-1/messages/1"}'),
        Does.REFUSE: error(400, "INVALID_ARGUMENT"),
        Does.FAIL: error(503, "UNAVAILABLE"),
        Does.THROTTLE: error(429, "QUOTA_EXCEEDED", **SLOW),
        Does.HANG: Reply(hangs=True),
        Does.DROP: Reply(resets=BROKEN),
    }
    receiver = Receiver()
    receiver.answer = lambda _: Answer(body=json.dumps({"access_token": PASSWORD, "expires_in": 3600}).encode())
    with receiver.running():
        opened = over_http2(
            "push_fcm",
            "GCM",
            folder,
            channels_of("GCM", ServiceJson=service_json()),
            {"token_url": f"{receiver.url}/token"},
            number_of=lambda asked: int(json.loads(asked.body)["message"]["token"].removeprefix("address-")),
            name_of=lambda asked: asked.body.decode(),
            answers=answers,
        )
        async with opened as way:
            yield way


@asynccontextmanager
async def over_http1(  # noqa: PLR0913 - what makes them differ
    kind: str,
    channel_type: ChannelType,
    channels: Channels,
    options: Callable[[str], dict[str, Any]],
    *,
    number_of: Callable[[Received], int],
    answers: dict[Does, Answer],
) -> AsyncIterator[Way]:
    """A server that is reached over some connections, and gives tokens, too."""
    does: defaultdict[int, Does] = defaultdict(lambda: Does.TAKE)
    is_over = threading.Event()
    taken: list[tuple[str, int]] = []

    def answer(received: Received) -> Answer:
        if received.path == "/token":
            return Answer(body=json.dumps({"access_token": f"Atc|{PASSWORD}", "expires_in": 3600}).encode())
        number = number_of(received)
        if does[number] is Does.HANG:
            is_over.wait(5)
        if does[number] is Does.TAKE:
            taken.append((received.path, number))
        return answers[does[number]]

    receiver = Receiver()
    receiver.answer = answer
    running = ExitStack()
    running.enter_context(receiver.running())
    with running:
        # A test server has few connections waiting.
        usual = {"url": receiver.url, "connections": 4, "answer_timeout_s": 0.7}

        async def stop() -> None:
            running.close()

        yield Way(
            opens=opening(kind, usual | options(receiver.url), [], channel=channels.find),
            message=message_of(channel_type),
            others=[email(), sms(), VOICE, CUSTOM],
            does=does,
            can=frozenset(Does),
            received=lambda: list(taken),
            stop=stop,
        )
        is_over.set()


def push_adm(_folder: Path) -> AbstractAsyncContextManager[Way]:
    """Amazon's service."""
    answers = {
        Does.TAKE: Answer(body=b'{"registrationID":"address-1"}'),
        Does.REFUSE: Answer(400, json.dumps({"reason": f"Invalid{PASSWORD}"}).encode()),
        Does.FAIL: Answer(503),
        Does.THROTTLE: Answer(429, b'{"reason":"MaxRateExceeded"}', WAIT),
        Does.HANG: Answer(is_dropped=True),
        Does.DROP: Answer(is_dropped=True),
    }
    return over_http1(
        "push_adm",
        "ADM",
        channels_of("ADM", ClientId="shop", ClientSecret=PASSWORD),
        lambda url: {"token_url": f"{url}/token"},
        number_of=lambda received: int(received.path.split("/")[3].removeprefix("address-")),
        answers=answers,
    )


def push_baidu(_folder: Path) -> AbstractAsyncContextManager[Way]:
    """Baidu's service."""
    answers = {
        Does.TAKE: Answer(body=b'{"request_id":1,"response_params":{"msg_id":"7","send_time":1}}'),
        Does.REFUSE: Answer(400, json.dumps({"error_code": 30602, "error_msg": f"bad {PASSWORD}"}).encode()),
        Does.FAIL: Answer(500, b'{"error_code":30600,"error_msg":"Internal Server Error"}'),
        Does.THROTTLE: Answer(429, headers=WAIT),
        Does.HANG: Answer(is_dropped=True),
        Does.DROP: Answer(is_dropped=True),
    }
    return over_http1(
        "push_baidu",
        "BAIDU",
        channels_of("BAIDU", ApiKey="shop", SecretKey=PASSWORD),
        lambda _: {},
        number_of=lambda received: int(parse_qs(received.body.decode())["channel_id"][0].removeprefix("address-")),
        answers=answers,
    )


WAYS = {"push_adm": push_adm, "push_apns": push_apns, "push_baidu": push_baidu, "push_fcm": push_fcm}

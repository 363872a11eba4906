"""What is special to Amazon's and Baidu's services."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, quote_plus

import pytest

from repoint.contract.shapes import ChannelType
from repoint.delivery.message import Push
from repoint.delivery.outcome import Outcome
from repoint.delivery.provider import Provider
from repoint.discover import discover
from tests.delivery.providers.ways import opening
from tests.fixtures.messages import other
from tests.fixtures.push import channels_of
from tests.fixtures.receiver import Answer, Received, Receiver

discover()

ADM = {"ClientId": "shop", "ClientSecret": "adm-secret"}
BAIDU = {"ApiKey": "api-key", "SecretKey": "baidu-secret"}


@asynccontextmanager
async def opened(receiver: Receiver, channel_type: ChannelType) -> AsyncIterator[Provider]:
    is_adm = channel_type == "ADM"
    channels = channels_of(channel_type, **(ADM if is_adm else BAIDU))
    options = {"url": receiver.url} | ({"token_url": f"{receiver.url}/token"} if is_adm else {})
    kind = "push_adm" if is_adm else "push_baidu"
    async with asyncio.timeout(20), opening(kind, options, [], channel=channels.find)() as provider:
        yield provider


async def send(receiver: Receiver, channel_type: ChannelType, answer: Answer) -> Outcome:
    def answers(received: Received) -> Answer:
        return Answer(body=b'{"access_token":"Atc|t","expires_in":3600}') if received.path == "/token" else answer

    receiver.answer = answers
    async with opened(receiver, channel_type) as provider:
        [outcome] = await provider.send([other(channel_type, Push({"Title": "Hi", "Body": "B"}))])
        return outcome


async def test_what_amazon_is_sent(receiver: Receiver) -> None:
    outcome = await send(receiver, "ADM", Answer(body=b'{"registrationID":"address-1"}'))

    assert (outcome.status_code, outcome.updated_token) == (200, None)
    token, message = receiver.received
    assert {name: value for name, [value] in parse_qs(token.body.decode()).items()} == {
        "grant_type": "client_credentials",
        "scope": "messaging:push",
        "client_id": "shop",
        "client_secret": "adm-secret",
    }
    assert message.path == "/messaging/registrations/address-1/messages"
    assert message.headers["authorization"] == "Bearer Atc|t"
    assert message.headers["content-type"] == "application/json"
    assert message.headers["x-amzn-type-version"] == "com.amazon.device.messaging.ADMMessage@1.0"
    assert message.headers["x-amzn-accept-type"] == "com.amazon.device.messaging.ADMSendResult@1.0"
    assert json.loads(message.body)["data"]["pinpoint.notification.title"] == "Hi"


async def test_amazon_names_a_new_registration(receiver: Receiver) -> None:
    outcome = await send(receiver, "ADM", Answer(body=b'{"registrationID":"new"}'))

    assert (outcome.status, outcome.updated_token) == ("SUCCESSFUL", "new")


@pytest.mark.parametrize(
    ("answer", "status", "status_code", "is_gone"),
    [
        (Answer(400, b'{"reason":"Unregistered"}'), "PERMANENT_FAILURE", 410, True),
        (Answer(400, b'{"reason":"InvalidRegistrationId"}'), "PERMANENT_FAILURE", 400, False),
        (Answer(413, b'{"reason":"MessageTooLarge"}'), "PERMANENT_FAILURE", 413, False),
        (Answer(429, b'{"reason":"MaxRateExceeded"}'), "THROTTLED", 429, False),
        (Answer(401, b'{"reason":"AccessTokenExpired"}'), "PERMANENT_FAILURE", 403, False),
        (Answer(500), "TEMPORARY_FAILURE", 500, False),
        (Answer(200, b"[]"), "UNKNOWN_FAILURE", 500, False),
    ],
)
async def test_answers_of_amazon(
    receiver: Receiver,
    answer: Answer,
    status: str,
    status_code: int,
    is_gone: bool,  # noqa: FBT001 - a case
) -> None:
    outcome = await send(receiver, "ADM", answer)

    assert (outcome.status, outcome.status_code, outcome.is_gone) == (status, status_code, is_gone)
    assert json.loads(outcome.detail)["channelType"] == "ADM"


async def test_a_message_that_amazon_cannot_be_told_costs_no_other(receiver: Receiver) -> None:
    """A number of more digits than Python reads."""
    receiver.answer = lambda _: Answer(body=b'{"access_token":"t","expires_in":3600,"registrationID":"address-2"}')
    contents = [Push({"Title": "Hi", "ExpiresAfter": "9" * 5_000}), Push({"Title": "Hi"})]

    async with opened(receiver, "ADM") as provider:
        odd, usual = await provider.send([other("ADM", content, number) for number, content in enumerate(contents, 1)])

    told = ("PERMANENT_FAILURE", 400, "Invalid ExpiresAfter: not a number of seconds")
    assert (odd.status, odd.status_code, odd.detail) == told
    assert usual.is_sent


async def test_what_baidu_is_sent(receiver: Receiver) -> None:
    sent = {"request_id": 1, "response_params": {"msg_id": "7", "send_time": 1}}
    outcome = await send(receiver, "BAIDU", Answer(body=json.dumps(sent).encode()))

    assert (outcome.status_code, outcome.provider_message_id) == (200, "7")
    [asked] = receiver.received
    assert asked.path == "/rest/3.0/push/single_device"
    form = {name: value for name, [value] in parse_qs(asked.body.decode()).items()}
    sign = form.pop("sign")
    told = "".join(f"{name}={form[name]}" for name in sorted(form))
    text = quote_plus(f"POST{receiver.url}{asked.path}{told}baidu-secret")
    assert sign == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert abs(int(form.pop("timestamp")) - time.time()) < 60
    assert json.loads(form.pop("msg"))["description"] == "B"
    assert form == {
        "apikey": "api-key",
        "channel_id": "address-1",
        "device_type": "3",
        "msg_type": "1",
        "msg_expires": "604800",
    }


@pytest.mark.parametrize(
    ("answer", "status", "status_code", "is_gone"),
    [
        (Answer(404, b'{"error_code":30608,"error_msg":"Bind Relation Not Found"}'), "PERMANENT_FAILURE", 410, True),
        (Answer(400, b'{"error_code":30602,"error_msg":"x"}'), "PERMANENT_FAILURE", 400, False),
        (Answer(403, b'{"error_code":30603,"error_msg":"x"}'), "PERMANENT_FAILURE", 403, False),
        (Answer(500, b'{"error_code":30600,"error_msg":"x"}'), "TEMPORARY_FAILURE", 500, False),
        (Answer(200, b'{"error_code":30600,"error_msg":"x"}'), "TEMPORARY_FAILURE", 500, False),
        (Answer(200, b"<html>"), "UNKNOWN_FAILURE", 500, False),
        (Answer(404, b'{"error_code":[],"error_msg":{}}'), "PERMANENT_FAILURE", 400, False),
    ],
)
async def test_answers_of_baidu(
    receiver: Receiver,
    answer: Answer,
    status: str,
    status_code: int,
    is_gone: bool,  # noqa: FBT001 - a case
) -> None:
    outcome = await send(receiver, "BAIDU", answer)

    assert (outcome.status, outcome.status_code, outcome.is_gone) == (status, status_code, is_gone)

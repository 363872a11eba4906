"""What is special to Apple's service."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from msgspec.structs import replace

from repoint.contract.shapes import ChannelType
from repoint.delivery.message import Push
from repoint.delivery.outcome import Outcome
from repoint.delivery.provider import Provider
from repoint.delivery.providers import push_apns
from repoint.discover import discover
from tests.delivery.providers.ways import opening
from tests.fixtures.certificates import proving
from tests.fixtures.http2_server import Asked, Http2Server, Reply
from tests.fixtures.messages import other
from tests.fixtures.push import Channels, channels_of, pem, rsa_key, token_key
from tests.fixtures.push_services import read_jwt

discover()


@asynccontextmanager
async def opened(
    push_service: Http2Server, tls: tuple[ssl.SSLContext, Path], channels: Channels, **options: Any
) -> AsyncIterator[Provider]:
    given = {
        "url": push_service.url,
        "sandbox_url": push_service.url,
        "ca_file": tls[1],
        "answer_timeout_s": 5,
    } | options
    async with asyncio.timeout(20), opening("push_apns", given, [], channel=channels.find)() as provider:
        yield provider


async def send(provider: Provider, channel_type: ChannelType = "APNS", preferred: str | None = None) -> Outcome:
    members = {"Body": "Hi"} | ({"PreferredAuthenticationMethod": preferred} if preferred else {})
    [outcome] = await provider.send([other(channel_type, Push(members))])
    return outcome


@pytest.mark.parametrize(
    ("channel_type", "topic", "is_sandbox", "push_type"),
    [
        ("APNS", "com.example.shop", False, "alert"),
        ("APNS_SANDBOX", "com.example.shop", True, "alert"),
        ("APNS_VOIP", "com.example.shop.voip", False, "voip"),
        ("APNS_VOIP_SANDBOX", "com.example.shop.voip", True, "voip"),
    ],
)
async def test_each_channel_has_its_host_and_topic(  # noqa: PLR0913, PLR0917 - a row
    push_service: Http2Server,
    tls: tuple[ssl.SSLContext, Path],
    channel_type: ChannelType,
    topic: str,
    is_sandbox: bool,  # noqa: FBT001 - a case
    push_type: str,
) -> None:
    nowhere = {"url" if is_sandbox else "sandbox_url": "https://localhost:1"}
    async with opened(push_service, tls, channels_of(channel_type, **token_key()), **nowhere) as provider:
        outcome = await send(provider, channel_type)

    assert outcome.is_sent
    [asked] = push_service.received
    assert (asked.headers["apns-topic"], asked.headers["apns-push-type"]) == (topic, push_type)


async def test_with_a_certificate_there_is_no_token(
    push_service: Http2Server, tls: tuple[ssl.SSLContext, Path]
) -> None:
    certificate, private_key = proving("com.example.certified")
    tls[0].verify_mode = ssl.CERT_REQUIRED
    tls[0].load_verify_locations(cadata=certificate)
    channels = channels_of("APNS", Certificate=certificate, PrivateKey=private_key)

    async with opened(push_service, tls, channels) as provider:
        outcome = await send(provider)

    assert outcome.is_sent
    [asked] = push_service.received
    assert asked.certificate == load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER)
    assert "authorization" not in asked.headers
    assert asked.headers["apns-topic"] == "com.example.certified"


async def test_a_server_that_knows_no_such_certificate_gets_nothing(
    push_service: Http2Server, tls: tuple[ssl.SSLContext, Path]
) -> None:
    tls[0].verify_mode = ssl.CERT_REQUIRED
    async with opened(push_service, tls, channels_of("APNS", **token_key())) as provider:
        outcome = await send(provider)

    assert (outcome.status, outcome.is_in_doubt) == ("TEMPORARY_FAILURE", False)
    assert push_service.received == []


async def test_the_message_chooses_among_the_channels_methods(
    push_service: Http2Server, tls: tuple[ssl.SSLContext, Path]
) -> None:
    certificate, private_key = proving("com.example.certified")
    both = channels_of("APNS", **token_key(), Certificate=certificate, PrivateKey=private_key)
    async with opened(push_service, tls, both) as provider:
        for preferred in (None, "TOKEN", "KEY"):
            assert (await send(provider, preferred=preferred)).is_sent
        both.put("APNS", **both.members["APNS"], DefaultAuthenticationMethod="KEY")
        assert (await send(provider)).is_sent

    assert ["authorization" in asked.headers for asked in push_service.received] == [False, True, True, True]


CERTIFIED = dict(zip(("Certificate", "PrivateKey"), proving("x"), strict=True))
UNUSABLE = "the channel's credentials cannot be used:"


@pytest.mark.parametrize(
    ("members", "preferred", "told"),
    [
        (token_key(), "CERTIFICATE", "the channel has no Certificate to send with"),
        (token_key(DefaultAuthenticationMethod="CERTIFICATE"), None, "the channel has no Certificate to send with"),
        (CERTIFIED, "TOKEN", "the channel has no TokenKey to send with"),
        (token_key(), "LUCK", "Invalid PreferredAuthenticationMethod"),
        (
            token_key(TokenKey="secret"),
            None,
            f"{UNUSABLE} TokenKey is not a private key in PEM without a passphrase (ValueError)",
        ),
        (token_key(TokenKey=pem(rsa_key())), None, f"{UNUSABLE} TokenKey is not a private key on the curve P-256"),
        (
            CERTIFIED | {"PrivateKey": proving("x")[1]},
            None,
            f"{UNUSABLE} Certificate and PrivateKey do not go together (SSLError)",
        ),
        (
            CERTIFIED | {"Certificate": "x"},
            None,
            f"{UNUSABLE} Certificate and PrivateKey do not go together (SSLError)",
        ),
        (token_key(BundleId="a\r\nb"), None, f"{UNUSABLE} BundleId is no name of an app"),
        (token_key(BundleId="com.example.shop "), None, f"{UNUSABLE} BundleId is no name of an app"),
        (token_key(BundleId="b" * 256), None, f"{UNUSABLE} BundleId is no name of an app"),
        (token_key(TokenKeyId="k" * 256), None, f"{UNUSABLE} TokenKeyId and TeamId are too long"),
    ],
)
async def test_credentials_that_cannot_be_used(
    push_service: Http2Server,
    tls: tuple[ssl.SSLContext, Path],
    members: dict[str, str],
    preferred: str | None,
    told: str,
) -> None:
    async with opened(push_service, tls, channels_of("APNS", **members)) as provider:
        outcome = await send(provider, preferred=preferred)

    assert (outcome.status, outcome.status_code, outcome.detail) == ("PERMANENT_FAILURE", 400, told)
    assert push_service.received == []


async def test_a_token_is_used_for_40_minutes(push_service: Http2Server, tls: tuple[ssl.SSLContext, Path]) -> None:
    tokens = []
    async with opened(push_service, tls, channels_of("APNS", **token_key())) as provider:
        for minutes in (0, 39, 41, 60, 82):
            with patch.object(push_apns, "time") as clock:
                clock.monotonic.return_value = 1e6 + minutes * 60
                clock.time.return_value = 2e9 + minutes * 60
                assert (await send(provider)).is_sent
            tokens.append(push_service.received[-1].headers["authorization"])

    issued = [read_jwt(token.removeprefix("bearer "))[1]["iat"] - 2_000_000_000 for token in tokens]
    assert issued == [0, 0, 41 * 60, 41 * 60, 82 * 60]


async def test_an_expired_token_is_renewed_once(push_service: Http2Server, tls: tuple[ssl.SSLContext, Path]) -> None:
    """As when the machine slept, or its clock was set."""
    expired: set[str] = set()

    def answer(asked: Asked) -> Reply:
        if not expired or asked.headers["authorization"] in expired:
            expired.add(asked.headers["authorization"])
            return Reply(403, b'{"reason":"ExpiredProviderToken"}')
        return Reply()

    push_service.answer = answer
    async with opened(push_service, tls, channels_of("APNS", **token_key())) as provider:
        young = await send(provider)
        with patch.object(push_apns, "time") as clock:
            clock.monotonic.return_value = time.monotonic() + 21 * 60
            clock.time.return_value = time.time() + 21 * 60
            old = await send(provider)

    assert (young.status, young.status_code) == ("TEMPORARY_FAILURE", 500)
    assert old.is_sent


async def test_a_token_is_as_old_as_the_wall_clock_says(
    push_service: Http2Server, tls: tuple[ssl.SSLContext, Path]
) -> None:
    """While a machine sleeps its other clock may stand still."""
    tokens = []
    async with opened(push_service, tls, channels_of("APNS", **token_key())) as provider:
        for minute in (0, 19, 41):
            with patch.object(push_apns, "time") as clock:
                clock.monotonic.return_value = 1e6
                clock.time.return_value = 1.9e9 + minute * 60
                assert (await send(provider)).is_sent
            tokens.append(push_service.received[-1].headers["authorization"])

    assert [tokens.index(token) for token in tokens] == [0, 0, 2]


@pytest.mark.parametrize(
    ("reply", "status", "status_code", "is_gone"),
    [
        (Reply(400, b'{"reason":"BadDeviceToken"}'), "PERMANENT_FAILURE", 410, True),
        (Reply(410, b'{"reason":"ExpiredToken"}'), "PERMANENT_FAILURE", 410, True),
        (Reply(410), "PERMANENT_FAILURE", 410, True),
        (Reply(400, b'{"reason":"DeviceTokenNotForTopic"}'), "PERMANENT_FAILURE", 400, False),
        (Reply(403, b'{"reason":"InvalidProviderToken"}'), "PERMANENT_FAILURE", 403, False),
        (Reply(413, b'{"reason":"PayloadTooLarge"}'), "PERMANENT_FAILURE", 413, False),
        (Reply(429, b'{"reason":"TooManyProviderTokenUpdates"}'), "TEMPORARY_FAILURE", 500, False),
        (Reply(500, b"<html>"), "TEMPORARY_FAILURE", 500, False),
        (Reply(302), "TEMPORARY_FAILURE", 500, False),
        (Reply(204), "UNKNOWN_FAILURE", 500, False),
        (Reply(400, b'{"reason":{"a":[]}}'), "PERMANENT_FAILURE", 400, False),
    ],
)
async def test_answers(  # noqa: PLR0913, PLR0917 - a row
    push_service: Http2Server,
    tls: tuple[ssl.SSLContext, Path],
    reply: Reply,
    status: str,
    status_code: int,
    is_gone: bool,  # noqa: FBT001 - a case
) -> None:
    push_service.answer = lambda _: reply
    async with opened(push_service, tls, channels_of("APNS", **token_key())) as provider:
        outcome = await send(provider)

    assert (outcome.status, outcome.status_code, outcome.is_gone) == (status, status_code, is_gone)
    assert json.loads(outcome.detail)["pushProviderStatusCode"] == str(reply.status)


async def test_a_channel_is_opened_once_until_it_changes(
    push_service: Http2Server, tls: tuple[ssl.SSLContext, Path]
) -> None:
    channels = channels_of("APNS", **token_key())
    async with opened(push_service, tls, channels) as provider:
        for _ in range(3):
            await send(provider)
        assert push_service.connections == 1
        channels.put("APNS", **token_key(TokenKeyId="KEY2"))
        await send(provider)

    kids = [read_jwt(asked.headers["authorization"].split()[1])[0]["kid"] for asked in push_service.received]
    assert kids == ["KEY1", "KEY1", "KEY1", "KEY2"]


async def test_strange_device_tokens_do_no_harm(push_service: Http2Server, tls: tuple[ssl.SSLContext, Path]) -> None:
    tokens = ["../../x", "a b\r\nc: d", "ü" * 10, "%2e", "x" * 2_049, "ü" * 400]
    async with opened(push_service, tls, channels_of("APNS", **token_key())) as provider:
        messages = [replace(other("APNS", Push({"Body": "Hi"})), address=token) for token in tokens]
        outcomes = await provider.send(messages)

    assert [asked.path for asked in push_service.received] == [
        "/3/device/..%2F..%2Fx",
        "/3/device/a%20b%0D%0Ac%3A%20d",
        "/3/device/" + "%C3%BC" * 10,
        "/3/device/%252e",
    ]
    assert [outcome.detail for outcome in outcomes[-2:]] == ["the device token is too long"] * 2

"""What is special to Google's service, and to the access tokens that it and Amazon's are sent with."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from msgspec.structs import replace

from repoint.delivery.message import Push
from repoint.delivery.outcome import Outcome
from repoint.delivery.provider import Provider
from repoint.delivery.push import oauth
from repoint.discover import discover
from tests.delivery.providers.ways import opening
from tests.fixtures.http2_server import Asked, Reply
from tests.fixtures.messages import other
from tests.fixtures.push import Channels, channels_of, ec_key, pem, service_json
from tests.fixtures.push_services import PushServices, push_services
from tests.fixtures.receiver import Answer, Receiver

discover()

TAKEN = Reply(body=b'{"name":"projects/shop-1/messages/1"}')


@pytest.fixture
def services(tmp_path: Path) -> Iterator[PushServices]:
    with push_services(tmp_path) as services:
        yield services


@asynccontextmanager
async def opened(services: PushServices, channels: Channels, **options: Any) -> AsyncIterator[Provider]:
    given = {name: value for name, value in services.settings["providers"]["google"].items() if name != "kind"}
    async with asyncio.timeout(20), opening("push_fcm", given | options, [], channel=channels.find)() as provider:
        yield provider


async def send(provider: Provider, number: int = 1, **members: Any) -> Outcome:
    [outcome] = await provider.send([other("GCM", Push({"Body": "Hi"} | members), number)])
    return outcome


async def outcome_of(services: PushServices, channels: Channels, **members: Any) -> Outcome:
    async with opened(services, channels) as provider:
        return await send(provider, **members)


@pytest.mark.parametrize(
    ("channel", "preferred", "path"),
    [
        ({"ServiceJson": service_json()}, None, "/v1/projects/shop-1/messages:send"),
        ({"ApiKey": "k"}, None, "/fcm/send"),
        ({"ApiKey": "k", "ServiceJson": service_json()}, None, "/fcm/send"),
        ({"ApiKey": "k", "ServiceJson": service_json()}, "TOKEN", "/v1/projects/shop-1/messages:send"),
        (
            {"ApiKey": "k", "ServiceJson": service_json(), "DefaultAuthenticationMethod": "TOKEN"},
            None,
            "/v1/projects/shop-1/messages:send",
        ),
        ({"ServiceJson": service_json(project_id="a/../b")}, None, "/v1/projects/a%2F..%2Fb/messages:send"),
    ],
)
async def test_the_method_chooses_the_api(
    services: PushServices, channel: dict[str, str], preferred: str | None, path: str
) -> None:
    await outcome_of(services, channels_of("GCM", **channel), PreferredAuthenticationMethod=preferred)

    assert [asked.path for asked in services.http2.received] == [path]


@pytest.mark.parametrize(
    ("channel", "members", "told"),
    [
        ({"ApiKey": "k"}, {"PreferredAuthenticationMethod": "TOKEN"}, "the channel has no ServiceJson to send with"),
        (
            {"ServiceJson": service_json(), "DefaultAuthenticationMethod": "KEY"},
            {},
            "the channel has no ApiKey to send with",
        ),
        ({"ApiKey": "k"}, {"PreferredAuthenticationMethod": "LUCK"}, "Invalid PreferredAuthenticationMethod"),
        ({"ApiKey": "a\r\nb: c"}, {}, "the channel's ApiKey cannot be used"),
        # All applications share a connection, which a server may close for such a header.
        ({"ApiKey": "key "}, {}, "the channel's ApiKey cannot be used"),
        ({"ApiKey": "k" * 4_097}, {}, "the channel's ApiKey cannot be used"),
        (
            {"ServiceJson": service_json(project_id="p" * 256)},
            {},
            "the channel's ServiceJson cannot be used: project_id is too long",
        ),
        (
            {"ServiceJson": service_json(private_key=pem(ec_key()))},
            {},
            "the channel's ServiceJson cannot be used: private_key is not an RSA private key",
        ),
        (
            {"ServiceJson": service_json()},
            {"Action": "DEEP_LINK", "Url": "app://x"},
            "DEEP_LINK isn't supported with TOKEN authentication",
        ),
    ],
)
async def test_what_cannot_be_sent(
    services: PushServices, channel: dict[str, str], members: dict[str, str], told: str
) -> None:
    outcome = await outcome_of(services, channels_of("GCM", **channel), **members)

    assert (outcome.status, outcome.status_code, outcome.detail) == ("PERMANENT_FAILURE", 400, told)
    assert services.http2.received == []


async def test_raw_content_of_any_depth_costs_no_other_message(services: PushServices) -> None:
    """Whatever is just not too deep to be read, but to be written."""
    raws = ['{"data":' + '{"a":' * depth + "1" + "}" * depth + "}" for depth in range(900, 1_010)]

    async with opened(services, channels_of("GCM", ServiceJson=service_json())) as provider:
        outcomes = await provider.send([other("GCM", Push({"RawContent": raw}), n) for n, raw in enumerate(raws)])

    statuses = [(outcome.status, outcome.status_code) for outcome in outcomes]
    assert set(statuses) <= {("SUCCESSFUL", 200), ("PERMANENT_FAILURE", 400), ("PERMANENT_FAILURE", 413)}
    assert ("PERMANENT_FAILURE", 400) in statuses


@pytest.mark.parametrize("channel", [{"ServiceJson": service_json()}, {"ApiKey": "k"}])
async def test_a_token_that_cannot_be_one_is_not_sent(services: PushServices, channel: dict[str, str]) -> None:
    message = replace(other("GCM", Push({"Body": "Hi"})), address="t" * 4_097)
    async with opened(services, channels_of("GCM", **channel)) as provider:
        [outcome] = await provider.send([message])

    told = ("PERMANENT_FAILURE", 400, "the registration token is too long")
    assert (outcome.status, outcome.status_code, outcome.detail) == told
    assert services.http2.received == []


def error(code: int, status: str, error_code: str | None = None) -> Reply:
    details = [{"@type": "type.googleapis.com/google.rpc.Help"}, {"errorCode": error_code}] if error_code else []
    told = {"code": code, "message": "words", "status": status, "details": details}
    return Reply(code, json.dumps({"error": told}).encode())


@pytest.mark.parametrize(
    ("reply", "status", "status_code", "is_gone"),
    [
        (error(404, "NOT_FOUND", "UNREGISTERED"), "PERMANENT_FAILURE", 400, True),
        # About the project, or the URL.
        (error(404, "NOT_FOUND"), "PERMANENT_FAILURE", 400, False),
        (error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"), "PERMANENT_FAILURE", 400, False),
        (error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), "PERMANENT_FAILURE", 403, False),
        (error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), "PERMANENT_FAILURE", 403, False),
        (error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "THROTTLED", 429, False),
        (error(503, "UNAVAILABLE", "UNAVAILABLE"), "TEMPORARY_FAILURE", 500, False),
        (error(500, "INTERNAL"), "TEMPORARY_FAILURE", 500, False),
        (Reply(502, b"<html>"), "TEMPORARY_FAILURE", 500, False),
        (Reply(200, b"<html>"), "UNKNOWN_FAILURE", 500, False),
        (Reply(200, b'{"name":7}'), "UNKNOWN_FAILURE", 500, False),
        (
            Reply(400, b'{"error":{"details":[7,{"errorCode":[]}],"message":{},"status":[]}}'),
            "PERMANENT_FAILURE",
            400,
            False,
        ),
    ],
)
async def test_answers_of_http_v1(
    services: PushServices,
    reply: Reply,
    status: str,
    status_code: int,
    is_gone: bool,  # noqa: FBT001 - a case
) -> None:
    services.http2.answer = lambda _: reply

    outcome = await outcome_of(services, channels_of("GCM", ServiceJson=service_json()))

    assert (outcome.status, outcome.status_code, outcome.is_gone) == (status, status_code, is_gone)
    assert outcome.is_in_doubt == (status == "UNKNOWN_FAILURE")


@pytest.mark.parametrize(
    ("result", "status", "status_code", "is_gone"),
    [
        ({"error": "NotRegistered"}, "PERMANENT_FAILURE", 410, True),
        ({"error": "InvalidRegistration"}, "PERMANENT_FAILURE", 400, False),
        ({"error": "MismatchSenderId"}, "PERMANENT_FAILURE", 403, False),
        ({"error": "MessageTooBig"}, "PERMANENT_FAILURE", 413, False),
        ({"error": "DeviceMessageRateExceeded"}, "THROTTLED", 429, False),
        ({"error": "Unavailable"}, "TEMPORARY_FAILURE", 500, False),
        ({}, "UNKNOWN_FAILURE", 500, False),
    ],
)
async def test_answers_of_the_legacy_api(
    services: PushServices,
    result: dict[str, str],
    status: str,
    status_code: int,
    is_gone: bool,  # noqa: FBT001 - a case
) -> None:
    services.http2.answer = lambda _: Reply(body=json.dumps({"results": [result]}).encode())

    outcome = await outcome_of(services, channels_of("GCM", ApiKey="k"))

    assert (outcome.status, outcome.status_code, outcome.is_gone) == (status, status_code, is_gone)


@pytest.mark.parametrize("wait", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "9" * 500, "soon", "-5"])
async def test_a_pause_that_means_nothing_is_none(services: PushServices, wait: str) -> None:
    services.http2.answer = lambda _: Reply(429, headers={"retry-after": wait})

    outcome = await outcome_of(services, channels_of("GCM", ServiceJson=service_json()))

    assert (outcome.status, outcome.status_code, outcome.retry_after_s) == ("THROTTLED", 429, None)


async def test_http1_is_spoken_with_those_who_have_nothing_else(services: PushServices) -> None:
    receiver = Receiver()
    receiver.answer = lambda _: Answer(body=TAKEN.body)
    with receiver.running():
        async with opened(services, channels_of("GCM", ServiceJson=service_json()), url=receiver.url) as provider:
            outcome = await send(provider)

    assert outcome.is_sent
    [asked] = receiver.received
    assert (asked.path, asked.headers["authorization"]) == ("/v1/projects/shop-1/messages:send", "Bearer ya29.token")


async def test_many_who_need_a_token_ask_for_one(services: PushServices) -> None:
    async with opened(services, channels_of("GCM", ServiceJson=service_json())) as provider:
        outcomes = await asyncio.gather(*(send(provider, number) for number in range(20)))

    assert all(outcome.is_sent for outcome in outcomes)
    assert len(services.tokens.received) == 1
    assert services.http2.connections == 1


@pytest.mark.parametrize(("lifetime_s", "asked"), [(3600, [1, 1, 2]), (60, [1, 2, 3])])
async def test_a_token_is_kept_until_shortly_before_it_ends(
    services: PushServices, lifetime_s: int, asked: list[int]
) -> None:
    services.tokens.answer = lambda _: Answer(body=json.dumps({"access_token": "t", "expires_in": lifetime_s}).encode())
    found = []
    async with opened(services, channels_of("GCM", ServiceJson=service_json())) as provider:
        for second in (0, 3530, 3545):
            with patch.object(oauth, "time") as clock:
                clock.monotonic.return_value = 1e6 + second
                assert (await send(provider)).is_sent
            found.append(len(services.tokens.received))

    assert found == (asked if lifetime_s > 60 else [1, 2, 2])


async def test_a_token_that_cannot_be_renewed_is_used_as_long_as_it_holds(services: PushServices) -> None:
    found = []
    async with opened(services, channels_of("GCM", ServiceJson=service_json())) as provider:
        for second in (0, 3_545, 3_546, 3_560, 3_605):
            if second:
                services.tokens.answer = lambda _: Answer(503)
            with patch.object(oauth, "time") as clock:
                clock.monotonic.return_value = 1e6 + second
                found.append(((await send(provider)).status, len(services.tokens.received)))

    assert found == [
        ("SUCCESSFUL", 1),
        ("SUCCESSFUL", 2),
        # It is not asked for again at once.
        ("SUCCESSFUL", 2),
        ("SUCCESSFUL", 3),
        ("TEMPORARY_FAILURE", 4),
    ]


async def test_a_token_that_is_no_longer_taken_is_asked_for_anew(services: PushServices) -> None:
    numbers = iter(range(9))
    services.tokens.answer = lambda _: Answer(
        body=json.dumps({"access_token": f"t{next(numbers)}", "expires_in": 3600}).encode()
    )

    def answer(asked: Asked) -> Reply:
        return error(401, "UNAUTHENTICATED") if asked.headers["authorization"] == "Bearer t0" else TAKEN

    async with opened(services, channels_of("GCM", ServiceJson=service_json())) as provider:
        assert (await send(provider)).is_sent
        services.http2.answer = answer
        with patch.object(oauth, "time") as clock:
            clock.monotonic.return_value = time.monotonic() + 60
            outcomes = await asyncio.gather(*(send(provider, number) for number in range(2, 5)))

    assert all(outcome.is_sent for outcome in outcomes)
    assert len(services.tokens.received) == 2


@pytest.mark.parametrize(
    ("answer", "status", "status_code", "told"),
    [
        (Answer(400, b'{"error":"invalid_grant"}'), "PERMANENT_FAILURE", 403, "answered 400 invalid_grant"),
        (Answer(401, b'{"error":"<script>"}'), "PERMANENT_FAILURE", 403, "answered 401"),
        (Answer(429, headers={"Retry-After": "7"}), "THROTTLED", 429, "answered 429"),
        (Answer(503), "TEMPORARY_FAILURE", 500, "answered 503"),
        (Answer(200, b"<html>"), "TEMPORARY_FAILURE", 500, "answered 200"),
        (Answer(200, b'{"access_token":"a\\r\\nb: c"}'), "TEMPORARY_FAILURE", 500, "answered 200"),
        (Answer(is_dropped=True), "TEMPORARY_FAILURE", 500, "the connection broke"),
    ],
)
async def test_without_a_token_nothing_is_sent(
    services: PushServices, answer: Answer, status: str, status_code: int, told: str
) -> None:
    services.tokens.answer = lambda _: answer

    async with opened(services, channels_of("GCM", ServiceJson=service_json(), ApiKey="k")) as provider:
        outcomes = [await send(provider, PreferredAuthenticationMethod="TOKEN") for _ in range(2)]
        services.http2.answer = lambda _: Reply(body=b'{"results":[{"message_id":"0:1"}]}')
        by_key = await send(provider, PreferredAuthenticationMethod="KEY")

    assert [(outcome.status, outcome.status_code) for outcome in outcomes] == [(status, status_code)] * 2
    assert told in outcomes[0].detail
    assert not outcomes[0].is_in_doubt
    # A refusal is not asked for again at once.
    assert len(services.tokens.received) == 1
    assert by_key.is_sent

"""One connection for all requests, and all that can become of it; Apple's notifications are what travels."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from h2.settings import SettingCodes

from repoint.delivery.http2 import connection, under_way
from repoint.delivery.message import Message, Push
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider
from repoint.discover import discover
from tests.delivery.providers.ways import opening
from tests.fixtures.certificates import serving
from tests.fixtures.http2_server import Asked, Http2Server, Reply
from tests.fixtures.messages import other
from tests.fixtures.push import channels_of, token_key

discover()

# Error codes of HTTP/2.
INTERNAL_ERROR, REFUSED_STREAM = 2, 7


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    return serving("localhost", tmp_path)


@pytest.fixture
def server(tls: tuple[ssl.SSLContext, Path]) -> Iterator[Http2Server]:
    with Http2Server().running(tls[0]) as server:
        yield server


@pytest.fixture
def opens(tls: tuple[ssl.SSLContext, Path]) -> Callable[..., Any]:
    """What opens a provider for a server."""

    @asynccontextmanager
    async def opens(server: Http2Server, **options: Any) -> AsyncIterator[Provider]:
        usual = {"url": server.url, "ca_file": tls[1], "answer_timeout_s": 10}
        channels = channels_of("APNS", **token_key())
        async with asyncio.timeout(20), opening("push_apns", usual | options, [], channel=channels.find)() as provider:
            yield provider

    return opens


def push(number: int, body: str = "Hi") -> Message:
    return other("APNS", Push({"Body": body}), number)


def number_of(asked: Asked) -> int:
    return int(asked.path.removeprefix("/3/device/address-"))


async def send(provider: Provider, *numbers: int) -> list[Outcome]:
    return await provider.send([push(number) for number in numbers])


def told(outcomes: list[Outcome]) -> list[tuple[str, int, bool]]:
    return [(str(outcome.status), outcome.status_code, outcome.is_in_doubt) for outcome in outcomes]


SENT = ("SUCCESSFUL", 200, False)


async def test_all_messages_share_one_connection(server: Http2Server, opens: Callable[..., Any]) -> None:
    async with opens(server) as provider:
        outcomes = await asyncio.gather(*(send(provider, *range(n, n + 50)) for n in range(0, 400, 50)))

    assert [told(each) for each in outcomes] == [[SENT] * 50] * 8
    assert sorted(map(number_of, server.received)) == list(range(400))
    assert server.connections == 1


@pytest.mark.parametrize(
    "settings",
    [
        # Headers cannot be kept; little is let through at once; one message after the other.
        {SettingCodes.HEADER_TABLE_SIZE: 0},
        {SettingCodes.INITIAL_WINDOW_SIZE: 7},
        {SettingCodes.MAX_CONCURRENT_STREAMS: 1},
        {SettingCodes.HEADER_TABLE_SIZE: 100, SettingCodes.INITIAL_WINDOW_SIZE: 0},
    ],
)
async def test_what_the_server_asks_for_is_kept_to(
    tls: tuple[ssl.SSLContext, Path], opens: Callable[..., Any], settings: dict[SettingCodes, int]
) -> None:
    with Http2Server(settings).running(tls[0]) as server:
        server.raises_windows = True
        async with opens(server, answer_timeout_s=5) as provider:
            outcomes = await send(provider, *range(30))
            again = await send(provider, *range(30, 40))

    assert told(outcomes + again) == [SENT] * 40
    assert {json.loads(asked.body)["aps"]["alert"]["body"] for asked in server.received} == {"Hi"}
    assert {asked.headers["apns-topic"] for asked in server.received} == {"com.example.shop"}
    assert server.mistakes == []
    assert server.most_streams <= settings.get(SettingCodes.MAX_CONCURRENT_STREAMS, 30)


async def test_no_more_are_under_way_than_the_option_says(server: Http2Server, opens: Callable[..., Any]) -> None:
    async with opens(server, streams=3) as provider:
        outcomes = await send(provider, *range(20))

    assert told(outcomes) == [SENT] * 20
    assert server.most_streams <= 3


async def test_more_bytes_than_the_connections_window_arrive(server: Http2Server, opens: Callable[..., Any]) -> None:
    async with opens(server, answer_timeout_s=10) as provider:
        outcomes = await provider.send([push(number, "x" * 3_000) for number in range(100)])

    assert told(outcomes) == [SENT] * 100


async def test_requests_that_a_server_did_not_look_at_are_made_again(
    server: Http2Server, opens: Callable[..., Any]
) -> None:
    refused: set[int] = set()

    def answer(asked: Asked) -> Reply:
        number = number_of(asked)
        if number % 3 == 0 and number not in refused:
            refused.add(number)
            return Reply(resets=REFUSED_STREAM)
        return Reply()

    server.answer = answer
    async with opens(server) as provider:
        outcomes = await send(provider, *range(1, 20))

    assert told(outcomes) == [SENT] * 19


async def test_one_that_is_always_refused_is_a_temporary_failure(
    server: Http2Server, opens: Callable[..., Any]
) -> None:
    server.answer = lambda asked: Reply(resets=REFUSED_STREAM) if number_of(asked) == 1 else Reply()
    async with opens(server) as provider:
        outcomes = await send(provider, 1, 2)

    assert told(outcomes) == [("TEMPORARY_FAILURE", 500, False), SENT]
    assert outcomes[0].may_try_another


async def test_who_goes_away_is_asked_again_for_what_it_did_not_take(
    server: Http2Server, opens: Callable[..., Any]
) -> None:
    """GOAWAY names the last stream that the server looks at: those behind it go over another connection."""

    def answer(asked: Asked) -> Reply:
        return Reply(goes_away_after=9) if asked.connection == 1 and number_of(asked) == 5 else Reply()

    server.answer = answer
    async with opens(server) as provider:
        outcomes = await send(provider, *range(1, 21))
        later = await send(provider, 21)

    assert told(outcomes + later) == [SENT] * 21
    assert server.connections == 2


async def test_of_what_was_under_way_when_a_server_went_away_only_what_it_had_taken_is_in_doubt(
    server: Http2Server, opens: Callable[..., Any]
) -> None:
    """The ninth stream is the fifth message's."""

    def answer(asked: Asked) -> Reply:
        return Reply(goes_away_after=9, closes=number_of(asked) == 5) if asked.connection == 1 else Reply()

    server.answer = answer
    async with opens(server) as provider:
        outcomes = await send(provider, *range(1, 21))

    assert told(outcomes) == [("UNKNOWN_FAILURE", 500, True)] * 5 + [SENT] * 15
    assert outcomes[0].detail == 'the server ended the connection {"reason":"Shutdown"}; it may have taken the message'
    assert [number_of(asked) for asked in server.received if asked.connection == 2] == list(range(6, 21))


async def test_a_server_may_let_in_fewer_at_once_later(server: Http2Server, opens: Callable[..., Any]) -> None:
    fewer = {SettingCodes.MAX_CONCURRENT_STREAMS: 2, SettingCodes.INITIAL_WINDOW_SIZE: 20}
    server.answer = lambda asked: Reply(settings=fewer) if number_of(asked) == 1 else Reply()
    server.raises_windows = True
    async with opens(server) as provider:
        outcomes = await send(provider, 1)
        outcomes += await send(provider, *range(2, 31))

    assert told(outcomes) == [SENT] * 30
    assert server.most_streams <= 2
    assert server.mistakes == []


async def test_streams_may_run_out(
    server: Http2Server, opens: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_way, "LAST_STREAM", 5)
    async with opens(server) as provider:
        outcomes = await send(provider, *range(1, 8))

    assert told(outcomes) == [SENT] * 7
    assert [asked.connection for asked in server.received] == [1, 1, 1, 2, 2, 2, 3]


async def test_a_connection_that_breaks_in_mid_window_leaves_those_in_doubt_that_were_sent(
    server: Http2Server, opens: Callable[..., Any]
) -> None:
    server.answer = lambda asked: Reply(closes=True) if number_of(asked) == 5 else Reply()
    async with opens(server, streams=8) as provider:
        outcomes = await send(provider, *range(1, 31))
        arrived = {number_of(asked) for asked in server.received}
        server.answer = lambda _: Reply()
        later = await send(provider, 31)

    in_doubt = [number for number, outcome in enumerate(outcomes, 1) if outcome.is_in_doubt]
    assert 5 in in_doubt
    assert {outcome.status for outcome in outcomes} == {Status.SUCCESSFUL, Status.UNKNOWN_FAILURE}
    # Of the window that was lost, nobody knows; those that waited behind it went over the next connection.
    assert len(in_doubt) <= 8
    assert set(range(1, 31)) - set(in_doubt) <= arrived
    assert told(later) == [SENT]


@pytest.mark.parametrize(
    "nonsense", [b"HTTP/1.1 400 Bad Request\r\n\r\n" * 9, b"\x00" * 8000, b"\x00\x00\x01\x01\x04\x00\x00\x00\x01\xff"]
)
async def test_bytes_that_mean_nothing_leave_requests_in_doubt(
    server: Http2Server, opens: Callable[..., Any], nonsense: bytes
) -> None:
    server.answer = lambda asked: Reply(writes=nonsense) if number_of(asked) == 1 else Reply()
    async with opens(server, answer_timeout_s=0.7) as provider:
        outcomes = await send(provider, 1)
        later = await send(provider, 2)

    assert told(outcomes) in ([("UNKNOWN_FAILURE", 500, True)], [("UNKNOWN_FAILURE", 504, True)])
    assert told(later) == [SENT]
    assert server.connections == 2


# HEADERS of the first stream without END_STREAM: the peer's table is gone, `:status` 410.
GONE_SO_FAR = b"\x00\x00\x06\x01\x04\x00\x00\x00\x01\x20\x08\x03410"


@pytest.mark.parametrize("closes", [True, False])
async def test_an_answer_that_does_not_end_is_one_all_the_same(
    server: Http2Server,
    opens: Callable[..., Any],
    closes: bool,  # noqa: FBT001 - a case
) -> None:
    """The status says what became of the message, whether the connection breaks then or nothing more comes."""
    server.answer = lambda _: Reply(writes=GONE_SO_FAR, closes=closes)
    async with opens(server, answer_timeout_s=0.7) as provider:
        outcomes = await send(provider, 1)

    assert told(outcomes) == [("PERMANENT_FAILURE", 410, False)]
    assert outcomes[0].is_gone


async def test_an_interim_answer_that_ends_is_none(server: Http2Server, opens: Callable[..., Any]) -> None:
    """It cannot be, so nobody waits for more."""
    server.answer = lambda _: Reply(writes=GONE_SO_FAR.replace(b"\x04", b"\x05", 1).replace(b"410", b"103"))
    async with opens(server, answer_timeout_s=60) as provider:
        outcomes = await send(provider, 1)

    assert told(outcomes) == [("UNKNOWN_FAILURE", 500, True)]


async def test_a_silent_server_leaves_requests_in_doubt_and_is_left(
    server: Http2Server, opens: Callable[..., Any]
) -> None:
    server.answer = lambda _: Reply(hangs=True)
    async with opens(server, answer_timeout_s=0.7) as provider:
        outcomes = await send(provider, 1, 2)
        server.answer = lambda _: Reply()
        later = await send(provider, 3)

    assert told(outcomes) == [("UNKNOWN_FAILURE", 504, True)] * 2
    assert told(later) == [SENT]
    assert server.connections == 2


async def test_a_connection_that_nobody_has_used_for_long_is_tried_before(
    server: Http2Server, opens: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is between may have forgotten it, and would take messages without anybody ever having them."""
    monkeypatch.setattr(connection, "STALE_S", 0.1)
    server.answer = lambda asked: Reply(deafens=number_of(asked) == 2)
    async with opens(server, connect_timeout_s=0.5) as provider:
        outcomes = await send(provider, 1)
        await asyncio.sleep(0.3)
        outcomes += await send(provider, 2)
        await asyncio.sleep(0.3)
        outcomes += await send(provider, 3)

    assert told(outcomes) == [SENT] * 3
    assert [asked.connection for asked in server.received] == [1, 1, 2]


PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00payload."


async def test_pings_are_answered(server: Http2Server, opens: Callable[..., Any]) -> None:
    server.answer = lambda asked: Reply(writes=PING) if number_of(asked) == 1 else Reply()
    async with opens(server, answer_timeout_s=0.5) as provider:
        outcomes = await send(provider, 1, 2)

    assert told(outcomes) == [("UNKNOWN_FAILURE", 504, True), SENT]
    assert server.mistakes == []
    assert b"payload." in server.pongs


async def test_who_asks_without_end_and_does_not_listen_is_left(server: Http2Server, opens: Callable[..., Any]) -> None:
    server.answer = lambda asked: Reply(writes=PING * 600_000, deafens=True) if number_of(asked) == 1 else Reply()
    async with opens(server, answer_timeout_s=60) as provider:
        outcomes = await send(provider, 1)
        later = await send(provider, 2)

    assert told(outcomes + later) == [("UNKNOWN_FAILURE", 500, True), SENT]


async def test_a_server_that_lets_nothing_in_is_left(
    tls: tuple[ssl.SSLContext, Path], opens: Callable[..., Any]
) -> None:
    with Http2Server({SettingCodes.MAX_CONCURRENT_STREAMS: 0}).running(tls[0]) as server:
        async with opens(server, answer_timeout_s=0.3, connect_timeout_s=0.5) as provider:
            outcomes = await send(provider, 1)
            server.settings.clear()
            later = await send(provider, 2)

    assert told(outcomes + later) == [("TEMPORARY_FAILURE", 504, False), SENT]


@pytest.mark.parametrize(
    "frame",
    [
        # PUSH_PROMISE, a body without headers, a PING and a RST_STREAM of another size, windows that are too large.
        b"\x00\x00\x04\x05\x04\x00\x00\x00\x01\x00\x00\x00\x02",
        b"\x00\x00\x01\x00\x00\x00\x00\x00\x01x",
        b"\x00\x00\x07\x06\x00\x00\x00\x00\x001234567",
        b"\x00\x00\x03\x03\x00\x00\x00\x00\x01123",
        b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\xff\xff",
        b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x04\xff\xff\xff\xff",
        # An answer to a request that was not made.
        b"\x00\x00\x02\x01\x05\x00\x00\x00\x63\x20\x88",
        # Headers as large as a table's entries could make them.
        b"\x00\x20\x00\x01\x05\x00\x00\x00\x01" + b"\x90" * 8_192,
    ],
)
async def test_who_breaks_the_rules_is_left_at_once(
    server: Http2Server, opens: Callable[..., Any], frame: bytes
) -> None:
    server.answer = lambda asked: Reply(writes=frame) if number_of(asked) == 1 else Reply()
    async with opens(server, answer_timeout_s=60) as provider:
        outcomes = await send(provider, 1)
        later = await send(provider, 2)

    assert told(outcomes + later) == [("UNKNOWN_FAILURE", 500, True), SENT]


async def test_a_server_without_http2_is_a_temporary_failure(
    tls: tuple[ssl.SSLContext, Path], opens: Callable[..., Any]
) -> None:
    with Http2Server(protocols=("http/1.1",)).running(tls[0]) as server:
        async with opens(server) as provider:
            [outcome] = await send(provider, 1)

    assert told([outcome]) == [("TEMPORARY_FAILURE", 500, False)]


async def test_a_bad_certificate_gets_nothing(server: Http2Server, opens: Callable[..., Any]) -> None:
    async with opens(server, ca_file=None) as provider:
        [outcome] = await send(provider, 1)

    assert told([outcome]) == [("TEMPORARY_FAILURE", 500, False)]
    assert "certificate" in outcome.detail
    assert server.received == []


async def test_a_name_that_the_certificate_is_not_for_gets_nothing(
    server: Http2Server, opens: Callable[..., Any]
) -> None:
    async with opens(server, url=server.url.replace("localhost", "127.0.0.1")) as provider:
        [outcome] = await send(provider, 1)

    assert told([outcome]) == [("TEMPORARY_FAILURE", 500, False)]
    assert server.received == []


async def test_an_idle_connection_is_closed_and_another_one_opened(
    server: Http2Server, opens: Callable[..., Any]
) -> None:
    async with opens(server, idle_timeout_s=0.2) as provider:
        first = await send(provider, 1)
        await asyncio.sleep(0.6)
        second = await send(provider, 2)

    assert told(first + second) == [SENT] * 2
    assert server.connections == 2


async def test_answers_may_be_long(server: Http2Server, opens: Callable[..., Any]) -> None:
    server.answer = lambda asked: Reply(400, b"x" * 30_000) if number_of(asked) % 2 else Reply()
    async with opens(server, answer_timeout_s=5) as provider:
        outcomes = [outcome for number in range(10) for outcome in await send(provider, number)]

    assert [outcome.status_code for outcome in outcomes] == [200, 400] * 5

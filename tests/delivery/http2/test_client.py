"""One connection for all requests, and what servers ask of it."""

import asyncio
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from h2.settings import SettingCodes

from repoint.delivery.http2 import under_way
from tests.delivery.http2.sending import REFUSED_STREAM, SENT, number_of, push, send, told
from tests.fixtures.http2_server import Asked, Http2Server, Reply


async def test_all_messages_share_one_connection(push_service: Http2Server, opens: Callable[..., Any]) -> None:
    async with opens(push_service) as provider:
        outcomes = await asyncio.gather(*(send(provider, *range(n, n + 50)) for n in range(0, 400, 50)))

    assert [told(each) for each in outcomes] == [[SENT] * 50] * 8
    assert sorted(map(number_of, push_service.received)) == list(range(400))
    assert push_service.connections == 1


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


async def test_no_more_are_under_way_than_the_option_says(push_service: Http2Server, opens: Callable[..., Any]) -> None:
    async with opens(push_service, streams=3) as provider:
        outcomes = await send(provider, *range(20))

    assert told(outcomes) == [SENT] * 20
    assert push_service.most_streams <= 3


async def test_more_bytes_than_the_connections_window_arrive(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    async with opens(push_service, answer_timeout_s=10) as provider:
        outcomes = await provider.send([push(number, "x" * 3_000) for number in range(100)])

    assert told(outcomes) == [SENT] * 100


async def test_requests_that_a_server_did_not_look_at_are_made_again(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    refused: set[int] = set()

    def answer(asked: Asked) -> Reply:
        number = number_of(asked)
        if number % 3 == 0 and number not in refused:
            refused.add(number)
            return Reply(resets=REFUSED_STREAM)
        return Reply()

    push_service.answer = answer
    async with opens(push_service) as provider:
        outcomes = await send(provider, *range(1, 20))

    assert told(outcomes) == [SENT] * 19


async def test_who_goes_away_is_asked_again_for_what_it_did_not_take(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    """GOAWAY names the last stream that the server looks at: those behind it go over another connection."""

    def answer(asked: Asked) -> Reply:
        return Reply(goes_away_after=9) if asked.connection == 1 and number_of(asked) == 5 else Reply()

    push_service.answer = answer
    async with opens(push_service) as provider:
        outcomes = await send(provider, *range(1, 21))
        later = await send(provider, 21)

    assert told(outcomes + later) == [SENT] * 21
    assert push_service.connections == 2


async def test_of_what_was_under_way_when_a_server_went_away_only_what_it_had_taken_is_in_doubt(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    """The ninth stream is the fifth message's."""

    def answer(asked: Asked) -> Reply:
        return Reply(goes_away_after=9, closes=number_of(asked) == 5) if asked.connection == 1 else Reply()

    push_service.answer = answer
    async with opens(push_service) as provider:
        outcomes = await send(provider, *range(1, 21))

    assert told(outcomes) == [("UNKNOWN_FAILURE", 500, True)] * 5 + [SENT] * 15
    assert outcomes[0].detail == 'the server ended the connection {"reason":"Shutdown"}; it may have taken the message'
    assert [number_of(asked) for asked in push_service.received if asked.connection == 2] == list(range(6, 21))


async def test_a_server_may_let_in_fewer_at_once_later(push_service: Http2Server, opens: Callable[..., Any]) -> None:
    fewer = {SettingCodes.MAX_CONCURRENT_STREAMS: 2, SettingCodes.INITIAL_WINDOW_SIZE: 20}
    push_service.answer = lambda asked: Reply(settings=fewer) if number_of(asked) == 1 else Reply()
    push_service.raises_windows = True
    async with opens(push_service) as provider:
        outcomes = await send(provider, 1)
        outcomes += await send(provider, *range(2, 31))

    assert told(outcomes) == [SENT] * 30
    assert push_service.most_streams <= 2
    assert push_service.mistakes == []


async def test_what_nobody_waits_for_any_more_is_not_sent(push_service: Http2Server, opens: Callable[..., Any]) -> None:
    """A worker that is stopped leaves no messages behind that would go out afterwards, and again by the next one."""
    push_service.answer = lambda asked: Reply(hangs=number_of(asked) == 1)
    async with opens(push_service, streams=1, answer_timeout_s=1) as provider:
        sending = asyncio.create_task(send(provider, 1, 2, 3))
        while not push_service.received:  # noqa: ASYNC110 - what has arrived tells nobody
            await asyncio.sleep(0.01)
        sending.cancel()
        outcomes = await send(provider, 4)

    assert told(outcomes) == [SENT]
    assert [number_of(asked) for asked in push_service.received] == [1, 4]


async def test_streams_may_run_out(
    push_service: Http2Server, opens: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_way, "LAST_STREAM", 5)
    async with opens(push_service) as provider:
        outcomes = await send(provider, *range(1, 8))

    assert told(outcomes) == [SENT] * 7
    assert [asked.connection for asked in push_service.received] == [1, 1, 1, 2, 2, 2, 3]


async def test_an_idle_connection_is_closed_and_another_one_opened(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    async with opens(push_service, idle_timeout_s=0.2) as provider:
        first = await send(provider, 1)
        await asyncio.sleep(0.6)
        second = await send(provider, 2)

    assert told(first + second) == [SENT] * 2
    assert push_service.connections == 2


def frame(kind: int, flags: int, payload: bytes) -> bytes:
    """A frame of the first stream."""
    return len(payload).to_bytes(3) + bytes((kind, flags)) + (1).to_bytes(4) + payload


# Headers in which the peer's table is gone: `:status` 103, 200, and `a: b`.
EARLY, OK, TRAILER = b"\x20\x08\x03103", b"\x20\x88", b"\x20\x00\x01a\x01b"
HEADERS, DATA, CONTINUATION, END_STREAM, END_HEADERS = 1, 0, 9, 1, 4


@pytest.mark.parametrize(
    "answer",
    [
        [frame(HEADERS, END_HEADERS, EARLY), frame(HEADERS, END_HEADERS | END_STREAM, OK)],
        [
            frame(HEADERS, END_HEADERS, OK),
            frame(DATA, 0, b"{}"),
            frame(HEADERS, END_HEADERS | END_STREAM, TRAILER),
        ],
        [frame(HEADERS, END_STREAM, OK[:1]), frame(CONTINUATION, 0, b""), frame(CONTINUATION, END_HEADERS, OK[1:])],
        [frame(HEADERS, END_HEADERS, OK), frame(DATA, 0, b""), frame(DATA, END_STREAM, b"{}")],
        # Frames of a kind that nobody knows are for others.
        [frame(0xBB, 0xFF, b"grease"), frame(HEADERS, END_HEADERS | END_STREAM, OK)],
    ],
)
async def test_answers_have_many_forms(
    push_service: Http2Server, opens: Callable[..., Any], answer: list[bytes]
) -> None:
    push_service.answer = lambda asked: Reply(writes=b"".join(answer)) if number_of(asked) == 1 else Reply()
    async with opens(push_service) as provider:
        outcomes = await send(provider, 1)
        outcomes += await send(provider, 2)

    assert told(outcomes) == [SENT] * 2
    assert push_service.connections == 1


async def test_answers_may_be_long(push_service: Http2Server, opens: Callable[..., Any]) -> None:
    push_service.answer = lambda asked: Reply(400, b"x" * 30_000) if number_of(asked) % 2 else Reply()
    async with opens(push_service, answer_timeout_s=5) as provider:
        outcomes = [outcome for number in range(10) for outcome in await send(provider, number)]

    assert [outcome.status_code for outcome in outcomes] == [200, 400] * 5

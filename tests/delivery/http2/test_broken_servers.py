"""Servers that fail, fall silent, or do not keep to HTTP/2: what is certain of each request, and what is in doubt."""

import asyncio
import random
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from h2.settings import SettingCodes

from repoint.delivery.http2 import connection
from repoint.delivery.outcome import Outcome, Status
from tests.delivery.http2.sending import REFUSED_STREAM, SENT, number_of, send, told
from tests.fixtures.http2_server import Asked, Http2Server, Reply


async def test_one_that_is_always_refused_is_a_temporary_failure(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    push_service.answer = lambda asked: Reply(resets=REFUSED_STREAM) if number_of(asked) == 1 else Reply()
    async with opens(push_service) as provider:
        outcomes = await send(provider, 1, 2)

    assert told(outcomes) == [("TEMPORARY_FAILURE", 500, False), SENT]
    assert outcomes[0].may_try_another


async def test_a_connection_that_breaks_in_mid_window_leaves_those_in_doubt_that_were_sent(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    push_service.answer = lambda asked: Reply(closes=True) if number_of(asked) == 5 else Reply()
    async with opens(push_service, streams=8) as provider:
        outcomes = await send(provider, *range(1, 31))
        arrived = {number_of(asked) for asked in push_service.received}
        push_service.answer = lambda _: Reply()
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
    push_service: Http2Server, opens: Callable[..., Any], nonsense: bytes
) -> None:
    push_service.answer = lambda asked: Reply(writes=nonsense) if number_of(asked) == 1 else Reply()
    async with opens(push_service, answer_timeout_s=0.7) as provider:
        outcomes = await send(provider, 1)
        later = await send(provider, 2)

    assert told(outcomes) in ([("UNKNOWN_FAILURE", 500, True)], [("UNKNOWN_FAILURE", 504, True)])
    assert told(later) == [SENT]
    assert push_service.connections == 2


# HEADERS of the first stream without END_STREAM: the peer's table is gone, `:status` 410.
GONE_SO_FAR = b"\x00\x00\x06\x01\x04\x00\x00\x00\x01\x20\x08\x03410"


@pytest.mark.parametrize("closes", [True, False])
async def test_an_answer_that_does_not_end_is_one_all_the_same(
    push_service: Http2Server,
    opens: Callable[..., Any],
    closes: bool,  # noqa: FBT001 - a case
) -> None:
    """The status says what became of the message, whether the connection breaks then or nothing more comes."""
    push_service.answer = lambda _: Reply(writes=GONE_SO_FAR, closes=closes)
    async with opens(push_service, answer_timeout_s=0.7) as provider:
        outcomes = await send(provider, 1)

    assert told(outcomes) == [("PERMANENT_FAILURE", 410, False)]
    assert outcomes[0].is_gone


async def test_an_interim_answer_that_ends_is_none(push_service: Http2Server, opens: Callable[..., Any]) -> None:
    """It cannot be, so nobody waits for more."""
    push_service.answer = lambda _: Reply(writes=GONE_SO_FAR.replace(b"\x04", b"\x05", 1).replace(b"410", b"103"))
    async with opens(push_service, answer_timeout_s=60) as provider:
        outcomes = await send(provider, 1)

    assert told(outcomes) == [("UNKNOWN_FAILURE", 500, True)]


async def test_a_silent_server_leaves_requests_in_doubt_and_is_left(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    push_service.answer = lambda _: Reply(hangs=True)
    async with opens(push_service, answer_timeout_s=0.7) as provider:
        outcomes = await send(provider, 1, 2)
        push_service.answer = lambda _: Reply()
        later = await send(provider, 3)

    assert told(outcomes) == [("UNKNOWN_FAILURE", 504, True)] * 2
    assert told(later) == [SENT]
    assert push_service.connections == 2


async def test_a_connection_that_nobody_has_used_for_long_is_tried_before(
    push_service: Http2Server, opens: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is between may have forgotten it, and would take messages without anybody ever having them."""
    monkeypatch.setattr(connection, "STALE_S", 0.1)
    push_service.answer = lambda asked: Reply(deafens=number_of(asked) == 2)
    async with opens(push_service, connect_timeout_s=0.5) as provider:
        outcomes = await send(provider, 1)
        await asyncio.sleep(0.3)
        outcomes += await send(provider, 2)
        await asyncio.sleep(0.3)
        outcomes += await send(provider, 3)

    assert told(outcomes) == [SENT] * 3
    assert [asked.connection for asked in push_service.received] == [1, 1, 2]


async def test_nothing_more_is_trusted_to_a_connection_that_fell_silent_with_messages_under_way(
    push_service: Http2Server, opens: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "STALE_S", 0.1)
    push_service.answer = lambda asked: Reply(writes=b"", deafens=True) if number_of(asked) == 1 else Reply()
    async with opens(push_service, connect_timeout_s=0.5) as provider:
        first = asyncio.create_task(send(provider, 1))
        await asyncio.sleep(0.3)
        second = await send(provider, 2)

        assert told(await first) == [("UNKNOWN_FAILURE", 504, True)]
    assert told(second) == [SENT]
    assert [(number_of(asked), asked.connection) for asked in push_service.received] == [(1, 1), (2, 2)]


PING = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00payload."


async def test_pings_are_answered(push_service: Http2Server, opens: Callable[..., Any]) -> None:
    push_service.answer = lambda asked: Reply(writes=PING) if number_of(asked) == 1 else Reply()
    async with opens(push_service, answer_timeout_s=0.5) as provider:
        outcomes = await send(provider, 1, 2)

    assert told(outcomes) == [("UNKNOWN_FAILURE", 504, True), SENT]
    assert push_service.mistakes == []
    assert b"payload." in push_service.pongs


async def first_answered(push_service: Http2Server, opens: Callable[..., Any], reply: Reply) -> list[Outcome]:
    """What becomes of a request that is answered like that, and of the next, with all the time there may be."""
    push_service.answer = lambda asked: reply if number_of(asked) == 1 else Reply()
    async with opens(push_service, answer_timeout_s=60) as provider:
        return [*await send(provider, 1), *await send(provider, 2)]


async def test_who_asks_without_end_and_does_not_listen_is_left(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    outcomes = await first_answered(push_service, opens, Reply(writes=PING * 600_000, deafens=True))

    assert told(outcomes) == [("UNKNOWN_FAILURE", 500, True), SENT]


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
    push_service: Http2Server, opens: Callable[..., Any], frame: bytes
) -> None:
    outcomes = await first_answered(push_service, opens, Reply(writes=frame))

    assert told(outcomes) == [("UNKNOWN_FAILURE", 500, True), SENT]


async def test_a_server_without_http2_is_a_temporary_failure(
    tls: tuple[ssl.SSLContext, Path], opens: Callable[..., Any]
) -> None:
    with Http2Server(protocols=("http/1.1",)).running(tls[0]) as server:
        async with opens(server) as provider:
            [outcome] = await send(provider, 1)

    assert told([outcome]) == [("TEMPORARY_FAILURE", 500, False)]


async def test_a_bad_certificate_gets_nothing(push_service: Http2Server, opens: Callable[..., Any]) -> None:
    async with opens(push_service, ca_file=None) as provider:
        [outcome] = await send(provider, 1)

    assert told([outcome]) == [("TEMPORARY_FAILURE", 500, False)]
    assert "certificate" in outcome.detail
    assert push_service.received == []


async def test_a_name_that_the_certificate_is_not_for_gets_nothing(
    push_service: Http2Server, opens: Callable[..., Any]
) -> None:
    async with opens(push_service, url=push_service.url.replace("localhost", "127.0.0.1")) as provider:
        [outcome] = await send(provider, 1)

    assert told([outcome]) == [("TEMPORARY_FAILURE", 500, False)]
    assert push_service.received == []


def frame_of(choose: random.Random) -> bytes:
    """Some frame, often one that could be, with a payload that hardly can."""
    kind = choose.choice([0, 1, 1, 3, 4, 5, 6, 7, 8, 9, 200])
    size = choose.choice([0, 1, 4, 6, 8, 9, 50])
    payload = choose.choice([b"\x20\x88", b"\x88", b"\x00" * size, choose.randbytes(size)])
    stream_id = choose.choice([0, 1, 1, 3, 2, 99])
    return (
        len(payload).to_bytes(3) + bytes((kind, choose.choice([0, 1, 4, 5, 8, 255]))) + stream_id.to_bytes(4) + payload
    )


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_comes_every_request_ends_and_nothing_is_left(
    push_service: Http2Server, opens: Callable[..., Any], seed: int
) -> None:
    choose = random.Random(seed)  # noqa: S311 - the same each time
    unforeseen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unforeseen.append(context))
    before = asyncio.all_tasks()

    def answer(_: Asked) -> Reply:
        frames = [frame_of(choose) for _ in range(choose.choice([1, 3, 20]))]
        return choose.choice([Reply(), Reply(writes=b"".join(frames)), Reply(resets=REFUSED_STREAM)])

    push_service.answer = answer
    async with opens(push_service, answer_timeout_s=0.2, streams=3) as provider:
        outcomes = [outcome for start in range(0, 40, 8) for outcome in await send(provider, *range(start, start + 8))]
        push_service.answer = lambda _: Reply()
        later = await send(provider, 40)

    assert len(outcomes) == 40
    assert told(later) == [SENT]
    assert unforeseen == []
    assert asyncio.all_tasks() == before

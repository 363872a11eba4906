"""What servers of others answer, and what is known of requests that they do not."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from repoint.web import NoReplyError, Reply, Web, open_web, trust
from tests.fixtures.receiver import Answer, Receiver


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    async with open_web(trust(), connect_timeout_s=1) as opened:
        yield opened


async def post(web: Web, url: str, *, timeout_s: float = 1, answer_bytes: int = 10) -> Reply:
    """POST a text, by default with a second for all of it and room for ten bytes."""
    return await web.ask("POST", url, {}, b"text", timeout_s=timeout_s, answer_bytes=answer_bytes)


async def refused(web: Web, url: str) -> NoReplyError:
    """Why there is no answer."""
    with pytest.raises(NoReplyError) as caught:
        await post(web, url)
    return caught.value


async def test_a_url_is_asked_as_it_is_written(web: Web, receiver: Receiver) -> None:
    await post(web, f"{receiver.url}/a%2Fb/?q=%2F+%20&k=a%3Db")

    (received,) = receiver.received
    assert (received.path, received.body) == ("/a%2Fb/?q=%2F+%20&k=a%3Db", b"text")
    assert received.headers["user-agent"] == "repoint"
    assert "content-type" not in received.headers


async def test_an_answer_is_read_up_to_its_limit(web: Web, receiver: Receiver) -> None:
    receiver.answer = lambda asked: Answer(201, b"0123456789abc"[: int(asked.path[1:])], {"X-Told": "yes"})

    whole, long = [await post(web, f"{receiver.url}/{size}") for size in (10, 11)]

    assert (whole.status, whole.body, whole.is_whole, whole.headers["x-told"]) == (201, b"0123456789", True, "yes")
    assert (long.body, long.is_whole) == (b"0123456789", False)


async def test_what_is_packed_stays_so(web: Web, receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(body=b"no gzip", headers={"Content-Encoding": "gzip"})

    assert (await post(web, receiver.url)).body == b"no gzip"


async def test_a_connection_is_used_again(web: Web, receiver: Receiver) -> None:
    for _ in range(3):
        await post(web, receiver.url)

    assert receiver.connections == 1


async def test_redirects_and_cookies_lead_nowhere(web: Web, receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(302, headers={"Location": "/elsewhere", "Set-Cookie": "a=b"})

    assert [(await post(web, receiver.url)).status for _ in range(2)] == [302, 302]

    assert [each.path for each in receiver.received] == ["/", "/"]
    assert "cookie" not in receiver.received[1].headers


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "it closed the connection"),
        (b"220 mail.example ESMTP\r\n", "its answer is no HTTP, or broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour", "its answer is no HTTP, or broke off"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "its answer is no HTTP, or broke off"),
    ],
    ids=["nothing", "of mail", "half of it", "a long header"],
)
async def test_a_request_without_an_answer_may_have_arrived(web: Web, said: bytes, reason: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        error = await refused(web, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token")

    assert (str(error), error.is_late, error.had_left) == (reason, False, True)


async def test_an_answer_that_drips_in_is_given_up(web: Web) -> None:
    has_gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"text")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        gone = asyncio.create_task(reader.read())
        while not gone.done():
            writer.write(b"x")
            await asyncio.wait({gone}, timeout=0.05)
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), 5)
        has_gone.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(NoReplyError) as caught:
            await post(web, url, timeout_s=0.3, answer_bytes=1000)
        await asyncio.wait_for(has_gone.wait(), 5)

    assert (caught.value.is_late, caught.value.had_left) == (True, True)


async def test_a_server_that_says_nothing_is_given_up_before_time() -> None:
    # Nobody accepts, which a client does not notice.
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        async with open_web(trust(), connect_timeout_s=1, silence_timeout_s=0.1) as web:
            with pytest.raises(NoReplyError) as caught:
                await post(web, url, timeout_s=30)

    assert (caught.value.is_late, caught.value.had_left) == (True, True)


@pytest.mark.parametrize(
    ("host", "reason"), [("localhost", "Connection refused"), ("nobody.invalid", "its name has no address")]
)
async def test_a_request_that_found_nobody_has_not_left(web: Web, unused_tcp_port: int, host: str, reason: str) -> None:
    error = await refused(web, f"http://{host}:{unused_tcp_port}/")

    assert (str(error), error.had_left) == (reason, False)

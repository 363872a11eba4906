"""How requests leave: over one HTTP/2 connection, or, for services and test servers without it, over HTTP/1.1."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

import httpx2

from repoint.delivery.http2.exchange import Answer, NoAnswer, Request
from repoint.delivery.push.host import PushOptions

# It would tell the URL of every request, which has an address in it for some services.
logging.getLogger("httpx2").setLevel(logging.WARNING)

# More of an answer is not read.
_ANSWER_BYTES = 32 << 10


class Caller(Protocol):
    """Makes requests to one host."""

    def send(self, request: Request) -> None:
        """Send a request; its answer is finished some time, whatever happens."""

    async def close(self) -> None:
        """Leave the host; requests under way end as if the connection had been lost."""


def trust(ca_file: Path | None, protocols: Sequence[str] = ()) -> ssl.SSLContext:
    """Whom servers may be proved by: public CAs, and those of the file; spoken is one of these protocols, if any."""
    context = httpx2.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


@asynccontextmanager
async def open_http1(options: PushOptions, connections: int) -> AsyncIterator["Http1Client"]:
    """Connect when there is something to send; closed at the end."""
    context = await asyncio.to_thread(trust, options.ca_file)
    timeout = httpx2.Timeout(options.answer_timeout_s, connect=options.connect_timeout_s, pool=None)
    limits = httpx2.Limits(max_connections=connections)
    async with httpx2.AsyncClient(verify=context, timeout=timeout, limits=limits, trust_env=False) as client:
        http1 = Http1Client(client, connections, options.connect_timeout_s + options.answer_timeout_s)
        try:
            yield http1
        finally:
            await http1.close()


class Http1Client:
    """Requests over HTTP/1.1, some at a time."""

    def __init__(self, client: httpx2.AsyncClient, connections: int, timeout_s: float) -> None:
        self._client = client
        self._turns = asyncio.Semaphore(connections)
        self._timeout_s = timeout_s
        self._tasks: set[asyncio.Task[None]] = set()

    def to(self, base_url: str) -> "Http1Host":
        """One host of those that it can call."""
        return Http1Host(self, base_url)

    def start(self, base_url: str, request: Request) -> None:
        """Have a request made."""
        task = asyncio.get_running_loop().create_task(self._run(base_url, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Break off what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def post(self, url: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Answer | NoAnswer:
        """The answer, of a long one only the beginning; nobody waits for a turn longer than for an answer."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._turns.acquire()
        except TimeoutError:
            return NoAnswer("the server lets no more requests in", is_late=True)
        try:
            return await self._ask(url, headers, body)
        finally:
            self._turns.release()

    async def _ask(self, url: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Answer | NoAnswer:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(url, headers, body)
        except (httpx2.ConnectTimeout, httpx2.PoolTimeout):
            return NoAnswer("the server could not be reached in time", is_late=True)
        except httpx2.ConnectError:
            return NoAnswer("the server cannot be reached")
        except httpx2.InvalidURL:
            return NoAnswer("there is no such URL")
        except (TimeoutError, httpx2.TimeoutException):
            return NoAnswer("the server did not answer in time", is_late=True, is_in_doubt=True)
        except httpx2.HTTPError as error:
            return NoAnswer(f"the connection broke ({type(error).__name__})", is_in_doubt=True)

    async def _run(self, base_url: str, request: Request) -> None:
        result: Answer | NoAnswer = NoAnswer("the provider was closed", is_in_doubt=True)
        try:
            url = base_url + request.path.decode("ascii")
            result = await self.post(url, (*request.common, *request.own), request.body)
        finally:
            request.finish(result)

    async def _post(self, url: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Answer:
        # An answer is read up to a limit, which packing would get around; who packs it all the same is not unpacked.
        given = [(b"accept-encoding", b"identity"), *headers]
        request = self._client.build_request("POST", url, headers=given, content=body)
        answer = await self._client.send(request, stream=True)
        read = bytearray()
        try:
            async for chunk in answer.aiter_raw():
                read += chunk
                if len(read) > _ANSWER_BYTES:
                    break
        finally:
            await answer.aclose()
        told = tuple((name.lower(), value) for name, value in answer.headers.raw)
        return Answer(answer.status_code, told, bytes(read[:_ANSWER_BYTES]))


class Http1Host:
    """A Caller over HTTP/1.1."""

    def __init__(self, client: Http1Client, base_url: str) -> None:
        self._client = client
        self._base_url = base_url

    def send(self, request: Request) -> None:
        """See Caller."""
        self._client.start(self._base_url, request)

    async def close(self) -> None:
        """See Caller; the client is closed by whoever opened it."""

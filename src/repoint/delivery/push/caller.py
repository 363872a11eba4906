"""How requests leave: over one HTTP/2 connection, or, for services and test servers without it, over HTTP/1.1."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Protocol

from repoint.delivery.http2.exchange import Answer, NoAnswer, Request
from repoint.delivery.push.host import PushOptions
from repoint.web import NoReplyError, Reply, Web, open_web, trust

# More of an answer is not read.
_ANSWER_BYTES = 32 << 10


class Caller(Protocol):
    """Makes requests to one host."""

    def send(self, request: Request) -> None:
        """Send a request; its answer is finished some time, whatever happens."""

    async def close(self) -> None:
        """Leave the host; requests under way end as if the connection had been lost."""


@asynccontextmanager
async def open_http1(options: PushOptions, connections: int) -> AsyncIterator["Http1Client"]:
    """Connect when there is something to send; closed at the end."""
    opened = open_web(
        await asyncio.to_thread(trust, options.ca_file),
        connect_timeout_s=options.connect_timeout_s,
        silence_timeout_s=options.answer_timeout_s,
        connections=connections,
    )
    async with opened as web:
        http1 = Http1Client(web, connections, options.connect_timeout_s + options.answer_timeout_s)
        try:
            yield http1
        finally:
            await http1.close()


class Http1Client:
    """Requests over HTTP/1.1, some at a time."""

    def __init__(self, web: Web, connections: int, timeout_s: float) -> None:
        self._web = web
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
        request.answer.add_done_callback(lambda answer: answer.cancelled() and task.cancel())

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
        # What is read of an answer is limited, which packing would get around.
        given = [("Accept-Encoding", "identity")]
        given += [(name.decode("ascii"), value.decode("ascii")) for name, value in headers]
        try:
            return _answer(
                await self._web.ask("POST", url, given, body, timeout_s=self._timeout_s, answer_bytes=_ANSWER_BYTES)
            )
        except NoReplyError as error:
            return _no_answer(error)

    async def _run(self, base_url: str, request: Request) -> None:
        result: Answer | NoAnswer = NoAnswer("the provider was closed", is_in_doubt=True)
        try:
            url = base_url + request.path.decode("ascii")
            result = await self.post(url, (*request.common, *request.own), request.body)
        finally:
            request.finish(result)


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


def _answer(reply: Reply) -> Answer:
    headers = [
        (name.lower().encode("utf-8", "surrogateescape"), value.encode("utf-8", "surrogateescape"))
        for name, value in reply.headers.items()
    ]
    return Answer(reply.status, tuple(headers), reply.body)


def _no_answer(error: NoReplyError) -> NoAnswer:
    if error.had_left:
        why = "the server did not answer in time" if error.is_late else f"the connection broke ({error})"
        return NoAnswer(why, error.is_late, is_in_doubt=True)
    why = "the server could not be reached in time" if error.is_late else f"the server cannot be reached: {error}"
    return NoAnswer(why, error.is_late)

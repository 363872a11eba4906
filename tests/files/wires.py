"""Servers that stand between the product and S3, or in its place, and do what a network does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Wire:
    """A way to a server, on its own port. `cuts` says after how many more bytes of answer each break comes."""

    port: int = 0
    cuts: list[int] = field(default_factory=list)

    def take(self, size_bytes: int) -> int:
        """How many of these bytes get through before the next break."""
        if not self.cuts:
            return size_bytes
        taken = min(size_bytes, self.cuts[0])
        self.cuts[0] -= taken
        return taken

    def is_cut(self) -> bool:
        """Whether the break is due; it happens once."""
        if self.cuts and self.cuts[0] == 0:
            del self.cuts[0]
            return True
        return False


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """Pass everything on to a server on this machine."""
    wire = Wire()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, there = await asyncio.open_connection("127.0.0.1", port)
        asking = asyncio.create_task(_pass(reader, there))
        try:
            while data := await answers.read(65536):
                writer.write(data[: wire.take(len(data))])
                await writer.drain()
                if wire.is_cut():
                    break
        finally:
            asking.cancel()
            await _close(there)

    async with _serving(serve) as wire.port:
        yield wire


@dataclass
class Answering:
    """A server that answers every request alike, and what it was asked (heads of requests)."""

    port: int = 0
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def answering(status: str, body: str) -> AsyncIterator[Answering]:
    """Answer everything with this status line and XML body."""
    answering = Answering()
    answer = f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n{body}"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            answering.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(answer.encode())
            await writer.drain()

    async with _serving(serve) as answering.port:
        yield answering


@asynccontextmanager
async def _serving(serve: Serve) -> AsyncIterator[int]:
    """Serve each connection on a free port until the end, when none is left open."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        finally:
            await _close(writer)

    def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(connected(reader, writer)))

    server = await asyncio.start_server(connect, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()

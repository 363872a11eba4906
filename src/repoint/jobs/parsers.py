"""Parsing in child processes, so that reading rows and merging them into the database use two cores.

A child is this module run as a program: requests come in on its standard input, rows go out on its standard output,
and it ends when the input does, hence also when its parent is killed.
"""

import asyncio
import contextlib
import gc
import signal
import struct
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

import msgspec

from repoint.jobs.formats import Format, Row, parse_block

_LENGTH = struct.Struct(">I")
# msgpack's head of an array of up to 2^32 entries.
_ARRAY = struct.Struct(">BI")
_ARRAY_32 = 0xDD
_BUFFER_BYTES = 1 << 20


class Request(msgspec.Struct, array_like=True):
    """One block of lines to be parsed."""

    file_format: Format
    header: str
    first_line_no: int
    block: bytes
    keeps_status: bool = False


_encode_request = msgspec.msgpack.Encoder().encode
_decode_rows = msgspec.msgpack.Decoder(list[Row]).decode


class Parsers:
    """Child processes that parse blocks, each one at a time."""

    def __init__(self, children: list[Process]) -> None:
        self._idle: asyncio.Queue[Process] = asyncio.Queue()
        for child in children:
            self._idle.put_nowait(child)
        self._parsing: set[asyncio.Task[list[Row]]] = set()

    def start(self, request: Request) -> asyncio.Task[list[Row]]:
        """Have a block parsed by the next free child; the task raises ParserDiedError when that ends before."""
        parsing = asyncio.create_task(self._parse(request))
        self._parsing.add(parsing)
        parsing.add_done_callback(self._parsing.discard)
        return parsing

    async def close(self) -> None:
        """Drop what has not been parsed."""
        for parsing in self._parsing:
            parsing.cancel()
        await asyncio.gather(*self._parsing, return_exceptions=True)

    async def _parse(self, request: Request) -> list[Row]:
        child = await self._idle.get()
        try:
            return _decode_rows(await _ask(child, _encode_request(request)))
        finally:
            self._idle.put_nowait(child)


class ParserDiedError(RuntimeError):
    """A child ended before it answered: killed, or a bug whose traceback it wrote to standard error."""


@asynccontextmanager
async def open_parsers(count: int) -> AsyncIterator[Parsers]:
    """Start `count` children; they are gone when the context is left."""
    children: list[Process] = []
    try:
        for _ in range(count):
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE, limit=_BUFFER_BYTES
            )
            children.append(child)
        parsers = Parsers(children)
        try:
            yield parsers
        finally:
            await parsers.close()
    finally:
        await asyncio.gather(*(_end(child) for child in children))


async def _ask(child: Process, request: bytes) -> bytes:
    assert child.stdin is not None  # noqa: S101 - both are pipes
    assert child.stdout is not None  # noqa: S101
    try:
        child.stdin.write(_LENGTH.pack(len(request)))
        child.stdin.write(request)
        await child.stdin.drain()
        (length,) = _LENGTH.unpack(await child.stdout.readexactly(_LENGTH.size))
        return await child.stdout.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise ParserDiedError("A parse process ended before it answered") from error


async def _end(child: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        # It holds nothing, and an exchange that was cancelled half-way cannot be finished.
        child.kill()
    await child.wait()


def main() -> None:
    """Answer requests until there are no more."""
    # An interrupt is for the worker, which ends its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Rows hold no cycles, and there is nothing else to collect.
    gc.freeze()
    gc.disable()
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Read requests, each with its length before it, and write rows likewise, until `requests` ends."""
    decode_request = msgspec.msgpack.Decoder(Request).decode
    while length := requests.read(_LENGTH.size):
        request = decode_request(requests.read(_LENGTH.unpack(length)[0]))
        rows = _encode_rows(request)
        answers.write(_LENGTH.pack(len(rows)))
        answers.write(rows)
        answers.flush()


def _encode_rows(request: Request) -> bytearray:
    """The rows as one array, encoded one by one: a block's rows take many times its size as objects."""
    encoder = msgspec.msgpack.Encoder()
    rows = bytearray(_ARRAY.size)
    count = 0
    parsed = parse_block(
        request.file_format,
        request.header,
        request.first_line_no,
        request.block,
        keeps_status=request.keeps_status,
    )
    for row in parsed:
        encoder.encode_into(row, rows, -1)
        count += 1
    _ARRAY.pack_into(rows, 0, _ARRAY_32, count)
    return rows


if __name__ == "__main__":
    main()

"""From the bytes of an object to blocks of whole lines, in memory that does not grow with the object.

The stages take and give streams of chunks: unpack → after_line → short_lines → blocks.
"""

import asyncio
import codecs
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from isal import igzip_lib

from repoint.jobs.formats import MAX_LINE_BYTES

# The most that a stage hands on at once.
CHUNK_BYTES = 256 * 1024
_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What a line has that is not blank.
_CONTENT = re.compile(rb"[^ \t\r\v\f\n][^\n]*")

Chunks = AsyncGenerator[bytes, None]


class ObjectError(Exception):
    """An object that cannot be imported; the message is what the job reports of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one object, the last one possibly without its end."""

    # 1-based, of the first and the last line in `data`.
    first_line_no: int
    last_line_no: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Text:
    """What an object says: unpacked if its first bytes are gzip's, a leading byte order mark dropped.

    Reading `chunks` raises ObjectError when the gzip stream is cut short or broken.
    """

    is_packed: bool
    chunks: Chunks


async def unpack(chunks: Chunks) -> Text:
    """Begin to read the bytes of an object."""
    head = await _head(chunks, len(_GZIP))
    is_packed = head.startswith(_GZIP)
    return Text(is_packed, _without_mark(_gunzip(head, chunks) if is_packed else _sliced(head, chunks)))


async def _without_mark(text: Chunks) -> Chunks:
    start = await _head(text, len(_BYTE_ORDER_MARK))
    if start := start.removeprefix(_BYTE_ORDER_MARK):
        yield start
    async for chunk in text:
        yield chunk


async def _head(chunks: Chunks, size_bytes: int) -> bytes:
    head = b""
    while len(head) < size_bytes and (chunk := await anext(chunks, None)) is not None:
        head += chunk
    return head


async def _sliced(head: bytes, chunks: Chunks) -> Chunks:
    chunk: bytes | None = head
    while chunk is not None:
        for start in range(0, len(chunk), CHUNK_BYTES):
            yield chunk[start : start + CHUNK_BYTES]
        chunk = await anext(chunks, None)


async def _gunzip(head: bytes, chunks: Chunks) -> Chunks:
    member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    packed = _sliced(head, chunks)
    rest = b""
    try:
        while data := rest or await anext(packed, b""):
            if member.eof:
                # Padding of zeros ends a file, as it does for gzip itself; anything else is a further member.
                if not (data := data.lstrip(b"\0")):
                    rest = b""
                    continue
                member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
            yield member.decompress(data, CHUNK_BYTES)
            while not (member.needs_input or member.eof):
                # A few bytes may unpack to a thousand times as many, and others have work to do meanwhile.
                await asyncio.sleep(0)
                yield member.decompress(b"", CHUNK_BYTES)
            rest = member.unused_data if member.eof else b""
    except igzip_lib.IsalError as error:  # type: ignore[misc]  # the stub takes the class for an instance
        raise ObjectError("The gzip data is broken") from error
    if not member.eof:
        raise ObjectError("The gzip data is cut short")


async def after_line(chunks: Chunks, line_no: int) -> Chunks:
    """What follows line `line_no`; everything for 0."""
    async for chunk in chunks:
        if not line_no:
            yield chunk
            continue
        newlines = chunk.count(b"\n")
        if newlines < line_no:
            line_no -= newlines
            continue
        yield chunk[_end_of_line(chunk, line_no) :]
        line_no = 0


async def short_lines(chunks: Chunks) -> Chunks:
    """The same with lines over MAX_LINE_BYTES cut off one byte behind it, so that a parser still sees they are."""
    open_bytes = 0
    async for chunk in chunks:
        if open_bytes + len(chunk) <= MAX_LINE_BYTES:
            last_end = chunk.rfind(b"\n") + 1
            open_bytes = len(chunk) - last_end if last_end else open_bytes + len(chunk)
            yield chunk
            continue
        first, *others = chunk.split(b"\n")
        kept = [first[: max(0, MAX_LINE_BYTES + 1 - open_bytes)]] + [line[: MAX_LINE_BYTES + 1] for line in others]
        open_bytes = len(others[-1]) if others else open_bytes + len(first)
        yield b"\n".join(kept)


async def blocks(chunks: Chunks, *, first_line_no: int, max_lines: int, max_bytes: int) -> AsyncGenerator[Block, None]:
    """Cut short lines, the first of which is line `first_line_no`, into blocks of at most `max_lines`.

    A block also ends with a line that brings it to `max_bytes`; one chunk and one line more is the most it can have.
    """
    pending = bytearray()
    lines = 0
    async for chunk in chunks:
        rest = chunk
        while rest:
            newlines = rest.count(b"\n")
            taken = min(newlines, max_lines - lines)
            if lines + taken < max_lines and (not taken or len(pending) + len(rest) < max_bytes):
                pending += rest
                lines += taken
                break
            end = rest.rindex(b"\n") + 1 if taken == newlines else _end_of_line(rest, taken)
            pending += rest[:end]
            rest = rest[end:]
            yield Block(first_line_no, first_line_no + lines + taken - 1, bytes(pending))
            first_line_no += lines + taken
            lines = 0
            pending.clear()
    if pending:
        last_line_no = first_line_no + lines - pending.endswith(b"\n")
        yield Block(first_line_no, last_line_no, bytes(pending))


def _end_of_line(chunk: bytes, line_no: int) -> int:
    """The index behind the `line_no`-th line of `chunk`, which has that many ends."""
    end = 0
    for _ in range(line_no):
        end = chunk.index(b"\n", end) + 1
    return end


class Scan:
    """One look at all of an object before any of it is imported: its first line, its number of lines, its encoding."""

    def __init__(self) -> None:
        self.size_bytes = 0
        # Lines that are not blank, line 1 among them.
        self.line_count = 0
        self.first_line = b""
        # 1-based line with the first byte that is not UTF-8.
        self.bad_line_no: int | None = None
        self._newlines = 0
        self._open_has_content = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    async def read(self, chunks: Chunks, *, max_bytes: int) -> None:
        """Take in a whole text, or a chunk more than `max_bytes` of it."""
        async for chunk in chunks:
            self._feed(chunk)
            if self.size_bytes > max_bytes:
                return
        self.line_count += self._open_has_content
        self._check_encoding(b"", is_last=True)

    def _feed(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk)
        self._check_encoding(chunk)
        if not self._newlines and len(self.first_line) <= MAX_LINE_BYTES:
            self.first_line += chunk.partition(b"\n")[0]
        first, newline, _ = chunk.partition(b"\n")
        self._open_has_content = self._open_has_content or bool(first.strip())
        if newline:
            last_start = chunk.rindex(b"\n") + 1
            # Lines are not cut for this: a chunk may be nothing but their ends.
            self.line_count += self._open_has_content + len(_CONTENT.findall(chunk, len(first), last_start))
            self._open_has_content = bool(chunk[last_start:].strip())
            self._newlines += chunk.count(b"\n")

    def _check_encoding(self, chunk: bytes, *, is_last: bool = False) -> None:
        if self.bad_line_no is not None or (chunk.isascii() and not is_last and not self._decoder.getstate()[0]):
            return
        try:
            self._decoder.decode(chunk, final=is_last)
        except UnicodeDecodeError as error:
            self.bad_line_no = self._newlines + error.object.count(b"\n", 0, error.start) + 1

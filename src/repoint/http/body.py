"""The body of a request, within its limit: before it is read, while it is read, and unpacked."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from isal import isal_zlib
from isal.igzip_lib import IsalError

from repoint.contract.errors import BadRequestException, PayloadTooLargeException
from repoint.contract.signature import Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

# What a refused caller may still send and have thrown away, so that it gets to read the answer instead of a reset.
DISCARDED_BYTES = 64 * 1024 * 1024

_GZIP_WINDOW = 31


class CallerGoneError(Exception):
    """The caller hung up before its request was complete; nobody is left to answer."""


class Body:
    """The body of one request, not read yet."""

    __slots__ = ("_declared_bytes", "_is_complete", "_limit_bytes", "_receive", "_waits_for_word")

    def __init__(self, receive: Receive, headers: Headers, limit_bytes: int) -> None:
        declared = headers.get(b"content-length")
        self._receive = receive
        self._limit_bytes = limit_bytes
        # None for a chunked body, whose length nobody knows before its end.
        self._declared_bytes = int(declared) if declared is not None else None
        if declared is None and b"transfer-encoding" not in headers:
            self._declared_bytes = 0
        self._is_complete = False
        self._waits_for_word = b"expect" in headers

    def check_declared(self) -> None:
        """Raise PayloadTooLargeException when the declared length is over the limit."""
        if self._declared_bytes is not None and self._declared_bytes > self._limit_bytes:
            raise PayloadTooLargeException

    async def read(self) -> bytes:
        """The whole body as it came. Raises PayloadTooLargeException, CallerGoneError."""
        message = await self._next()
        if self._is_complete:
            body: bytes = message.get("body", b"")
            if len(body) > self._limit_bytes:
                raise PayloadTooLargeException
            return body
        read = bytearray()
        while True:
            read += message.get("body", b"")
            if len(read) > self._limit_bytes:
                raise PayloadTooLargeException
            if self._is_complete:
                return bytes(read)
            message = await self._next()

    async def leave(self) -> bool:
        """Have done with a request that is refused; True when its connection is of no further use.

        The server throws away what it did not hand out, and so reaches the next request. That is no way out for a body
        without end or of absurd length, nor for a caller that was never told to send its body.
        """
        if self._is_complete:
            return False
        if self._waits_for_word:
            return True
        if self._declared_bytes is not None and self._declared_bytes <= DISCARDED_BYTES:
            return False
        discarded_bytes = 0
        while discarded_bytes <= DISCARDED_BYTES:
            discarded_bytes += len((await self._next()).get("body", b""))
            if self._is_complete:
                return False
        return True

    async def _next(self) -> Message:
        self._waits_for_word = False
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        self._is_complete = not message.get("more_body", False)
        return message


def unpack(body: bytes, content_encoding: bytes, limit_bytes: int) -> bytes:
    """The body without its Content-Encoding.

    Never unpacks more than the limit. Raises PayloadTooLargeException beyond it, BadRequestException for a body that is
    no whole gzip and for other encodings.
    """
    encoding = content_encoding.strip().lower()
    if encoding in (b"", b"identity"):
        return body
    if encoding not in (b"gzip", b"x-gzip"):
        raise BadRequestException("Unsupported Content-Encoding, use gzip")
    unpacked = bytearray()
    while body:  # a gzip file may have several members
        member = isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
        try:
            unpacked += member.decompress(body, limit_bytes + 1 - len(unpacked))
        except IsalError:  # type: ignore[misc]  # its stub names an instance, not the class
            raise BadRequestException("Invalid gzip body") from None
        if len(unpacked) > limit_bytes:
            raise PayloadTooLargeException
        if not member.eof:
            raise BadRequestException("Invalid gzip body")
        body = member.unused_data
    return bytes(unpacked)

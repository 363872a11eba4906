"""The body of a request, within its limit: before it is read, while it is read, and unpacked."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from isal import isal_zlib
from isal.igzip_lib import IsalError

from repoint.contract.errors import BadRequestException, PayloadTooLargeException
from repoint.contract.signature import Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

_GZIP_WINDOW = 31


class CallerGoneError(Exception):
    """The caller hung up before its request was complete; nobody is left to answer."""


class Body:
    """The body of one request, not read yet. What is never read, the connection throws away."""

    __slots__ = ("_declared_bytes", "_limit_bytes", "_receive")

    def __init__(self, receive: Receive, headers: Headers, limit_bytes: int) -> None:
        self._receive = receive
        self._limit_bytes = limit_bytes
        # A chunked body declares nothing, and is counted as it comes.
        self._declared_bytes = int(headers.get(b"content-length", b"0"))

    def check_declared(self) -> None:
        """Raise PayloadTooLargeException when the declared length is over the limit."""
        if self._declared_bytes > self._limit_bytes:
            raise PayloadTooLargeException

    async def read(self) -> bytes:
        """The whole body as it came. Raises PayloadTooLargeException, CallerGoneError."""
        body, is_complete = await self._next()
        if is_complete and len(body) <= self._limit_bytes:
            return body
        read = bytearray(body)
        while len(read) <= self._limit_bytes:
            if is_complete:
                return bytes(read)
            body, is_complete = await self._next()
            read += body
        raise PayloadTooLargeException

    async def _next(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        return message.get("body", b""), not message.get("more_body", False)


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

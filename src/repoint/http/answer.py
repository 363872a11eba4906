"""An answer on its way out: status, headers and body, with what every answer carries (protocol.md sections 2 and 8)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from repoint.contract.encode import error_answer
from repoint.contract.errors import ContractError
from repoint.http.body import Receive
from repoint.operation import Binary

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON = b"application/json"

# Date is the server's to add.
_ALWAYS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"x-amzn-RequestId, x-amzn-ErrorType, Date"),
    (b"cache-control", b"no-store"),
)
_ALLOWED_HEADERS = (
    b"Content-Type, Content-Encoding, X-Amz-Date, Authorization, X-Api-Key, X-Amz-Security-Token, "
    b"X-Amz-Content-Sha256, X-Amz-User-Agent, amz-sdk-invocation-id, amz-sdk-request"
)


class Answer:
    """One answer. An empty body of a 204 has neither type nor length, as HTTP wants it."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes | Binary, request_id: str, headers: tuple[Header, ...] = ()) -> None:
        self.status = status
        self.body = body
        self.headers: list[Header] = [*_ALWAYS, (b"x-amzn-requestid", request_id.encode()), *headers]
        content_type, size_bytes = JSON, None
        if isinstance(body, Binary):
            content_type = body.content_type.encode()
            size_bytes = len(body.body) if isinstance(body.body, bytes) else body.size_bytes
        elif status == 204:  # noqa: PLR2004 - No Content
            return
        else:
            size_bytes = len(body)
        self.headers.append((b"content-type", content_type))
        if size_bytes is not None:
            self.headers.append((b"content-length", b"%d" % size_bytes))

    async def send(self, send: Send, receive: Receive) -> None:
        """Send it, in pieces if it comes in pieces; these end when the caller hangs up."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        body = self.body.body if isinstance(self.body, Binary) else self.body
        if isinstance(body, bytes):
            await send({"type": "http.response.body", "body": body})
            return
        await _send_pieces(body, send, receive)


def refusal(error: ContractError, request_id: str) -> Answer:
    """The answer that an error is."""
    status, named, body = error_answer(error, request_id)
    headers = tuple((name.lower().encode(), value.encode("latin-1")) for name, value in named.items())
    return Answer(status, body, request_id, headers)


def preflight(methods: tuple[str, ...], request_id: str) -> Answer:
    """What a browser asks before it calls; answered to everybody, for paths that there are not too."""
    headers = (
        (b"access-control-allow-methods", ", ".join(methods or ("OPTIONS",)).encode()),
        (b"access-control-allow-headers", _ALLOWED_HEADERS),
        (b"access-control-max-age", b"600"),
    )
    return Answer(200, b"", request_id, headers)


async def _send_pieces(pieces: AsyncIterator[bytes], send: Send, receive: Receive) -> None:
    # The request has been read to its end: the next that is received is that the caller has gone.
    gone = asyncio.ensure_future(receive())
    try:
        async for piece in pieces:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()

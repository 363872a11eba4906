"""One connection of a caller, who may neither keep the server waiting for ever nor send without end.

A caller that is refused early goes on sending its body. Were the connection closed on it, the system would answer with
a reset, and the caller would lose the answer with it; so what still comes is thrown away first.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 64 * 1024
# Of a body whose request has been answered already.
DISCARD_LIMIT_BYTES = 64 * 1024 * 1024


class Connection(HttpToolsProtocol):
    """The server's own protocol with bounds; what arrives in one piece pays no timer for them."""

    # Seconds that a request may pause while it arrives.
    read_timeout_s: ClassVar[float]

    _is_arriving = False
    _closes_when_arrived = False
    # Of a head that is not whole yet, None otherwise.
    _head_bytes: int | None = None
    _discarded_bytes = 0
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base
        """A caller connected."""
        super().connection_made(transport)
        self._wait_for_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes came: a part of a request, one, or several."""
        self._stop_waiting()
        super().data_received(data)
        if self._is_arriving:
            self._bound(len(data))

    def on_message_begin(self) -> None:
        """A request began."""
        self._stop_waiting()
        self._is_arriving = True
        self._head_bytes = 0
        self._discarded_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._head_bytes = None
        super().on_headers_complete()
        if not self.cycle.keep_alive:
            self.cycle.transport = _Lingering(self)  # type: ignore[assignment]  # all of a transport that it uses

    def on_message_complete(self) -> None:
        """Its body is whole too."""
        self._is_arriving = False
        super().on_message_complete()
        if self._closes_when_arrived:
            self.transport.close()
        elif self.cycle.response_complete:
            # The server's own timer for the next request was stopped by what came after the answer.
            self._wait_for_more()

    def close_when_arrived(self) -> None:
        """Close, but not before the caller has sent what it is sending."""
        self._closes_when_arrived = self._is_arriving
        if not self._is_arriving:
            self.transport.close()

    def _bound(self, more_bytes: int) -> None:
        if self._head_bytes is not None:
            self._head_bytes += more_bytes
            if self._head_bytes > HEAD_LIMIT_BYTES:
                self.send_400_response("The head of the request is too large.")
                return
        elif self.cycle is None:
            # What came is no request, and has been answered so.
            return
        elif self.cycle.response_complete:
            self._discarded_bytes += more_bytes
            if self._discarded_bytes > DISCARD_LIMIT_BYTES:
                self.transport.abort()
                return
        self._wait_for_more()

    def _wait_for_more(self) -> None:
        self._reading = self.loop.call_later(self.read_timeout_s, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


class _Lingering:
    """The transport of a connection that is closed after its answer."""

    def __init__(self, connection: Connection) -> None:
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing
        self.close = connection.close_when_arrived


def connection_class(read_timeout_s: float) -> type[Connection]:
    """Connections with this bound, for a server that makes them by their class."""
    return type("Connection", (Connection,), {"read_timeout_s": read_timeout_s})

"""One connection of a caller, who may neither send a head without end nor keep the server waiting for ever."""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 64 * 1024


class Connection(HttpToolsProtocol):
    """The server's own protocol with two bounds more; what arrives in one piece pays no timer for them."""

    # Seconds that a request may pause while it arrives.
    read_timeout_s: ClassVar[float]

    _is_arriving = False
    _head_bytes: int | None = None
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
        if self._reading is not None:
            self._stop_waiting()
        super().data_received(data)
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_LIMIT_BYTES:
                self.send_400_response("The head of the request is too large.")
                return
        if self._is_arriving:
            self._wait_for_more()

    def on_message_begin(self) -> None:
        """A request began."""
        self._is_arriving = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._head_bytes = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Its body is whole too."""
        self._is_arriving = False
        super().on_message_complete()

    def _wait_for_more(self) -> None:
        self._reading = self.loop.call_later(self.read_timeout_s, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


def connection_class(read_timeout_s: float) -> type[Connection]:
    """Connections with this bound, for a server that makes them by their class."""
    return type("Connection", (Connection,), {"read_timeout_s": read_timeout_s})

"""A connection to an SMTP server: bytes out, replies in, and how long these may take.

A protocol and no stream: a message costs one write and one read, and nothing is woken in between.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from repoint.delivery.smtp.reply import BadReplyError, Reply, ReplyReader


class LostError(Exception):
    """The connection is no more; the text tells why."""


class TimedOutError(LostError):
    """The server took too long."""


class Listener(Protocol):
    """Who is told what happens on a line."""

    def replied(self, reply: Reply) -> None:
        """Take in a reply."""

    def overdue(self) -> None:
        """Do something: the time is over that was given to `Line.wait`."""

    def lost(self, why: LostError) -> None:
        """Take note of the end; nothing is told afterwards."""


class Line(asyncio.Protocol):
    """One connection. It is lost once, by whichever side, and its listener is told."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._replies = ReplyReader()
        self._lost: LostError | None = None
        self._deadline = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._watched_at = 0.0
        self._has_room = True
        self._go_on: Callable[[], None] | None = None
        self._closed = asyncio.Event()
        self.transport: asyncio.Transport
        self.listener: Listener

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be written any more."""
        return self._lost is not None

    @property
    def is_silent(self) -> bool:
        """Whether the server has said nothing but whole replies."""
        return self._replies.is_between_replies

    def use(self, transport: asyncio.Transport) -> None:
        """Go on over this transport, the first one or that of TLS."""
        self.transport = transport
        # The protocol is paused until everything has left, so that a long message need never wait in memory as a whole.
        transport.set_write_buffer_limits(high=64 << 10, low=0)

    def write(self, data: bytes) -> None:
        """Send bytes; they wait in memory while the server does not take them."""
        self.transport.write(data)

    def when_sent(self, go_on: Callable[[], None]) -> None:
        """Call back as soon as there is room for more, perhaps at once."""
        if self._has_room:
            go_on()
        else:
            self._go_on = go_on

    def wait(self, seconds: float) -> None:
        """Have the listener told after so many seconds; each call counts anew."""
        self._deadline = self._loop.time() + seconds
        if self._watch is None or self._watched_at > self._deadline:
            self._set_watch()

    def lose(self, why: LostError) -> None:
        """End the connection and tell the listener; nothing happens when it was lost before."""
        if self._lost is not None:
            return
        self._lost = why
        self._go_on = None
        if self._watch is not None:
            self._watch.cancel()
        self.transport.abort()
        self.listener.lost(why)

    def close(self, farewell: bytes) -> None:
        """End the connection on our side, after this was sent; the listener is not told."""
        if self._lost is not None:
            return
        self._lost = LostError("closed")
        if self._watch is not None:
            self._watch.cancel()
        self.transport.write(farewell)
        self.transport.close()

    async def wait_closed(self, timeout_s: float) -> None:
        """Wait until nothing is left of the connection, and do not wait too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._closed.wait()
        except TimeoutError:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self.use(transport)  # type: ignore[arg-type] # of a stream, and therefore a Transport

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        try:
            replies = self._replies.feed(data)
        except BadReplyError as error:
            self.lose(LostError(str(error)))
            return
        for reply in replies:
            if self._lost is not None:
                return
            self.listener.replied(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        why = "the server closed the connection" if exc is None else f"the connection broke: {exc}"
        self.lose(LostError(why))
        self._closed.set()

    def pause_writing(self) -> None:
        """See asyncio."""
        self._has_room = False

    def resume_writing(self) -> None:
        """See asyncio."""
        self._has_room = True
        go_on, self._go_on = self._go_on, None
        if go_on is not None:
            go_on()

    def _set_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watched_at = self._deadline
        self._watch = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        # Deadlines move with every message, the timer only when it has run out.
        self._watch = None
        if self._lost is None:
            if self._loop.time() < self._deadline:
                self._set_watch()
            else:
                self.listener.overdue()

"""One bound connection to an SMSC: a window of submits on their way, and what the SMSC tells unasked.

A deliver_sm is answered when what it tells is committed, and asked for again when that failed. What has been written
when the connection ends may have been taken; what waits for its place in the window has not.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import smpp34
import structlog

from repoint.delivery.smpp.access import Access
from repoint.delivery.smpp.answers import Answered, Answers, LostError, Waiting, fail
from repoint.delivery.smpp.pdu import (
    ANSWER,
    HEAD_BYTES,
    BrokenError,
    Command,
    Status,
    answer,
    bind,
    c_string,
    head,
    numbered,
    request,
    split,
)
from repoint.delivery.smpp.rate import Rate

log = structlog.get_logger()

# So many of what the SMSC tells may wait for their commit before we stop reading.
MOST_HEARD = 1000
# How long an SMSC has to answer that it lets us go.
FAREWELL_S = 2.0

# Takes what was told in one go; returns when it is committed.
Delivers = Callable[[Sequence[smpp34.DeliverSm]], Awaitable[None]]


class RefusedError(Exception):
    """The SMSC does not let us in; the text tells its status."""


class FullError(Exception):
    """By its rate, the connection has no turn for the message as soon as that must go."""


async def open_session(access: Access, delivers: Delivers) -> "Session":
    """Connect and bind. Raises OSError (TimeoutError, ssl.SSLError), RefusedError and LostError."""
    loop = asyncio.get_running_loop()
    session = Session(access, delivers)
    async with asyncio.timeout(access.connect_timeout_s):
        await loop.create_connection(lambda: session, access.host, access.port, ssl=access.tls)
    try:
        await session.bind()
    except BaseException:
        session.abort()
        raise
    return session


class Session(asyncio.Protocol):
    """A connection, bound until `lost` is done."""

    def __init__(self, access: Access, delivers: Delivers) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._access = access
        self._delivers = delivers
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._out: list[bytes] = []
        self._answers = Answers(access.answer_timeout_s, self._fill_window)
        # Those that wait for their place in the window, or for their turn.
        self._queue: deque[tuple[bytes, Waiting]] = deque()
        self._rate = None if access.rate is None else Rate(access.rate)
        self._next_turn: asyncio.TimerHandle | None = None
        self._heard = 0
        self._telling: set[asyncio.Task[None]] = set()
        self._leaving: asyncio.Task[None] | None = None
        self._heard_at_s = loop.time()
        self._is_closing = False
        self.lost: asyncio.Future[None] = loop.create_future()

    @property
    def is_open(self) -> bool:
        """Whether something may be sent."""
        return not self._is_closing and not self.lost.done()

    @property
    def under_way(self) -> int:
        """How many requests wait, for their turn or their answer."""
        return len(self._answers) + len(self._queue)

    async def bind(self) -> None:
        """Say who we are. Raises RefusedError, LostError."""
        access = self._access
        found = await self._ask(
            access.command,
            lambda sequence: bind(access.command, sequence, access.system_id, access.password, access.system_type),
        )
        if found.status:
            raise RefusedError(f"the SMSC refuses the bind with {found.status:#010x}")

    def submit(self, pdu: bytes, within_s: float | None = None) -> Waiting:
        """Send a PDU as soon as the window has room and its turn comes; its answer, LostError or FullError.

        `within_s` is how long its turn may be away; None for as long as may be.
        """
        waiting: Waiting = self._loop.create_future()
        if not self.is_open:
            fail(waiting, may_be_taken=False)
        elif within_s is not None and self._turn_in_s() > within_s:
            waiting.set_exception(FullError())
        else:
            self._queue.append((pdu, waiting))
            self._fill_window()
        return waiting

    async def keep_alive(self) -> None:
        """Ask for signs of life whenever there have been none, until the connection is lost."""
        pause_s = self._access.enquire_link_s
        while not self.lost.done():
            silent_s = self._loop.time() - self._heard_at_s
            if silent_s < pause_s:
                await asyncio.wait([self.lost], timeout=pause_s - silent_s)
                continue
            try:
                await self._request(Command.ENQUIRE_LINK)
            except LostError:
                self.abort()

    async def close(self) -> None:
        """Let what is under way end, say farewell, and hang up."""
        await self._let_end(FAREWELL_S)
        if self._telling:
            await asyncio.wait(set(self._telling), timeout=self._access.answer_timeout_s)
        if not self.lost.done():
            with suppress(LostError, TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._request(Command.UNBIND)
        self._hang_up()

    def abort(self) -> None:
        """Break the connection off."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        # uvloop's is one in all but its class.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the library's signature
        """See asyncio.Protocol."""
        if not self.lost.done():
            self.lost.set_result(None)
        self._out.clear()
        if self._next_turn is not None:
            self._next_turn.cancel()
        self._answers.lose()
        self._drop_queue()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._heard_at_s = self._loop.time()
        told: list[tuple[int, smpp34.DeliverSm]] = []
        try:
            pdus, self._buffer = split(self._buffer + data)
        except BrokenError:
            log.warning("An SMSC sends what is no SMPP", host=self._access.host)
            self.abort()
            return
        for pdu in pdus:
            self._take(pdu, told)
        self._fill_window()
        if told:
            task = self._loop.create_task(self._tell(told))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    def _take(self, pdu: bytes, told: list[tuple[int, smpp34.DeliverSm]]) -> None:
        command, status, sequence = head(pdu)
        if command & ANSWER:
            self._answers.take(command, status, sequence, c_string(pdu[HEAD_BYTES:]))
        elif command == Command.DELIVER_SM:
            self._take_deliver(pdu, sequence, told)
        elif command == Command.ENQUIRE_LINK:
            self._write(answer(command, sequence))
        elif command == Command.UNBIND:
            self._is_closing = True
            self._leaving = self._leaving or self._loop.create_task(self._leave(sequence))
        else:
            self._write(request(Command.GENERIC_NACK, sequence, status=Status.INVALID_COMMAND))

    def _take_deliver(self, pdu: bytes, sequence: int, told: list[tuple[int, smpp34.DeliverSm]]) -> None:
        if self._is_closing:
            # There may be no time left to answer what is kept, and then it would be told and kept once more.
            self._write(answer(Command.DELIVER_SM, sequence, b"\0", Status.LATER))
            return
        try:
            found = smpp34.decode(pdu)
        except smpp34.SmppError:
            log.warning("An SMSC tells what cannot be read", host=self._access.host)
            self._write(answer(Command.DELIVER_SM, sequence, b"\0", Status.NEVER))
            return
        assert isinstance(found, smpp34.DeliverSm)  # noqa: S101 - its command says so
        told.append((sequence, found))
        self._heard += 1
        if self._heard >= MOST_HEARD and self._transport is not None:
            self._transport.pause_reading()

    async def _tell(self, told: Sequence[tuple[int, smpp34.DeliverSm]]) -> None:
        status = Status.OK
        try:
            await self._delivers([pdu for _, pdu in told])
        except Exception:
            log.exception("What an SMSC told could not be kept; it is asked to tell it again", count=len(told))
            status = Status.LATER
        for sequence, _ in told:
            self._write(answer(Command.DELIVER_SM, sequence, b"\0", status))
        was_full = self._heard >= MOST_HEARD
        self._heard -= len(told)
        if was_full and self._heard < MOST_HEARD and self._transport is not None and not self.lost.done():
            self._transport.resume_reading()

    async def _request(self, command: Command) -> Answered:
        return await self._ask(command, lambda sequence: request(command, sequence))

    async def _ask(self, command: Command, make: Callable[[int], bytes]) -> Answered:
        """Send a request at once; its answer. Raises LostError."""
        if self.lost.done():
            raise LostError(may_be_taken=False)
        waiting: Waiting = self._loop.create_future()
        self._write(make(self._answers.expect(command, waiting)))
        return await waiting

    def _turn_in_s(self) -> float:
        return 0 if self._rate is None else self._rate.wait_s(self._loop.time(), len(self._queue))

    def _fill_window(self) -> None:
        window, queue, answers, rate = self._access.window, self._queue, self._answers, self._rate
        while queue and len(answers) < window:
            if rate is not None:
                now_s = self._loop.time()
                if (wait_s := rate.wait_s(now_s)) > 0:
                    self._fill_later(wait_s)
                    return
                rate.take(now_s)
            pdu, waiting = queue.popleft()
            if not waiting.done():
                self._write(numbered(pdu, answers.expect(Command.SUBMIT_SM, waiting)))

    def _fill_later(self, wait_s: float) -> None:
        if self._next_turn is None:
            self._next_turn = self._loop.call_later(wait_s, self._fill_at_turn)

    def _fill_at_turn(self) -> None:
        self._next_turn = None
        self._fill_window()

    def _drop_queue(self) -> None:
        queue = list(self._queue)
        self._queue.clear()
        for _, waiting in queue:
            fail(waiting, may_be_taken=False)

    def _write(self, pdu: bytes) -> None:
        """Have it sent together with what else is said in this turn of the loop."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(pdu)

    def _flush(self) -> None:
        if self._transport is not None and self._out and not self.lost.done():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    async def _leave(self, sequence: int) -> None:
        """Let go as the SMSC has asked, when both sides have answered what they were told before, or after a while."""
        await self._let_end(FAREWELL_S)
        self._write(answer(Command.UNBIND, sequence))
        self._flush()
        self._hang_up()

    async def _let_end(self, timeout_s: float) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._is_closing = True
        self._drop_queue()
        under_way: set[asyncio.Future[Any]] = {*self._answers.waiting(), *self._telling}
        if under_way:
            await asyncio.wait(under_way, timeout=timeout_s)

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

"""One bound connection to an SMSC: a window of submits on their way, and what the SMSC tells unasked.

A deliver_sm is answered when what it tells is committed, and asked for again when that failed. What has been written
when the connection ends may have been taken; what waits for its place in the window has not.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import smpp34
import structlog

from repoint.delivery.smpp.pdu import (
    ANSWER,
    HEAD_BYTES,
    LAST_SEQUENCE,
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

log = structlog.get_logger()

# So many of what the SMSC tells may wait for their commit before we stop reading.
MOST_HEARD = 1000
# How long an SMSC has to answer that it lets us go.
FAREWELL_S = 2.0

# Takes what was told in one go; returns when it is committed.
Delivers = Callable[[Sequence[smpp34.DeliverSm]], Awaitable[None]]


class LostError(Exception):
    """The connection ended, or nothing was answered in time."""

    def __init__(self, *, may_be_taken: bool) -> None:
        super().__init__("the connection to the SMSC broke")
        self.may_be_taken = may_be_taken


class RefusedError(Exception):
    """The SMSC does not let us in; the text tells its status."""


class Answered(NamedTuple):
    """What the SMSC answered a request: 0 for taken, and under which id."""

    status: int
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """Where to and who we are."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    command: Command
    system_id: str
    password: str = field(repr=False)
    system_type: str
    window: int
    connect_timeout_s: float
    answer_timeout_s: float
    enquire_link_s: float


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
        self._sequence = 0
        # Requests that wait for their answer, oldest first, with the time after which nobody does any more.
        self._answers: dict[int, tuple[asyncio.Future[Answered], float]] = {}
        self._look_for_late: asyncio.TimerHandle | None = None
        # Those that wait for their place in the window.
        self._queue: deque[tuple[bytes, asyncio.Future[Answered]]] = deque()
        self._heard = 0
        self._telling: set[asyncio.Task[None]] = set()
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
            lambda sequence: bind(access.command, sequence, access.system_id, access.password, access.system_type)
        )
        if found.status:
            raise RefusedError(f"the SMSC refuses the bind with {found.status:#010x}")

    def submit(self, pdu: bytes) -> "asyncio.Future[Answered]":
        """Send a PDU as soon as the window has room; its answer, or LostError."""
        waiting: asyncio.Future[Answered] = self._loop.create_future()
        if not self.is_open:
            waiting.set_exception(LostError(may_be_taken=False))
            return waiting
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
                await self._ask(lambda sequence: request(Command.ENQUIRE_LINK, sequence))
            except LostError:
                self.abort()

    async def close(self) -> None:
        """Let what is under way end, say farewell, and hang up."""
        self._is_closing = True
        if self._telling:
            await asyncio.wait(set(self._telling), timeout=self._access.answer_timeout_s)
        if not self.lost.done():
            with suppress(LostError, TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._ask(lambda sequence: request(Command.UNBIND, sequence))
        if self._transport is not None:
            self._transport.close()

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
        if self._look_for_late is not None:
            self._look_for_late.cancel()
        answers, queue = list(self._answers.values()), list(self._queue)
        self._answers.clear()
        self._queue.clear()
        for waiting, _ in answers:
            _fail(waiting, may_be_taken=True)
        for _, waiting in queue:
            _fail(waiting, may_be_taken=False)

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
            waiting, _ = self._answers.pop(sequence, (None, 0))
            if waiting is not None and not waiting.done():
                # An answer of status 0 that denies the request is none.
                status = status or (1 if command == Command.GENERIC_NACK else 0)
                waiting.set_result(Answered(status, c_string(pdu[HEAD_BYTES:])))
        elif command == Command.DELIVER_SM:
            self._take_deliver(pdu, sequence, told)
        elif command == Command.ENQUIRE_LINK:
            self._write(answer(command, sequence))
        elif command == Command.UNBIND:
            self._is_closing = True
            self._write(answer(command, sequence))
            self._loop.call_soon(self._hang_up)
        else:
            self._write(request(Command.GENERIC_NACK, sequence, status=Status.INVALID_COMMAND))

    def _take_deliver(self, pdu: bytes, sequence: int, told: list[tuple[int, smpp34.DeliverSm]]) -> None:
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

    async def _ask(self, make: Callable[[int], bytes]) -> Answered:
        """Send a request at once; its answer. Raises LostError."""
        if self.lost.done():
            raise LostError(may_be_taken=False)
        waiting: asyncio.Future[Answered] = self._loop.create_future()
        sequence = self._await_answer(waiting)
        self._write(make(sequence))
        return await waiting

    def _fill_window(self) -> None:
        window, queue, answers = self._access.window, self._queue, self._answers
        while queue and len(answers) < window:
            pdu, waiting = queue.popleft()
            if not waiting.done():
                self._write(numbered(pdu, self._await_answer(waiting)))

    def _await_answer(self, waiting: "asyncio.Future[Answered]") -> int:
        """The number under which its answer will come."""
        self._sequence = self._sequence % LAST_SEQUENCE + 1
        late_at_s = self._loop.time() + self._access.answer_timeout_s
        self._answers[self._sequence] = waiting, late_at_s
        if self._look_for_late is None:
            self._look_for_late = self._loop.call_at(late_at_s, self._give_up_late)
        return self._sequence

    def _give_up_late(self) -> None:
        """Wait no longer for what should have been answered; the window has room again."""
        self._look_for_late, now_s = None, self._loop.time()
        for sequence, (waiting, late_at_s) in list(self._answers.items()):
            if late_at_s > now_s:
                self._look_for_late = self._loop.call_at(late_at_s, self._give_up_late)
                break
            del self._answers[sequence]
            _fail(waiting, may_be_taken=True)
        self._fill_window()

    def _write(self, pdu: bytes) -> None:
        """Have it sent together with what else is said in this turn of the loop."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(pdu)

    def _flush(self) -> None:
        if self._transport is not None and self._out and not self.lost.done():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()


def _fail(waiting: "asyncio.Future[Answered]", *, may_be_taken: bool) -> None:
    if not waiting.done():
        waiting.set_exception(LostError(may_be_taken=may_be_taken))

"""All requests to one host: one connection for them, opened as requests come and again when it goes away."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass

import structlog

from repoint.delivery.http2.connection import Connection
from repoint.delivery.http2.exchange import NoAnswer, Request
from repoint.delivery.http2.frames import NotHttp2Error

log = structlog.get_logger()

# Nobody may be refused so often: who is told that it was not taken is asked again.
_MOST_REFUSALS = 3
# Seconds from one look for what takes too long to the next, at most.
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Host:
    """Where requests go, and with how much patience."""

    name: str
    port: int
    trust: ssl.SSLContext
    # Most requests under way at once; a server may allow fewer.
    streams: int
    connect_timeout_s: float
    answer_timeout_s: float
    idle_timeout_s: float

    @property
    def authority(self) -> str:
        """As `:authority` has it."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port == 443 else f"{name}:{self.port}"  # noqa: PLR2004 - the usual one


class Client:
    """The way to one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Request] = deque()
        # The one that takes requests, and those that were told to take no more and still have answers to come.
        self._connection: Connection | None = None
        self._leaving: set[Connection] = set()
        self._opening: asyncio.Task[None] | None = None
        self._look: asyncio.TimerHandle | None = None
        self._used_at = 0.0
        self._is_woken = False
        self._is_closed = False

    @property
    def is_open(self) -> bool:
        """Whether it has a connection, or requests that wait for one."""
        return bool(self._connections() or self._waiting or self._opening is not None)

    def send(self, request: Request) -> None:
        """Send a request; its answer is finished some time, whatever happens."""
        request.waits_since = self._used_at = self._loop.time()
        self._waiting.append(request)
        if not self._is_woken:
            # In the loop's next round, so that all that are sent in this one leave together.
            self._is_woken = True
            self._loop.call_soon(self._go_on)

    async def close(self) -> None:
        """Leave the host; requests under way end as if the connection had been lost."""
        self._is_closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        for connection in self._connections():
            connection.abort(NoAnswer("the provider was closed"))
        self._go_on()
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def take(self) -> Request | None:
        """See Work."""
        while self._waiting:
            request = self._waiting.popleft()
            # Whoever waited for it may have been stopped.
            if not request.answer.done():
                return request
        return None

    def put_back(self, request: Request, why: NoAnswer) -> None:
        """See Work."""
        request.begin_anew()
        if request.refusals >= _MOST_REFUSALS or self._is_closed:
            request.finish(NoAnswer(why.detail, why.is_late))
            return
        self._waiting.appendleft(request)
        # Whoever put it back is in the middle of something.
        self._loop.call_soon(self._go_on)

    def leave(self, connection: Connection) -> None:
        """See Work."""
        if self._connection is connection:
            self._connection = None
            self._leaving.add(connection)
            self._loop.call_soon(self._go_on)

    def _connections(self) -> list[Connection]:
        return [*self._leaving, *([] if self._connection is None else [self._connection])]

    def _go_on(self) -> None:
        self._is_woken = False
        if self._is_closed:
            self._fail_waiting(NoAnswer("the provider was closed"))
            return
        if self._connection is not None:
            self._connection.go_on()
        elif self._waiting and self._opening is None:
            self._opening = self._loop.create_task(self._open())
        if self._look is None:
            self._look = self._loop.call_later(self._interval_s(), self._look_after)

    async def _open(self) -> None:
        """Connect, or tell all who wait that it was not possible."""
        host = self._host
        try:
            async with asyncio.timeout(host.connect_timeout_s):
                self._take_over(await self._connect())
        except TimeoutError:
            self._fail_waiting(NoAnswer("the server could not be reached in time", is_late=True))
        except ssl.SSLCertVerificationError as error:
            self._fail_waiting(NoAnswer(f"the server's certificate is not valid: {error.verify_message}"))
        except (OSError, NotHttp2Error) as error:
            told = str(error) if isinstance(error, NotHttp2Error) else type(error).__name__
            self._fail_waiting(NoAnswer(f"the server cannot be reached: {told}"))
        finally:
            self._opening = None
        self._go_on()

    async def _connect(self) -> Connection:
        host = self._host
        transport, connection = await self._loop.create_connection(
            lambda: Connection(host.authority.encode("ascii"), self, host.streams),
            host.name,
            host.port,
            ssl=host.trust,
            server_hostname=host.name,
        )
        try:
            await self._greet(transport, connection)
        except BaseException:
            transport.abort()
            raise
        return connection

    @staticmethod
    async def _greet(transport: asyncio.Transport, connection: Connection) -> None:
        if transport.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            raise NotHttp2Error("the server does not speak HTTP/2")
        await connection.ready
        if connection.is_leaving and connection.is_idle:
            raise NotHttp2Error("the server closed the connection")

    def _take_over(self, connection: Connection) -> None:
        if connection.is_leaving:
            # It has begun all that it could meanwhile.
            self._leaving.add(connection)
        else:
            self._connection = connection

    def _fail_waiting(self, why: NoAnswer) -> None:
        if self._waiting and not self._is_closed:
            log.warning("A push service cannot be reached", host=self._host.name, reason=why.detail)
        while self._waiting:
            self._waiting.popleft().finish(why)

    def _interval_s(self) -> float:
        return min(_LOOK_S, self._host.answer_timeout_s / 2, self._host.idle_timeout_s / 2)

    def _look_after(self) -> None:
        """Give up what takes too long, and the connection when it has long been of no use."""
        self._look = None
        now = self._loop.time()
        before = now - self._host.answer_timeout_s
        for connection in self._connections():
            connection.expire(before, asked_before=now - self._host.connect_timeout_s)
        self._give_up_waiting(before - self._host.connect_timeout_s)
        self._leaving = {connection for connection in self._leaving if not connection.is_idle}
        is_unused = not self._waiting and now - self._used_at >= self._host.idle_timeout_s
        if is_unused and self._connection is not None and self._connection.is_idle:
            self._connection.close()
        if self.is_open:
            self._look = self._loop.call_later(self._interval_s(), self._look_after)

    def _give_up_waiting(self, before: float) -> None:
        """Those that wait since before this moment; a connection that lets nobody in is left."""
        if not self._waiting or self._waiting[0].waits_since >= before:
            return
        while self._waiting and self._waiting[0].waits_since < before:
            self._waiting.popleft().finish(NoAnswer("the server lets no more requests in", is_late=True))
        if self._connection is not None and self._connection.is_idle:
            self._connection.close()

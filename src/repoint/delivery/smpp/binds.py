"""The binds of one process to one SMSC, each made again when it is lost, as long as the provider is open.

Binds are held also while nothing is sent: whoever is bound as a transceiver may be told receipts and messages.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from repoint.delivery.smpp.access import Access
from repoint.delivery.smpp.answers import LostError
from repoint.delivery.smpp.session import Delivers, RefusedError, Session, open_session

log = structlog.get_logger()

# Between tries: doubled each time, until a bind has lasted for a while. One that is ended soon may be one too many.
FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S = 0.5, 30.0, 10.0
# So much of a pause is kept however urgent it is.
_LEAST_OF_PAUSE = 0.1


@asynccontextmanager
async def open_binds(access: Access, delivers: Delivers, count: int) -> AsyncIterator["Binds"]:
    """Bind so many times, and again; at the end say farewell."""
    binds = [_Bind(access, delivers) for _ in range(count)]
    tasks = [asyncio.get_running_loop().create_task(bind.hold()) for bind in binds]
    try:
        yield Binds(binds)
    finally:
        await asyncio.gather(*(bind.close() for bind in binds))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Binds:
    """What is bound now."""

    def __init__(self, binds: "list[_Bind]") -> None:
        self._binds = binds

    async def session(self) -> "Session | str":
        """The session with the most room; the reason when there is none and another try just failed."""
        if (found := self.open_session()) is not None:
            return found
        tries = {bind.next_try() for bind in self._binds}
        while tries:
            _, tries = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
            if (found := self.open_session()) is not None:
                return found
        return self._binds[0].why

    def open_session(self) -> Session | None:
        """The session with the most room, if there is one now."""
        found: Session | None = None
        for bind in self._binds:
            session = bind.session
            if session is not None and session.is_open and (found is None or session.under_way < found.under_way):
                found = session
        return found


class _Bind:
    """One of them."""

    def __init__(self, access: Access, delivers: Delivers) -> None:
        self._access = access
        self._delivers = delivers
        self._is_wanted = asyncio.Event()
        # Done when the try that is under way, or the next one, has ended.
        self._try: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_closed = False
        self.session: Session | None = None
        self.why = "the SMSC cannot be reached"

    def next_try(self) -> asyncio.Future[None]:
        """Done when it has been tried once more, without the pause between tries."""
        self._is_wanted.set()
        return self._try

    async def close(self) -> None:
        """Unbind, for good."""
        self._is_closed = True
        if self.session is not None:
            await self.session.close()

    async def hold(self) -> None:
        """Be bound, over and over."""
        try:
            await self._hold()
        finally:
            # Whoever waits for the next try is told that there is none.
            self._try.set_result(None)

    async def _hold(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self._is_wanted.clear()
            self.session = await self._open()
            self._try.set_result(None)
            self._try = asyncio.get_running_loop().create_future()
            if self.session is not None:
                bound_at_s = asyncio.get_running_loop().time()
                await self.session.keep_alive()
                if self._is_closed:
                    return
                log.warning("A bind to an SMSC was lost", host=self._access.host)
                if asyncio.get_running_loop().time() >= bound_at_s + STEADY_S:
                    pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s * _LEAST_OF_PAUSE)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s * (1 - _LEAST_OF_PAUSE)):
                    await self._is_wanted.wait()
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _open(self) -> Session | None:
        try:
            return await open_session(self._access, self._delivers)
        except TimeoutError:
            self.why = "the SMSC could not be reached in time"
        except ssl.SSLError as error:
            self.why = f"TLS with the SMSC failed: {error.reason or type(error).__name__}"
        except OSError:
            self.why = "the SMSC cannot be reached"
        except RefusedError as error:
            self.why = str(error)
        except LostError:
            self.why = "the SMSC does not answer the bind"
        log.warning("An SMSC could not be bound to", host=self._access.host, reason=self.why)
        return None

"""The database that `serve` works with: the user's own server, or the embedded one, watched and started again."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog

from repoint.cli.supervise import FIRST_PAUSE_S, LONGEST_PAUSE_S
from repoint.db.embedded import Embedded, EmbeddedError
from repoint.settings import Settings

T = TypeVar("T")

log = structlog.get_logger()


class ServedDatabase:
    """Up between `start` and `stop`; `url` waits while it is not."""

    def __init__(self, settings: Settings) -> None:
        given = settings.database_url
        self._embedded = None if given else Embedded(settings.data_dir)
        self._url = given.get_secret_value() if given else ""
        self._is_open = asyncio.Event()
        self._is_stopped = False

    async def start(self) -> str:
        """Start the embedded server, if that is the one; the URL. Raises EmbeddedError when it does not come up."""
        if self._embedded is not None:
            self._url = await to_its_end(self._embedded.start)
        return self._url

    def open(self) -> None:
        """Let those go on who wait for the URL: the schema is there."""
        self._is_open.set()

    async def url(self) -> str:
        """Where the database is, as soon as it can be used."""
        await self._is_open.wait()
        return self._url

    async def keep(self) -> None:
        """Start the embedded server again whenever it dies, for ever; its own recovery brings back what it had."""
        if self._embedded is None:
            return
        while True:
            await asyncio.to_thread(self._embedded.wait_dead)
            if self._is_stopped:
                return
            self._is_open.clear()
            log.warning("The embedded database died; it is started again")
            await self._recover(self._embedded)
            self._is_open.set()

    async def stop(self) -> None:
        """Shut the embedded server down in order."""
        self._is_stopped = True
        if self._embedded is not None:
            await asyncio.to_thread(self._embedded.stop)

    async def _recover(self, embedded: Embedded) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await to_its_end(embedded.stop)
                await self.start()
            except EmbeddedError as error:
                log.warning("The embedded database does not start yet", reason=str(error), pause_s=pause_s)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                return


async def to_its_end(function: Callable[[], T]) -> T:
    """Run a blocking function in a thread. A cancelled caller waits for its end: a half-started server has no owner."""
    running = asyncio.ensure_future(asyncio.to_thread(function))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise

"""The database that `serve` works with: the user's own server, or the embedded one, watched and started again."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from repoint.cli.local import run_locally
from repoint.cli.mistake import Mistake
from repoint.cli.supervise import FIRST_PAUSE_S, LONGEST_PAUSE_S
from repoint.db.embedded import Embedded, EmbeddedError
from repoint.db.migrate import MigrationError, migrate
from repoint.settings import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)


class ServedDatabase:
    """Up and migrated between `start` and `stop`, but for the moments after a death."""

    def __init__(self, settings: Settings) -> None:
        given = settings.database_url
        self._settings = settings
        self._embedded = None if given else Embedded(settings.data_dir)
        self._is_stopped = False
        self.url = given.get_secret_value() if given else ""
        self.is_up = asyncio.Event()

    async def start(self) -> dict[str, Any] | None:
        """Start it and bring it up to date; an access key with its secret if it has had none yet, otherwise None.

        Raises Mistake when it does not come up, or is not this program's.
        """
        with _explained():
            if self._embedded is not None:
                self.url = await _to_its_end(self._embedded.start)
            await _to_its_end(lambda: migrate(self.url))
            key = await self._first_key()
        self.is_up.set()
        return key

    async def keep(self) -> None:
        """Start the embedded server again whenever it dies, for ever; its own recovery brings back what it had."""
        if self._embedded is None:
            return
        while True:
            await asyncio.to_thread(self._embedded.wait_dead)
            if self._is_stopped:
                return
            self.is_up.clear()
            log.warning("The embedded database died; it is started again")
            await self._recover(self._embedded)
            self.is_up.set()

    async def stop(self) -> None:
        """Shut the embedded server down in order."""
        self._is_stopped = True
        if self._embedded is not None:
            await asyncio.to_thread(self._embedded.stop)

    async def _first_key(self) -> dict[str, Any] | None:
        known = await run_locally(self._settings, self.url, "ListKeys", {})
        if known["Item"]:
            return None
        made: dict[str, Any] = await run_locally(self._settings, self.url, "CreateKey", {"Name": "first"})
        return made

    async def _recover(self, embedded: Embedded) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await _to_its_end(embedded.start)
            except EmbeddedError as error:
                log.warning("The embedded database does not start, next try in %g s: %s", pause_s, error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                return


async def _to_its_end(function: Callable[[], T]) -> T:
    """Run a blocking function in a thread. A cancelled caller waits for its end: a half-started server has no owner."""
    running = asyncio.ensure_future(asyncio.to_thread(function))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (EmbeddedError, MigrationError) as error:
        raise Mistake(str(error)) from error
    except psycopg.OperationalError as error:
        raise Mistake(f"the database does not answer: {error}") from error

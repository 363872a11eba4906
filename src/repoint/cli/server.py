"""The processes of one `repoint serve`: the database first in being needed, the API first in being started.

The API's process is started before anything else, and the worker's when the API answers: the two things that take time,
reading the API's modules and starting the database, then go side by side, and nothing else competes with them.
"""

import asyncio
import signal
import socket
from typing import TYPE_CHECKING, Any

from repoint.cli.ready import wait_ready
from repoint.cli.supervise import Orders, Program, keep_running
from repoint.cli.welcome import api_url, welcome
from repoint.settings import Settings

if TYPE_CHECKING:
    from repoint.cli.database import ServedDatabase

# Beyond the seconds that the API gives to calls under way.
MORE_GRACE_S = 5


class Server:
    """Everything that runs between the start of the command and its end."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self.settings = settings
        self.listener = listener
        self.port: int = listener.getsockname()[1]
        self.database: asyncio.Future[ServedDatabase] = asyncio.get_running_loop().create_future()
        self.first_key: dict[str, Any] | None = None
        self.is_ready = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGINT or SIGTERM; raises Mistake for what keeps it from starting."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        # Tasks begin in the order they are made in.
        parts = [self._run_api(), self._run_database(), self._greet(), self._run_worker(), stop.wait()]
        running = {asyncio.create_task(part) for part in parts}
        try:
            while not stop.is_set():
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                failures = [part.exception() for part in done]
                for failure in filter(None, failures):
                    raise failure
        finally:
            for part in running:
                part.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            if self.database.done():
                await self.database.result().stop()

    async def _run_api(self) -> None:
        await self._keep_running(Program("API", ("api", "--supervised"), self._orders, self.listener.fileno()))

    async def _run_worker(self) -> None:
        await self.is_ready.wait()
        await self._keep_running(Program("worker", ("worker", "--supervised"), self._orders))

    async def _run_database(self) -> None:
        from repoint.cli.database import ServedDatabase  # noqa: PLC0415 - read while the API's process reads its own
        from repoint.log import configure_logs  # noqa: PLC0415 - likewise

        configure_logs(self.settings.log_level)
        database = ServedDatabase(self.settings)
        self.database.set_result(database)
        self.first_key = await database.start()
        await database.keep()

    async def _greet(self) -> None:
        await (await asyncio.shield(self.database)).is_up.wait()
        await wait_ready(self.settings.host, self.port, with_tls=self.settings.tls_certificate is not None)
        self.is_ready.set()
        welcome(self.settings, api_url(self.settings, self.port), self.first_key)

    async def _keep_running(self, program: Program) -> None:
        grace_s = self.settings.shutdown_s + MORE_GRACE_S
        await keep_running(program, grace_s=grace_s, is_settled=self.is_ready.is_set)

    async def _orders(self) -> Orders:
        """The settings that the children do not find in the environment and `repoint.toml`, which they read too."""
        database = await asyncio.shield(self.database)
        await database.is_up.wait()
        return {
            "data_dir": str(self.settings.data_dir.absolute()),
            "database_url": database.url,
            "host": self.settings.host,
            "port": self.port,
        }

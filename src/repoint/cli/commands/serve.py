"""`repoint serve`: the whole server in one terminal."""

import asyncio
import signal
import socket
from typing import Any

import psycopg
import typer

from repoint.cli.configure import DatabaseUrl, DataDir, Host, Port, given, read_settings
from repoint.cli.database import ServedDatabase, to_its_end
from repoint.cli.folder import held_folder
from repoint.cli.listen import listen
from repoint.cli.local import run_locally
from repoint.cli.mistake import Mistake
from repoint.cli.ready import wait_ready
from repoint.cli.supervise import Orders, Program, keep_running
from repoint.cli.welcome import api_url, welcome
from repoint.db.embedded import EmbeddedError
from repoint.db.migrate import MigrationError, migrate
from repoint.log import configure_logs
from repoint.settings import Settings

# Beyond the seconds that the API gives to calls under way.
MORE_GRACE_S = 5

app = typer.Typer()


@app.command()
def serve(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run database, API and worker until Ctrl-C; the first start makes an access key."""
    arguments = given({"data_dir": data_dir, "database_url": database_url, "host": host, "port": port})
    settings = read_settings(**arguments)
    configure_logs(settings.log_level)
    with held_folder(settings.data_dir), listen(settings.host, settings.port) as listener:
        try:
            asyncio.run(Server(settings, listener).run())
        except (EmbeddedError, MigrationError) as error:
            raise Mistake(str(error)) from error
        except psycopg.OperationalError as error:
            raise Mistake(f"the database does not answer: {error}") from error
    typer.echo("Stopped.")


class Server:
    """The processes of one `repoint serve`, and what they share."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self.settings = settings
        self.listener = listener
        self.database = ServedDatabase(settings)
        self.is_ready = asyncio.Event()
        self.first_key: dict[str, Any] | None = None

    async def run(self) -> None:
        """Run until SIGINT or SIGTERM; raises what kept it from starting."""
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        parts = [self._run_database(), self._greet(), *map(self._keep_running, self._programs()), stop.wait()]
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
            await self.database.stop()

    async def _run_database(self) -> None:
        url = await self.database.start()
        await to_its_end(lambda: migrate(url))
        self.first_key = await make_first_key(self.settings, url)
        self.database.open()
        await self.database.keep()

    async def _greet(self) -> None:
        port = self.listener.getsockname()[1]
        await self.database.url()
        await wait_ready(self.settings.host, port, with_tls=self.settings.tls_certificate is not None)
        self.is_ready.set()
        welcome(self.settings, api_url(self.settings, port), self.first_key)

    def _programs(self) -> list[Program]:
        return [
            Program("API", ("api", "--supervised"), self._orders, self.listener.fileno()),
            Program("worker", ("worker", "--supervised"), self._orders),
        ]

    async def _orders(self) -> Orders:
        """The settings that the children do not find in the environment and `repoint.toml`, which they read too."""
        return {
            "data_dir": str(self.settings.data_dir.absolute()),
            "database_url": await self.database.url(),
            "host": self.settings.host,
            "port": self.listener.getsockname()[1],
        }

    async def _keep_running(self, program: Program) -> None:
        grace_s = self.settings.shutdown_s + MORE_GRACE_S
        await keep_running(program, grace_s=grace_s, is_settled=self.is_ready.is_set)


async def make_first_key(settings: Settings, url: str) -> dict[str, Any] | None:
    """An access key with its secret, if the database has had none yet; otherwise None."""
    known = await run_locally(settings, url, "ListKeys", {})
    if known["Item"]:
        return None
    made: dict[str, Any] = await run_locally(settings, url, "CreateKey", {"Name": "first"})
    return made

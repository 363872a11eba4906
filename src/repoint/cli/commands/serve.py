import asyncio
import socket

import typer

from repoint.cli.configure import DatabaseUrl, DataDir, Host, Port, check_runnable, read_settings
from repoint.cli.folder import held_folder
from repoint.cli.listen import listen
from repoint.cli.server import Server
from repoint.settings import Settings

app = typer.Typer()


@app.command()
def serve(
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run database, API and worker until Ctrl-C; the first start makes an access key."""
    settings = check_runnable(read_settings(data_dir=data_dir, database_url=database_url, host=host, port=port))
    with held_folder(settings.data_dir), listen(settings.host, settings.port) as listener:
        asyncio.run(_run(settings, listener))
    typer.echo("Stopped.")


async def _run(settings: Settings, listener: socket.socket) -> None:
    await Server(settings, listener).run()

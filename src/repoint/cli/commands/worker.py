import typer

from repoint.cli.configure import DatabaseUrl, DataDir, Supervised
from repoint.cli.mistake import Mistake
from repoint.cli.process import process_settings, run
from repoint.db.pool import Database, DatabaseError
from repoint.discover import discover
from repoint.log import configure_logs
from repoint.queue.worker import run_worker
from repoint.settings import Settings

app = typer.Typer()


@app.command()
def worker(data_dir: DataDir = None, database_url: DatabaseUrl = None, *, is_supervised: Supervised = False) -> None:
    """Run one worker process until Ctrl-C, beside others on the same database."""
    discover()
    settings, _ = process_settings(is_supervised=is_supervised, data_dir=data_dir, database_url=database_url)
    configure_logs(settings.log_level)
    run(_run(settings, is_supervised=is_supervised))


async def _run(settings: Settings, *, is_supervised: bool) -> None:
    assert settings.database_url is not None  # noqa: S101 - process_settings sees to it
    database = Database(settings.database_url.get_secret_value())
    try:
        await database.open()
    except DatabaseError as error:
        raise Mistake(str(error)) from error
    if not is_supervised:
        typer.echo("The worker takes tasks.")
    try:
        await run_worker(database, settings)
    finally:
        await database.close()

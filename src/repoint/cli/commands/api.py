import psycopg
import typer

from repoint.access.seal import MasterKeyError
from repoint.cli.configure import DatabaseUrl, DataDir, Host, Port, Supervised
from repoint.cli.listen import listen
from repoint.cli.mistake import Mistake
from repoint.cli.process import process_settings
from repoint.cli.welcome import api_url
from repoint.db.pool import DatabaseError
from repoint.discover import discover
from repoint.http.serve import ServeError, run_api

app = typer.Typer()


@app.command()
def api(
    *,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    host: Host = None,
    port: Port = None,
    is_supervised: Supervised = False,
) -> None:
    """Run one API process until Ctrl-C, beside others on the same database."""
    # Before the orders come: reading every module takes as long as starting the database.
    discover()
    settings, listener = process_settings(
        is_supervised=is_supervised, data_dir=data_dir, database_url=database_url, host=host, port=port
    )
    if listener is None:
        listener = listen(settings.host, settings.port)
        typer.echo(f"The API listens at {api_url(settings, listener.getsockname()[1])}")
    try:
        run_api(settings, listener)
    except (ServeError, MasterKeyError, DatabaseError) as error:
        raise Mistake(str(error)) from error
    except psycopg.OperationalError as error:
        raise Mistake(f"the database does not answer: {error}") from error

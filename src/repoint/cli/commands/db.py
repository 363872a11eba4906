import typer

from repoint.cli.configure import DatabaseUrl, DataDir, read_settings
from repoint.cli.local import database_at_hand
from repoint.cli.mistake import Mistake
from repoint.cli.table import print_table
from repoint.db.migrate import MigrationError
from repoint.db.migrate import migrate as apply_migrations
from repoint.db.migrate import status as read_status

app = typer.Typer(name="db", help="Bring the database up to date, or look how far it is.", no_args_is_help=True)


@app.command()
def migrate(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Apply the migrations that are still to come; `repoint serve` does so by itself."""
    with database_at_hand(read_settings(data_dir=data_dir, database_url=database_url)) as url:
        try:
            applied = apply_migrations(url)
        except MigrationError as error:
            raise Mistake(str(error)) from error
    for name in applied:
        typer.echo(f"Applied {name}")
    if not applied:
        typer.echo("The database is up to date.")


@app.command()
def status(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List every migration and when it was applied."""
    with database_at_hand(read_settings(data_dir=data_dir, database_url=database_url)) as url:
        found = read_status(url)
    print_table(("migration", "applied"), [(one.name, one.applied_at or "to come") for one in found])

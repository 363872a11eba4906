"""`repoint why`: short for `repoint segment why`."""

import typer

from repoint.cli.commands.segment import why

app = typer.Typer()
app.command()(why)

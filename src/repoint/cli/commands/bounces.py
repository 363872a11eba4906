"""`repoint bounces`: hand over mails that came back."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from repoint.cli.mistake import Mistake
from repoint.cli.remote import EndpointUrl, Remote

PATH = "/repoint/v1/bounces"
# What reports say stands at their beginning.
MOST_BYTES = 256 << 10
# So mail servers know (sysexits.h) that they may try again.
EXIT_LATER = 75

app = typer.Typer(name="bounces", help="Hand over mails that came back.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep it a group with one command in it."""


@app.command()
def read(
    file: Annotated[Path | None, typer.Argument(help="A mail in a file; otherwise standard input is read.")] = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Read one mail, a bounce or a complaint, and note what it tells; made for a mail server's alias.

    Exit code 0: it was read, whatever it told; 75: the server could not be asked, so that it has to come again.
    """
    try:
        mail = _mail(file)
        told = Remote(endpoint_url).json("POST", PATH, content=mail, is_repeatable=True)
    except Mistake as mistake:
        typer.echo(str(mistake), err=True)
        raise typer.Exit(EXIT_LATER) from mistake
    typer.echo(f"{told['Kind']}: {'noted' if told['Noted'] else 'nothing to note'}")


def _mail(file: Path | None) -> bytes:
    """The beginning of the mail; standard input is read to its end, since whoever writes it waits for that."""
    if file is not None:
        try:
            with file.open("rb") as opened:
                return opened.read(MOST_BYTES)
        except OSError as error:
            raise Mistake(f"{file} cannot be read: {error.strerror or error}") from error
    mail = sys.stdin.buffer.read(MOST_BYTES)
    while sys.stdin.buffer.read(MOST_BYTES):
        pass
    return mail

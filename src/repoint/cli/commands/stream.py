from typing import Annotated, Any

import typer

from repoint.cli.printable import printable
from repoint.cli.remote import Application, EndpointUrl, Remote, label
from repoint.cli.table import print_table

Reader = Annotated[str, typer.Option(help="Which reader of the log; `stream` is the event stream.")]

app = typer.Typer(name="stream", help="Where events go: how far the stream is, and steering it.", no_args_is_help=True)


@app.command()
def status(application: Application, endpoint_url: EndpointUrl = None) -> None:
    """Show every reader of the application's event log: state, how far it is behind, what it took and what it lost."""
    readers = Remote(endpoint_url).json("GET", _path(application))["Item"]
    _show(readers)


@app.command()
def pause(application: Application, reader: Reader = "stream", endpoint_url: EndpointUrl = None) -> None:
    """Stop sending; nothing is lost as long as the log is kept."""
    _change(endpoint_url, application, reader, "pause")


@app.command()
def resume(application: Application, reader: Reader = "stream", endpoint_url: EndpointUrl = None) -> None:
    """Go on where it stopped, at once."""
    _change(endpoint_url, application, reader, "resume")


@app.command()
def replay(
    application: Application,
    since: Annotated[str, typer.Option("--from", help="From which time on, 2026-11-21T08:00:00Z.")],
    reader: Reader = "stream",
    endpoint_url: EndpointUrl = None,
) -> None:
    """Send again what was logged since a time."""
    _change(endpoint_url, application, reader, "replay", {"From": since})


def _path(application: str) -> str:
    return f"/repoint/v1/apps/{label(application)}/event-readers"


def _change(
    endpoint_url: str | None, application: str, reader: str, change: str, content: dict[str, Any] | None = None
) -> None:
    path = f"{_path(application)}/{label(reader)}/{change}"
    _show([Remote(endpoint_url).json("POST", path, content=content)])


def _show(readers: list[dict[str, Any]]) -> None:
    names = ("Name", "State", "Unread", "LagSeconds", "Delivered", "SetAside", "Dropped", "LastError")
    print_table(names, [[printable(f"{reader.get(name, '')}") for name in names] for reader in readers])

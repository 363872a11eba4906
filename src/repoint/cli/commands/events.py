from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from repoint.cli.configure import given
from repoint.cli.printable import printable, printable_json
from repoint.cli.remote import Application, EndpointUrl, Remote, label

LARGEST_PAGE = 1000
# How long the server keeps a question that has no answer yet.
WAIT_S = 15

app = typer.Typer(name="events", help="What happened: the event log.", no_args_is_help=True)


# A group with one command stays a group.
@app.callback()
def _group() -> None: ...


@app.command()
def tail(  # noqa: PLR0913 - options of a command
    application: Application,
    *,
    number: Annotated[
        int, typer.Option("--number", "-n", min=0, max=LARGEST_PAGE, help="How many events, the newest ones.")
    ] = 20,
    is_followed: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is added, until Ctrl-C.")
    ] = False,
    event_type: Annotated[str | None, typer.Option("--type", help="Only events of this type.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the records whole, one JSON object a line.")] = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print the last events, the newest one at the end: time of arrival, type, endpoint, attributes."""
    remote = Remote(endpoint_url)
    path = f"/repoint/v1/apps/{label(application)}/events"
    wanted = given({"type": event_type})
    page = remote.json("GET", path, query=wanted | {"last": f"{number}"})
    _print(page, as_json=as_json)
    if is_followed:
        try:
            for added in _added(remote, path, wanted, page["After"]):
                _print(added, as_json=as_json)
        except KeyboardInterrupt:
            return


def _added(remote: Remote, path: str, wanted: dict[str, str], after: str) -> Iterator[dict[str, Any]]:
    """What is added, as it is added."""
    while True:
        query = wanted | {"after": after, "page-size": f"{LARGEST_PAGE}", "wait": f"{WAIT_S}"}
        page = remote.json("GET", path, query=query)
        after = page["After"]
        yield page


def _print(page: dict[str, Any], *, as_json: bool) -> None:
    for item in page["Item"]:
        record = item["Record"]
        typer.echo(printable_json(record) if as_json else _line(record))


def _line(record: dict[str, Any]) -> str:
    arrived_at = datetime.fromtimestamp(record["arrival_timestamp"] / 1000, UTC)
    cells = (
        arrived_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        record["event_type"],
        record["client"]["client_id"] or "-",
        " ".join(f"{name}={value}" for name, value in record["attributes"].items()),
    )
    return "\t".join(map(printable, cells)).rstrip()

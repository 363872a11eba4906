import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from repoint.cli.configure import given
from repoint.cli.mistake import Mistake
from repoint.cli.printable import printable, printable_json
from repoint.cli.remote import EndpointUrl, Remote

PATH = "/repoint/v1/audit"
# What this command does itself: it would answer itself for ever when it follows.
OWN_EVENT = "ListAuditRecords"
# The server writes twice a second what it does not write at once.
PAUSE_S = 0.5
LARGEST_PAGE = 1000
# Stands for what is not recorded.
MASK = "***"

app = typer.Typer(name="audit", help="Who did what: the audit record.", no_args_is_help=True)


# A group with one command stays a group.
@app.callback()
def _group() -> None: ...


@app.command()
def tail(  # noqa: PLR0913 - options of a command
    *,
    number: Annotated[int, typer.Option("--number", "-n", min=0, help="How many records, the newest ones.")] = 20,
    is_followed: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is added, until Ctrl-C.")
    ] = False,
    user: Annotated[str | None, typer.Option(help="Only what the key of this name did.")] = None,
    event: Annotated[str | None, typer.Option(help="Only calls of this operation, such as DeleteApp.")] = None,
    since: Annotated[str | None, typer.Option(help="Only calls from this time on, 2026-11-21T08:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Only calls before this time.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the records whole, one JSON object a line.")] = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Print the last records, the newest one at the end: time, user, address, operation, outcome, what it was about.

    That the record itself was read is left out, unless --event asks for it.
    """
    if is_followed and until is not None:
        raise Mistake("--follow goes on from now, so --until has no use with it")
    remote = Remote(endpoint_url)
    filters = given({"user": user, "event": event, "without": OWN_EVENT if event is None else None})
    times = given({"since": since, "until": until})
    records, position = _newest(remote, filters | times, number)
    _print(records, as_json=as_json)
    if is_followed:
        try:
            for added in _added(remote, filters, position):
                _print(added, as_json=as_json)
        except KeyboardInterrupt:
            return


def _newest(remote: Remote, query: dict[str, str], number: int) -> tuple[list[dict[str, Any]], str]:
    """The newest records, oldest first, and the position from which others follow."""
    records: list[dict[str, Any]] = []
    # Only asking tells the position, also when no record is wanted.
    page = remote.json("GET", PATH, query=query | {"page-size": f"{_page_size(number)}"})
    position: str = page["Position"]
    records += page["Item"]
    while len(records) < number and "NextToken" in page:
        more = {"page-size": f"{_page_size(number - len(records))}", "token": page["NextToken"]}
        page = remote.json("GET", PATH, query=query | more)
        records += page["Item"]
    return records[:number][::-1], position


def _added(remote: Remote, query: dict[str, str], position: str) -> Iterator[list[dict[str, Any]]]:
    """What is added, as it is added."""
    while True:
        page = remote.json("GET", PATH, query=query | {"after": position, "page-size": f"{LARGEST_PAGE}"})
        position = page["Position"]
        yield page["Item"]
        if len(page["Item"]) < LARGEST_PAGE:
            time.sleep(PAUSE_S)


def _page_size(number: int) -> int:
    return max(1, min(number, LARGEST_PAGE))


def _print(records: list[dict[str, Any]], *, as_json: bool) -> None:
    for record in records:
        typer.echo(printable_json(record) if as_json else _line(record))


def _line(record: dict[str, Any]) -> str:
    parameters = record["requestParameters"] or {}
    shown = {name: value for name, value in parameters.items() if isinstance(value, str) and value != MASK}
    cells = (
        record["eventTime"],
        record["userIdentity"].get("userName", "root"),
        record["sourceIPAddress"] or "-",
        record["eventName"],
        record.get("errorCode", "ok"),
        " ".join(f"{name}={value}" for name, value in shown.items()),
    )
    return "\t".join(map(printable, cells)).rstrip()

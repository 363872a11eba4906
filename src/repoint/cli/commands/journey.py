"""`repoint journey`: ask which of a journey's messages are in doubt."""

import json
from typing import Annotated

import typer

from repoint.cli.printable import printable
from repoint.cli.remote import Application, EndpointUrl, Remote, label
from repoint.cli.table import print_table

app = typer.Typer(name="journey", help="Ask what became of a journey's messages.", no_args_is_help=True)

Journey = Annotated[str, typer.Option("--journey", help="The journey's id.")]

_DOUBT = ("DecidedAt", "Status", "EndpointId", "JourneyActivityId", "ChannelType", "MessageId", "RunId")


# Without it typer would leave the command's name out, as there is no other.
@app.callback()
def journey() -> None:
    """Ask what became of a journey's messages."""


@app.command()
def doubts(
    application_id: Application,
    journey_id: Journey,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print each as JSON, a line each.")] = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """List messages that a crash left in doubt, and what became of them since."""
    path = f"/repoint/v1/apps/{label(application_id)}/journeys/{label(journey_id)}/doubts"
    found = Remote(endpoint_url).items(path, {"page-size": "1000"})
    if as_json:
        for each in found:
            typer.echo(json.dumps(each))
        return
    print_table(_DOUBT, ([printable(str(each.get(name) or "")) for name in _DOUBT] for each in found))

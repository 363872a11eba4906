from typing import Annotated
from urllib.parse import urlencode

import typer

from repoint.cli.printable import printable
from repoint.cli.remote import EndpointUrl, Remote, label
from repoint.cli.table import print_table

PATH = "/repoint/v1/suppressions"
_COLUMNS = ("Address", "Reason", "SuppressedAt")

Channel = Annotated[str, typer.Option(help="EMAIL or SMS.")]
Address = Annotated[str, typer.Argument(help="An e-mail address, or a number with its country code.")]

app = typer.Typer(
    name="suppressions",
    help="Addresses that nothing is sent to: after a hard bounce or a complaint, a STOP, or by you.",
    no_args_is_help=True,
)


@app.command("list")
def list_(channel: Channel = "EMAIL", endpoint_url: EndpointUrl = None) -> None:
    """List the suppressed addresses of a channel with the reason and since when."""
    remote, query = Remote(endpoint_url), {"page-size": "1000"}
    while True:
        page = remote.json("GET", f"{PATH}/{label(channel)}?{urlencode(query)}")
        print_table(_COLUMNS, [[printable(item[name]) for name in _COLUMNS] for item in page["Item"]])
        if "NextToken" not in page:
            return
        query["token"] = page["NextToken"]


@app.command()
def add(address: Address, channel: Channel = "EMAIL", endpoint_url: EndpointUrl = None) -> None:
    """Send nothing more to an address."""
    Remote(endpoint_url).json("PUT", f"{PATH}/{label(channel)}/{label(address)}")


@app.command()
def remove(address: Address, channel: Channel = "EMAIL", endpoint_url: EndpointUrl = None) -> None:
    """Allow an address to be sent to again."""
    Remote(endpoint_url).json("DELETE", f"{PATH}/{label(channel)}/{label(address)}")

"""`repoint why`: why an endpoint is in a segment, or what a campaign's ledger says of it."""

from typing import Annotated

import typer

from repoint.cli.commands import campaign, segment
from repoint.cli.mistake import Mistake
from repoint.cli.remote import Application, EndpointUrl

app = typer.Typer()


@app.command()
def why(  # noqa: PLR0913 - options of a command
    application_id: Application,
    endpoint_id: segment.EndpointId,
    *,
    segment_id: Annotated[str | None, typer.Option("--segment", help="A segment's id: is it a member?")] = None,
    campaign_id: Annotated[str | None, typer.Option("--campaign", help="A campaign's id: what did it get?")] = None,
    version: segment.Version = None,
    as_json: segment.AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Say why an endpoint is in a segment or not, or why it got a campaign's messages or not."""
    if segment_id is not None and campaign_id is None:
        segment.why(
            application_id, segment_id, endpoint_id, version=version, as_json=as_json, endpoint_url=endpoint_url
        )
    elif campaign_id is None or segment_id is not None:
        raise Mistake("give one of --segment and --campaign")
    elif version is not None:
        raise Mistake("--version is of a segment; a campaign's ledger tells of all of its versions")
    else:
        campaign.why(application_id, campaign_id, endpoint_id, as_json=as_json, endpoint_url=endpoint_url)

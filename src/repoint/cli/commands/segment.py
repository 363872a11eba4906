"""`repoint segment`: make segments, and ask who belongs to them."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from repoint.cli.mistake import Mistake
from repoint.cli.remote import Application, EndpointUrl, Remote, label
from repoint.cli.table import print_table
from repoint.cli.verdict import verdict_lines

app = typer.Typer(name="segment", help="Make segments, and see who belongs to them and why.", no_args_is_help=True)

Segment = Annotated[str, typer.Option("--segment", help="The segment's id.")]
Version = Annotated[int | None, typer.Option("--version", help="A version of it.", show_default="the latest")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
EndpointId = Annotated[str, typer.Option("--endpoint", help="The endpoint's id.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The segment's name.")],
    application_id: Application,
    *,
    definition: Annotated[
        str | None,
        typer.Option(
            help="JSON file with Dimensions or SegmentGroups, as CreateSegment takes them; - is standard input.",
            show_default="every endpoint",
        ),
    ] = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Create a dynamic segment; prints its id."""
    request = {**read_definition(definition), "Name": name}
    path = f"/v1/apps/{label(application_id)}/segments"
    # By hand, not by botocore's client: the server's own words are clearer than what that makes of a wrong definition.
    segment = Remote(endpoint_url).json("POST", path, content=request)
    typer.echo(segment["Id"])


@app.command()
def count(
    application_id: Application,
    segment_id: Segment,
    *,
    version: Version = None,
    as_json: AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Count the members at this moment, and those of them that would be sent to."""
    counted = Remote(endpoint_url).json("GET", f"{_path(application_id, segment_id)}/count", query=_query(version))
    if as_json:
        typer.echo(json.dumps(counted))
    else:
        print_table(("Members", "Eligible"), [(f"{counted['Members']}", f"{counted['Eligible']}")])


@app.command()
def members(
    application_id: Application,
    segment_id: Segment,
    *,
    is_eligible: Annotated[bool, typer.Option("--eligible", help="Only those that would be sent to.")] = False,
    version: Version = None,
    endpoint_url: EndpointUrl = None,
) -> None:
    """List the members, one endpoint id a line."""
    query = {**_query(version), "eligible": "true" if is_eligible else "false", "page-size": "1000"}
    for member in Remote(endpoint_url).items(f"{_path(application_id, segment_id)}/members", query):
        typer.echo(member["EndpointId"])


@app.command()
def why(  # noqa: PLR0913 - options of a command
    application_id: Application,
    segment_id: Segment,
    endpoint_id: EndpointId,
    *,
    version: Version = None,
    as_json: AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Say criterion by criterion why an endpoint is a member of a segment, or is not."""
    path = f"{_path(application_id, segment_id)}/members/{label(endpoint_id)}"
    verdict = Remote(endpoint_url).json("GET", path, query=_query(version))
    if as_json:
        typer.echo(json.dumps(verdict))
    else:
        for line in verdict_lines(verdict):
            typer.echo(line)


def read_definition(source: str | None) -> dict[str, Any]:
    """The members of a JSON file; raises Mistake when it cannot be read or holds no object."""
    if source is None:
        return {}
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8-sig")
        definition = json.loads(text)
    except OSError as error:
        raise Mistake(f"{source} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Mistake(f"{source} is no JSON: {error}") from error
    if not isinstance(definition, dict):
        raise Mistake(f"{source} must hold an object with Dimensions or SegmentGroups")
    return definition


def _path(application_id: str, segment_id: str) -> str:
    return f"/repoint/v1/apps/{label(application_id)}/segments/{label(segment_id)}"


def _query(version: int | None) -> dict[str, str]:
    return {} if version is None else {"version": f"{version}"}

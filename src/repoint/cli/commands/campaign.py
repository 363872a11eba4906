"""`repoint campaign`: see campaigns, watch them run, ask what became of whom, and pause, resume or delete them."""

import json
from typing import Annotated, Any

import typer

from repoint.cli.campaign_lines import why_lines
from repoint.cli.printable import printable
from repoint.cli.remote import Application, EndpointUrl, Remote, label
from repoint.cli.table import print_table
from repoint.cli.watch import watch_campaign

app = typer.Typer(name="campaign", help="See campaigns, and what became of whom.", no_args_is_help=True)

Campaign = Annotated[str, typer.Option("--campaign", help="The campaign's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
EndpointId = Annotated[str, typer.Option("--endpoint", help="The endpoint's id.")]

_ACTIVITY = ("ScheduledStart", "State", "Result", "TreatmentId", "TotalEndpointCount", "SuccessfulEndpointCount", "Id")
_DOUBT = ("DecidedAt", "Status", "EndpointId", "ChannelType", "MessageId", "ActivityId", "CampaignId")


@app.command("list")
def list_(application_id: Application, endpoint_url: EndpointUrl = None) -> None:
    """List the application's campaigns, newest first."""
    items = Remote(endpoint_url).items(_path(application_id), {"page-size": "1000"})
    columns = ("Id", "Name", "State", "Frequency", "Version")
    print_table(columns, ((_cell(each["Id"]), *_described(each), f"{each['Version']}") for each in items))


@app.command()
def show(
    application_id: Application, campaign_id: Campaign, *, as_json: AsJson = False, endpoint_url: EndpointUrl = None
) -> None:
    """Show a campaign: its state, its treatments, and its runs with what was sent, newest first."""
    remote, path = Remote(endpoint_url), _path(application_id, campaign_id)
    campaign = remote.json("GET", path)
    activities = remote.items(f"{path}/activities", {"page-size": "1000"})
    if as_json:
        typer.echo(json.dumps({**campaign, "Activities": list(activities)}))
        return
    typer.echo(f"{printable(campaign['Name'])}: {campaign['State']['CampaignStatus']}, version {campaign['Version']}")
    typer.echo(f"segment {campaign['SegmentId']}, version {campaign['SegmentVersion']}")
    for line in _treatments(campaign):
        typer.echo(line)
    print_table(_ACTIVITY, ([_cell(each.get(name, "")) for name in _ACTIVITY] for each in activities))


@app.command()
def watch(application_id: Application, campaign_id: Campaign, endpoint_url: EndpointUrl = None) -> None:
    """Watch a campaign run, or wait for its next run, until that has ended.

    Exit code 0: what was watched has sent; 1: a run failed or was cancelled, or there is none to wait for.
    """
    remote, path = Remote(endpoint_url), _path(application_id, campaign_id, "/repoint/v1")
    watch_campaign(lambda query: remote.json("GET", f"{path}/progress", query=query))


@app.command()
def doubts(
    application_id: Application,
    campaign_id: Annotated[
        str | None, typer.Option("--campaign", help="Only this campaign.", show_default="all, deleted ones too")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print each as JSON, a line each.")] = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """List messages that a crash left in doubt, and what became of them since."""
    scope = _path(application_id, campaign_id, "/repoint/v1") if campaign_id else _application(application_id)
    found = Remote(endpoint_url).items(f"{scope}/doubts", {"page-size": "1000"})
    if as_json:
        for each in found:
            typer.echo(json.dumps(each))
        return
    print_table(_DOUBT, ([_cell(each.get(name) or "") for name in _DOUBT] for each in found))


@app.command()
def why(
    application_id: Application,
    campaign_id: Campaign,
    endpoint_id: EndpointId,
    *,
    as_json: AsJson = False,
    endpoint_url: EndpointUrl = None,
) -> None:
    """Say run by run what became of an endpoint in a campaign, and what holds its messages back now."""
    path = f"{_path(application_id, campaign_id, '/repoint/v1')}/endpoints/{label(endpoint_id)}/why"
    told = Remote(endpoint_url).json("GET", path)
    if as_json:
        typer.echo(json.dumps(told))
        return
    for line in why_lines(told):
        typer.echo(printable(line))


@app.command()
def pause(application_id: Application, campaign_id: Campaign, endpoint_url: EndpointUrl = None) -> None:
    """Start no more runs; one that is under way is finished first."""
    _tell(_update(endpoint_url, application_id, campaign_id, is_paused=True))


@app.command()
def resume(application_id: Application, campaign_id: Campaign, endpoint_url: EndpointUrl = None) -> None:
    """Go on with the schedule; what was missed in the pause is not made up."""
    _tell(_update(endpoint_url, application_id, campaign_id, is_paused=False))


@app.command()
def delete(application_id: Application, campaign_id: Campaign, endpoint_url: EndpointUrl = None) -> None:
    """Delete a campaign; what it is sending stops."""
    _tell(Remote(endpoint_url).json("DELETE", _path(application_id, campaign_id)))


def _update(endpoint_url: str | None, application_id: str, campaign_id: str, *, is_paused: bool) -> Any:
    content = {"IsPaused": is_paused}
    return Remote(endpoint_url).json("PUT", _path(application_id, campaign_id), content=content)


def _tell(campaign: dict[str, Any]) -> None:
    typer.echo(f"{printable(campaign['Name'])}: {campaign['State']['CampaignStatus']}")


def _treatments(campaign: dict[str, Any]) -> list[str]:
    """A line for each treatment of an A/B campaign, and one for those held out."""
    additional = campaign["AdditionalTreatments"]
    held_out = campaign["HoldoutPercent"]
    lines = [f"held out: {held_out} %"] if held_out else []
    if not additional:
        return lines
    rest = 100 - held_out - sum(each["SizePercent"] for each in additional)
    sizes = [("0", rest, campaign["DefaultState"])]
    sizes += [(each["Id"], each["SizePercent"], each["State"]) for each in additional]
    return [*lines, *(f"treatment {name}: {size} %, {state['CampaignStatus']}" for name, size, state in sizes)]


def _described(campaign: dict[str, Any]) -> tuple[str, str, str]:
    frequency = campaign["Schedule"].get("Frequency", "ONCE")
    return _cell(campaign["Name"]), campaign["State"]["CampaignStatus"], frequency


def _cell(value: object) -> str:
    return printable(f"{value}")


def _application(application_id: str) -> str:
    return f"/repoint/v1/apps/{label(application_id)}"


def _path(application_id: str, campaign_id: str | None = None, prefix: str = "/v1") -> str:
    below = "" if campaign_id is None else f"/{label(campaign_id)}"
    return f"{prefix}/apps/{label(application_id)}/campaigns{below}"

"""The operations on campaigns (campaigns.md)."""

from collections.abc import Sequence

from repoint.campaigns.activities import list_activities
from repoint.campaigns.answer import answer, deleted
from repoint.campaigns.campaign import CAMPAIGNS
from repoint.campaigns.create import create
from repoint.campaigns.delete import delete
from repoint.campaigns.treatments import read_statuses
from repoint.campaigns.update import update
from repoint.contract.shapes import ActivitiesResponse, CampaignResponse, CampaignsResponse
from repoint.operation import Call, Input, operation
from repoint.resources.documents import Document
from repoint.resources.pages import Page, read_page
from repoint.segments.segment import read_version


@operation(in_steps=True)
async def create_campaign(call: Call, arguments: Input) -> CampaignResponse:
    """Create a campaign, which starts by itself when its time comes."""
    return await create(call, arguments["ApplicationId"], arguments["WriteCampaignRequest"])


async def _find(call: Call, arguments: Input) -> None:
    await CAMPAIGNS.get(call.db, arguments["CampaignId"], arguments["ApplicationId"])


@operation(in_steps=True, target=_find)
async def update_campaign(call: Call, arguments: Input) -> CampaignResponse:
    """Replace the members that are given wholly and keep the others; its tags stay as they are."""
    request = arguments["WriteCampaignRequest"]
    return await update(call, arguments["ApplicationId"], arguments["CampaignId"], request)


@operation()
async def delete_campaign(call: Call, arguments: Input) -> CampaignResponse:
    """Delete a campaign with all its versions; what it is sending stops."""
    campaign_id, application_id = arguments["CampaignId"], arguments["ApplicationId"]
    return deleted(call, await delete(call, application_id, campaign_id, "The campaign was deleted."))


@operation()
async def get_campaign(call: Call, arguments: Input) -> CampaignResponse:
    """A campaign as it is now."""
    campaign = await CAMPAIGNS.get(call.db, arguments["CampaignId"], arguments["ApplicationId"])
    return (await _answers(call, [campaign]))[0]


@operation()
async def get_campaigns(call: Call, arguments: Input) -> CampaignsResponse:
    """The application's campaigns, newest first."""
    application_id = arguments["ApplicationId"]
    page = _page(call, arguments, application_id)
    return await _list(call, *await CAMPAIGNS.newest(call.db, page, application_id))


@operation()
async def get_campaign_version(call: Call, arguments: Input) -> CampaignResponse:
    """One version of a campaign; its states are those of now."""
    version = read_version(arguments["Version"])
    campaign_id, application_id = arguments["CampaignId"], arguments["ApplicationId"]
    campaign = await CAMPAIGNS.get_version(call.db, campaign_id, version, application_id)
    return (await _answers(call, [campaign]))[0]


@operation()
async def get_campaign_versions(call: Call, arguments: Input) -> CampaignsResponse:
    """All versions of a campaign, highest first."""
    campaign_id, application_id = arguments["CampaignId"], arguments["ApplicationId"]
    page = _page(call, arguments, f"{application_id}/{campaign_id}")
    return await _list(call, *await CAMPAIGNS.versions(call.db, page, campaign_id, application_id))


@operation()
async def get_campaign_activities(call: Call, arguments: Input) -> ActivitiesResponse:
    """The runs of a campaign, those that come next among them, newest first."""
    campaign_id, application_id = arguments["CampaignId"], arguments["ApplicationId"]
    page = _page(call, arguments, f"{application_id}/{campaign_id}")
    return await list_activities(call.db, await CAMPAIGNS.get(call.db, campaign_id, application_id), page)


def _page(call: Call, arguments: Input, scope: str) -> Page:
    return read_page(call.operation, scope, arguments.get("PageSize"), arguments.get("Token"))


async def _list(call: Call, campaigns: Sequence[Document], token: str | None) -> CampaignsResponse:
    shown: CampaignsResponse = {"Item": await _answers(call, campaigns)}
    return shown | {"NextToken": token} if token else shown


async def _answers(call: Call, campaigns: Sequence[Document]) -> list[CampaignResponse]:
    """Campaigns of one application."""
    if not campaigns:
        return []
    ids = {campaign.id for campaign in campaigns}
    statuses = await read_statuses(call.db, campaigns[0].application_id, ids)
    return [answer(call, campaign, statuses[campaign.id]) for campaign in campaigns]

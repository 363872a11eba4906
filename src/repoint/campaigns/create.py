"""How a campaign comes to be (campaigns.md sections 2 and 3)."""

from repoint.campaigns.answer import answer
from repoint.campaigns.campaign import CAMPAIGNS, DEFAULTS, TEMPLATES, Members
from repoint.campaigns.check import check_campaign, check_schedules, delivery_uris, schedules_of
from repoint.campaigns.references import find_defaults, find_segment_version, hold_segment, keep_templates
from repoint.campaigns.schedule import read_schedule
from repoint.campaigns.treatments import Change, Q, Standing, first_standing, key_of, statuses_of, write_standings
from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import CampaignResponse
from repoint.delivery.custom_delivery import ask_webhooks
from repoint.operation import Call
from repoint.resources.lock import hold_application, lock_quota


async def create(call: Call, application_id: str, request: Members) -> CampaignResponse:
    """Store the campaign of a request, ready for the engine; raises what campaigns.md lists under Errors.

    Webhooks are asked whether they expect us, and no transaction is open then.
    """
    content = dict(request)
    check_campaign(content, call.settings)
    check_schedules(content, call.settings, call.now)
    async with call.step() as db:
        content["SegmentVersion"] = await find_segment_version(db, application_id, content)
        content[TEMPLATES] = await keep_templates(db, content)
        content[DEFAULTS] = await find_defaults(db, application_id)
    await ask_webhooks(delivery_uris(content), call.settings)
    async with call.step() as db:
        await hold_application(db, application_id)
        await hold_segment(db, application_id, content["SegmentId"])
        campaign = await CAMPAIGNS.create(call, content, document_id=call.new_id(), application_id=application_id)
        change = Change(call.now, call.new_id, content.get("IsPaused", False))
        standings = [first_standing(read_schedule(schedule), change) for schedule in schedules_of(content)]
        await write_standings(db, key_of(campaign), standings)
        if not change.is_paused:
            await _check_quotas(call, application_id, standings)
        created = answer(call, campaign, statuses_of(standings))
        await call.record(created)
    return created


async def _check_quotas(call: Call, application_id: str, standings: list[Standing]) -> None:
    """Whoever creates one at the same time waits here, and then counts this one too."""
    await lock_quota(call.db, CAMPAIGNS.kind)
    _check_at_most(call.settings.max_active_campaigns, await call.db.value(Q.count_active))
    limits = {"EVENT": call.settings.max_event_campaigns, "IN_APP_EVENT": call.settings.max_in_app_campaigns}
    for frequency in {standing.frequency for standing in standings} & limits.keys():
        of_these = {"application_id": application_id, "frequency": frequency}
        _check_at_most(limits[frequency], await call.db.value(Q.count_active_of_frequency, of_these))


def _check_at_most(limit: int, active: int) -> None:
    if active > limit:
        raise BadRequestException(f"Exceeded maximum number of active campaigns: {limit}")

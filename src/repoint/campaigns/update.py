"""How a campaign changes (campaigns.md section 3): members of a request replace those of the campaign, wholly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from repoint.apps.settings import without_cleared
from repoint.campaigns.answer import answer
from repoint.campaigns.campaign import CAMPAIGNS, TEMPLATES, Members, full_schedule
from repoint.campaigns.check import check_campaign, check_schedules, delivery_uris, schedules_of
from repoint.campaigns.references import find_segment_version, hold_segment, keep_templates
from repoint.campaigns.schedule import Plan, read_schedule
from repoint.campaigns.treatments import (
    Change,
    Q,
    Standing,
    first_standing,
    key_of,
    lock_standings,
    next_standing,
    resumed_standing,
    state_of,
    statuses_of,
    write_standings,
)
from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import CampaignResponse
from repoint.delivery.custom_delivery import ask_webhooks
from repoint.operation import Call
from repoint.resources.documents import Document

# All that a request may say while a run is under way, and what never asks anybody outside.
_PAUSE = {"IsPaused"}
# With one of these, what the campaign refers to is looked up anew.
_REFERRING = {"AdditionalTreatments", "Schedule", "SegmentId", "SegmentVersion", "TemplateConfiguration"}


@dataclass(frozen=True, slots=True)
class _Stored:
    """A campaign as it was before, and where its treatments stood."""

    campaign: Document
    standings: Sequence[Standing]

    @property
    def state(self) -> str:
        return state_of(standing.status for standing in self.standings)


async def update(call: Call, application_id: str, campaign_id: str, request: Members) -> CampaignResponse:
    """Store the campaign's next version; raises what campaigns.md lists under Errors."""
    request = {member: value for member, value in without_cleared(request).items() if member != "tags"}
    if request.keys() != _PAUSE:
        async with call.step():
            stored = await _lock(call, application_id, campaign_id)
            content = await _changed(call, stored, request)
        await ask_webhooks(delivery_uris(content), call.settings)
    async with call.step() as db:
        # Before the campaign: a segment that is deleted takes its campaigns along in this order.
        if request.get("SegmentId"):
            await hold_segment(db, application_id, request["SegmentId"])
        stored = await _lock(call, application_id, campaign_id)
        content = await _changed(call, stored, request)
        campaign = await CAMPAIGNS.add_version(call, campaign_id, content)
        standings = await _move(call, stored, campaign)
        updated = answer(call, campaign, statuses_of(standings))
        await call.record(updated)
    return updated


async def _lock(call: Call, application_id: str, campaign_id: str) -> _Stored:
    campaign = await CAMPAIGNS.lock(call.db, campaign_id, application_id)
    return _Stored(campaign, await lock_standings(call.db, key_of(campaign)))


async def _changed(call: Call, stored: _Stored, request: Members) -> dict[str, Any]:
    """What the campaign will be. Raises NotFoundException and BadRequestException."""
    before = stored.campaign.content
    _check_state(stored, request)
    # An empty text clears (protocol.md section 4).
    content = {member: value for member, value in (before | dict(request)).items() if value != ""}
    if content.get("SegmentId") != before["SegmentId"] and "SegmentVersion" not in request:
        del content["SegmentVersion"]
    check_campaign(content, call.settings)
    check_schedules(content, call.settings, call.now, known=schedules_of(before))
    was_invalid = any(standing.status == "INVALID" for standing in stored.standings)
    if was_invalid or request.keys() & _REFERRING:
        application_id = stored.campaign.application_id
        content["SegmentVersion"] = await find_segment_version(call.db, application_id, content)
        content[TEMPLATES] = await keep_templates(call.db, content, before)
    return content


def _check_state(stored: _Stored, request: Members) -> None:
    state = stored.state
    is_refused = state == "EXECUTING" and request.keys() != _PAUSE
    if state == "COMPLETED":
        # Never the old one again: a client that sends back all it was told would send to everybody once more.
        now = full_schedule(stored.campaign.content["Schedule"])
        is_refused = full_schedule(request.get("Schedule", now)) == now
    if is_refused:
        raise BadRequestException(f"Campaign can't be updated in state {state}")


async def _move(call: Call, stored: _Stored, campaign: Document) -> list[Standing]:
    """Write where the treatments stand after the change."""
    change = Change(call.now, call.new_id, campaign.content.get("IsPaused", False))
    known = schedules_of(stored.campaign.content)
    standings = []
    for number, schedule in enumerate(schedules_of(campaign.content)):
        plan = read_schedule(schedule)
        if schedule not in known:
            standings.append(first_standing(plan, change))
        elif known[number : number + 1] == [schedule]:
            before = stored.standings[number]
            after = next_standing(before, plan, change)
            standings.append(after)
            if before.status != "COMPLETED" == after.status and plan.frequency == "ONCE":
                await _note_missed(call, campaign, number, plan)
        else:
            standings.append(resumed_standing(plan, change))
    await write_standings(call.db, key_of(campaign), standings)
    return standings


async def _note_missed(call: Call, campaign: Document, number: int, plan: Plan) -> None:
    """The one run of a treatment whose time came while the campaign was held up: activities show it as cancelled."""
    run = {
        "run_id": call.new_id(),
        "treatment_id": number,
        "version": campaign.version,
        "scheduled_at": plan.starts_at,
        "now": call.now,
        "reason": "Its time came while the campaign was paused or invalid.",
    }
    await call.db.execute(Q.insert_missed_run, key_of(campaign) | run)

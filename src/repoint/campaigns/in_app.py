"""In-app campaigns: GetInAppMessages (channels.md section 7).

Nothing is sent: an app fetches what it may show to its endpoint, and shows it when one of the events happens. It minds
limits and quiet time by itself, and reports what it has shown as events.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from repoint.campaigns.campaign import DEFAULTS, Members, Treatment
from repoint.campaigns.in_app_offers import Offer, find_memberships, load_offers
from repoint.contract.encode import encode
from repoint.contract.errors import NotFoundException
from repoint.contract.shapes import InAppMessageCampaign
from repoint.db.queries import load_queries
from repoint.endpoints.key import endpoint_key
from repoint.endpoints.project import check_application_id
from repoint.operation import Call, Input, Output, operation
from repoint.segments.memberships import ask_look_up
from repoint.templates.find import ask_active
from repoint.templates.kinds import KINDS

Q = load_queries("repoint.campaigns")

_KIND = KINDS["INAPP"]
_DEFAULT_PRIORITY = 3
_CONTENT = ("Content", "CustomConfig", "Layout")

_Row = tuple[Any, ...]


# It reads what there is, and then whom that is for: two round trips, and no transaction.
@operation(one_statement=True, checks_project=True)
async def get_in_app_messages(call: Call, arguments: Input) -> Output:
    """What the endpoint may be shown now, the most urgent first, of these the oldest campaign."""
    application_id, key = arguments["ApplicationId"], endpoint_key(arguments["EndpointId"])
    check_application_id(application_id)
    named = {"application_id": application_id}
    _, endpoint, campaigns = await call.db.together(
        ask_look_up(), (Q.asking_endpoint, named | {"key": key}), (Q.in_app_campaigns, named)
    )
    if not endpoint:
        raise NotFoundException("Application not found")
    cohort = _cohort(endpoint[0], is_any_channel=call.settings.in_app_on_any_channel)
    if cohort is None or not campaigns:
        return {"InAppMessageCampaigns": []}
    offers = await load_offers(call.db, application_id, [(each, version) for each, version, _ in campaigns])
    memberships = await find_memberships(call.db, application_id, offers, call.now)
    waiting = {(each, number) for each, _, treatments in campaigns for number in treatments}
    own = [(offer, treatment) for offer in offers if (treatment := offer.treatment_of(cohort, call.now))]
    own = [(offer, treatment) for offer, treatment in own if (offer.campaign.id, treatment.id) in waiting]
    names = {name for _, treatment in own if (name := _active_template(treatment))}
    *answers, templates = await call.db.together(*memberships.ask(key), ask_active(_KIND, sorted(names)))
    if not memberships.is_current(answers):
        memberships = await find_memberships(call.db, application_id, offers, call.now, renews=True)
        answers = await call.db.together(*memberships.ask(key))
    joined = memberships.read(answers)
    # Sorting keeps the campaigns' order where they are equally urgent.
    own = sorted((each for each in own if each[0].segment in joined), key=lambda each: _priority(each[0]))
    found = [_answered(*each, dict[str, Members](templates)) for each in own]
    return {"InAppMessageCampaigns": [each for each in found if each is not None]}


def _cohort(endpoint: _Row, *, is_any_channel: bool) -> int | None:
    """None for one that is shown nothing; raises NotFoundException for one that is not there.

    Who was never asked counts as opted out as long as there is no address (endpoints.md section 8); but here none is
    needed, and most endpoints of apps have none. So only who has said so has opted out.
    """
    cohort: int | None
    cohort, channel_type, status, has_opted_out = endpoint
    if cohort is None:
        raise NotFoundException
    is_shown = (channel_type == "IN_APP" or is_any_channel) and status == "ACTIVE" and not has_opted_out
    return cohort if is_shown else None


def _active_template(treatment: Treatment) -> str | None:
    """The template that is used as it is now; None without one, and where a copy was kept."""
    name: str | None = treatment.templates.get("InAppTemplate", {}).get("Name")
    return None if _KIND.type in treatment.kept_templates else name


def _message(treatment: Treatment, active: Mapping[str, Members]) -> dict[str, Any]:
    """An InAppMessage: member by member, the campaign's own goes before its template's."""
    template: Members = treatment.kept_templates.get(_KIND.type, {}).get("Content", {})
    if not template:
        template = active.get(treatment.templates.get("InAppTemplate", {}).get("Name", ""), {})
    own: Members = treatment.message.get("InAppMessage", {})
    levels = (_of_body(own), template, own)
    return {member: level[member] for level in levels for member in _CONTENT if level.get(member)}


def _of_body(message: Members) -> Members:
    """What a message of a Body alone is shown as: answers have no such member, so it becomes a screen."""
    if not message.get("Body"):
        return {}
    body = {"Alignment": "LEFT", "Body": message["Body"], "TextColor": "#000000"}
    return {"Content": [{"BackgroundColor": "#FFFFFF", "BodyConfig": body}], "Layout": "MIDDLE_BANNER"}


def _priority(offer: Offer) -> int:
    priority: int = offer.content.get("Priority", _DEFAULT_PRIORITY)
    return priority


def _answered(
    offer: Offer, treatment: Treatment, active: Mapping[str, Members]
) -> InAppMessageCampaign | msgspec.Raw | None:
    """What `_told` says, as JSON that is made once where no template is used as it is now."""
    if _active_template(treatment) is not None:
        return _told(offer, treatment, active)
    if treatment.id not in offer.answers:
        told = _told(offer, treatment, {})
        offer.answers[treatment.id] = msgspec.Raw(encode(told)) if told else None
    return offer.answers[treatment.id]


def _told(offer: Offer, treatment: Treatment, active: Mapping[str, Members]) -> InAppMessageCampaign | None:
    """None when there is nothing to show."""
    message: Any = _message(treatment, active)
    if not message.get("Content"):
        return None
    own, defaults = offer.content.get("Limits", {}), offer.content.get(DEFAULTS, {}).get("Limits", {})
    daily, session, total = (own.get(member, defaults.get(member, 0)) for member in ("Daily", "Session", "Total"))
    return {
        "CampaignId": offer.campaign.id,
        "DailyCap": daily,
        "InAppMessage": message,
        "Priority": _priority(offer),
        "Schedule": _schedule(treatment, offer.plans[treatment.id].ends_at),
        "SessionCap": session,
        "TotalCap": total,
        "TreatmentId": str(treatment.id),
    }


def _schedule(treatment: Treatment, ends_at: datetime | None) -> Any:
    """An InAppCampaignSchedule; clients want empty maps, and an EndDate without milliseconds."""
    event_filter = treatment.schedule["EventFilter"]
    dimensions = {"Attributes": {}, "Metrics": {}, **event_filter["Dimensions"]}
    found: dict[str, Any] = {"EventFilter": {**event_filter, "Dimensions": dimensions}}
    if ends_at is not None:
        found["EndDate"] = ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if treatment.quiet_time:
        found["QuietTime"] = dict(treatment.quiet_time)
    return found

"""A campaign as answers show it (campaigns.md section 1)."""

from collections.abc import Mapping
from typing import Any

from repoint.campaigns.campaign import PRIVATE, full_schedule
from repoint.campaigns.treatments import state_of
from repoint.contract.dates import format_instant
from repoint.contract.shapes import CampaignResponse
from repoint.operation import Call
from repoint.resources.documents import Document

# Shown even when the caller sent nothing for them.
_ALWAYS: Mapping[str, Any] = {"HoldoutPercent": 0, "IsPaused": False, "Limits": {}, "TemplateConfiguration": {}}


def answer(call: Call, campaign: Document, statuses: Mapping[int, str]) -> CampaignResponse:
    """One version of a campaign as the contract shows it; states are those of now, by number of the treatment.

    An old version can have treatments that there are no more; these have no state. A campaign without any was deleted
    while it was read.
    """
    content = {member: value for member, value in campaign.content.items() if member not in PRIVATE}
    additional = [
        _treatment(number, each, statuses) for number, each in enumerate(content.get("AdditionalTreatments", []), 1)
    ]
    shown: dict[str, Any] = {
        **_ALWAYS,
        **content,
        "AdditionalTreatments": additional,
        "ApplicationId": campaign.application_id,
        "Arn": call.arn(f"apps/{campaign.application_id}/campaigns/{campaign.id}"),
        "CreationDate": format_instant(campaign.created_at),
        "Id": campaign.id,
        "LastModifiedDate": format_instant(campaign.modified_at),
        "Schedule": full_schedule(content["Schedule"]),
        "State": _state(state_of(statuses.values()) if statuses else "DELETED"),
        "Version": campaign.version,
        "tags": campaign.tags,
    }
    if additional:
        shown["DefaultState"] = _state(statuses.get(0, "DELETED"))
    return shown  # type: ignore[return-value]  # made of the members that CampaignResponse has


def deleted(call: Call, campaign: Document) -> CampaignResponse:
    """A campaign that there is no more."""
    treatments = 1 + len(campaign.content.get("AdditionalTreatments", []))
    return answer(call, campaign, dict.fromkeys(range(treatments), "DELETED"))


def _treatment(number: int, treatment: Mapping[str, Any], statuses: Mapping[int, str]) -> dict[str, Any]:
    shown = {**treatment, "Id": f"{number}"}
    if "Schedule" in treatment:
        shown["Schedule"] = full_schedule(treatment["Schedule"])
    if number in statuses:
        shown["State"] = _state(statuses[number])
    return shown


def _state(status: str) -> dict[str, str]:
    return {"CampaignStatus": status}

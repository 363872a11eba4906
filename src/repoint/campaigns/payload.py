"""What the user's code is told of a send, by hooks and by custom channels alike (campaigns.md sections 9 and 10)."""

from datetime import datetime
from typing import Any

from repoint.campaigns.campaign import Members
from repoint.contract.dates import format_instant
from repoint.events.records import CampaignRun


def hook_envelope(application_id: str, run: CampaignRun, scheduled_at: datetime, message: Members) -> dict[str, Any]:
    """What goes around the endpoints that a hook is asked about; `message` is a DirectMessageConfiguration."""
    return {"MessageConfiguration": message, **_occasion(application_id, run, scheduled_at)}


def custom_envelope(application_id: str, run: CampaignRun, scheduled_at: datetime, data: str) -> dict[str, Any]:
    """What goes around the endpoints of a custom channel; `data` is not read, whatever is written in it."""
    return {"Message": {}, "Data": data, **_occasion(application_id, run, scheduled_at)}


def _occasion(application_id: str, run: CampaignRun, scheduled_at: datetime) -> dict[str, Any]:
    return {
        "ApplicationId": application_id,
        "CampaignId": run.campaign_id,
        "TreatmentId": run.treatment_id,
        "ActivityId": run.activity_id,
        "ScheduledTime": format_instant(scheduled_at),
    }

"""The runs of a campaign as GetCampaignActivities shows them (campaigns.md section 11)."""

from datetime import datetime
from uuid import UUID

from repoint.campaigns.treatments import Q, key_of
from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import ActivitiesResponse, ActivityResponse
from repoint.db.pool import Db, Row
from repoint.resources.documents import Document
from repoint.resources.pages import Page, age_key

# Counts of ours that have members of their own.
_TOTAL = "TOTAL"
_SUCCESSFUL = "SUCCESSFUL"
_TIMEZONES_COMPLETED = "TIMEZONES_COMPLETED"
# What ExecutionMetrics tells, in this order (analytics.md section 7.2); a run counts more than that for itself.
_METRICS = (
    "ENDPOINT_PRODUCED",
    "ENDPOINTS_FROM_USER",
    "ENDPOINT_OPT_OUT",
    "ENDPOINT_INACTIVE",
    "FILTERED_OUT_BY_SEGMENT",
    "ENDPOINT_MISSING_ADDRESS",
    "ENDPOINT_MISSING_CHANNEL",
    "ENDPOINT_MISSING_TIMEZONE",
    "ENDPOINT_TIMEZONE_MISMATCH",
    "ENDPOINT_CHANNEL_MISMATCH",
    "DUPLICATE_ENDPOINT",
    "DUPLICATE_USER",
    "TREATMENT_HOLDOUT",
)


async def list_activities(db: Db, campaign: Document, page: Page) -> ActivitiesResponse:
    """One page of the campaign's runs, newest first; those that come next are PENDING.

    Raises BadRequestException for a token of another list.
    """
    scheduled_before, id_before = before(page)
    behind = {"scheduled_before": scheduled_before, "id_before": id_before, "rows": page.size + 1}
    rows = await db.rows(Q.newest_activities, key_of(campaign) | behind)
    items, token = page.cut(rows, lambda last: age_key(last["scheduled_at"], last["run_id"].hex))
    shown: ActivitiesResponse = {"Item": [_answer(campaign, row) for row in items]}
    return shown if token is None else shown | {"NextToken": token}


def before(page: Page) -> tuple[datetime, UUID]:
    """When and under which id the run was that every run of a page stands behind; on the first page, later than any.

    Raises BadRequestException for a token of another list.
    """
    scheduled_before, id_before = page.before()
    try:
        return scheduled_before, UUID(id_before or "0" * 32)
    except ValueError:
        raise BadRequestException("Invalid token") from None


def _answer(campaign: Document, row: Row) -> ActivityResponse:
    counts: dict[str, int] = row["counts"]
    activity: ActivityResponse = {
        "ApplicationId": campaign.application_id,
        "CampaignId": campaign.id,
        "Id": row["run_id"].hex,
        "ScheduledStart": format_instant(row["scheduled_at"]),
        "State": row["state"],
        "SuccessfulEndpointCount": counts.get(_SUCCESSFUL, 0),
        "TimezonesCompletedCount": counts.get(_TIMEZONES_COMPLETED, 0),
        "TimezonesTotalCount": row["timezones_total"],
        "TotalEndpointCount": counts.get(_TOTAL, 0),
        "TreatmentId": f"{row['treatment_id']}",
        "ExecutionMetrics": {name: f"{counts[name]}" for name in _METRICS if name in counts},
    }
    if row["started_at"] is not None:
        activity["Start"] = format_instant(row["started_at"])
    if row["ended_at"] is not None:
        activity["End"] = format_instant(row["ended_at"])
        activity["Result"] = row["result"]
    return activity

"""What Amazon has no operation for: how far a campaign's runs are, why an endpoint got what, and what is in doubt."""

from datetime import datetime
from typing import Any
from uuid import UUID

from repoint.campaigns import reasons
from repoint.campaigns.activities import before
from repoint.campaigns.campaign import CAMPAIGNS, Campaign, read_campaign
from repoint.campaigns.engine.run import CannotRunError, audience_of
from repoint.campaigns.treatments import Q, key_of, read_statuses, state_of
from repoint.campaigns.why import ask, tell_endpoint, tell_runs
from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException, ConflictException
from repoint.db.pool import Row
from repoint.endpoints.key import endpoint_key
from repoint.operation import Call, Input, Output, extension
from repoint.resources.pages import Page, age_key, read_page
from repoint.segments.members import count_members
from repoint.segments.sources import EvaluationError

APP_PATH = "/repoint/v1/apps/{ApplicationId}"
PATH = f"{APP_PATH}/campaigns/{{CampaignId}}"
RESOURCE = "apps/{ApplicationId}/campaigns/{CampaignId}"


@extension("GET", f"{PATH}/progress", resource=RESOURCE, does=("GetCampaignActivities",))
async def get_campaign_progress(call: Call, arguments: Input) -> Output:
    """Where a campaign stands, with the newest run of each treatment and all that go on, counted up to this moment.

    `Handled` is how many members of the segment a run has come to. With `expected=true` also how many there are,
    `Members`, and how many of them are `Eligible`, counted at this moment; as expensive as counting the segment.
    """
    document = await CAMPAIGNS.get(call.db, arguments["CampaignId"], arguments["ApplicationId"])
    statuses = await read_statuses(call.db, document.application_id, [document.id])
    progress: dict[str, Any] = {
        "ApplicationId": document.application_id,
        "CampaignId": document.id,
        "Name": document.content["Name"],
        "State": state_of(statuses[document.id].values()),
        "Runs": [_progress(row) for row in await call.db.rows(Q.current_runs, key_of(document))],
    }
    next_start_at = await call.db.value(Q.next_start, key_of(document))
    if next_start_at is not None:
        progress["NextStart"] = format_instant(next_start_at)
    if _flag(arguments, "expected"):
        progress |= await _expected(call, read_campaign(document))
    return progress


async def _expected(call: Call, campaign: Campaign) -> dict[str, int]:
    try:
        count = await count_members(call.db, await audience_of(call.db, campaign, call.now))
    except (EvaluationError, CannotRunError) as error:
        raise ConflictException(str(error)) from error
    return {"Members": count.members, "Eligible": count.eligible}


def _progress(row: Row) -> dict[str, Any]:
    counts: dict[str, int] = row["counts"]
    # Who lives in another zone than the one that is served is passed by, and met again.
    handled = counts.get("ENDPOINT_PRODUCED", 0) - counts.get("ENDPOINT_TIMEZONE_MISMATCH", 0)
    told: dict[str, Any] = {
        "ActivityId": row["run_id"].hex,
        "TreatmentId": f"{row['treatment_id']}",
        "ScheduledStart": format_instant(row["scheduled_at"]),
        "State": row["state"],
        "IsTriggered": row["is_triggered"],
        "Handled": handled,
        "Total": counts.get("TOTAL", 0),
        "Successful": counts.get("SUCCESSFUL", 0),
    }
    return told | {member: row[name] for member, name in _OF_ENDED.items() if row[name] is not None}


_OF_ENDED = {"Result": "result", "Reason": "reason"}


@extension(
    "GET",
    f"{PATH}/endpoints/{{EndpointId}}/why",
    resource=RESOURCE,
    does=("GetCampaignActivities", "GetEndpoint"),
)
async def explain_campaign_endpoint(call: Call, arguments: Input) -> Output:
    """What became of an endpoint in each run of a campaign and why, newest run first, and what holds it back now.

    `Runs` come in pages (`page-size`, `token`). The endpoint need not exist, as it may have been deleted since.
    """
    document = await CAMPAIGNS.get(call.db, arguments["CampaignId"], arguments["ApplicationId"])
    endpoint_id = arguments["EndpointId"]
    page = _page(call, arguments, f"{document.application_id}/{document.id}/{endpoint_key(endpoint_id)}")
    asked = await ask(call.db, read_campaign(document), endpoint_key(endpoint_id), call.now, call.settings.event_days)
    scheduled_before, id_before = before(page)
    behind = {"scheduled_before": scheduled_before, "id_before": id_before, "rows": page.size + 1}
    found = await call.db.rows(Q.newest_runs, key_of(document) | behind)
    runs, token = page.cut(found, lambda last: age_key(last["scheduled_at"], last["run_id"].hex))
    told = await tell_endpoint(call.db, asked, endpoint_id)
    told["Runs"] = await tell_runs(call.db, asked, runs)
    return told if token is None else told | {"NextToken": token}


@extension("GET", f"{PATH}/doubts", resource=RESOURCE, does=("GetCampaignActivities",))
async def list_campaign_doubts(call: Call, arguments: Input) -> Output:
    """Messages of a campaign of which a crash left in doubt whether they had gone out, and what became of them since.

    In pages, those of the newest run first.
    """
    document = await CAMPAIGNS.get(call.db, arguments["CampaignId"], arguments["ApplicationId"])
    return await _doubts(call, arguments, document.application_id, document.id)


@extension("GET", f"{APP_PATH}/doubts", resource="apps/{ApplicationId}", does=("GetCampaigns",))
async def list_doubts(call: Call, arguments: Input) -> Output:
    """The same of all campaigns of an application, deleted ones too."""
    return await _doubts(call, arguments, arguments["ApplicationId"], None)


async def _doubts(call: Call, arguments: Input, application_id: str, campaign_id: str | None) -> Output:
    page = _page(call, arguments, f"{application_id}/{campaign_id}")
    place = _place(page)
    parameters = {"application_id": application_id, "campaign_id": campaign_id, "rows": page.size + 1}
    found = await call.db.rows(Q.doubts, parameters | place)
    rows, token = page.cut(
        found,
        lambda last: (
            last["scheduled_at"].isoformat(),
            last["run_id"].hex,
            last["endpoint_key"],
            f"{last['occurrence']}",
        ),
    )
    answer: dict[str, Any] = {"Item": [_doubt(row) for row in rows]}
    return answer if token is None else answer | {"NextToken": token}


def _place(page: Page) -> dict[str, object]:
    """The item of the page before that this one goes on behind."""
    if page.after is None:
        return {"scheduled_before": None, "run_id": None, "after_key": "", "after_occurrence": 0}
    try:
        scheduled_at, run_id, key, occurrence = page.after
        return {
            "scheduled_before": datetime.fromisoformat(scheduled_at),
            "run_id": UUID(run_id),
            "after_key": key,
            "after_occurrence": int(occurrence),
        }
    except ValueError:
        raise BadRequestException("Invalid token") from None


def _doubt(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {
        "CampaignId": row["campaign_id"].hex,
        "ActivityId": row["run_id"].hex,
        "TreatmentId": f"{row['treatment_id']}",
        "ScheduledStart": format_instant(row["scheduled_at"]),
        "EndpointId": row["endpoint_id"],
        "Status": row["status"],
        "Text": reasons.STATUSES.get(row["status"], row["status"]),
        "DecidedAt": format_instant(row["decided_at"]),
    }
    return told | {member: row[name] for member, name in _OF_MESSAGE.items() if row[name] is not None}


_OF_MESSAGE = {"ChannelType": "channel_type", "MessageId": "message_id"}


def _page(call: Call, arguments: Input, scope: str) -> Page:
    return read_page(call.operation, scope, arguments.get("page-size"), arguments.get("token"))


def _flag(arguments: Input, name: str) -> bool:
    value = arguments.get(name, "false")
    if value not in ("true", "false"):
        raise BadRequestException(f"Invalid {name}: {value}")
    return bool(value == "true")

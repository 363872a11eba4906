"""Where each treatment of a campaign stands: at the start, after a change, and what that makes of the campaign.

The rows are written with the campaign's document, in one transaction, and moved on by the engine.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from repoint.campaigns.schedule import Plan
from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.events.consume import begin_reading
from repoint.resources.documents import Document

Q = load_queries("repoint.campaigns")

Status = Literal["SCHEDULED", "EXECUTING", "PENDING_NEXT_RUN", "COMPLETED", "PAUSED", "INVALID", "DELETED"]

ACTIVE = ("SCHEDULED", "EXECUTING", "PENDING_NEXT_RUN")
ON_EVENTS = ("EVENT", "IN_APP_EVENT")
# Under this name the event log is read for campaigns that wait for events.
READER = "campaigns"
# Events are read a moment after they were logged, so what waits for them ends a moment later.
GRACE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Standing:
    """A row of campaign_treatments without what names it."""

    status: Status
    frequency: str
    due_at: datetime | None = None
    next_run_id: str | None = None
    next_start_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a treatment when its campaign is written."""

    now: datetime
    new_id: Callable[[], str]
    is_paused: bool


def first_standing(plan: Plan, change: Change) -> Standing:
    """Where a treatment stands that is given its schedule."""
    if change.is_paused:
        return Standing("PAUSED", plan.frequency)
    return _awaiting("SCHEDULED", plan, plan.starts_at or change.now, change)


def next_standing(before: Standing, plan: Plan, change: Change) -> Standing:
    """Where a treatment stands when its campaign was changed, but not its schedule.

    What is under way is never interrupted, and who waits for a time goes on waiting for it. What is triggered by events
    pauses at once.
    """
    is_under_way = before.status == "EXECUTING" and before.frequency not in ON_EVENTS
    if before.status == "COMPLETED" or is_under_way:
        return before
    return before if before.status in ACTIVE and not change.is_paused else resumed_standing(plan, change)


def resumed_standing(plan: Plan, change: Change) -> Standing:
    """Where a treatment stands that takes up its schedule now, whenever that began: what it missed is not made up."""
    if change.is_paused:
        return Standing("PAUSED", plan.frequency)
    if plan.frequency in ON_EVENTS:
        return _resumed_on_events(plan, change)
    starts_at = plan.slot_from(change.now)
    if starts_at is None:
        return Standing("COMPLETED", plan.frequency)
    is_first = plan.starts_at is None or starts_at == plan.starts_at
    return _awaiting("SCHEDULED" if is_first else "PENDING_NEXT_RUN", plan, starts_at, change)


def _resumed_on_events(plan: Plan, change: Change) -> Standing:
    if plan.ends_at is not None and change.now > plan.ends_at:
        return Standing("COMPLETED", plan.frequency)
    if plan.starts_at is not None and change.now >= plan.starts_at:
        return Standing("EXECUTING", plan.frequency, waits_until(plan))
    return first_standing(plan, change)


def waits_until(plan: Plan) -> datetime | None:
    """When a treatment is done that waits for events; None for never."""
    return None if plan.ends_at is None else plan.ends_at + GRACE


def _awaiting(status: Status, plan: Plan, starts_at: datetime, change: Change) -> Standing:
    if plan.frequency in ON_EVENTS:
        return Standing(status, plan.frequency, starts_at)
    return Standing(status, plan.frequency, starts_at, change.new_id(), starts_at)


def state_of(statuses: Iterable[str]) -> str:
    """The state of a campaign from those of its treatments, the standard one's first (campaigns.md section 6)."""
    found = list(statuses)
    if "EXECUTING" in found:
        return "EXECUTING"
    # One that is not done, if there is one, tells more than the standard one that is.
    return next((status for status in found if status != "COMPLETED"), "COMPLETED")


def key_of(campaign: Document) -> dict[str, object]:
    """What every statement on one campaign is given."""
    return {"application_id": campaign.application_id, "campaign_id": campaign.id}


def statuses_of(standings: Iterable[Standing]) -> dict[int, str]:
    """By number of the treatment."""
    return {number: standing.status for number, standing in enumerate(standings)}


async def lock_standings(db: Db, key: Mapping[str, Any]) -> list[Standing]:
    """Where the treatments of a campaign stand, by their numbers; nobody else moves them until the transaction ends."""
    rows = await db.rows(Q.lock_treatments, key)
    return [
        Standing(
            row["status"],
            row["frequency"],
            row["due_at"],
            None if row["next_run_id"] is None else row["next_run_id"].hex,
            row["next_start_at"],
        )
        for row in rows
    ]


async def write_standings(db: Db, key: Mapping[str, Any], standings: Sequence[Standing]) -> None:
    """Put these in the place of those that the campaign had; from now on the event log is read if one waits for it."""
    rows = [{"treatment_id": number, **asdict(standing)} for number, standing in enumerate(standings)]
    await db.execute(Q.write_treatments, {**key, "treatments": as_json(rows)})
    await db.execute(Q.delete_treatments_from, {**key, "number": len(rows)})
    if any(standing.frequency == "EVENT" and standing.status in ACTIVE for standing in standings):
        await begin_reading(db, key["application_id"], READER)


async def read_statuses(db: Db, application_id: str, campaign_ids: Iterable[str]) -> dict[str, dict[int, str]]:
    """By campaign and number of the treatment."""
    ids = list(campaign_ids)
    found: dict[str, dict[int, str]] = {campaign_id: {} for campaign_id in ids}
    for row in await db.rows(Q.statuses, {"application_id": application_id, "campaign_ids": ids}):
        found[row["campaign_id"].hex][row["treatment_id"]] = row["status"]
    return found

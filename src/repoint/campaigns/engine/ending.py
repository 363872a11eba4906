"""How batches and runs end, and what that means for their treatment: its next run, a pause, or the end."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from repoint.campaigns.campaign import CAMPAIGNS, read_campaign
from repoint.campaigns.engine.batch import Batch, add
from repoint.campaigns.schedule import read_schedule
from repoint.contract.errors import NotFoundException
from repoint.db.parameters import object_as_json
from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.delivery.finished import Counts
from repoint.delivery.ledger import Entry, ask_write

Q = load_queries("repoint.campaigns.engine")

_NEXT = timedelta(microseconds=1)


async def end_batch(db: Db, batch: Batch, counts: Counts, now: datetime) -> None:
    """Add a batch that is done to its run, and end the run with its last one.

    The run is held from the first statement on: of two that end at once, the later one sees the other gone.
    """
    key = batch.run
    await db.execute(Q.add_counts, key | {"counts": object_as_json(counts)})
    if batch.sweep is not None:
        await db.execute(Q.count_zones, key | {"sweep": batch.sweep})
    row = await db.row(Q.complete_run, key | {"now": now})
    if row is not None:
        await _advance(db, batch.application_id, row)


async def drop_batch(db: Db, batch: Batch, now: datetime) -> None:
    """A batch of a run that is over goes. What it has counted stays, and who was sent to without an end being known."""
    if await db.execute(Q.drop_batch, batch.claim) == 0:
        return
    lost = [
        Entry(each.key, each.occurrence, "UNKNOWN", each.channel, each.message_id, is_in_doubt=True)
        for each in batch.sending
    ]
    unknown = {"UNKNOWN": len(lost), "FAILED": len(lost)} if lost else {}
    await db.execute(Q.add_counts, batch.run | {"counts": object_as_json(add(batch.counts, unknown))})
    if lost:
        await db.execute(*ask_write(batch.application_id, batch.run_id, now, lost))


async def fail_run(db: Db, run: Mapping[str, Any], reason: str, now: datetime) -> None:
    """End a run that cannot go on; its treatment becomes INVALID. `run` names it."""
    row = await db.row(Q.fail_run, {**run, "now": now, "reason": reason})
    if row is not None:
        await set_treatment(db, run["application_id"], row, "INVALID")


async def end_days(database: Database, now: datetime) -> None:
    """End the runs that events triggered with their day, as soon as what was triggered has been sent or has expired.

    They are held before it is asked whether anything is left of them: what is just being triggered would be overlooked.
    """
    async with database.transaction() as db:
        held = await db.rows(Q.hold_days, {"now": now})
        if held:
            await db.execute(Q.complete_days, {"run_ids": [row["run_id"] for row in held], "now": now})


async def _advance(db: Db, application_id: str, run: Mapping[str, Any]) -> None:
    """Where a treatment stands after a run: in wait for the next one, paused, or at its end.

    Held before the campaign is read: whoever pauses it writes both, and would be overwritten in between.
    """
    named = {"campaign_id": run["campaign_id"], "treatment_id": run["treatment_id"]}
    begun_at = await db.value(Q.hold_treatment, {"application_id": application_id, **named})
    try:
        document = await CAMPAIGNS.get(db, run["campaign_id"].hex, application_id)
    except NotFoundException:
        return
    campaign = read_campaign(document)
    # An update can have taken treatments away.
    if run["treatment_id"] >= len(campaign.treatments):
        return
    plan = read_schedule(campaign.treatments[run["treatment_id"]].schedule).begun(begun_at or run["scheduled_at"])
    next_at = plan.slot_from(run["scheduled_at"] + _NEXT)
    if next_at is None:
        await set_treatment(db, application_id, run, "COMPLETED")
    elif campaign.is_paused:
        await set_treatment(db, application_id, run, "PAUSED")
    else:
        await set_treatment(db, application_id, run, "PENDING_NEXT_RUN", due_at=next_at, next_start_at=next_at)


async def set_treatment(  # noqa: PLR0913 - what a row says
    db: Db,
    application_id: str,
    treatment: Mapping[str, Any],
    status: str,
    *,
    due_at: datetime | None = None,
    next_start_at: datetime | None = None,
) -> None:
    """Note where a treatment stands; `treatment` names it. A run that is to come has its id from now on."""
    parameters = {
        "application_id": application_id,
        "campaign_id": treatment["campaign_id"],
        "treatment_id": treatment["treatment_id"],
        "status": status,
        "due_at": due_at,
        "next_run_id": None if next_start_at is None else uuid.uuid4(),
        "next_start_at": next_start_at,
    }
    await db.execute(Q.set_treatment, parameters)

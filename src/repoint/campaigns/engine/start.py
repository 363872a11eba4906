"""Starting what is due: runs of a treatment at their slots, and campaigns that wait for events.

A slot that was missed, the machine having been off, is made up for as long as that is not later than
`most_campaign_delay_s`; then it is cancelled, which the activities show. Of several missed slots only the last can run.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.campaigns.campaign import CAMPAIGNS, Campaign, Treatment, read_campaign
from repoint.campaigns.engine.ending import set_treatment
from repoint.campaigns.engine.run import CannotRunError, audience_of
from repoint.campaigns.schedule import Plan, Sweep, read_schedule, sweeps
from repoint.campaigns.treatments import waits_until
from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.queue.tasks import TaskContext
from repoint.segments.members import zones_of_members
from repoint.segments.sources import EvaluationError

log = structlog.get_logger()
Q = load_queries("repoint.campaigns.engine")

# Treatments that are looked at together.
AT_ONCE = 20
# Missed slots that are shown as cancelled.
_MOST_MISSED = 100
_LEAST = timedelta(microseconds=1)
# Until a treatment is looked at again that could not be: those that can are not to wait behind it.
_LATER = timedelta(minutes=1)


async def start_due(context: TaskContext) -> int:
    """Start what is due; how many treatments were looked at. One that fails keeps no other from being started."""
    async with context.database.connection() as db:
        rows = await db.rows(Q.due_treatments, {"now": context.now(), "rows": AT_ONCE})
    looked_at = 0
    for row in rows:
        try:
            await _look_at(context, row)
        except (psycopg.Error, PoolTimeout):
            raise
        except Exception:
            log.exception("A campaign could not be started", campaign_id=row["campaign_id"].hex)
            async with context.database.connection() as db:
                await db.execute(Q.look_later, row | {"later": context.now() + _LATER})
        else:
            looked_at += 1
    return looked_at


async def _look_at(context: TaskContext, row: Row) -> None:
    application_id, campaign_id = row["application_id"].hex, row["campaign_id"].hex
    named = {"application_id": application_id, "campaign_id": campaign_id, "treatment_id": row["treatment_id"]}
    async with context.database.connection() as db:
        try:
            campaign = read_campaign(await CAMPAIGNS.get(db, campaign_id, application_id))
            treatment = campaign.treatments[row["treatment_id"]]
        except (NotFoundException, IndexError):
            await db.execute(Q.drop_treatment, named)
            return
    plan = read_schedule(treatment.schedule)
    zones = await _zones(context, campaign) if plan.is_local else []
    async with context.database.transaction() as db:
        held = await db.row(Q.lock_treatment, named | {"now": context.now()})
        # Changed since it was read, it is still due, and looked at again.
        if held is None or (await CAMPAIGNS.get(db, campaign_id, application_id)).version != campaign.version:
            return
        start = _Start(db, campaign, treatment, plan, context.now())
        if treatment.frequency in {"EVENT", "IN_APP_EVENT"}:
            await start.waiting(held)
        else:
            await start.run(held, zones, timedelta(seconds=context.settings.most_campaign_delay_s))


async def _zones(context: TaskContext, campaign: Campaign) -> list[str]:
    """Names of the zones of the segment's members."""
    async with context.database.transaction() as db:
        try:
            return await zones_of_members(db, await audience_of(db, campaign, context.now()))
        except (CannotRunError, EvaluationError):
            # Its run will tell.
            return []


@dataclass(frozen=True, slots=True)
class _Start:
    """What is done about one treatment that is due, in the transaction that holds it."""

    db: Db
    campaign: Campaign
    treatment: Treatment
    plan: Plan
    now: datetime

    async def waiting(self, held: Row) -> None:
        """A campaign that waits for events begins to, or has waited long enough."""
        ends_at = waits_until(self.plan)
        if held["status"] == "EXECUTING" or (ends_at is not None and ends_at <= self.now):
            await self._set("COMPLETED")
            return
        await self._set("EXECUTING", due_at=ends_at)

    async def run(self, held: Row, zones: Sequence[str], most_delay: timedelta) -> None:
        """The run of a slot starts, unless it is too late for that."""
        first: datetime = held["next_start_at"]
        plan = self.plan.begun(held["begun_at"])
        missed = plan.slots_between(first - _LEAST, self.now, _MOST_MISSED) or [first]
        slot = missed.pop() if self.now - missed[-1] <= most_delay else None
        # The activity that was shown as pending is the one that runs, or the first that did not.
        run_id: uuid.UUID = held["next_run_id"]
        for number, at in enumerate(missed):
            missed_id = run_id if slot is None and number == 0 else uuid.uuid4()
            await self._insert_run(missed_id, at, "CANCELLED", reason="missed: it was due while nothing ran")
            log.warning("A run of a campaign was missed", campaign_id=self.campaign.id, scheduled_at=at.isoformat())
        if slot is None or not await self._begin(run_id, slot, zones, plan):
            await self._wait_for_next(plan)

    async def _begin(self, run_id: uuid.UUID, slot: datetime, zones: Sequence[str], plan: Plan) -> bool:
        """Begin the run; False when the slot has had its run, under the schedule that the campaign had before."""
        found = self._sweeps(plan, slot, zones)
        total = sum(len(sweep.zones) for sweep in found)
        if not await self._insert_run(run_id, slot, "RUNNING", timezones_total=total):
            return False
        for number, sweep in enumerate(found):
            await self._insert_sweep(run_id, number, sweep, plan)
        await self._set("EXECUTING", next_start_at=plan.slot_from(self.now + _LEAST))
        return True

    async def _wait_for_next(self, plan: Plan) -> None:
        next_at = None if plan.frequency == "ONCE" else plan.slot_from(self.now + _LEAST)
        if next_at is None:
            await self._set("COMPLETED")
        else:
            await self._set("PENDING_NEXT_RUN", due_at=next_at, next_start_at=next_at)

    def _sweeps(self, plan: Plan, slot: datetime, zones: Sequence[str]) -> list[Sweep]:
        """One for everybody, or one for each instant at which somebody's clock is right; one at least."""
        found = sweeps(plan, slot, zones) if plan.is_local else []
        return found or [Sweep(slot, ())]

    async def _insert_run(
        self, run_id: uuid.UUID, slot: datetime, state: str, *, reason: str | None = None, timezones_total: int = 0
    ) -> bool:
        is_running = state == "RUNNING"
        parameters = {
            "application_id": self.campaign.application_id,
            "run_id": run_id,
            "campaign_id": self.campaign.id,
            "treatment_id": self.treatment.id,
            "version": self.campaign.version,
            "scheduled_at": slot,
            "started_at": self.now if is_running else None,
            "ended_at": None if is_running else self.now,
            "state": state,
            "result": None if is_running else "FAIL",
            "reason": reason,
            "is_triggered": False,
            "timezones_total": timezones_total,
        }
        return await self.db.execute(Q.insert_run, parameters) > 0

    async def _insert_sweep(self, run_id: uuid.UUID, number: int, sweep: Sweep, plan: Plan) -> None:
        parameters = {
            "application_id": self.campaign.application_id,
            "run_id": run_id,
            "number": number,
            "due_at": sweep.due_at,
            "zones": list(sweep.zones) if plan.is_local else None,
        }
        await self.db.execute(Q.insert_sweep, parameters)

    async def _set(self, status: str, *, due_at: datetime | None = None, next_start_at: datetime | None = None) -> None:
        named = {"campaign_id": self.campaign.id, "treatment_id": self.treatment.id}
        await set_treatment(
            self.db, self.campaign.application_id, named, status, due_at=due_at, next_start_at=next_start_at
        )

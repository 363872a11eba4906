"""Campaigns that events trigger: who did what a campaign waits for gets its message (campaigns.md section 8).

The events come from the log, in the transaction that notes them as read: what is triggered is queued once, as batches
of the day's run, and a worker sends them like all others. Whether the endpoint belongs to the segment is asked then.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from repoint.campaigns.campaign import Campaign, read_campaign
from repoint.campaigns.engine.batch import Trigger
from repoint.campaigns.schedule import read_schedule
from repoint.campaigns.treatments import READER
from repoint.db.parameters import as_json
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.events.consume import subscribes
from repoint.events.filter import EventFilter, read_event_filter, read_logged
from repoint.events.log import LoggedEvent
from repoint.events.reserved import BY_SENDING
from repoint.resources.documents import Document

Q = load_queries("repoint.campaigns.engine")

# Events of one batch: a few groups.
_MOST = 200


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A treatment that waits for events."""

    campaign_id: str
    treatment_id: int
    version: int
    wanted: EventFilter
    starts_at: datetime | None
    ends_at: datetime | None

    def takes(self, event: LoggedEvent) -> bool:
        """Whether the event came in time; what it says is the filter's to judge."""
        if self.starts_at is not None and event.logged_at < self.starts_at:
            return False
        return self.ends_at is None or event.logged_at <= self.ends_at


@subscribes(READER)
async def trigger_campaigns(db: Db, application_id: str, events: Sequence[LoggedEvent]) -> None:
    """Queue a message for each event that a campaign waits for."""
    waiting = await _waiting(db, application_id)
    if not waiting:
        return
    found: dict[tuple[_Waiting, datetime], list[Trigger]] = {}
    for event in events:
        for each in _triggered(waiting, event):
            day = event.logged_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            trigger = Trigger(event.endpoint_key or "", event.position, event.logged_at)
            found.setdefault((each, day), []).append(trigger)
    for (each, day), triggers in found.items():
        await _queue(db, application_id, each, day, triggers)


def _triggered(waiting: Sequence[_Waiting], event: LoggedEvent) -> Iterator[_Waiting]:
    """Those whom the event concerns. Its record is read only when its type is wanted by somebody."""
    if event.endpoint_key is None:
        return
    asked = [
        each
        for each in waiting
        if (each.wanted.event_types is None or event.event_type in each.wanted.event_types) and each.takes(event)
    ]
    if asked:
        attributes, metrics = read_logged(event.record)
        # A campaign that its own sending triggered would send for ever.
        sender = attributes.get("campaign_id") if event.event_type in BY_SENDING else None
        others = (each for each in asked if each.campaign_id != sender)
        yield from (each for each in others if each.wanted.matches(event.event_type, attributes, metrics))


async def _waiting(db: Db, application_id: str) -> list[_Waiting]:
    rows = await db.rows(Q.triggered_treatments, {"application_id": application_id, "app": application_id})
    return [each for row in rows if (each := _read(row, application_id)) is not None]


def _read(row: Row, application_id: str) -> _Waiting | None:
    campaign_id, version, number = row["campaign_id"].hex, row["version"], row["treatment_id"]
    now = datetime.now(UTC)
    document = Document(campaign_id, application_id, row["document"], {}, now, now, version)
    campaign = read_campaign(document)
    if number >= len(campaign.treatments):
        return None
    return _Waiting(campaign_id, number, version, *_conditions(campaign, number))


def _conditions(campaign: Campaign, number: int) -> tuple[EventFilter, datetime | None, datetime | None]:
    schedule = campaign.treatments[number].schedule
    plan = read_schedule(schedule)
    return read_event_filter(schedule["EventFilter"]), plan.starts_at, plan.ends_at


async def _queue(db: Db, application_id: str, waiting: _Waiting, day: datetime, triggers: Sequence[Trigger]) -> None:
    parameters = {
        "application_id": application_id,
        "run_id": uuid.uuid4(),
        "campaign_id": waiting.campaign_id,
        "treatment_id": waiting.treatment_id,
        "version": waiting.version,
        "scheduled_at": day,
        "now": datetime.now(UTC),
    }
    row = await db.row(Q.triggered_run, parameters)
    if row is None or row["state"] != "RUNNING":
        return
    for begin in range(0, len(triggers), _MOST):
        batch = {
            "application_id": application_id,
            "run_id": row["run_id"],
            "triggers": as_json(triggers[begin : begin + _MOST]),
        }
        await db.execute(Q.insert_triggered, batch)

"""Splits that wait for what is told of a message are woken when it is told (journeys.md section 9).

Who reads the log only notes whom events are about: it waits for no worker that moves participants. Whoever holds their
lane finds them, and lets those be due who wait.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.events.log import LoggedEvent
from repoint.events.origin import Attributes, journey_step
from repoint.journeys.listening.reader import waits_for
from repoint.segments.memberships import ask_look_up, ask_plan_as_usual

Q = load_queries("repoint.journeys.listening")


class _Told(NamedTuple):
    """An endpoint, what was told of it, and of which message."""

    endpoint_key: str
    event_type: str
    step: Attributes


async def take_wakes(db: Db, lane: Mapping[str, object], now: datetime) -> None:
    """Have those in a lane be due who wait for an event and of whom one has told. Only whoever holds it does this."""
    await db.together(ask_look_up(), (Q.take_wakes, {**lane, "now": now}), ask_plan_as_usual())


async def note_wakes(db: Db, application_id: str, events: Sequence[LoggedEvent]) -> None:
    """Note whom events are about that splits wait for."""
    told = list(_told(events))
    if not told:
        return
    parameters = {
        "application_id": application_id,
        "app": application_id,
        "journey_ids": sorted({each.step.journey_id for each in told}),
    }
    journeys = {row["journey_id"].hex: row for row in await db.rows(Q.heard_journeys, parameters)}
    awaited = {journey_id: waits_for(row["document"]) for journey_id, row in journeys.items()}
    heard = {
        (step.journey_id, step.journey_run_id, key)
        for key, event_type, step in told
        if any(each.may_take(event_type, step.journey_activity_id) for each in awaited.get(step.journey_id, ()))
    }
    if heard:
        rows = [
            {
                "journey_id": journey_id,
                "run_id": run_id,
                "endpoint_key": key,
                "is_of_user": journeys[journey_id]["is_of_users"],
            }
            for journey_id, run_id, key in sorted(heard)
        ]
        parameters = {"application_id": application_id, "heard": as_json(rows)}
        await db.together(ask_look_up(), (Q.insert_wakes, parameters), ask_plan_as_usual())


def _told(events: Sequence[LoggedEvent]) -> Iterator[_Told]:
    for event in events:
        if event.endpoint_key is not None and (step := journey_step(event.record)) is not None:
            yield _Told(event.endpoint_key, event.event_type, step)

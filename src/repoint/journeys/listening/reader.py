"""Which events a journey has to be told of: those that let endpoints in, and those that its splits wait for."""

from datetime import datetime, timedelta

from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.events.consume import begin_reading
from repoint.events.horizon import MARGIN, ask_to_keep_places
from repoint.journeys.conditions.condition import EventCondition, read_event_condition
from repoint.journeys.graph import conditions_of
from repoint.journeys.journey import Members
from repoint.journeys.references import activities_of
from repoint.resources.documents import Document

Q = load_queries("repoint.journeys.listening")

# Under this name the event log is read for journeys.
READER = "journeys"
# What is logged may be read a moment later, so a journey that waits for events ends a moment later.
GRACE = timedelta(seconds=10)


async def listen(db: Db, journey: Document) -> None:
    """Have the log read from now on for a journey that is published, if it needs that."""
    if "EventStartCondition" in journey.content["StartCondition"] or waits_for(journey.content):
        await begin_reading(db, journey.application_id, READER)


async def has_unread(db: Db, application_id: str, until: datetime) -> bool:
    """Whether events of an application that came until then are still to be read for journeys."""
    parameters = {"application_id": application_id, "name": READER, "until": until, "margin": MARGIN}
    _, [[found]] = await db.together(ask_to_keep_places(), (Q.has_unread, parameters))
    return bool(found)


def waits_for(content: Members) -> list[EventCondition]:
    """What splits of a journey may wait to be told.

    Those that say themselves how long they wait look when that time has come.
    """
    return [
        read_event_condition(condition["EventCondition"])
        for activity in activities_of(content).values()
        if not _names_a_time(activity)
        for condition in conditions_of(activity)
        if "EventCondition" in condition
    ]


def _names_a_time(activity: Members) -> bool:
    return any(
        any(given.get("EvaluationWaitTime", {}).values()) for given in activity.values() if isinstance(given, dict)
    )

"""Of whom splits wait to be told, as the reader of the log notes it, and what becomes of those in a lane."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query, load_queries
from repoint.events.consume import Reading
from repoint.events.emit import Event, emit
from repoint.events.records import JourneyStep, Origin, Subject, service_record
from repoint.journeys.listening.reader import waits_for
from repoint.queue.tasks import TaskContext
from repoint.segments.memberships import ask_look_up
from repoint.settings import Settings
from tests.journeys.conftest import WAIT, Club

Q = load_queries("repoint.journeys.listening")
RUN = "b" * 32
VISIT = """
    INSERT INTO visits (
        application_id, journey_id, participant, lane, run_id, entered_at, activity_id, arrived_at, is_waiting, due_at,
        waits_for_event, seed)
    VALUES (
        %(app)s, %(journey)s, %(participant)s, 3, %(run)s, now(), %(activity)s, now(), true,
        CASE WHEN %(activity)s::text IS NOT NULL THEN %(due)s::timestamptz END, %(waits)s, 1)
"""
SOON = datetime.now(UTC) + timedelta(hours=1)


def asks(event_type: str = "_email.open", of: str | None = None, **members: Any) -> dict[str, Any]:
    """A split on events."""
    named = {} if of is None else {"MessageActivity": of}
    condition = {"EventCondition": {**named, "Dimensions": {"EventType": {"Values": [event_type]}}}}
    return {"ConditionalSplit": {"Condition": {"Conditions": [condition]}, "TrueActivity": "w1", **members}}


def content(**activities: Any) -> dict[str, Any]:
    return {"StartActivity": next(iter(activities)), "Activities": {**activities, "w1": WAIT}}


@pytest.fixture
def reading(database: Database, settings: Settings) -> Reading:
    return Reading(TaskContext(database, settings, "worker"))


def publish(club: Club) -> str:
    return str(club.create(State="ACTIVE", **content(split=asks()))["Id"])


def inside(club: Club, journey: str, *participants: str, run: str = RUN, activity: str | None = "split") -> None:
    for each in participants:
        given = {"journey": journey, "participant": each, "run": run, "activity": activity, "due": SOON}
        club.execute(VISIT, given | {"waits": activity == "split"})


async def tell(
    database: Database, club: Club, journey: str, *keys: str, run: str = RUN, event_type: str = "_email.open"
) -> None:
    """Log that an e-mail of the journey was opened, or something else."""
    origin, at = Origin("0" * 12, club.id), datetime.now(UTC)
    attributes = JourneyStep(journey, run, "mail").attributes()
    async with database.transaction() as db:
        for key in keys:
            record = service_record(origin, Subject.unknown(key), event_type, (at, at), attributes)
            await emit(db, [Event(club.id, event_type, at, record, key)])


def wakes(club: Club) -> list[tuple[int, str]]:
    sql = "SELECT lane, participant FROM journey_wakes ORDER BY participant"
    return [(row["lane"], row["participant"]) for row in club.execute(sql, {})]


@pytest.mark.parametrize(
    ("activities", "awaited"),
    [
        ({"w2": WAIT}, set()),
        ({"s": asks()}, {None}),
        ({"s": asks(of="mail", FalseActivity="t"), "t": asks(of="text")}, {"mail", "text"}),
        ({"s": asks(EvaluationWaitTime={"WaitFor": "PT1H"})}, set()),
        ({"s": asks(EvaluationWaitTime={})}, {None}),
        ({"s": {"ConditionalSplit": {"Condition": {"Conditions": [{}]}}}}, set()),
        ({"w2": WAIT, "nobody-comes-here": asks()}, set()),
    ],
)
def test_what_splits_wait_for(activities: dict[str, Any], awaited: Iterable[str | None]) -> None:
    assert {each.activity_id for each in waits_for(content(**activities))} == awaited


async def test_those_are_noted_who_are_inside_in_that_run(club: Club, database: Database, reading: Reading) -> None:
    journey, other = publish(club), publish(club)
    inside(club, journey, "ann", "bob")
    inside(club, journey, "cy", activity=None)
    inside(club, journey, "dee", run="c" * 32)
    inside(club, other, "eve")

    await tell(database, club, journey, "ann", "ann", "cy", "dee", "eve", "nobody")
    await tell(database, club, "f" * 32, "bob")
    await tell(database, club, journey, "bob", event_type="_email.delivered")
    await reading.drain()

    assert wakes(club) == [(3, "ann")]


async def test_a_users_endpoints_wake_the_user(club: Club, database: Database, reading: Reading) -> None:
    journey = publish(club)
    club.execute("UPDATE journey_states SET is_of_users = true WHERE journey_id = %(id)s", {"id": journey})
    user = {"User": {"UserId": "ann"}}
    club.client.update_endpoint(ApplicationId=club.id, EndpointId="phone", EndpointRequest=user)
    inside(club, journey, "ann", "phone")

    await tell(database, club, journey, "phone")
    await reading.drain()

    assert wakes(club) == [(3, "ann")]


async def test_who_waits_is_due_once_it_was_told_of(club: Club, database: Database, reading: Reading) -> None:
    journey = publish(club)
    inside(club, journey, "ann", "bob")
    inside(club, journey, "cy", activity="w1")
    for each in ("ann", "bob", "cy"):
        club.client.update_endpoint(ApplicationId=club.id, EndpointId=each, EndpointRequest={})
    await tell(database, club, journey, "ann", "cy")
    await reading.drain()
    now = datetime.now(UTC)
    named = {"application_id": club.id, "journey_id": journey}

    async with database.transaction() as db:
        # Another lane, and somebody who has lost this one.
        await db.execute(Q.take_wakes, {**named, "lane": 3, "epoch": 1, "now": now})
        await db.execute(Q.take_wakes, {**named, "lane": 2, "epoch": 0, "now": now})
    untouched = wakes(club)
    async with database.transaction() as db:
        await db.execute(Q.take_wakes, {**named, "lane": 3, "epoch": 0, "now": now})

    assert (len(untouched), wakes(club)) == (2, [])
    due = {row["participant"]: row["due_at"] for row in club.execute("SELECT participant, due_at FROM visits", {})}
    assert due == {"ann": now, "bob": SOON, "cy": SOON}


async def test_people_are_found_by_their_keys_however_many_are_inside(club: Club, database: Database) -> None:
    journey = publish(club)
    inside(club, journey, *(f"e{number}" for number in range(50)))
    heard = [{"journey_id": journey, "run_id": RUN, "endpoint_key": f"e{number}"} for number in range(100)]
    parameters = {"application_id": club.id, "heard": json.dumps(heard)}
    explain = Query("explain", f"EXPLAIN (ANALYZE, TIMING OFF) {Q.insert_wakes.sql}")

    async with database.transaction() as db:
        _, rows = await db.together(ask_look_up(), (explain, parameters))

    plan = "\n".join(line for (line,) in rows)
    assert "Index Scan using visits_pkey" in plan, plan
    assert "participant = CASE" in plan.split("Filter")[0], plan
    assert "Seq Scan" not in plan

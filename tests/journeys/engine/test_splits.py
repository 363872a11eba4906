"""Splits in journeys that run: by data, by what was told of messages, now or in a while."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from repoint.contract.dates import format_instant
from repoint.db.queries import Query
from repoint.events.consume import Reading
from repoint.events.emit import Event, emit
from repoint.events.records import JourneyStep, Origin, Subject, service_record
from repoint.journeys.engine.loop import Engine
from repoint.settings import Settings
from tests.journeys.engine.conftest import Tour, mail, wait

HANDLERS = Path(__file__).parent.with_name("sending") / "handlers.py"
GOLD = {"UserAttributes": {"Plan": {"AttributeType": "INCLUSIVE", "Values": ["gold"]}}}
ENDS = {"yes": wait("P30D"), "no": wait("P30D")}


def was(event_type: str, of: str | None = "m1", **dimensions: Any) -> dict[str, Any]:
    """A SimpleCondition on events of a type."""
    named = {} if of is None else {"MessageActivity": of}
    wanted = {"EventType": {"DimensionType": "INCLUSIVE", "Values": [event_type]}, **dimensions}
    return {"EventCondition": {**named, "Dimensions": wanted}}


def split(*conditions: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A ConditionalSplit into `yes` and `no`."""
    condition = {"Conditions": list(conditions), "Operator": members.pop("operator", "ALL")}
    return {"ConditionalSplit": {"Condition": condition, "TrueActivity": "yes", "FalseActivity": "no", **members}}


def opened(tour: Tour, journey: str, who: str, activity: str = "m1", kind: str = "opened_notification") -> None:
    """An app tells that a notification of the journey was opened."""
    attributes = {
        "journey_id": journey,
        "journey_run_id": tour.runs(journey)[-1]["RunId"],
        "journey_activity_id": activity,
    }
    event = {"EventType": f"_journey.{kind}", "Timestamp": format_instant(datetime.now(UTC)), "Attributes": attributes}
    batch = {who: {"Endpoint": {}, "Events": {f"{who}-{kind}": event}}}
    tour.client.put_events(ApplicationId=tour.id, EventsRequest={"BatchItem": batch})


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Splits wait an hour for what is told of messages, and a quarter of one after custom ones."""
    functions = {"note": {"file": f"{HANDLERS}:note", "processes": 1}}
    changed = {"journey_event_wait_s": 3600, "journey_custom_event_wait_s": 900, "functions": functions}
    return Settings(**{**settings.model_dump(), **changed})


async def hear(tour: Tour) -> None:
    """Have the log read, and everything done that follows from it."""
    await tour.read_events()
    await tour.go()


async def test_who_is_a_member_or_matches_now_goes_one_way(tour: Tour) -> None:
    segment = tour.client.create_segment(
        ApplicationId=tour.id, WriteSegmentRequest={"Name": "gold", "Dimensions": GOLD}
    )
    segment_id = segment["SegmentResponse"]["Id"]
    tour.put("ann", User={"UserId": "ann", "UserAttributes": {"Plan": ["gold"]}})
    tour.put("bob")
    by_segment = tour.publish({"s1": split({"SegmentCondition": {"SegmentId": segment_id}}), **ENDS})
    by_data = tour.publish({"s1": split({"SegmentDimensions": GOLD}), **ENDS})

    await tour.go()

    assert await tour.inside(by_segment) == await tour.inside(by_data) == {"ann": "yes", "bob": "no"}
    assert (await tour.counts(by_data))["s1"] == {"ENDPOINT_ENTERED": 2, "Branch_TRUE": 1, "Branch_FALSE": 1}


async def test_nobody_is_a_member_of_a_segment_that_was_deleted(tour: Tour) -> None:
    segment = tour.client.create_segment(ApplicationId=tour.id, WriteSegmentRequest={"Name": "all of them"})
    segment_id = segment["SegmentResponse"]["Id"]
    tour.put("ann")
    activities = {"w1": wait("PT1H", "s1"), "s1": split({"SegmentCondition": {"SegmentId": segment_id}}), **ENDS}
    journey = tour.publish(activities)
    await tour.go()

    tour.client.delete_segment(ApplicationId=tour.id, SegmentId=segment_id)
    await tour.go(minutes=61)

    assert await tour.inside(journey) == {"ann": "no"}


async def test_all_endpoints_of_a_user_go_where_one_of_them_leads(tour: Tour) -> None:
    users = tour.client.create_segment(
        ApplicationId=tour.id, WriteSegmentRequest={"Name": "users", "Dimensions": GOLD}
    )["SegmentResponse"]["Id"]
    user = {"UserId": "ann", "UserAttributes": {"Plan": ["gold"]}}
    tour.put("ann-at-home", User=user)
    tour.put("ann-at-work", User=user, Location={"Country": "FI"})
    finns = {"Location": {"Country": {"DimensionType": "INCLUSIVE", "Values": ["FI"]}}}
    start = {"SegmentStartCondition": {"SegmentId": users}}
    journey = tour.publish({"s1": split({"SegmentDimensions": finns}), **ENDS}, StartCondition=start)

    await tour.go()

    assert await tour.inside(journey) == {"ann": "yes"}


async def test_having_been_sent_is_known_as_soon_as_somebody_comes_to_the_split(tour: Tour) -> None:
    tour.put("ann")
    tour.put("bob", ChannelType="SMS", Address="+14255550142")
    sent = was("_journey.send")
    journey = tour.publish({"m1": mail("s1"), "s1": split(sent, EvaluationWaitTime={"WaitFor": "PT0S"}), **ENDS})

    await tour.go()

    assert await tour.inside(journey) == {"ann": "yes", "bob": "no"}


async def test_who_opens_goes_on_at_once_and_the_others_after_an_hour(tour: Tour) -> None:
    for name in ("ann", "bob", "cy"):
        tour.put(name)
    journey = tour.publish({"m1": mail("s1"), "s1": split(was("_journey.opened_notification")), **ENDS})
    await tour.go()
    before = await tour.inside(journey)

    opened(tour, journey, "ann")
    opened(tour, journey, "bob", kind="received_background")
    opened(tour, journey, "cy", activity="m2")
    await hear(tour)
    then = await tour.inside(journey)
    await tour.go(minutes=59)
    later = await tour.inside(journey)
    await tour.go(minutes=61)

    assert before == {"ann": "s1", "bob": "s1", "cy": "s1"}
    assert then == later == {"ann": "yes", "bob": "s1", "cy": "s1"}
    assert await tour.inside(journey) == {"ann": "yes", "bob": "no", "cy": "no"}
    assert await tour.rows("SELECT * FROM journey_wakes") == []


async def test_what_is_told_while_a_split_is_decided_is_not_missed(tour: Tour) -> None:
    """The event is logged after the split was asked, and read before it is written that anybody waits."""
    tour.put("ann")
    journey = tour.publish({"m1": mail("s1"), "s1": split(was("_journey.opened_notification")), **ENDS})
    await tour.go()
    # As it was in between.
    await tour.rows("UPDATE visits SET is_waiting = false, waits_for_event = false RETURNING 1")
    opened(tour, journey, "ann")
    await tour.read_events()
    await tour.rows("UPDATE visits SET is_waiting = true, waits_for_event = true RETURNING 1")

    await tour.go()

    assert await tour.inside(journey) == {"ann": "yes"}


async def test_who_opens_goes_on_while_workers_move_others(tour: Tour) -> None:
    """Workers move people while the log is read, and events come in at whatever moment."""
    people = 60
    await tour.put_many(people)
    activities = {"m1": mail("s1"), "s1": split(was("_journey.opened_notification")), **ENDS}
    journey = tour.publish(activities, Limits={"MessagesPerSecond": 1000})
    working = [asyncio.create_task(each.run()) for each in (Engine(tour.context), Reading(tour.context))]
    sent = Query(
        "sent",
        """SELECT endpoint_key, record->'attributes'->>'journey_run_id' AS run_id FROM events
           WHERE event_type = '_journey.send' AND NOT endpoint_key = ANY(%(opened)s)""",
    )
    origin, has_opened = Origin("0" * 12, tour.id), list[str]()

    try:
        async with asyncio.timeout(60):
            while len(has_opened) < people or set((await tour.inside(journey)).values()) != {"yes"}:
                async with tour.database.transaction() as db:
                    rows = await db.rows(sent, {"opened": has_opened})
                    events = []
                    for row in rows:
                        attributes, now = JourneyStep(journey, row["run_id"], "m1").attributes(), datetime.now(UTC)
                        subject, kind = Subject.unknown(row["endpoint_key"]), "_journey.opened_notification"
                        record = service_record(origin, subject, kind, (now, now), attributes)
                        events.append(Event(tour.id, kind, now, record, row["endpoint_key"]))
                    await emit(db, events)
                has_opened += [row["endpoint_key"] for row in rows]
                await asyncio.sleep(0.01)
    finally:
        for task in working:
            task.cancel()
        await asyncio.wait(working)
    assert len(await tour.inside(journey)) == people


async def test_a_time_that_is_named_is_waited_for_in_full(tour: Tour) -> None:
    tour.put("ann")
    decided = split(was("_journey.opened_notification"), EvaluationWaitTime={"WaitFor": "PT2H"})
    journey = tour.publish({"m1": mail("s1"), "s1": decided, **ENDS})
    await tour.go()

    opened(tour, journey, "ann")
    await hear(tour)
    await tour.go(minutes=119)
    before = await tour.inside(journey)
    await tour.go(minutes=121)

    assert (before, await tour.inside(journey)) == ({"ann": "s1"}, {"ann": "yes"})


async def test_a_pause_stops_the_waiting_for_what_is_told(tour: Tour) -> None:
    tour.put("ann")
    activities = {"m1": mail("s1"), "s1": split(was("_journey.opened_notification")), **ENDS}
    journey = tour.publish(activities, RefreshFrequency="P1D")
    await tour.go(minutes=1)
    tour.set_state(journey, "PAUSED")
    # As if it had been half an hour ago.
    await tour.rows("UPDATE journey_states SET paused_at = paused_at - interval '30 minutes' RETURNING 1")
    opened(tour, journey, "ann", kind="received_background")
    await hear(tour)
    tour.set_state(journey, "ACTIVE")

    await tour.go(minutes=70)
    woken = await tour.inside(journey)
    await tour.go(minutes=95)

    assert (woken, await tour.inside(journey)) == ({"ann": "s1"}, {"ann": "no"})


async def test_what_a_function_answers_leads_further(tour: Tour) -> None:
    for name in ("ann", "bob"):
        tour.put(name)
    custom = {"DeliveryUri": "note", "EndpointTypes": ["EMAIL"], "NextActivity": "s1"}
    about_ann = was("nothing", of="c1", Attributes={"status": {"Values": ["ok"]}, "for": {"Values": ["ann"]}})
    journey = tour.publish({"c1": {"CUSTOM": custom}, "s1": split(about_ann), **ENDS})

    await tour.go()
    at_once = await tour.inside(journey)
    await tour.go(minutes=16)

    assert at_once == {"ann": "yes", "bob": "s1"}
    assert await tour.inside(journey) == {"ann": "yes", "bob": "no"}


async def test_what_is_answered_of_one_endpoint_is_enough_for_its_user(tour: Tour) -> None:
    users = tour.client.create_segment(
        ApplicationId=tour.id, WriteSegmentRequest={"Name": "users", "Dimensions": GOLD}
    )["SegmentResponse"]["Id"]
    user = {"UserId": "ann", "UserAttributes": {"Plan": ["gold"]}}
    for name in ("ann1", "ann2"):
        tour.put(name, User=user)
    custom = {"DeliveryUri": "note", "EndpointTypes": ["EMAIL"], "NextActivity": "s1"}
    start = {"SegmentStartCondition": {"SegmentId": users}}

    def about(name: str) -> dict[str, Any]:
        return split(was("nothing", of="c1", Attributes={"for": {"Values": [name]}}))

    journeys = [
        tour.publish({"c1": {"CUSTOM": custom}, "s1": about(name), **ENDS}, StartCondition=start)
        for name in ("ann1", "ann2", "ann3")
    ]
    await tour.go()

    assert [await tour.inside(each) for each in journeys] == [{"ann": "yes"}, {"ann": "yes"}, {"ann": "s1"}]


async def test_all_kinds_of_one_condition_must_hold(tour: Tour) -> None:
    for name in ("ann", "bob"):
        attributes = {"Name": [name], "Plan": ["gold" if name == "ann" else "tin"]}
        tour.put(name, User={"UserId": name, "UserAttributes": attributes})
    everybody = {"SegmentCondition": {"SegmentId": tour.segment_id}}
    all_kinds = {**was("_journey.send"), "SegmentDimensions": GOLD, **everybody}
    opens = {**was("_journey.opened_notification"), "SegmentDimensions": GOLD, **everybody}
    at_once = {"EvaluationWaitTime": {"WaitFor": "PT0S"}}
    first = tour.publish({"m1": mail("s1"), "s1": split(all_kinds, **at_once), **ENDS})
    second = tour.publish({"m1": mail("s1"), "s1": split(opens, **at_once), **ENDS})

    await tour.go()

    assert await tour.inside(first) == {"ann": "yes", "bob": "no"}
    assert await tour.inside(second) == {"ann": "no", "bob": "no"}


async def test_branches(tour: Tour) -> None:
    for name in ("ann", "bob", "cy"):
        tour.put(name, Attributes={"City": [{"ann": "Oslo", "bob": "Rome"}.get(name, "Bonn")]})
    cities = [{"SegmentDimensions": {"Attributes": {"City": {"Values": [each]}}}} for each in ("Oslo", "Rome")]
    branches = [{"Condition": each, "NextActivity": f"b{n}"} for n, each in enumerate(cities, 1)]
    multi = {"MultiCondition": {"Branches": branches, "DefaultActivity": "other"}}
    journey = tour.publish({"s1": multi, "b1": wait("P1D"), "b2": wait("P1D"), "other": wait("P1D")})

    await tour.go()

    assert await tour.inside(journey) == {"ann": "b1", "bob": "b2", "cy": "other"}
    assert (await tour.counts(journey))["s1"] == {
        "ENDPOINT_ENTERED": 3, "Branch_1": 1, "Branch_2": 1, "Branch_ELSE": 1,
    }  # fmt: skip

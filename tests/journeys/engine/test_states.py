"""Pausing, resuming, cancelling and deleting journeys, and what their participants notice of it."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from repoint.contract.dates import format_instant
from repoint.queue.worker import Worker
from tests.journeys.engine.conftest import Tour, mail, wait

DAILY = {"RefreshFrequency": "P1D"}


async def test_a_pause_stops_countdowns(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"w1": wait("PT1H", "m1"), "m1": mail()}, **DAILY)
    await tour.go()
    await pause(tour, journey, minutes=20)

    await tour.go(hours=5)
    assert await tour.inside(journey) == {"ann": "w1"}

    await resume(tour, journey, hours=10)
    await tour.go(hours=10, minutes=39)
    assert await tour.inside(journey) == {"ann": "w1"}

    await tour.go(hours=10, minutes=41)
    assert tour.addresses() == ["ann@example.com"]


async def test_an_instant_that_passed_in_a_pause_is_over_when_it_ends(tour: Tour) -> None:
    tour.put("ann")
    until = {"WaitTime": {"WaitUntil": format_instant(tour.began_at + timedelta(hours=1))}, "NextActivity": "m1"}
    journey = tour.publish({"w1": {"Wait": until}, "m1": mail()}, **DAILY)
    await tour.go()
    await pause(tour, journey, minutes=20)
    await tour.go(hours=5)
    assert tour.kept() == []

    await resume(tour, journey, hours=5)
    await tour.go(hours=5, minutes=1)

    assert tour.addresses() == ["ann@example.com"]


async def test_nobody_enters_in_a_pause(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"m1": mail()}, **DAILY)
    await tour.go()
    await pause(tour, journey, hours=1)
    tour.put("bob")

    await tour.go(days=1, minutes=1)
    assert tour.addresses() == ["ann@example.com"]
    assert (await tour.counts(journey))[""]["PAUSED"] == 2

    await resume(tour, journey, days=1, hours=1)
    await tour.go(days=1, hours=2)
    assert tour.addresses() == ["ann@example.com"]

    await tour.go(days=2, minutes=1)
    assert tour.addresses() == ["ann@example.com", "bob@example.com"]


async def test_a_cancelled_journey_lets_everybody_go(tour: Tour) -> None:
    await tour.put_many(30)
    journey = tour.publish({"w1": wait("PT1H", "m1"), "m1": mail()})
    await tour.go()

    tour.set_state(journey, "CANCELLED")
    await tour.go(minutes=1)

    assert await tour.inside(journey) == {}
    assert (await tour.counts(journey))[""]["CANCELLED"] == 30
    assert [run["Status"] for run in tour.runs(journey)] == ["CANCELLED"]
    await tour.go(hours=2)
    assert tour.kept() == []
    assert await tour.rows("SELECT 1 FROM journey_lanes") == []


async def test_a_deleted_journey_leaves_nothing_but_the_ledger(tour: Tour, worker: Worker) -> None:
    await tour.put_many(5)
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT1H", "m2"), "m2": mail()})
    await tour.go()

    tour.client.delete_journey(ApplicationId=tour.id, JourneyId=journey)
    await tour.go(minutes=1)
    await worker.drain()

    for table in ("visits", "journey_states", "journey_runs", "journey_sweeps", "journey_lanes", "journey_counts"):
        assert await tour.rows(f"SELECT 1 FROM {table}") == [], table  # noqa: S608 - names of tables
    assert len(await tour.ledger()) == 5
    await tour.go(hours=2)
    assert len(tour.kept()) == 5


async def test_a_journey_without_an_end_of_its_own_closes_with_its_entry(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"w1": wait("PT1H")})

    await tour.go()
    assert tour.state(journey) == "CLOSED"

    await tour.go(hours=2)
    assert tour.state(journey) == "COMPLETED"
    # Workers need not look at it any more.
    assert await tour.rows("SELECT 1 FROM journey_lanes") == []


async def test_after_its_end_a_journey_takes_nobody_in_and_those_inside_go_on(tour: Tour) -> None:
    tour.put("ann")
    ends_at = format_instant(tour.began_at + timedelta(days=1, hours=12))
    journey = tour.publish({"w1": wait("P2D", "m1"), "m1": mail()}, Schedule={"EndTime": ends_at}, **DAILY)
    await tour.go()
    assert tour.state(journey) == "ACTIVE"

    await tour.go(days=1, minutes=1)
    await tour.go(days=1, hours=13)
    assert tour.state(journey) == "CLOSED"
    tour.put("bob")
    await tour.go(days=3)

    assert tour.addresses() == ["ann@example.com"]
    assert tour.state(journey) == "COMPLETED"
    assert len(tour.runs(journey)) == 2


async def test_a_journey_is_over_540_days_after_it_began(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"m1": mail()}, RefreshFrequency="P90D")
    await tour.go()

    await tour.go(days=539)
    assert tour.state(journey) == "ACTIVE"

    await tour.go(days=541)
    assert tour.state(journey) == "COMPLETED"


async def test_deleted_endpoints_leave(tour: Tour) -> None:
    tour.put("ann")
    tour.put("bob")
    journey = tour.publish({"w1": wait("PT1H", "m1"), "m1": mail()})
    await tour.go()

    tour.client.delete_endpoint(ApplicationId=tour.id, EndpointId="bob")
    await tour.go(minutes=1)

    assert await tour.inside(journey) == {"ann": "w1"}
    assert (await tour.counts(journey))[""]["ENDPOINT_LEFT"] == 1
    await tour.go(hours=2)
    assert tour.addresses() == ["ann@example.com"]


async def test_users_leave_when_all_of_their_endpoints_are_deleted(tour: Tour) -> None:
    tour.put("ann")
    tour.put("bob")
    journey = tour.publish({"w1": wait("PT1H")})
    await tour.go()

    tour.client.delete_user_endpoints(ApplicationId=tour.id, UserId="bob")
    await tour.go(minutes=1)

    assert await tour.inside(journey) == {"ann": "w1"}


async def test_those_inside_go_on_when_the_segment_is_deleted(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"w1": wait("PT1H", "m1"), "m1": mail()}, **DAILY)
    await tour.go()

    tour.client.delete_segment(ApplicationId=tour.id, SegmentId=tour.segment_id)
    tour.put("bob")
    await tour.go(days=2)

    assert tour.addresses() == ["ann@example.com"]
    assert await tour.inside(journey) == {}


async def test_a_journey_that_is_over_cannot_be_changed(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"m1": mail()})
    await tour.go()

    with pytest.raises(ClientError, match="Journey in state COMPLETED can't be changed to CANCELLED"):
        tour.set_state(journey, "CANCELLED")


async def pause(tour: Tour, journey: str, **later: float) -> None:
    """PAUSED at a time of the test's clock, which the API does not go by."""
    tour.set_state(journey, "PAUSED")
    at = tour.began_at + timedelta(**later)
    await tour.rows("UPDATE journey_states SET paused_at = %(at)s, look_at = %(at)s RETURNING 1", at=at)
    await tour.go(**later)


async def resume(tour: Tour, journey: str, **later: float) -> None:
    """ACTIVE again, at a time of the test's clock."""
    [row] = await tour.rows("SELECT paused_at FROM journey_states")
    at = tour.began_at + timedelta(**later)
    await tour.rows("UPDATE journey_states SET paused_at = now() RETURNING 1")
    tour.set_state(journey, "ACTIVE")
    await tour.rows(
        "UPDATE journey_states SET paused_for = %(paused)s, look_at = %(at)s RETURNING 1",
        paused=at - row["paused_at"],
        at=at,
    )

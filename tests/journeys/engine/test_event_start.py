"""Journeys that events let endpoints into: who enters for which event, how often, and until when."""

from datetime import UTC, datetime, timedelta
from typing import Any

from repoint.contract.dates import format_instant
from tests.journeys.engine.conftest import Tour, mail, wait


def on(event_type: str, segment_id: str | None = None) -> dict[str, Any]:
    """A StartCondition."""
    dimensions = {"EventType": {"DimensionType": "INCLUSIVE", "Values": [event_type]}}
    filter_type = "SYSTEM" if event_type[0] == "_" else "ENDPOINT"
    start: dict[str, Any] = {"EventFilter": {"FilterType": filter_type, "Dimensions": dimensions}}
    return {"EventStartCondition": start | ({} if segment_id is None else {"SegmentId": segment_id})}


def report(tour: Tour, who: str, *event_types: str, **endpoint: Any) -> None:
    """PutEvents about one endpoint, each call with events of its own."""
    now = datetime.now(UTC)
    events = {f"{now}{n}": {"EventType": each, "Timestamp": format_instant(now)} for n, each in enumerate(event_types)}
    batch = {who: {"Endpoint": endpoint, "Events": events}}
    tour.client.put_events(ApplicationId=tour.id, EventsRequest={"BatchItem": batch})


async def hear(tour: Tour, **later: float) -> None:
    """Have the log read, and everything done that follows from it."""
    await tour.read_events()
    await tour.go(**later)


async def test_an_event_lets_its_endpoint_in(tour: Tour) -> None:
    tour.put("ann")
    tour.put("bob")
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT1H")}, StartCondition=on("bought"))
    await tour.go()
    before = tour.state(journey)

    report(tour, "ann", "bought")
    report(tour, "bob", "looked")
    await hear(tour)

    assert (before, tour.state(journey)) == ("ACTIVE", "ACTIVE")
    assert tour.addresses() == ["ann@example.com"]
    assert await tour.inside(journey) == {"ann": "w1"}
    assert (await tour.counts(journey))[""] == {"ENDPOINT_PRODUCED": 1, "ENDPOINT_ENTERED": 1}


async def test_all_entries_are_of_one_run(tour: Tour) -> None:
    for name in ("ann", "bob"):
        tour.put(name)
    journey = tour.publish({"m1": mail()}, StartCondition=on("bought"))
    await tour.go()

    report(tour, "ann", "bought")
    await hear(tour)
    report(tour, "bob", "bought")
    await hear(tour, hours=30)

    assert [run["Status"] for run in tour.runs(journey)] == ["RUNNING"]
    assert len({each["attributes"]["journey_run_id"] for each in tour.records("_journey.send")}) == 1
    assert tour.addresses() == ["ann@example.com", "bob@example.com"]


async def test_events_that_came_before_the_run_began_let_in_once_it_does(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT1H")}, StartCondition=on("bought"))

    report(tour, "ann", "bought")
    await hear(tour)

    assert await tour.inside(journey) == {"ann": "w1"}


async def test_nobody_enters_who_is_inside_or_has_been_often_enough(tour: Tour) -> None:
    tour.put("ann")
    activities = {"m1": mail("w1"), "w1": wait("PT1H")}
    once = tour.publish(activities, StartCondition=on("bought"))
    twice = tour.publish(activities, StartCondition=on("bought"), Limits={"EndpointReentryCap": 2})
    slowly = tour.publish(
        activities,
        StartCondition=on("bought"),
        Limits={"EndpointReentryCap": 0, "EndpointReentryInterval": "P1D"},
    )
    await tour.go()

    # The second of these finds her inside, the others after she has left.
    report(tour, "ann", "bought", "bought")
    await hear(tour)
    await tour.go(hours=2)
    report(tour, "ann", "bought", "bought")
    await hear(tour)
    await tour.go(hours=26)
    report(tour, "ann", "bought")
    await hear(tour)

    counts = {name: (await tour.counts(each))[""] for name, each in (("1", once), ("2", twice), ("0", slowly))}
    assert counts == {
        "1": {
            "ENDPOINT_PRODUCED": 5, "ENDPOINT_ENTERED": 1, "ENDPOINT_LEFT": 1, "ACTIVE_ENDPOINT_REJECTED": 1,
            "REENTRY_CAP_EXCEEDED": 3,
        },
        "2": {
            "ENDPOINT_PRODUCED": 5, "ENDPOINT_ENTERED": 2, "ENDPOINT_LEFT": 2, "ACTIVE_ENDPOINT_REJECTED": 2,
            "REENTRY_CAP_EXCEEDED": 1,
        },
        "0": {
            "ENDPOINT_PRODUCED": 5, "ENDPOINT_ENTERED": 2, "ENDPOINT_LEFT": 1, "ACTIVE_ENDPOINT_REJECTED": 1,
            "REENTRY_CAP_EXCEEDED": 2,
        },
    }  # fmt: skip


async def test_who_may_not_get_messages_does_not_enter(tour: Tour) -> None:
    tour.put("ann", OptOut="ALL")
    tour.put("bob", EndpointStatus="INACTIVE")
    tour.client.update_endpoint(ApplicationId=tour.id, EndpointId="cy", EndpointRequest={"Attributes": {"City": ["A"]}})
    oslo = {"Attributes": {"City": {"AttributeType": "INCLUSIVE", "Values": ["Oslo"]}}}
    segment = tour.client.create_segment(
        ApplicationId=tour.id, WriteSegmentRequest={"Name": "Oslo", "Dimensions": oslo}
    )
    tour.put("dee", Attributes={"City": ["Rome"]})
    tour.put("eve")
    start = on("bought", segment["SegmentResponse"]["Id"])
    journey = tour.publish({"w1": wait("PT1H")}, StartCondition=start)
    await tour.go()

    for name in ("ann", "bob", "cy", "dee", "eve", "nobody"):
        report(tour, name, "bought")
    await hear(tour)

    found = (await tour.counts(journey))[""]
    missing = found.pop("ENDPOINT_OPT_OUT")
    assert found == {
        "ENDPOINT_PRODUCED": 5, "ENDPOINT_ENTERED": 1, "ENDPOINT_INACTIVE": 1, "FILTERED_OUT_BY_SEGMENT": 1,
    }  # fmt: skip
    # Without an address somebody counts as opted out.
    assert missing == 2
    assert await tour.inside(journey) == {"eve": "w1"}


async def test_a_journey_ends_with_its_time_and_takes_in_what_came_before(tour: Tour) -> None:
    tour.put("ann")
    tour.put("bob")
    end = tour.began_at + timedelta(hours=1)
    journey = tour.publish({"w1": wait("PT2H")}, StartCondition=on("bought"), Schedule={"EndTime": format_instant(end)})
    await tour.go()

    report(tour, "ann", "bought")
    # Workers were away from before the event was read until after the end.
    await tour.go(hours=2)
    waiting = tour.state(journey)
    await hear(tour, hours=2, seconds=2)
    await tour.go(hours=2, seconds=4)
    closed = tour.state(journey), await tour.inside(journey)
    report(tour, "bob", "bought")
    await hear(tour, hours=3)
    await tour.go(hours=5)

    assert (waiting, closed) == ("ACTIVE", ("CLOSED", {"ann": "w1"}))
    assert (tour.state(journey), await tour.inside(journey)) == ("COMPLETED", {})
    assert [run["Status"] for run in tour.runs(journey)] == ["COMPLETED"]
    assert (await tour.counts(journey))[""] == {"ENDPOINT_PRODUCED": 1, "ENDPOINT_ENTERED": 1, "ENDPOINT_LEFT": 1}


async def test_nobody_enters_a_journey_that_was_cancelled(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"w1": wait("PT2H")}, StartCondition=on("bought"))
    await tour.go()
    report(tour, "ann", "bought")
    await tour.read_events()

    tour.set_state(journey, "CANCELLED")
    await tour.go()

    assert await tour.rows("SELECT * FROM visits") == await tour.rows("SELECT * FROM journey_arrivals") == []
    assert [run["Status"] for run in tour.runs(journey)] == ["CANCELLED"]


async def test_a_journey_does_not_let_anybody_in_by_what_it_sends(tour: Tour) -> None:
    tour.put("ann")
    unlimited = {"EndpointReentryCap": 0}
    own = tour.publish({"m1": mail()}, StartCondition=on("_journey.send"), Limits=unlimited)
    other = tour.publish({"m1": mail()}, StartCondition=on("bought"))
    await tour.go()

    report(tour, "ann", "bought")
    for _ in range(4):
        await hear(tour)

    # The other journey's message let her in, her own did not once more.
    assert [each["attributes"]["journey_id"] for each in tour.records("_journey.send")] == [other, own]
    assert len(tour.kept()) == 2

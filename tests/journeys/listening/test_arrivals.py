"""Which events let endpoints into journeys, as the reader of the log notes it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from repoint.contract.dates import format_instant
from repoint.db.pool import Database
from repoint.events.consume import Reading
from repoint.events.emit import Event, emit
from repoint.events.records import JourneyStep, Origin, Subject, service_record
from repoint.queue.tasks import TaskContext
from repoint.settings import Settings
from tests.journeys.conftest import WAIT, Club, after


@pytest.fixture
def reading(database: Database, settings: Settings) -> Reading:
    return Reading(TaskContext(database, settings, "worker"))


def on(event_type: str, segment_id: str | None = None, **dimensions: Any) -> dict[str, Any]:
    """A StartCondition."""
    wanted = {"EventType": {"Values": [event_type]}, **dimensions}
    filter_type = "SYSTEM" if event_type[0] == "_" else "ENDPOINT"
    start: dict[str, Any] = {"EventFilter": {"FilterType": filter_type, "Dimensions": wanted}}
    return {"EventStartCondition": start | ({} if segment_id is None else {"SegmentId": segment_id})}


def publish(club: Club, start: dict[str, Any], **members: Any) -> str:
    """A journey that events start."""
    return str(club.create(State="ACTIVE", StartCondition=start, **members)["Id"])


def report(club: Club, who: str, *event_types: str, endpoint: dict[str, Any] | None = None, **event: Any) -> None:
    """PutEvents about one endpoint."""
    events = {
        f"{who}{number}": {"EventType": each, "Timestamp": format_instant(datetime.now(UTC)), **event}
        for number, each in enumerate(event_types)
    }
    batch = {who: {"Endpoint": endpoint or {}, "Events": events}}
    club.client.put_events(ApplicationId=club.id, EventsRequest={"BatchItem": batch})


def arrivals(club: Club, journey_id: str) -> list[str]:
    """Who is to be let in, in the order in which they come."""
    sql = "SELECT endpoint_key FROM journey_arrivals WHERE journey_id = %(id)s ORDER BY position"
    return [row["endpoint_key"] for row in club.execute(sql, {"id": journey_id})]


def counts(club: Club, journey_id: str) -> dict[str, int]:
    """What was counted of those who were turned away."""
    sql = "SELECT counts FROM journey_counts WHERE journey_id = %(id)s"
    [found, *_] = [*(row["counts"] for row in club.execute(sql, {"id": journey_id})), {}]
    return dict(found)


async def test_each_event_that_matches_lets_its_endpoint_in(club: Club, reading: Reading) -> None:
    shoes = {"what": {"AttributeType": "INCLUSIVE", "Values": ["shoes", "boots"]}}
    dear = {"price": {"ComparisonOperator": "GREATER_THAN", "Value": 5}}
    journey = publish(club, on("bought", Attributes=shoes, Metrics=dear))
    other = publish(club, on("looked"))

    report(club, "Ann", "bought", "bought", Attributes={"what": "boots"}, Metrics={"price": 6})
    report(club, "bob", "bought", Attributes={"what": "hats"}, Metrics={"price": 6})
    report(club, "cy", "bought", Attributes={"what": "shoes"}, Metrics={"price": 5})
    report(club, "dee", "looked", Attributes={"what": "shoes"}, Metrics={"price": 6})
    await reading.drain()
    # A client's repeat.
    report(club, "Ann", "bought", Attributes={"what": "boots"}, Metrics={"price": 6})
    await reading.drain()

    assert (arrivals(club, journey), arrivals(club, other)) == (["ann", "ann"], ["dee"])


async def test_only_in_the_journeys_time(club: Club, reading: Reading) -> None:
    later = publish(club, on("bought"), Schedule={"StartTime": after(hours=1)})
    over, going = (publish(club, on("bought"), Schedule={"EndTime": after(hours=1)}) for _ in range(2))
    cancelled, draft = publish(club, on("bought")), club.create(StartCondition=on("bought"))["Id"]
    club.execute("UPDATE journey_states SET ends_at = now() WHERE journey_id = %(id)s", {"id": over})
    club.move(cancelled, "CANCELLED")

    report(club, "ann", "bought")
    await reading.drain()

    found = {
        name: arrivals(club, each) for name, each in locals().items() if name in {"later", "over", "cancelled", "draft"}
    }
    assert found == {"later": [], "over": [], "cancelled": [], "draft": []}
    assert arrivals(club, going) == ["ann"]


async def test_who_may_enter_is_asked_when_the_event_comes(club: Club, reading: Reading) -> None:
    rome = {"Attributes": {"City": {"AttributeType": "INCLUSIVE", "Values": ["Rome"]}}}
    segment = club.create_segment(Name="Rome", Dimensions=rome)
    journey = publish(club, on("bought", segment))
    romans = {"ChannelType": "EMAIL", "Address": "a@example.com", "Attributes": {"City": ["Rome"]}}

    report(club, "ann", "bought", endpoint=romans)
    report(club, "bob", "bought", endpoint={"ChannelType": "EMAIL", "Address": "b@example.com"})
    # Told of is the first that keeps somebody out.
    report(club, "cy", "bought", endpoint={"ChannelType": "EMAIL", "Address": "c@example.com", "OptOut": "ALL"})
    report(club, "nobody", "bought")
    await reading.drain()

    assert arrivals(club, journey) == ["ann"]
    assert counts(club, journey) == {"ENDPOINT_PRODUCED": 2, "FILTERED_OUT_BY_SEGMENT": 1, "ENDPOINT_OPT_OUT": 1}


async def test_nobody_enters_once_the_segment_is_gone(club: Club, reading: Reading) -> None:
    segment = club.create_segment(Name="all of them")
    journey = publish(club, on("bought", segment))
    report(club, "ann", "bought", endpoint={"ChannelType": "EMAIL", "Address": "a@example.com"})
    await reading.drain()

    club.client.delete_segment(ApplicationId=club.id, SegmentId=segment)
    report(club, "bob", "bought", endpoint={"ChannelType": "EMAIL", "Address": "b@example.com"})
    await reading.drain()

    assert arrivals(club, journey) == ["ann"]


async def test_what_a_journey_sends_does_not_let_anybody_into_it(
    club: Club, reading: Reading, database: Database
) -> None:
    own, other = publish(club, on("_email.delivered")), publish(club, on("_email.delivered"))
    opened = publish(club, on("_email.open"))
    origin, at = Origin("0" * 12, club.id), datetime.now(UTC)

    async with database.transaction() as db:
        for journey, event_type in ((own, "_email.delivered"), (opened, "_email.open")):
            attributes = JourneyStep(journey, "b" * 32, "mail").attributes()
            record = service_record(origin, Subject.unknown("ann"), event_type, (at, at), attributes)
            await emit(db, [Event(club.id, event_type, at, record, "ann")])
    await reading.drain()

    assert arrivals(club, own) == []
    assert arrivals(club, other) == ["ann"]
    # People opened it, which ends by itself.
    assert arrivals(club, opened) == ["ann"]


def test_the_log_is_read_only_for_journeys_that_need_it(club: Club) -> None:
    def readers() -> list[str]:
        return [row["name"] for row in club.execute("SELECT name FROM event_readers", {})]

    club.create(State="ACTIVE")
    before = readers()
    opened = {"EventCondition": {"Dimensions": {"EventType": {"Values": ["_email.open"]}}}}
    split = {"ConditionalSplit": {"Condition": {"Conditions": [opened]}, "TrueActivity": "w1"}}
    club.create(State="ACTIVE", StartActivity="s1", Activities={"s1": split, "w1": WAIT})

    assert (before, readers()) == ([], ["journeys"])

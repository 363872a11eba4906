"""Campaigns that events trigger: who gets a message for what, once for each event, in time or not at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.contract.dates import format_instant
from tests.campaigns.engine.conftest import Shop


def now(**later: float) -> datetime:
    return datetime.now(UTC) + timedelta(**later)


def on(
    event_type: str, start: datetime | None = None, end: datetime | None = None, **dimensions: Any
) -> dict[str, Any]:
    """A Schedule that waits for events of a type, from now for a month unless it says otherwise."""
    wanted = {"EventType": {"DimensionType": "INCLUSIVE", "Values": [event_type]}, **dimensions}
    return {
        "Frequency": "EVENT",
        "StartTime": format_instant(start or now(seconds=-1)),
        "EndTime": format_instant(end or now(days=30)),
        "EventFilter": {"FilterType": "SYSTEM" if event_type[0] == "_" else "ENDPOINT", "Dimensions": wanted},
    }


def report(
    shop: Shop, who: str, *events: dict[str, Any], endpoint: dict[str, Any] | None = None, first: str = "1"
) -> None:
    """PutEvents about one endpoint; ids of events count up from `first`."""
    batch = {
        str(number): {"Timestamp": format_instant(now()), **event} for number, event in enumerate(events, int(first))
    }
    item = {"Endpoint": endpoint or {}, "Events": batch}
    answer = shop.client.put_events(ApplicationId=shop.id, EventsRequest={"BatchItem": {who: item}})
    told = answer["EventsResponse"]["Results"][who]["EventsItemResponse"]
    assert {each["StatusCode"] for each in told.values()} == {202}


def bought(what: str = "shoes", price: float = 10) -> dict[str, Any]:
    return {"EventType": "bought", "Attributes": {"what": what}, "Metrics": {"price": price}}


async def settle(shop: Shop) -> None:
    """Have the log read and everything sent that follows from it."""
    await shop.read_events()
    await shop.run()


async def test_an_event_sends_to_who_reported_it_and_to_nobody_else(shop: Shop) -> None:
    shop.put("ann")
    shop.put("bob")
    campaign = shop.create(Schedule=on("bought"))
    scheduled = shop.state(campaign)
    await shop.run()

    report(shop, "ann", bought())
    report(shop, "bob", {"EventType": "looked"})
    await settle(shop)

    assert (scheduled, shop.state(campaign)) == ("SCHEDULED", "EXECUTING")
    assert shop.addresses() == ["ann@example.com"]
    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["TotalEndpointCount"]) == ("RUNNING", 1)
    assert activity["ScheduledStart"] == format_instant(now().replace(hour=0, minute=0, second=0, microsecond=0))


async def test_each_event_sends_once_and_a_days_events_are_one_activity(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create(Schedule=on("bought"))
    await shop.run()

    report(shop, "ann", bought(), bought())
    await settle(shop)
    report(shop, "ann", bought(), first="3")
    # A client that did not hear the answer.
    report(shop, "ann", bought(), bought())
    await settle(shop)
    under_way = shop.activities(campaign)
    await shop.run(now(days=1, minutes=2))

    assert len(shop.kept()) == 3
    assert await shop.ledger() == {"ann": ["SUCCESS"] * 3}
    assert [each["State"] for each in under_way] == ["RUNNING"]
    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["Result"], activity["SuccessfulEndpointCount"]) == ("COMPLETED", "SUCCESS", 3)
    assert activity["Id"] == under_way[0]["Id"]
    assert shop.state(campaign) == "EXECUTING"


async def test_each_day_has_an_activity_of_its_own(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create(Schedule=on("bought"))
    await shop.run()
    report(shop, "ann", bought())
    await settle(shop)
    await shop.rows("UPDATE campaign_runs SET scheduled_at = scheduled_at - interval '1 day' RETURNING 1")

    report(shop, "ann", bought(), first="2")
    await shop.read_events()
    await shop.run(now(minutes=2))

    found = [(each["State"], each["SuccessfulEndpointCount"]) for each in shop.activities(campaign)]
    assert found == [("RUNNING", 1), ("COMPLETED", 1)]


async def test_limits_hold_among_events_of_one_moment(shop: Shop) -> None:
    shop.put("ann")
    shop.put("bob")
    shop.create(Schedule=on("bought"), Limits={"Daily": 2})
    await shop.run()

    report(shop, "ann", bought(), bought(), bought())
    report(shop, "bob", bought())
    await settle(shop)

    ledger = {name: sorted(statuses) for name, statuses in (await shop.ledger()).items()}
    assert ledger == {"ann": ["DAILY_CAP", "SUCCESS", "SUCCESS"], "bob": ["SUCCESS"]}
    assert shop.addresses() == ["ann@example.com", "ann@example.com", "bob@example.com"]


async def test_who_is_held_out_of_a_campaign_stays_so_whatever_they_do(shop: Shop) -> None:
    await shop.put_many(100)
    campaign = shop.create(
        Schedule=on("bought"),
        HoldoutPercent=50,
        AdditionalTreatments=[{"SizePercent": 50}],
    )
    await shop.run()
    for number in range(1, 11):
        report(shop, f"e{number}", bought())

    await settle(shop)

    statuses = list(shop.statuses().values())
    assert len(statuses) == 10
    treatments = {each["TreatmentId"]: each for each in shop.activities(campaign)}
    assert statuses.count("HOLDOUT") == int(treatments["1"]["ExecutionMetrics"].get("TREATMENT_HOLDOUT", 0))
    assert statuses.count("SUCCESS") == treatments["1"]["SuccessfulEndpointCount"] == len(shop.kept())
    assert treatments["0"]["SuccessfulEndpointCount"] == 0


async def test_who_is_meant_is_asked_after_the_update_in_the_same_call(shop: Shop) -> None:
    dimensions = {"Attributes": {"City": {"AttributeType": "INCLUSIVE", "Values": ["Rome"]}}}
    segment = shop.client.create_segment(
        ApplicationId=shop.id, WriteSegmentRequest={"Name": "Rome", "Dimensions": dimensions}
    )
    campaign = shop.create(Schedule=on("bought"), SegmentId=segment["SegmentResponse"]["Id"])
    shop.put("ann")
    shop.put("bob", Attributes={"City": ["Rome"]})
    await shop.run()

    report(shop, "ann", bought(), endpoint={"Attributes": {"City": ["Rome"]}})
    report(shop, "bob", bought(), endpoint={"Attributes": {"City": ["Oslo"]}})
    report(shop, "new", bought(), endpoint={"ChannelType": "EMAIL", "Address": "new@example.com"})
    await settle(shop)

    assert shop.addresses() == ["ann@example.com"]
    [activity] = shop.activities(campaign)
    assert activity["ExecutionMetrics"] == {"ENDPOINT_PRODUCED": "3", "FILTERED_OUT_BY_SEGMENT": "2"}


async def test_attributes_and_metrics_of_the_event_must_all_match(shop: Shop) -> None:
    for name in ("ann", "bob", "cid", "dan"):
        shop.put(name)
    wanted: dict[str, Any] = {
        "Attributes": {"what": {"AttributeType": "INCLUSIVE", "Values": ["shoes", "hats"]}},
        "Metrics": {"price": {"ComparisonOperator": "GREATER_THAN", "Value": 20}},
    }
    shop.create(Schedule=on("bought", **wanted))
    await shop.run()

    report(shop, "ann", bought("shoes", 21))
    report(shop, "bob", bought("hats", 20))
    report(shop, "cid", bought("coats", 90))
    report(shop, "dan", {"EventType": "bought", "Attributes": {"what": "hats"}})
    await settle(shop)

    assert shop.addresses() == ["ann@example.com"]


async def test_an_event_older_than_five_minutes_expires(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create(Schedule=on("bought"))
    await shop.run()
    report(shop, "ann", bought())
    await shop.read_events()

    await shop.run(now(minutes=5, seconds=1))

    assert shop.kept() == []
    assert shop.statuses() == {"ann": "EXPIRED"}
    assert shop.activities(campaign)[0]["SuccessfulEndpointCount"] == 0


async def test_before_its_start_and_after_its_end_a_campaign_takes_no_events(shop: Shop) -> None:
    shop.put("ann")
    early = shop.create(Schedule=on("bought", start=now(hours=1)))
    over = shop.create(Schedule=on("bought", start=now(seconds=-50), end=now(seconds=-1)))

    report(shop, "ann", bought())
    await settle(shop)
    just = (shop.state(early), shop.state(over))
    await shop.run(now(minutes=1))
    later = shop.state(over)
    await shop.run(now(hours=1, seconds=1))
    begun = shop.state(early)
    await shop.run(now(days=31))

    assert shop.kept() == []
    assert just[0] == "SCHEDULED"
    assert (later, begun, shop.state(early)) == ("COMPLETED", "EXECUTING", "COMPLETED")
    assert shop.activities(early) == []


async def test_what_comes_between_the_start_and_the_engines_look_counts(shop: Shop) -> None:
    shop.put("ann")
    shop.create(Schedule=on("bought"))
    report(shop, "ann", bought())

    await settle(shop)

    assert shop.addresses() == ["ann@example.com"]


async def test_a_campaign_takes_no_events_while_it_is_paused(shop: Shop) -> None:
    for name in ("ann", "bob", "cid"):
        shop.put(name)
    campaign = shop.create(Schedule=on("bought"), IsPaused=True)
    report(shop, "ann", bought())
    await settle(shop)

    resumed = shop.update(campaign, IsPaused=False)
    report(shop, "bob", bought())
    await settle(shop)
    paused = shop.update(campaign, IsPaused=True)
    report(shop, "cid", bought())
    await settle(shop)

    assert (resumed["State"]["CampaignStatus"], paused["State"]["CampaignStatus"]) == ("EXECUTING", "PAUSED")
    assert shop.addresses() == ["bob@example.com"]


@pytest.mark.parametrize("event_type", ["_campaign.send", "_email.send"])
async def test_a_campaign_is_not_triggered_by_its_own_messages(shop: Shop, event_type: str) -> None:
    shop.put("ann")
    follower = shop.create(Schedule=on(event_type))
    other = shop.create()

    for _ in range(4):
        await settle(shop)

    assert sorted(each["attributes"]["campaign_id"] for each in shop.records()) == sorted([follower, other])

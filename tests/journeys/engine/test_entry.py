"""Who enters a journey, when, and how often."""

from datetime import timedelta
from typing import Any

import pytest

from repoint.contract.dates import format_instant
from repoint.endpoints.timezone import find_zone
from repoint.journeys.engine import entry
from tests.campaigns.engine.test_imported import imported, line
from tests.journeys.engine.conftest import Tour, mail, wait

ONLY_MAIL = {"m1": mail()}


async def test_who_does_not_enter_is_counted_with_the_reason(tour: Tour) -> None:
    tour.put("ann")
    tour.put("out", OptOut="ALL")
    tour.put("asleep", EndpointStatus="INACTIVE")
    tour.put("nowhere")
    tour.put("mute")
    await tour.rows("UPDATE endpoints SET address = NULL WHERE endpoint_key = 'nowhere' RETURNING 1")
    await tour.rows("UPDATE endpoints SET channel_type = NULL WHERE endpoint_key = 'mute' RETURNING 1")
    journey = tour.publish(ONLY_MAIL)

    await tour.go()

    assert (await tour.counts(journey))[""] == {
        "ENDPOINT_PRODUCED": 5,
        "ENDPOINT_ENTERED": 1,
        "ENDPOINT_LEFT": 1,
        "ENDPOINT_OPT_OUT": 1,
        "ENDPOINT_INACTIVE": 1,
        "ENDPOINT_MISSING_ADDRESS": 1,
        "ENDPOINT_MISSING_CHANNEL": 1,
    }


async def test_a_large_segment_enters_range_by_range(tour: Tour) -> None:
    await tour.put_many(4500)
    journey = tour.publish({"w1": wait("PT1H")})

    await tour.go()

    assert len(await tour.inside(journey)) == 4500
    assert (await tour.counts(journey))[""] == {"ENDPOINT_PRODUCED": 4500, "ENDPOINT_ENTERED": 4500}
    lanes = await tour.rows("SELECT lane, count(*) AS visits FROM visits GROUP BY lane")
    assert len(lanes) == 8
    assert min(row["visits"] for row in lanes) > 400


async def test_a_refresh_takes_in_who_has_come(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish(ONLY_MAIL, RefreshFrequency="PT1H")
    await tour.go()
    tour.put("bob")

    await tour.go(minutes=59)
    assert tour.addresses() == ["ann@example.com"]
    assert tour.state(journey) == "ACTIVE"

    await tour.go(minutes=61)
    assert tour.addresses() == ["ann@example.com", "bob@example.com"]
    assert [run["Status"] for run in tour.runs(journey)] == ["COMPLETED", "COMPLETED"]
    assert (await tour.counts(journey))[""]["REENTRY_CAP_EXCEEDED"] == 1


async def test_members_enter_again_as_often_as_they_may(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish(ONLY_MAIL, RefreshFrequency="PT1H", Limits={"EndpointReentryCap": 2})
    for hours in range(4):
        await tour.go(hours=hours, minutes=1)

    assert len(tour.kept()) == 2
    counts = (await tour.counts(journey))[""]
    assert (counts["ENDPOINT_ENTERED"], counts["REENTRY_CAP_EXCEEDED"]) == (2, 2)
    # Both are in the ledger, each in its run.
    assert await tour.ledger() == {"ann": ["SUCCESS", "SUCCESS"]}


async def test_members_enter_again_after_the_interval(tour: Tour) -> None:
    tour.put("ann")
    limits = {"EndpointReentryCap": 0, "EndpointReentryInterval": "PT90M"}
    tour.publish(ONLY_MAIL, RefreshFrequency="PT1H", Limits=limits)
    for hours in range(5):
        await tour.go(hours=hours, minutes=1)

    # At once, after two hours, and after four.
    assert len(tour.kept()) == 3


async def test_whoever_is_inside_does_not_enter_again(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"w1": wait("PT90M")}, RefreshFrequency="PT1H", Limits={"EndpointReentryCap": 0})
    for minutes in (1, 61, 100, 121):
        await tour.go(minutes=minutes)

    counts = (await tour.counts(journey))[""]
    assert (counts["ENDPOINT_ENTERED"], counts["ACTIVE_ENDPOINT_REJECTED"]) == (2, 1)


async def test_a_refresh_goes_by_the_segment_as_it_was(tour: Tour) -> None:
    tour.put("ann", Attributes={"City": ["Oslo"]})
    segment = people_in(tour, "Oslo")
    tour.publish(ONLY_MAIL, RefreshFrequency="PT1H", **start(segment))
    await tour.go()
    tour.put("bob", Attributes={"City": ["Rome"]})
    people_in(tour, "Rome", segment)

    await tour.go(minutes=61)

    assert tour.addresses() == ["ann@example.com"]


async def test_a_changed_segment_is_followed_at_once_if_that_is_wanted(tour: Tour) -> None:
    tour.put("ann", Attributes={"City": ["Oslo"]})
    segment = people_in(tour, "Oslo")
    journey = tour.publish(ONLY_MAIL, RefreshFrequency="P1D", RefreshOnSegmentUpdate=True, **start(segment))
    await tour.go()
    tour.put("bob", Attributes={"City": ["Rome"]})
    people_in(tour, "Rome", segment)

    await tour.go(minutes=1)

    assert tour.addresses() == ["ann@example.com", "bob@example.com"]
    assert len(tour.runs(journey)) == 2


async def test_users_move_together_when_the_segment_is_of_users(tour: Tour) -> None:
    user = {"UserId": "ann", "UserAttributes": {"Tier": ["gold"], "Name": ["Ann"]}}
    tour.put("phone", User=user, Address="ann1@example.com")
    tour.put("home", User=user, Address="ann2@example.com")
    tour.put("bob")
    segment = tour.client.create_segment(
        ApplicationId=tour.id,
        WriteSegmentRequest={"Name": "gold", "Dimensions": {"UserAttributes": {"Tier": {"Values": ["gold"]}}}},
    )["SegmentResponse"]["Id"]
    journey = tour.publish({"w1": wait("PT1H", "m1"), "m1": mail()}, **start(segment))

    await tour.go()
    assert await tour.inside(journey) == {"ann": "w1"}

    await tour.go(hours=2)
    assert tour.addresses() == ["ann1@example.com", "ann2@example.com"]
    counts = (await tour.counts(journey))[""]
    assert (counts["ENDPOINT_PRODUCED"], counts["ENDPOINT_ENTERED"], counts["DUPLICATE_USER"]) == (2, 1, 1)


async def test_in_local_time_everybody_enters_by_their_own_clock(tour: Tour) -> None:
    for name, zone in (("east", "Asia/Tokyo"), ("west", "America/New_York"), ("lost", None)):
        tour.put(name, Demographic={} if zone is None else {"Timezone": zone})
    # Two hours from now where it is latest of those two.
    starts_at = in_zone(tour, "Asia/Tokyo") + timedelta(hours=2)
    schedule = {"StartTime": format_instant(starts_at), "Timezone": "UTC+09"}
    journey = tour.publish(ONLY_MAIL, LocalTime=True, Schedule=schedule)

    await tour.go(minutes=119)
    assert tour.kept() == []

    await tour.go(minutes=121)
    assert tour.addresses() == ["east@example.com"]
    assert tour.state(journey) == "ACTIVE"

    away = in_zone(tour, "Asia/Tokyo") - in_zone(tour, "America/New_York")
    await tour.go(minutes=121 + away.total_seconds() / 60)
    assert tour.addresses() == ["east@example.com", "west@example.com"]
    assert tour.state(journey) == "COMPLETED"
    counts = (await tour.counts(journey))[""]
    assert (counts["ENDPOINT_MISSING_TIMEZONE"], counts["ENDPOINT_ENTERED"]) == (1, 2)


async def test_imported_members_that_are_no_endpoints_go_through(tour: Tour) -> None:
    segment = await imported(tour, line("ann"), line("bob"), RegisterEndpoints=False)
    journey = tour.publish({"w1": wait("PT1H", "m1"), "m1": mail()}, **start(segment))

    await tour.go()
    assert await tour.inside(journey) == {"ann": "w1", "bob": "w1"}

    await tour.go(hours=2)
    assert tour.addresses() == ["ann@example.com", "bob@example.com"]


async def test_an_imported_list_of_users_brings_users_in(tour: Tour) -> None:
    user = {"UserId": "ann", "UserAttributes": {"Name": ["Ann"]}}
    tour.put("phone", User=user, Address="ann1@example.com")
    tour.put("home", User=user, Address="ann2@example.com")
    tour.put("bob")
    segment = await imported(tour, {"User": {"UserId": "ann"}}, RegisterEndpoints=False)
    journey = tour.publish({"w1": wait("PT1H", "m1"), "m1": mail()}, **start(segment))

    await tour.go()
    assert await tour.inside(journey) == {"ann": "w1"}
    assert (await tour.counts(journey))[""] == {
        "ENDPOINT_PRODUCED": 2,
        "ENDPOINTS_FROM_USER": 2,
        "ENDPOINT_ENTERED": 1,
        "DUPLICATE_USER": 1,
    }

    await tour.go(hours=2)
    assert tour.addresses() == ["ann1@example.com", "ann2@example.com"]


async def test_a_sweep_that_fails_comes_again_later(tour: Tour, monkeypatch: pytest.MonkeyPatch) -> None:
    tour.put("ann")
    journey = tour.publish(ONLY_MAIL)

    async def fail(*_: object, **__: object) -> None:
        raise ValueError

    with monkeypatch.context() as patched:
        patched.setattr(entry, "member_documents", fail)
        await tour.go()
    assert tour.state(journey) == "ACTIVE"

    await tour.go(minutes=2)

    assert tour.addresses() == ["ann@example.com"]
    assert tour.state(journey) == "COMPLETED"


def start(segment_id: str) -> dict[str, Any]:
    """A StartCondition with this segment."""
    return {"StartCondition": {"SegmentStartCondition": {"SegmentId": segment_id}}}


def people_in(tour: Tour, city: str, segment_id: str | None = None) -> str:
    """A segment, new or changed."""
    request = {"Name": city, "Dimensions": {"Attributes": {"City": {"Values": [city]}}}}
    if segment_id is None:
        made = tour.client.create_segment(ApplicationId=tour.id, WriteSegmentRequest=request)
    else:
        made = tour.client.update_segment(ApplicationId=tour.id, SegmentId=segment_id, WriteSegmentRequest=request)
    return str(made["SegmentResponse"]["Id"])


def in_zone(tour: Tour, name: str) -> Any:
    """What clocks show there now, as if it were UTC."""
    shown = tour.began_at.astimezone(find_zone(name))
    return shown.replace(tzinfo=tour.began_at.tzinfo)

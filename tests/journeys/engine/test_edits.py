"""What a published journey notices of being edited (journeys.md sections 3 and 6)."""

from datetime import timedelta
from typing import Any

from repoint.contract.dates import format_instant
from tests.journeys.engine.conftest import Tour, mail, wait

TWICE = {"m1": mail("w1"), "w1": wait("PT2H", "m2"), "m2": mail()}
DAILY = {"RefreshFrequency": "P1D"}


def edit(tour: Tour, journey: str, **members: Any) -> None:
    """UpdateJourney with what the journey says, but for these members."""
    request = {**tour.journey(journey), **members}
    answer = tour.raw.send("PUT", f"/v1/apps/{tour.id}/journeys/{journey}", _wire(request))
    assert answer.status == 200, answer.body


def _wire(request: dict[str, Any]) -> dict[str, Any]:
    """A request without what only answers have, whose dates boto3 has read."""
    dates = {name: format_instant(date) for name, date in request.get("Schedule", {}).items() if date}
    told = {"Id", "ApplicationId", "CreationDate", "LastModifiedDate", "tags", "Schedule"}
    return {name: value for name, value in request.items() if name not in told} | {"Schedule": dates}


async def test_an_end_that_comes_nearer_is_kept(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish(TWICE, **DAILY)
    await tour.go()

    edit(tour, journey, Schedule={"EndTime": tour.began_at + timedelta(hours=1)})
    await tour.go(minutes=59)
    before = tour.state(journey)
    await tour.go(minutes=61)
    after = tour.state(journey)
    await tour.go(days=2)

    assert (before, after, tour.state(journey)) == ("ACTIVE", "CLOSED", "COMPLETED")
    assert len(tour.kept()) == 2
    assert len(tour.runs(journey)) == 1


async def test_an_end_that_goes_further_away_is_kept(tour: Tour) -> None:
    tour.put("ann")
    ends_at = tour.began_at + timedelta(hours=1)
    journey = tour.publish(TWICE, Schedule={"EndTime": format_instant(ends_at)}, **DAILY)
    await tour.go()

    edit(tour, journey, Schedule={"EndTime": ends_at + timedelta(days=1)})
    await tour.go(hours=2)

    assert tour.state(journey) == "ACTIVE"
    await tour.go(days=1, minutes=1)
    assert len(tour.runs(journey)) == 2


async def test_limits_that_change_hold_for_what_comes(tour: Tour) -> None:
    await tour.put_many(2)
    journey = tour.publish(TWICE, Limits={"TotalCap": 100}, **DAILY)
    await tour.go()

    edit(tour, journey, Limits={"TotalCap": 1})
    await tour.go(hours=3)

    assert len(tour.kept()) == 2
    assert (await tour.counts(journey))["m2"] == {"ENDPOINT_ENTERED": 2, "DAILY_CAP": 2}

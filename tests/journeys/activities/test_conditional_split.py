"""Yes/no splits: by what was told of messages, by members and dimensions, and when."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.journeys.activities.kind import Move
from tests.journeys.splits import NOW, OTHER_RUN, Scene, split, visit, waiting, was


async def test_who_was_told_of_goes_one_way_and_the_others_the_other(scene: Scene) -> None:
    await scene.tell("ann", "_email.send", "_email.open")
    await scene.tell("bob", "_email.send")
    people = visit("ann"), visit("bob"), visit("cy")

    moves = await scene.decide(split(was("_email.open")), *people)

    assert moves == {
        "ann": Move("ann", ("Branch_TRUE",), "yes"),
        "bob": Move("bob", ("Branch_FALSE",), "no"),
        "cy": Move("cy", ("Branch_FALSE",), "no"),
    }


async def test_a_way_that_leads_nowhere_leaves_the_journey(scene: Scene) -> None:
    await scene.tell("ann", "_email.open")
    activity = split(was("_email.open"))
    del activity["ConditionalSplit"]["TrueActivity"]

    assert await scene.decide(activity, visit("ann")) == {"ann": Move("ann", ("Branch_TRUE",))}


async def test_only_what_the_activity_sent_in_this_run_since_entering_counts(scene: Scene) -> None:
    await scene.tell("other-activity", "_email.open", of="news")
    await scene.tell("other-run", "_email.open", run=OTHER_RUN)
    await scene.tell("before", "_email.open")
    await scene.tell("this", "_email.open")
    again = datetime.now(UTC) + timedelta(seconds=1)
    people = (visit("other-activity"), visit("other-run"), visit("before", entered_at=again, entries=2), visit("this"))

    ways = await scene.ways(split(was("_email.open")), *people)
    any_activity = await scene.ways(split(was("_email.open", of=None)), *people)

    assert ways == {"other-activity": "no", "other-run": "no", "before": "no", "this": "yes"}
    assert any_activity == {"other-activity": "yes", "other-run": "no", "before": "no", "this": "yes"}


async def test_a_clock_that_is_a_little_ahead_costs_nobody_its_events(scene: Scene) -> None:
    await scene.tell("ann", "_email.open")

    ahead = visit("ann", entered_at=datetime.now(UTC) + timedelta(seconds=5))

    assert await scene.ways(split(was("_email.open")), ahead) == {"ann": "yes"}


@pytest.mark.parametrize(
    ("wanted", "told", "way"),
    [
        ("_SMS.SUCCESS", "_SMS.SUCCESS", "yes"),
        ("_SMS.SUCCESS", "_SMS.BUFFERED", "no"),
        ("_journey.opened_notification", "_journey.opened_notification", "yes"),
        ("_journey.opened_notification", "_campaign.opened_notification", "yes"),
        ("_campaign.received_background", "_journey.received_background", "yes"),
        ("_journey.received_foreground", "_campaign.received_background", "no"),
        ("custom.event", "custom.event", "yes"),
    ],
)
async def test_types_of_events(scene: Scene, wanted: str, told: str, way: str) -> None:
    await scene.tell("ann", told)

    assert await scene.ways(split(was(wanted)), visit("ann")) == {"ann": way}


async def test_having_been_sent_means_with_success(scene: Scene) -> None:
    for who, status in (("ann", "SUCCESS"), ("bob", "DAILY_CAP")):
        await scene.tell(who, "_journey.send", journey_send_status=status)
    capped = was("_journey.send", Attributes={"journey_send_status": {"Values": ["DAILY_CAP"]}})

    assert await scene.ways(split(was("_journey.send")), visit("ann"), visit("bob")) == {"ann": "yes", "bob": "no"}
    assert await scene.ways(split(capped), visit("ann"), visit("bob")) == {"ann": "no", "bob": "yes"}


async def test_attributes_metrics_and_excluded_types(scene: Scene) -> None:
    await scene.tell("ann", "_email.click", feedback="https://a.example/shoes")
    await scene.tell("bob", "_email.click", feedback="https://a.example/hats", metrics={"price": 7})
    shoes = was("_email.click", Attributes={"feedback": {"AttributeType": "CONTAINS", "Values": ["shoes"]}})
    dear = was("_email.click", Metrics={"price": {"ComparisonOperator": "GREATER_THAN", "Value": 5}})
    other = {"EventCondition": {"Dimensions": {"EventType": {"DimensionType": "EXCLUSIVE", "Values": ["_email.open"]}}}}
    people = visit("ann"), visit("bob"), visit("cy")

    assert await scene.ways(split(shoes), *people) == {"ann": "yes", "bob": "no", "cy": "no"}
    assert await scene.ways(split(dear), *people) == {"ann": "no", "bob": "yes", "cy": "no"}
    assert await scene.ways(split(other), *people) == {"ann": "yes", "bob": "yes", "cy": "no"}


async def test_what_a_custom_channel_answered(scene: Scene) -> None:
    answered = was("looked at by nobody", of="call", Attributes={"status": {"Values": ["ok"]}})
    people = (
        visit("ann", answers={"call": [{"status": "ok", "more": "x"}]}),
        visit("bob", answers={"call": [{"status": "late"}]}),
        visit("cy", answers={"other": [{"status": "ok"}]}),
        visit("dee"),
    )

    assert await scene.ways(split(answered), *people) == {"ann": "yes", "bob": "no", "cy": "no", "dee": "no"}


async def test_more_events_of_one_endpoint_than_are_read_at_once(scene: Scene) -> None:
    await scene.tell("ann", *["_email.click"] * 230, feedback="a")
    await scene.tell("ann", "_email.click", feedback="b")
    await scene.tell("bob", *["_email.click"] * 200, feedback="a")
    clicked = was("_email.click", Attributes={"feedback": {"Values": ["b"]}})

    assert await scene.ways(split(clicked), visit("ann"), visit("bob")) == {"ann": "yes", "bob": "no"}


async def test_one_endpoint_of_a_user_is_enough(scene: Scene) -> None:
    await scene.tell("phone", "_email.open")

    assert await scene.ways(split(was("_email.open")), visit("ann", "mail", "phone"), visit("bob", "tablet")) == {
        "ann": "yes",
        "bob": "no",
    }


async def test_all_conditions_or_one_of_them(scene: Scene) -> None:
    await scene.tell("ann", "_email.open", "_email.click")
    await scene.tell("bob", "_email.open")
    both = was("_email.open"), was("_email.click")
    people = visit("ann"), visit("bob"), visit("cy")

    assert await scene.ways(split(*both), *people) == {"ann": "yes", "bob": "no", "cy": "no"}
    assert await scene.ways(split(*both, operator="ALL"), *people) == {"ann": "yes", "bob": "no", "cy": "no"}
    assert await scene.ways(split(*both, operator="ANY"), *people) == {"ann": "yes", "bob": "yes", "cy": "no"}


@pytest.mark.parametrize(
    "nothing", [[], [{}], [{"EventCondition": {}}], [{"EventCondition": {"MessageActivity": "mail"}}]]
)
async def test_nothing_asked_is_never_fulfilled(scene: Scene, nothing: list[dict[str, Any]]) -> None:
    await scene.tell("ann", "_email.open")

    assert await scene.ways(split(*nothing), visit("ann")) == {"ann": "no"}
    assert await scene.ways(split(*nothing, {}, operator="ANY"), visit("ann")) == {"ann": "no"}
    assert await scene.ways(split(was("_email.open"), *nothing, operator="ANY"), visit("ann")) == {"ann": "yes"}


async def test_without_a_time_of_its_own_a_split_waits_for_what_is_told(scene: Scene) -> None:
    patient = replace(scene, settings=scene.settings.model_copy(update={"journey_event_wait_s": 3600}))
    await scene.tell("ann", "_email.open")
    activity = split(was("_email.open"))
    until = NOW - timedelta(minutes=1) + timedelta(hours=1)
    bob = visit("bob", is_waiting=True, waits_until=until)

    first = await patient.decide(activity, visit("ann"), visit("bob"))
    told_of_something_else = await patient.decide(activity, bob, now=NOW + timedelta(minutes=5))
    last = await patient.decide(activity, bob, now=until)

    assert first["ann"] == Move("ann", ("Branch_TRUE",), "yes")
    assert first["bob"] == Move("bob", waits_until=until, waits_for_event=True)
    assert told_of_something_else["bob"] == first["bob"]
    assert last["bob"] == Move("bob", ("Branch_FALSE",), "no")


async def test_a_pause_puts_the_end_of_the_waiting_off(scene: Scene) -> None:
    patient = replace(scene, settings=scene.settings.model_copy(update={"journey_event_wait_s": 3600}))
    activity = split(was("_email.open"))
    until = NOW + timedelta(hours=5)
    bob = visit("bob", is_waiting=True, waits_until=until)

    woken = await patient.decide(activity, bob, now=NOW + timedelta(hours=3))
    last = await patient.decide(activity, bob, now=until)

    assert woken["bob"] == Move("bob", waits_until=until, waits_for_event=True)
    assert last["bob"] == Move("bob", ("Branch_FALSE",), "no")


async def test_how_long_is_waited_goes_by_the_message(scene: Scene) -> None:
    waits = {"journey_event_wait_s": 3600, "journey_custom_event_wait_s": 900}
    patient = replace(scene, settings=scene.settings.model_copy(update=waits))
    performed = {"mail": NOW - timedelta(minutes=30), "call": NOW - timedelta(minutes=1)}

    async def waits_until(*conditions: Any, **members: Any) -> datetime | None:
        [someone] = waiting([visit("ann", **{"performed": performed, **members})])
        return (await patient.decide(split(*conditions), someone))["ann"].waits_until

    assert await waits_until(was("_email.open")) == NOW + timedelta(minutes=30)
    assert await waits_until(was("x", of="call")) == NOW + timedelta(minutes=14)
    assert await waits_until(was("x", of=None)) == NOW + timedelta(minutes=30)
    assert await waits_until(was("x", of="call"), was("_email.open")) == NOW + timedelta(minutes=30)
    assert await waits_until(was("_email.open"), performed={}) is None
    assert await waits_until({}) is None


@pytest.mark.parametrize("wait", [{"WaitFor": "PT2H"}, {"WaitFor": "PT1M", "WaitUntil": "2099-01-01T00:00:00Z"}])
async def test_a_time_that_is_named_is_waited_for_in_full(scene: Scene, wait: dict[str, str]) -> None:
    await scene.tell("ann", "_email.open")
    activity = split(was("_email.open"), EvaluationWaitTime=wait)

    first = await scene.decide(activity, visit("ann"), visit("bob"))
    then = await scene.ways(activity, *waiting([visit("ann"), visit("bob")]))

    until = datetime(2099, 1, 1, tzinfo=UTC) if "WaitUntil" in wait else NOW + timedelta(hours=2)
    assert first == {who: Move(who, waits_until=until, is_absolute="WaitUntil" in wait) for who in ("ann", "bob")}
    assert then == {"ann": "yes", "bob": "no"}


async def test_a_time_in_the_past_and_none_at_all_wait_for_nothing(scene: Scene) -> None:
    patient = replace(scene, settings=scene.settings.model_copy(update={"journey_event_wait_s": 3600}))
    past = split(was("_email.open"), EvaluationWaitTime={"WaitUntil": "2020-01-01T00:00:00Z"})

    assert await patient.ways(past, visit("ann")) == {"ann": "no"}
    assert (await patient.decide(split(was("_email.open"), EvaluationWaitTime={}), visit("ann")))["ann"].waits_for_event


async def test_local_time(scene: Scene) -> None:
    at_nine = {"WaitUntil": "2099-01-01T09:00:00"}
    rome = {"ann": {"Id": "ann", "Demographic": {"Timezone": "Europe/Rome"}}}
    people = visit("ann", endpoints=rome), visit("bob")

    local = await scene.decide(split({}, EvaluationWaitTime=at_nine), *people, LocalTime=True)
    everywhere = await scene.decide(split({}, EvaluationWaitTime=at_nine), *people)

    nine = datetime(2099, 1, 1, 9, tzinfo=UTC)
    assert [local[who].waits_until for who in ("ann", "bob")] == [nine - timedelta(hours=1), nine]
    assert [everywhere[who].waits_until for who in ("ann", "bob")] == [nine, nine]

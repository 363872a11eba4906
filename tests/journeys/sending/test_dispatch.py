"""What holds a message back when it is about to go: times, caps, and channels that never repeat."""

from typing import Any

import pytest

from repoint.journeys.activities.messenger import Refusal
from tests.journeys.sending.conftest import NOON, Stage, at

EMAIL = {"EMAIL": {"TemplateName": "hello"}}
QUIET = {"QuietTime": {"Start": "11:00", "End": "13:00"}}
UTC = {"Demographic": {"Timezone": "UTC"}}


async def test_quiet_time_drops(stage: Stage) -> None:
    stage.put("ann", **UTC)
    stage.put("bob")
    stage.template()
    journey = await stage.journey(**EMAIL, **QUIET)

    played = await stage.play(stage.group(journey, ["ann", "bob"]))

    assert stage.statuses() == [("ann", "QUIET_TIME"), ("bob", "SUCCESS")]
    assert played.counts == {"QUIET_TIME": 1, "SUCCESS": 1}


async def test_quiet_time_of_the_application(stage: Stage) -> None:
    stage.put("ann", **UTC)
    stage.template()
    journey = await stage.journey(defaults=QUIET, **EMAIL)

    await stage.play(stage.group(journey, ["ann"]))

    assert stage.statuses() == [("ann", "QUIET_TIME")]


async def test_whoever_waits_is_held_and_then_told_of_twice(stage: Stage) -> None:
    stage.put("ann", **UTC)
    stage.template()
    journey = await stage.journey(**EMAIL, **QUIET, WaitForQuietTime=True)

    held = await stage.play(stage.group(journey, ["ann"]))
    waited = await stage.play(stage.group(journey, ["ann"], at("2031-01-10 13:01"), is_waiting=True))

    assert held.held == {"ann": at("2031-01-10 13:01")}
    assert held.counts == {}
    assert waited.counts == {"SUCCESS": 1}
    finished, sent = stage.records()
    assert finished["attributes"]["journey_send_status"] == "QUIET_TIME_WAIT_FINISHED"
    assert "journey_activity_type" not in finished["attributes"]
    assert sent["attributes"]["journey_send_status"] == "SUCCESS"
    assert len(stage.kept()) == 1


async def test_of_a_users_endpoints_those_go_that_may(stage: Stage) -> None:
    stage.put("here", **UTC)
    stage.put("there", Demographic={"Timezone": "Asia/Tokyo"})
    stage.template()
    journey = await stage.journey(**EMAIL, **QUIET, WaitForQuietTime=True)

    first = await stage.play(stage.group(journey, [["here", "there"]]))
    then = await stage.play(stage.group(journey, [["here", "there"]], at("2031-01-10 13:01"), is_waiting=True))

    assert (first.held, first.counts) == ({"here": at("2031-01-10 13:01")}, {"SUCCESS": 1})
    assert (then.held, then.counts) == ({}, {"SUCCESS": 1})
    assert stage.addresses() == ["here@example.com", "there@example.com"]


async def test_a_schedule_needs_a_zone_and_may_guess_it(stage: Stage) -> None:
    stage.put("ann")
    stage.put("bob", Location={"Country": "US", "PostalCode": "98101"})
    stage.put("cid", Location={"Country": "GBR", "PostalCode": "SW1A 1AA"})
    stage.template()
    # 2031-01-10 is a Friday; noon in London is four in the morning in Seattle.
    hours = {"EMAIL": {"FRIDAY": [{"StartTime": "08:00", "EndTime": "22:00"}]}}
    night = {"QuietTime": {"Start": "22:01", "End": "06:00"}}
    schedule: dict[str, Any] = {
        "SendingSchedule": True,
        "OpenHours": hours,
        "TimezoneEstimationMethods": ["PHONE_NUMBER", "POSTAL_CODE"],
    }
    journey = await stage.journey(**EMAIL, **night, **schedule, WaitForQuietTime=True)

    played = await stage.play(stage.group(journey, ["ann", "bob", "cid"]))

    assert stage.statuses() == [("ann", "QUIET_TIME_MISSING_TIMEZONE"), ("cid", "SUCCESS")]
    assert played.held == {"bob": at("2031-01-10 16:00")}
    assert played.counts == {"QUIET_TIME": 1, "SUCCESS": 1}


@pytest.mark.parametrize(
    ("limits", "defaults", "statuses"),
    [
        ({}, {}, ["SUCCESS", "SUCCESS", "SUCCESS"]),
        ({"DailyCap": 0}, {}, ["SUCCESS", "SUCCESS", "SUCCESS"]),
        ({"DailyCap": 1}, {}, ["SUCCESS", "DAILY_CAP", "SUCCESS"]),
        ({"TotalCap": 2}, {}, ["SUCCESS", "SUCCESS", "DAILY_CAP"]),
        ({"TimeframeCap": {"Cap": 1, "Days": 2}}, {}, ["SUCCESS", "DAILY_CAP", "DAILY_CAP"]),
        ({"TimeframeCap": {"Cap": 1, "Days": 0}}, {}, ["SUCCESS", "SUCCESS", "SUCCESS"]),
        # Of the application, unless the journey says something.
        ({}, {"JourneyLimits": {"DailyCap": 1}}, ["SUCCESS", "DAILY_CAP", "SUCCESS"]),
        ({}, {"JourneyLimits": {"TotalCap": 1}}, ["SUCCESS", "DAILY_CAP", "DAILY_CAP"]),
        ({"DailyCap": 0}, {"JourneyLimits": {"DailyCap": 1}}, ["SUCCESS", "SUCCESS", "SUCCESS"]),
        ({}, {"JourneyLimits": {"TimeframeCap": {"Cap": 1, "Days": 30}}}, ["SUCCESS", "DAILY_CAP", "DAILY_CAP"]),
        # With campaigns together, whatever the journey says.
        ({"DailyCap": 9}, {"Limits": {"Daily": 1}}, ["SUCCESS", "DAILY_CAP", "SUCCESS"]),
    ],
)
async def test_caps(stage: Stage, limits: dict[str, Any], defaults: dict[str, Any], statuses: list[str]) -> None:
    stage.put("ann")
    stage.template()
    journey = await stage.journey(defaults, **EMAIL, Limits=limits)
    moments = [NOON, at("2031-01-10 20:00"), at("2031-01-11 12:00")]

    for number, moment in enumerate(moments):
        await stage.play(stage.group(journey, ["ann"], moment, entries=number))

    told = [each["attributes"]["journey_send_status"] for each in stage.records()]
    assert told == statuses
    assert [each["status"] for each in await stage.ledger()] == statuses


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        # A journey's own count for themselves.
        ({"Limits": {"DailyCap": 1}}, {"Limits": {"DailyCap": 1}}, False),
        ({"defaults": {"JourneyLimits": {"DailyCap": 1}}}, {"defaults": {"JourneyLimits": {"DailyCap": 1}}}, True),
        (
            {"Limits": {"TimeframeCap": {"Cap": 1, "Days": 7}}},
            {"Limits": {"TimeframeCap": {"Cap": 1, "Days": 7}}},
            True,
        ),
        ({"defaults": {"JourneyLimits": {"TotalCap": 1}}}, {"defaults": {"JourneyLimits": {"TotalCap": 1}}}, False),
    ],
)
async def test_caps_of_all_journeys(
    stage: Stage,
    first: dict[str, Any],
    second: dict[str, Any],
    is_refused: bool,  # noqa: FBT001 - a table
) -> None:
    stage.put("ann")
    stage.template()
    journeys = [await stage.journey(**EMAIL, **members) for members in (first, second)]

    for number, journey in enumerate(journeys):
        await stage.play(stage.group(journey, ["ann"], entries=number))

    told = [status for _, status in stage.statuses()]
    assert told == (["DAILY_CAP", "SUCCESS"] if is_refused else ["SUCCESS", "SUCCESS"])


async def test_who_is_not_sent_to_takes_no_caps(stage: Stage) -> None:
    stage.put("ann", **UTC)
    stage.template()
    journey = await stage.journey(**EMAIL, **QUIET, Limits={"DailyCap": 1})

    await stage.play(stage.group(journey, ["ann"]))
    await stage.play(stage.group(journey, ["ann"], at("2031-01-10 14:00"), entries=2))

    assert stage.statuses() == [("ann", "QUIET_TIME"), ("ann", "SUCCESS")]


async def test_a_message_within_one_group_counts_for_the_next(stage: Stage) -> None:
    for name in ("a", "b"):
        stage.put(name)
    stage.template()
    journey = await stage.journey(**EMAIL, Limits={"DailyCap": 1})
    dispatch = await stage.dispatch(stage.group(journey, ["a", "b"]))

    first = await stage.decide(dispatch, NOON)
    second = await stage.decide(dispatch, NOON)

    assert [verdict for _, verdict in first] == [None, None]
    assert [verdict for _, verdict in second] == [Refusal("DAILY_CAP")] * 2


@pytest.mark.parametrize(
    ("moment", "at_most_once", "expected"),
    [
        (at("2031-01-10 14:00"), (), True),
        (at("2031-01-10 14:00"), ("SMS",), True),
        (at("2031-01-10 14:00"), ("EMAIL",), False),
        (NOON, (), False),
    ],
)
async def test_what_may_be_sent_again(stage: Stage, moment: Any, at_most_once: tuple[str, ...], expected: bool) -> None:  # noqa: FBT001 - a table
    stage.put("ann", **UTC)
    stage.template()
    stage.context.settings.__dict__["at_most_once_channels"] = at_most_once
    journey = await stage.journey(**EMAIL, **QUIET)
    dispatch = await stage.dispatch(stage.group(journey, ["ann"]), {"ann": "0102-known"})

    [attempt] = dispatch.attempts

    assert dispatch.may_repeat(attempt, moment) is expected

"""What journeys send, as the engine has it sent: held back by times and by caps, answered by custom channels."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from repoint.campaigns.engine.loop import Engine as CampaignEngine
from repoint.delivery import opened
from repoint.delivery.routing import Providers
from repoint.journeys.engine.loop import Engine
from tests.campaigns.engine.conftest import HELLO
from tests.campaigns.engine.test_exactness import Way
from tests.fixtures.receiver import Answer, Receiver
from tests.journeys.engine.conftest import Tour, mail, wait
from tests.journeys.engine.test_exactness import break_off, free

UTC = {"Demographic": {"Timezone": "UTC"}}


def sent(tour: Tour) -> list[tuple[str, str]]:
    """Endpoints and journey_send_status, in the order of the log."""
    records = tour.records("_journey.send")
    return [(each["client"]["client_id"], each["attributes"]["journey_send_status"]) for each in records]


def around(moment: datetime, *, minutes: int) -> dict[str, str]:
    """A QuietTime from now on, for so long."""
    end = moment + timedelta(minutes=minutes)
    return {"Start": f"{moment:%H:%M}", "End": f"{end:%H:%M}"}


def settle(tour: Tour, **settings: Any) -> None:
    tour.client.update_application_settings(ApplicationId=tour.id, WriteApplicationSettingsRequest=settings)


async def test_quiet_time_is_waited_for(tour: Tour) -> None:
    tour.put("ann", **UTC)
    tour.put("bob")
    quiet = around(tour.began_at, minutes=30)
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT1H")}, QuietTime=quiet, WaitForQuietTime=True)

    await tour.go(seconds=20)
    assert await tour.inside(journey) == {"ann": "m1", "bob": "w1"}
    assert sent(tour) == [("bob", "SUCCESS")]

    await tour.go(minutes=32)

    assert await tour.inside(journey) == {"ann": "w1", "bob": "w1"}
    assert sent(tour)[1:] == [("ann", "QUIET_TIME_WAIT_FINISHED"), ("ann", "SUCCESS")]
    assert (await tour.counts(journey))["m1"] == {"ENDPOINT_ENTERED": 2, "SUCCESS": 2}


async def test_quiet_time_drops_and_participants_move_on(tour: Tour) -> None:
    tour.put("ann", **UTC)
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT1H")}, QuietTime=around(tour.began_at, minutes=30))

    await tour.go(seconds=20)

    assert sent(tour) == [("ann", "QUIET_TIME")]
    assert await tour.inside(journey) == {"ann": "w1"}


async def test_users_endpoints_move_together_and_wait_for_each_other(tour: Tour) -> None:
    tour.put("here", Address="here@example.com", User={"UserId": "u1", "UserAttributes": {"Name": ["U"]}}, **UTC)
    tour.put("there", Address="there@example.com", User={"UserId": "u1"})
    tour.put("phone", ChannelType="SMS", Address="+14255550199", User={"UserId": "u1"})
    dimensions = {"UserAttributes": {"Name": {"Values": ["U"]}}}
    segment = tour.client.create_segment(
        ApplicationId=tour.id, WriteSegmentRequest={"Name": "users", "Dimensions": dimensions}
    )["SegmentResponse"]["Id"]
    journey = tour.publish(
        {"m1": mail("w1"), "w1": wait("PT1H")},
        StartCondition={"SegmentStartCondition": {"SegmentId": segment}},
        QuietTime=around(tour.began_at, minutes=30),
        WaitForQuietTime=True,
    )

    await tour.go(seconds=20)
    assert sorted(sent(tour)) == [("phone", "UNSUPPORTED_CHANNEL"), ("there", "SUCCESS")]
    assert list((await tour.inside(journey)).values()) == ["m1"]

    await tour.go(minutes=32)

    assert tour.addresses() == ["here@example.com", "there@example.com"]
    assert sent(tour)[2:] == [("here", "QUIET_TIME_WAIT_FINISHED"), ("here", "SUCCESS")]
    assert list((await tour.inside(journey)).values()) == ["w1"]


@pytest.mark.parametrize("is_first", [True, False], ids=["journey first", "campaign first"])
async def test_campaigns_and_journeys_count_together(tour: Tour, is_first: bool) -> None:  # noqa: FBT001 - a table
    settle(tour, Limits={"Daily": 1})
    tour.put("ann")
    journey = tour.publish({"m1": mail()})
    campaign = tour.create(MessageConfiguration=HELLO)
    # The journey keeps what it was published with, and so does the campaign.
    settle(tour, Limits={"Daily": 0})

    tour.set_clock(tour.began_at + timedelta(seconds=20))
    engines = [tour.go, CampaignEngine(tour.context).drain]
    for engine in engines if is_first else reversed(engines):
        await engine()

    assert tour.state(journey) == "COMPLETED"
    assert sent(tour) == [("ann", "SUCCESS" if is_first else "DAILY_CAP")]
    assert tour.statuses() == {"ann": "DAILY_CAP" if is_first else "SUCCESS"}
    assert campaign
    assert len(tour.kept()) == 1


@pytest.mark.parametrize(
    "limits", [{"DailyCap": 1}, {"TimeframeCap": {"Cap": 1, "Days": 7}}], ids=["daily", "timeframe"]
)
async def test_journeys_that_run_at_once_keep_a_limit_together(tour: Tour, limits: dict[str, Any]) -> None:
    settle(tour, JourneyLimits=limits)
    await tour.put_many(120)
    journeys = [tour.publish({"m1": mail()}, Limits={"MessagesPerSecond": 20_000}) for _ in range(2)]
    tour.set_clock(tour.began_at + timedelta(seconds=20))

    async with tour.other_worker() as other:
        await asyncio.gather(tour.go(), other.drain())
        await tour.go()

    assert [tour.state(journey) for journey in journeys] == ["COMPLETED", "COMPLETED"]
    told = Counter(status for _, status in sent(tour))
    assert told == {"SUCCESS": 120, "DAILY_CAP": 120}
    assert len(tour.kept()) == len(set(tour.addresses())) == 120


async def test_a_campaign_and_a_journey_that_run_at_once_keep_a_limit_together(tour: Tour) -> None:
    settle(tour, Limits={"Daily": 1})
    await tour.put_many(120)
    journey = tour.publish({"m1": mail()}, Limits={"MessagesPerSecond": 20_000})
    tour.create(MessageConfiguration=HELLO)
    tour.set_clock(tour.began_at + timedelta(seconds=20))

    await asyncio.gather(tour.go(), CampaignEngine(tour.context).drain())
    await tour.go()

    assert tour.state(journey) == "COMPLETED"
    told = Counter([*(status for _, status in sent(tour)), *tour.statuses().values()])
    assert told == {"SUCCESS": 120, "DAILY_CAP": 120}
    assert len(tour.kept()) == len(set(tour.addresses())) == 120


async def test_a_journey_counts_for_another_that_limits_what_all_send(tour: Tour) -> None:
    tour.put("ann")
    later = {"StartTime": tour.began_at + timedelta(minutes=10)}
    first = tour.publish({"m1": mail()})
    second = tour.publish({"m1": mail()}, Limits={"TimeframeCap": {"Cap": 1, "Days": 1}}, Schedule=later)

    await tour.go(seconds=20)
    await tour.go(minutes=11)

    assert [tour.state(each) for each in (first, second)] == ["COMPLETED", "COMPLETED"]
    assert sent(tour) == [("ann", "SUCCESS"), ("ann", "DAILY_CAP")]


async def test_what_a_custom_channel_answers_decides_a_split(tour: Tour, receiver: Receiver) -> None:
    def answer(received: Any) -> Answer:
        body = b'{"ann": {"EventAttributes": {"status": "ok"}}, "bob": {"EventAttributes": {"status": "no"}}}'
        return Answer(200, b"" if received.method == "HEAD" else body, {"X-Amz-Pinpoint-AccountId": "000000000000"})

    receiver.answer = answer
    tour.put("ann")
    tour.put("bob")
    dimensions = {"Attributes": {"status": {"Values": ["ok"]}}}
    condition = {"EventCondition": {"MessageActivity": "c1", "Dimensions": dimensions}}
    journey = tour.publish(
        {
            "c1": {"CUSTOM": {"DeliveryUri": receiver.url, "EndpointTypes": ["EMAIL"], "NextActivity": "s1"}},
            "s1": {"ConditionalSplit": {"Condition": {"Conditions": [condition]}, "TrueActivity": "m1"}},
            "m1": mail(),
        }
    )

    await tour.go(seconds=20)
    # Whoever waits for more to be told.
    await tour.go(minutes=20)

    assert tour.addresses() == ["ann@example.com"]
    assert (await tour.counts(journey))["s1"] == {"ENDPOINT_ENTERED": 2, "Branch_TRUE": 1, "Branch_FALSE": 1}


async def test_a_webhook_is_sent_the_payload_that_was_captured(tour: Tour, receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, headers={"X-Amz-Pinpoint-AccountId": "000000000000"})
    tour.put(
        "ep1",
        Attributes={},
        Metrics={"visits": 2.5},
        Demographic={"Make": "OnePlus", "Platform": "android"},
        Location={"Country": "NO", "City": "Oslo"},
        User={"UserId": "u1", "UserAttributes": {"Name": ["Ann"]}},
    )
    custom = {"DeliveryUri": receiver.url, "EndpointTypes": ["EMAIL"], "MessageConfig": {"Data": "{}"}}
    journey = tour.publish({"FLDOzTvdT7": {"CUSTOM": custom}})

    moment = tour.began_at + timedelta(seconds=20)
    await tour.go(seconds=20)

    [run] = tour.runs(journey)
    stored = tour.client.get_endpoint(ApplicationId=tour.id, EndpointId="ep1")["EndpointResponse"]
    [posted] = [each for each in receiver.received if each.method == "POST"]
    assert posted.body.decode() == (
        f'{{"Message":{{}},"Data":"{{}}","ApplicationId":"{tour.id}","JourneyId":"{journey}",'
        f'"JourneyRunId":"{run["RunId"]}","ActivityId":"FLDOzTvdT7","ScheduledTime":"{moment:%Y-%m-%dT%H:%M:%SZ}",'
        '"Endpoints":{"ep1":{"ChannelType":"EMAIL","Address":"ep1@example.com","EndpointStatus":"ACTIVE",'
        '"OptOut":"NONE","Location":{"City":"Oslo","Country":"NO"},'
        f'"Demographic":{{"Make":"OnePlus","Platform":"android"}},"EffectiveDate":"{stored["EffectiveDate"]}",'
        f'"Metrics":{{"visits":2.5}},"CreationDate":"{stored["CreationDate"]}",'
        '"User":{"UserId":"u1","UserAttributes":{"Name":["Ann"]}}}}}'
    )
    assert tour.state(journey) == "COMPLETED"


async def test_whoever_opts_out_inside_gets_nothing_more_and_moves_on(tour: Tour) -> None:
    tour.put("ann")
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT1H", "m2"), "m2": mail("w2"), "w2": wait("PT1H")})
    await tour.go(seconds=20)

    tour.put("ann", OptOut="ALL")
    await tour.go(minutes=70)

    assert sent(tour) == [("ann", "SUCCESS")]
    assert await tour.inside(journey) == {"ann": "w2"}
    assert (await tour.counts(journey))["m2"] == {"ENDPOINT_ENTERED": 1}


@pytest.mark.parametrize("is_careful", [False, True], ids=["sent again", "not sent again"])
async def test_a_users_held_endpoint_outlives_the_worker(
    tour: Tour,
    monkeypatch: pytest.MonkeyPatch,
    is_careful: bool,  # noqa: FBT001 - a table
) -> None:
    way = Way()
    monkeypatch.setitem(opened._opened, tour.database, cast("Providers", way))  # noqa: SLF001 - the fake has no settings
    tour.put("here", Address="here@example.com", User={"UserId": "u1", "UserAttributes": {"Name": ["U"]}}, **UTC)
    tour.put("there", Address="there@example.com", User={"UserId": "u1"})
    tour.put("phone", ChannelType="SMS", Address="+14255550199", User={"UserId": "u1"})
    dimensions = {"UserAttributes": {"Name": {"Values": ["U"]}}}
    segment = tour.client.create_segment(
        ApplicationId=tour.id, WriteSegmentRequest={"Name": "users", "Dimensions": dimensions}
    )["SegmentResponse"]["Id"]
    journey = tour.publish(
        {"m1": mail("w1"), "w1": wait("PT1H")},
        StartCondition={"SegmentStartCondition": {"SegmentId": segment}},
        QuietTime=around(tour.began_at, minutes=30),
        WaitForQuietTime=True,
    )
    tour.set_clock(tour.began_at + timedelta(seconds=20))
    await break_off(tour, way)
    await free(tour)
    once = frozenset({"EMAIL"}) if is_careful else frozenset()
    settings = tour.context.settings.model_copy(update={"at_most_once_channels": once})
    context = replace(tour.context, settings=settings)

    await Engine(context).drain()
    assert list((await tour.inside(journey)).values()) == ["m1"]
    tour.set_clock(tour.began_at + timedelta(minutes=32))
    await Engine(context).drain()

    assert way.sent == (["there@example.com"] if is_careful else ["there@example.com"] * 2) + ["here@example.com"]
    assert list((await tour.inside(journey)).values()) == ["w1"]
    assert [name for name, _ in sent(tour)].count("phone") == 1

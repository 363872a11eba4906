"""A journey from its publishing to its end: who gets what when, and where everybody is."""

from dataclasses import replace
from datetime import UTC, timedelta

from repoint.contract.dates import format_instant
from repoint.endpoints.timezone import find_zone
from repoint.settings import Settings
from tests.fixtures.mail_server import MailServer
from tests.journeys.engine.conftest import Tour, mail, wait


def send_by(tour: Tour, server: MailServer) -> None:
    """Have e-mail go to this server."""
    relay = {"kind": "email_smtp", "host": "127.0.0.1", "port": server.port, "tls": "none"}
    changed = {"providers": {"relay": relay}, "channel_providers": {"EMAIL": ["relay"]}}
    tour.context = replace(tour.context, settings=Settings(**{**tour.context.settings.model_dump(), **changed}))


async def test_a_journey_sends_waits_and_ends(tour: Tour) -> None:
    for name in ("ann", "bob"):
        tour.put(name)
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT1H", "m2"), "m2": mail()})

    await tour.go()

    assert tour.addresses() == ["ann@example.com", "bob@example.com"]
    assert await tour.inside(journey) == {"ann": "w1", "bob": "w1"}
    assert tour.state(journey) == "CLOSED"

    await tour.go(minutes=59)
    assert len(tour.kept()) == 2

    await tour.go(minutes=61)
    assert len(tour.kept()) == 4
    assert await tour.inside(journey) == {}
    assert tour.state(journey) == "COMPLETED"
    assert [run["Status"] for run in tour.runs(journey)] == ["COMPLETED"]
    assert await tour.counts(journey) == {
        "": {"ENDPOINT_PRODUCED": 2, "ENDPOINT_ENTERED": 2, "ENDPOINT_LEFT": 2},
        "m1": {"ENDPOINT_ENTERED": 2, "SUCCESS": 2},
        "m2": {"ENDPOINT_ENTERED": 2, "SUCCESS": 2},
        "w1": {"ENDPOINT_ENTERED": 2, "WAIT_STARTED": 2, "WAIT_FINISHED": 2},
    }


async def test_mail_then_a_split_then_a_text_message(tour: Tour) -> None:
    tour.client.update_sms_channel(ApplicationId=tour.id, SMSChannelRequest={"Enabled": True})
    tour.client.create_sms_template(TemplateName="hi", SMSTemplateRequest={"Body": "Hi {{User.UserAttributes.Name}}"})
    for name, city, number in (("ann", "Oslo", "+4790000001"), ("bob", "Rome", "+4790000002")):
        user = {"UserId": name, "UserAttributes": {"Name": [name.title()], "Tier": ["gold"]}}
        tour.put(name, User=user, Attributes={"City": [city]})
        tour.put(f"{name}-phone", User=user, ChannelType="SMS", Address=number, Attributes={"City": [city]})
    segment = tour.client.create_segment(
        ApplicationId=tour.id,
        WriteSegmentRequest={"Name": "gold", "Dimensions": {"UserAttributes": {"Tier": {"Values": ["gold"]}}}},
    )["SegmentResponse"]["Id"]
    in_oslo = {"SegmentDimensions": {"Attributes": {"City": {"Values": ["Oslo"]}}}}
    journey = tour.publish(
        {
            "m1": mail("w1"),
            "w1": wait("P1D", "split"),
            "split": {"ConditionalSplit": {"Condition": {"Conditions": [in_oslo]}, "TrueActivity": "text"}},
            "text": {"SMS": {"TemplateName": "hi"}},
        },
        StartCondition={"SegmentStartCondition": {"SegmentId": segment}},
    )

    server = MailServer()
    async with server.running():
        send_by(tour, server)
        await tour.go()
        assert sorted(each.recipient for each in server.received) == ["ann@example.com", "bob@example.com"]
        await tour.go(days=1, minutes=1)

    assert [(each["ChannelType"], each["Address"]) for each in tour.kept()] == [("SMS", "+4790000001")]
    assert tour.state(journey) == "COMPLETED"
    assert await tour.counts(journey) == {
        "": {"ENDPOINT_PRODUCED": 4, "ENDPOINT_ENTERED": 2, "ENDPOINT_LEFT": 2, "DUPLICATE_USER": 2},
        "m1": {"ENDPOINT_ENTERED": 2, "SUCCESS": 2, "UNSUPPORTED_CHANNEL": 2},
        "w1": {"ENDPOINT_ENTERED": 2, "WAIT_STARTED": 2, "WAIT_FINISHED": 2},
        "split": {"ENDPOINT_ENTERED": 2, "Branch_TRUE": 1, "Branch_FALSE": 1},
        "text": {"ENDPOINT_ENTERED": 1, "SUCCESS": 1, "UNSUPPORTED_CHANNEL": 1},
    }


async def test_random_splits_deal_by_their_percentages(tour: Tour) -> None:
    await tour.put_many(1000)
    branches = [{"Percentage": 20, "NextActivity": "w1"}, {"Percentage": 80}]
    journey = tour.publish({"split": {"RandomSplit": {"Branches": branches}}, "w1": wait("PT1H")})

    await tour.go()

    counts = await tour.counts(journey)
    assert 140 < counts["split"]["Branch_1"] < 260
    assert counts["split"]["Branch_1"] + counts["split"]["Branch_2"] == 1000
    assert counts["w1"]["ENDPOINT_ENTERED"] == len(await tour.inside(journey)) == counts["split"]["Branch_1"]
    assert counts[""]["ENDPOINT_LEFT"] == counts["split"]["Branch_2"]


async def test_holdouts_let_a_share_go(tour: Tour) -> None:
    await tour.put_many(1000)
    holdout = {"Holdout": {"Percentage": 30, "NextActivity": "w1"}}
    journey = tour.publish({"h1": holdout, "w1": wait("PT1H")})

    await tour.go()

    counts = await tour.counts(journey)
    assert 220 < counts["h1"]["HOLDOUT"] < 380
    assert counts["h1"]["HOLDOUT"] + counts["w1"]["ENDPOINT_ENTERED"] == 1000


async def test_a_date_that_has_passed_is_not_waited_for(tour: Tour) -> None:
    tour.put("ann")
    until = format_instant(tour.began_at + timedelta(minutes=1))
    passed = {"Wait": {"WaitTime": {"WaitUntil": until}, "NextActivity": "m1"}}
    journey = tour.publish({"w0": wait("PT1H", "w1"), "w1": passed, "m1": mail()})
    await tour.go()

    await tour.go(hours=2)

    assert tour.addresses() == ["ann@example.com"]
    assert (await tour.counts(journey))["w1"] == {"ENDPOINT_ENTERED": 1, "WAIT_STARTED": 1, "WAIT_SKIPPED": 1}


async def test_paths_may_join(tour: Tour) -> None:
    await tour.put_many(20)
    branches = [{"Percentage": 50, "NextActivity": "m1"}, {"Percentage": 50, "NextActivity": "w1"}]
    journey = tour.publish(
        {"split": {"RandomSplit": {"Branches": branches}}, "m1": mail("w1"), "w1": wait("PT1H", "m2"), "m2": mail()}
    )

    await tour.go()
    await tour.go(hours=2)

    first = (await tour.counts(journey)).get("m1", {}).get("SUCCESS", 0)
    assert len(tour.kept()) == 20 + first
    assert (await tour.counts(journey))["m2"]["SUCCESS"] == 20


async def test_without_a_dialer_every_call_fails(tour: Tour) -> None:
    tour.put("ann")
    settings = {"ConnectCampaignArn": f"arn:aws:connect-campaigns:us-east-1:{'0' * 12}:campaign/x"}
    settings["ConnectCampaignExecutionRoleArn"] = f"arn:aws:iam::{'0' * 12}:role/connect"
    tour.client.update_voice_channel(ApplicationId=tour.id, VoiceChannelRequest={"Enabled": True})
    journey = tour.publish(
        {"c1": {"ContactCenter": {"NextActivity": "m1"}}, "m1": mail()}, JourneyChannelSettings=settings
    )

    await tour.go()

    assert (await tour.counts(journey))["c1"] == {"ENDPOINT_ENTERED": 1, "DIAL_FAILURE": 1}
    assert tour.addresses() == ["ann@example.com"]


async def test_in_local_time_a_date_is_read_from_the_clocks_of_the_participant(tour: Tour) -> None:
    tour.put("east", Demographic={"Timezone": "Asia/Tokyo"})
    # Its zone is guessed.
    tour.put("west", Location={"Country": "US", "PostalCode": "10001"})
    east, west = (tour.began_at.astimezone(find_zone(name)) for name in ("Asia/Tokyo", "America/New_York"))
    until = (east + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S")
    waiting = {"Wait": {"WaitTime": {"WaitUntil": until}, "NextActivity": "m1"}}
    methods = ["POSTAL_CODE"]
    tour.publish({"w1": waiting, "m1": mail()}, LocalTime=True, TimezoneEstimationMethods=methods)
    await tour.go()

    await tour.go(minutes=119)
    assert tour.kept() == []

    await tour.go(minutes=121)
    assert tour.addresses() == ["east@example.com"]

    away = east.replace(tzinfo=UTC) - west.replace(tzinfo=UTC)
    await tour.go(minutes=121 + away.total_seconds() / 60)
    assert tour.addresses() == ["east@example.com", "west@example.com"]

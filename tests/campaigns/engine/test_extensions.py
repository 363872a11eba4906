"""What our own operations tell of campaigns: why who got what, what is in doubt, and how far a run is."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from repoint.campaigns.engine.loop import Engine
from repoint.campaigns.engine.start import start_due
from repoint.endpoints.key import cohort
from tests.campaigns.engine.conftest import HELLO, Shop


def why(shop: Shop, campaign_id: str, endpoint_id: str, query: str = "") -> dict[str, Any]:
    path = f"/repoint/v1/apps/{shop.id}/campaigns/{campaign_id}/endpoints/{endpoint_id}/why{query}"
    answer = shop.raw.send("GET", path)
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json
    return told


def reason(shop: Shop, campaign_id: str, endpoint_id: str) -> tuple[str, str]:
    """Why the campaign's only run has nothing for an endpoint."""
    [run] = why(shop, campaign_id, endpoint_id)["Runs"]
    assert run["Deliveries"] == []
    return run["Reason"], run["Text"]


def progress(shop: Shop, campaign_id: str, query: str = "") -> dict[str, Any]:
    answer = shop.raw.send("GET", f"/repoint/v1/apps/{shop.id}/campaigns/{campaign_id}/progress{query}")
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json
    return told


def put_of_cohorts(shop: Shop, first: int, count: int) -> list[str]:
    """So many endpoints of consecutive cohorts."""
    names = {cohort(shop.id, f"e{number}"): f"e{number}" for number in range(3000)}
    chosen = [names[number] for number in range(first, first + count)]
    for name in chosen:
        shop.put(name)
    return chosen


async def test_why_tells_what_the_ledger_says(shop: Shop) -> None:
    shop.put("Ann")
    shop.put("bob", OptOut="ALL")
    campaign = shop.create()
    await shop.run()

    ann, bob = why(shop, campaign, "ANN"), why(shop, campaign, "bob")

    assert (ann["EndpointId"], ann["Exists"], ann["TreatmentId"], ann["IsHeldOut"]) == ("Ann", True, "0", False)
    assert ann["Segment"]["IsMember"]
    [run] = ann["Runs"]
    [delivery] = run["Deliveries"]
    assert (run["State"], run["TreatmentId"], "Reason" in run) == ("COMPLETED", "0", False)
    assert run["ActivityId"] == shop.activities(campaign)[0]["Id"]
    assert delivery["MessageId"] == shop.kept()[0]["MessageId"]
    assert (delivery["Status"], delivery["ChannelType"], delivery["WasInDoubt"]) == ("SUCCESS", "EMAIL", False)
    assert delivery["Text"] == "the channel accepted the message"
    [delivery] = bob["Runs"][0]["Deliveries"]
    assert (delivery["Status"], delivery["Text"]) == ("ENDPOINT_OPT_OUT", "it has opted out of all messages")


async def test_why_tells_of_whom_the_ledger_knows_nothing(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create()
    await shop.run()
    shop.put("late")

    assert reason(shop, campaign, "late") == (
        "NOT_A_MEMBER_THEN",
        "it is a member of the segment now, and was none when the run came by",
    )
    assert reason(shop, campaign, "nobody") == ("NOT_THERE", "there is no such endpoint")
    assert not why(shop, campaign, "nobody")["Exists"]


async def test_why_tells_who_is_not_in_the_segment(shop: Shop) -> None:
    shop.put("ann", Attributes={"City": ["Rome"]})
    dimensions = {"Attributes": {"City": {"Values": ["Oslo"]}}}
    oslo = shop.client.create_segment(
        ApplicationId=shop.id, WriteSegmentRequest={"Name": "Oslo", "Dimensions": dimensions}
    )["SegmentResponse"]["Id"]
    campaign = shop.create(SegmentId=oslo)
    await shop.run()

    told = why(shop, campaign, "ann")

    assert reason(shop, campaign, "ann") == ("NOT_A_MEMBER", "it is not a member of the segment now")
    assert told["Segment"] == {"SegmentId": oslo, "Version": 1, "IsMember": False, "IsEligible": False}


async def test_why_tells_whose_treatment_an_endpoint_is(shop: Shop) -> None:
    [name] = put_of_cohorts(shop, 42, 1)
    campaign = shop.create(AdditionalTreatments=[{"SizePercent": 99, "MessageConfiguration": HELLO}])
    other = shop.create(HoldoutPercent=100)
    await shop.run()

    told, held_out = why(shop, campaign, name), why(shop, other, name)

    own = told["TreatmentId"]
    runs = {run["TreatmentId"]: run for run in told["Runs"]}
    assert told["CohortId"] == "42"
    [delivery] = runs.pop(own)["Deliveries"]
    assert delivery["Status"] == "SUCCESS"
    [(_, run)] = runs.items()
    assert (run["Reason"], run["Text"]) == ("OTHER_TREATMENT", f"by its cohort it belongs to treatment {own}")
    assert held_out["IsHeldOut"]
    assert "TreatmentId" not in held_out
    assert held_out["Runs"][0]["Deliveries"][0]["Status"] == "HOLDOUT"


async def test_why_tells_of_runs_to_come(shop: Shop) -> None:
    shop.put("ann")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    campaign = shop.create(Schedule={"StartTime": tomorrow})

    assert reason(shop, campaign, "ann") == ("NOT_STARTED", "the run has not started yet")
    assert why(shop, campaign, "ann")["Runs"][0]["State"] == "PENDING"


async def test_why_tells_of_time_zones_that_are_not_due(shop: Shop) -> None:
    shop.put("west", Demographic={"Timezone": "America/New_York"})
    shop.put("east", Demographic={"Timezone": "Asia/Tokyo"})
    shop.put("none")
    # 9 a.m. by every clock: in Tokyo at midnight UTC.
    start = (datetime.now(UTC) + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    schedule = {"StartTime": start.isoformat(), "IsLocalTime": True, "Timezone": "UTC+09"}
    campaign = shop.create(Schedule=schedule)
    await shop.run(start)

    name, text = reason(shop, campaign, "west")
    due_at = datetime.combine(start.date(), time(9), ZoneInfo("America/New_York")).astimezone(UTC)
    assert (name, text) == ("NOT_DUE", f"its time zone has its turn at {due_at:%Y-%m-%dT%H:%M}:00.000Z")
    assert why(shop, campaign, "east")["Runs"][0]["Deliveries"][0]["Status"] == "SUCCESS"
    assert why(shop, campaign, "none")["Runs"][0]["Deliveries"][0]["Status"] == "ENDPOINT_MISSING_TIMEZONE"
    shop.put("late", Demographic={"Timezone": "Europe/Rome"})
    assert reason(shop, campaign, "late") == ("NO_TURN", "its time zone has no turn in this run")


async def test_why_tells_where_a_run_is_that_goes_on(shop: Shop) -> None:
    for name in ("a", "b", "c", "d", "e"):
        shop.put(name)
    campaign = shop.create()
    await start(shop)

    assert reason(shop, campaign, "d") == ("NOT_REACHED", "the run goes on and has not come to it yet")
    # As a worker leaves it in the middle: b is on its way, c waits behind it, e is not cut off yet.
    await shop.rows("UPDATE campaign_sweeps SET cut_key = 'd' RETURNING 1")
    await shop.rows(
        """
        INSERT INTO campaign_batches (application_id, run_id, sweep, after_key, last_key, sending)
        SELECT application_id, run_id, 0, 'b', 'd', '[
            {"key": "b", "occurrence": 0, "message_id": "m", "channel": "EMAIL"}
        ]'
        FROM campaign_runs RETURNING 1
        """
    )
    assert [reason(shop, campaign, name)[0] for name in ("a", "b", "c", "d", "e")] == [
        "NOT_A_MEMBER_THEN",
        "ON_ITS_WAY",
        "WAITS_IN_BATCH",
        "WAITS_IN_BATCH",
        "NOT_REACHED",
    ]


async def start(shop: Shop) -> None:
    """Have the run of a campaign started and nothing sent."""
    assert await start_due(shop.context) == 1


async def test_why_tells_of_runs_that_ended_early(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create()
    await shop.run()
    await shop.rows("DELETE FROM deliveries RETURNING 1")
    await shop.rows("UPDATE campaign_runs SET state = 'CANCELLED', result = 'FAIL', reason = 'no more' RETURNING 1")

    assert reason(shop, campaign, "ann") == ("ENDED_EARLY", "the run ended before it came to it: no more")
    await shop.rows("UPDATE campaign_runs SET started_at = NULL RETURNING 1")
    assert reason(shop, campaign, "ann") == ("CANCELLED", "the run never started: no more")


async def test_why_tells_when_the_ledger_has_forgotten(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create()
    await shop.run()
    await shop.rows("DELETE FROM deliveries RETURNING 1")
    await shop.rows("UPDATE campaign_runs SET ended_at = now() - interval '92 days' RETURNING 1")

    assert reason(shop, campaign, "ann") == ("FORGOTTEN", "the ledger is kept for 91 days")


async def test_why_tells_what_holds_messages_back_now(shop: Shop) -> None:
    shop.put("ann", Demographic={"Timezone": "Europe/Rome"})
    quiet = {"Start": "00:00", "End": "23:59"}
    limited = shop.create(Limits={"Total": 1, "Daily": 2})
    await shop.run()
    silent = shop.create(Schedule={"StartTime": "IMMEDIATE", "QuietTime": quiet})
    shop.raw.send("PUT", "/repoint/v1/suppressions/EMAIL/Ann@example.com")

    assert why(shop, limited, "ann")["Now"] == {
        "IsQuietTime": False,
        "Caps": [
            {"Limit": "Total", "Scope": "CAMPAIGN", "Count": 1, "Most": 1, "IsReached": True},
            {"Limit": "Daily", "Scope": "CAMPAIGN", "Count": 1, "Most": 2, "IsReached": False},
        ],
        "Suppressed": "OPERATOR",
    }
    assert why(shop, silent, "ann")["Now"] == {"IsQuietTime": True, "Caps": [], "Suppressed": "OPERATOR"}


async def test_why_comes_in_pages(shop: Shop) -> None:
    shop.put("ann")
    begins = datetime.now(UTC).replace(microsecond=0)
    ends = (begins + timedelta(days=9)).isoformat()
    campaign = shop.create(Schedule={"StartTime": begins.isoformat(), "EndTime": ends, "Frequency": "DAILY"})
    await shop.run(begins)
    await shop.run(begins + timedelta(days=1))

    first = why(shop, campaign, "ann", "?page-size=2")
    second = why(shop, campaign, "ann", f"?page-size=2&token={first['NextToken']}")

    assert [run["State"] for run in first["Runs"]] == ["PENDING", "COMPLETED"]
    assert [run["State"] for run in second["Runs"]] == ["COMPLETED"]
    assert "NextToken" not in second


async def test_why_asks_for_a_campaign_that_there_is(shop: Shop) -> None:
    answer = shop.raw.send("GET", f"/repoint/v1/apps/{shop.id}/campaigns/{'0' * 32}/endpoints/ann/why")

    assert (answer.status, answer.json["Message"]) == (404, "Resource not found")


async def test_what_was_in_doubt_is_listed(shop: Shop) -> None:
    for name in ("Ann", "bob", "cid"):
        shop.put(name)
    campaign = shop.create()
    await start(shop)
    # As a worker leaves it that died with three messages on their way, one of them to somebody who has been deleted.
    await shop.rows(
        """
        INSERT INTO campaign_batches (application_id, run_id, sweep, after_key, sending)
        SELECT application_id, run_id, 0, 'bob', '[
            {"key": "ann", "occurrence": 0, "message_id": "m-1", "channel": "EMAIL"},
            {"key": "bob", "occurrence": 0, "message_id": "m-2", "channel": "EMAIL"},
            {"key": "gone", "occurrence": 0, "message_id": "m-3", "channel": "EMAIL"}
        ]'
        FROM campaign_runs RETURNING 1
        """
    )
    await shop.rows("UPDATE campaign_sweeps SET is_cut = true RETURNING 1")
    await shop.run()
    path = f"/repoint/v1/apps/{shop.id}"

    found = shop.raw.send("GET", f"{path}/campaigns/{campaign}/doubts").json
    first = shop.raw.send("GET", f"{path}/doubts?page-size=1").json
    second = shop.raw.send("GET", f"{path}/doubts?page-size=2&token={first['NextToken']}").json

    assert [(each["EndpointId"], each.get("ChannelType"), each["Status"]) for each in found["Item"]] == [
        ("Ann", "EMAIL", "SUCCESS"),
        ("bob", "EMAIL", "SUCCESS"),
        ("gone", "EMAIL", "UNKNOWN"),
    ]
    assert [each["MessageId"] for each in found["Item"]] == ["m-1", "m-2", "m-3"]
    assert found["Item"][0]["CampaignId"] == campaign
    assert found["Item"] == first["Item"] + second["Item"]
    assert "NextToken" not in second
    [delivery] = why(shop, campaign, "bob")["Runs"][0]["Deliveries"]
    assert (delivery["Status"], delivery["WasInDoubt"]) == ("SUCCESS", True)
    assert shop.raw.send("GET", f"{path}/campaigns/{'0' * 32}/doubts").status == 404


async def test_progress_of_a_campaign(shop: Shop) -> None:
    shop.put("ann")
    shop.put("bob", OptOut="ALL")
    campaign = shop.create()
    waiting = progress(shop, campaign)
    await start(shop)
    running = progress(shop, campaign, "?expected=true")
    await Engine(shop.context).drain()
    ended = progress(shop, campaign)

    assert (waiting["State"], waiting["Runs"], "NextStart" in waiting) == ("SCHEDULED", [], True)
    assert (running["State"], running["Members"], running["Eligible"]) == ("EXECUTING", 2, 1)
    assert (running["Runs"][0]["State"], running["Runs"][0]["Handled"]) == ("RUNNING", 0)
    [run] = ended["Runs"]
    del run["ActivityId"], run["ScheduledStart"]
    assert run == {
        "TreatmentId": "0",
        "State": "COMPLETED",
        "IsTriggered": False,
        "Handled": 2,
        "Total": 1,
        "Successful": 1,
        "Result": "SUCCESS",
    }
    assert (ended["State"], "NextStart" in ended, "Members" in ended) == ("COMPLETED", False, False)


async def test_progress_counts_what_batches_have_counted(shop: Shop) -> None:
    campaign = shop.create()
    await start(shop)
    await shop.rows(
        """
        INSERT INTO campaign_batches (application_id, run_id, sweep, after_key, counts)
        SELECT application_id, run_id, 0, key, '{"ENDPOINT_PRODUCED": 5, "TOTAL": 3, "SUCCESSFUL": 2}'
        FROM campaign_runs, unnest(ARRAY['a', 'b']) AS key RETURNING 1
        """
    )

    [run] = progress(shop, campaign)["Runs"]

    assert (run["Handled"], run["Total"], run["Successful"]) == (10, 6, 4)
    answer = shop.raw.send("GET", f"/repoint/v1/apps/{shop.id}/campaigns/{campaign}/progress?expected=yes")
    assert (answer.status, answer.json["Message"]) == (400, "Invalid expected: yes")


async def test_why_tells_of_each_event(shop: Shop) -> None:
    for name in ("ann", "bob"):
        shop.put(name)
    begins = datetime.now(UTC)
    dimensions = {"EventType": {"DimensionType": "INCLUSIVE", "Values": ["bought"]}}
    schedule = {
        "StartTime": begins.isoformat(),
        "EndTime": (begins + timedelta(days=1)).isoformat(),
        "Frequency": "EVENT",
        "EventFilter": {"FilterType": "ENDPOINT", "Dimensions": dimensions},
    }
    campaign = shop.create(Schedule=schedule)
    await shop.run()
    for event_id in ("e-1", "e-2"):
        event = {"EventType": "bought", "Timestamp": begins.isoformat()}
        item = {"Endpoint": {}, "Events": {event_id: event}}
        shop.client.put_events(ApplicationId=shop.id, EventsRequest={"BatchItem": {"ann": item}})
    await shop.read_events()

    assert reason(shop, campaign, "ann") == ("WAITS_IN_BATCH", "the run goes on, and a worker will come to it soon")
    await shop.run()
    [run] = why(shop, campaign, "ann")["Runs"]
    later, earlier = run["Deliveries"]
    assert (later["Status"], earlier["Status"]) == ("SUCCESS", "SUCCESS")
    assert later["Event"] > earlier["Event"] > 0
    assert reason(shop, campaign, "bob") == (
        "NOT_TRIGGERED",
        "no event of this endpoint triggered the campaign that day",
    )
    assert progress(shop, campaign)["Runs"][0]["IsTriggered"]

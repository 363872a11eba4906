"""Campaigns that change, or what they need does, before, between and during their runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from repoint.campaigns.engine import start
from tests.campaigns.engine.conftest import Shop, schedule

DAILY = schedule("2031-01-10 09:00", "DAILY", "2031-01-20 09:00")
SLOW = {"MessagesPerSecond": 1}


def told(headline: str) -> dict[str, Any]:
    """A message with this subject."""
    return {"EmailMessage": {"Title": headline, "HtmlBody": "<p>x</p>"}}


def headlines(shop: Shop) -> list[str]:
    return [each["Headline"] for each in shop.kept()]


async def test_pausing_lets_a_run_end_and_skips_those_that_follow(shop: Shop) -> None:
    for name in ("ann", "bob"):
        shop.put(name)
    campaign = shop.create(Schedule=DAILY, Limits=SLOW)
    await shop.run("2031-01-10 09:00")

    during = shop.update(campaign, IsPaused=True)
    await shop.let_pass()
    await shop.run("2031-01-10 09:01")
    paused = (shop.state(campaign), shop.states(campaign))
    await shop.run("2031-01-11 09:00")

    assert (during["State"]["CampaignStatus"], during["IsPaused"]) == ("EXECUTING", True)
    assert paused == ("PAUSED", [("2031-01-10T09:00", "COMPLETED")])
    assert (shop.state(campaign), shop.states(campaign)) == paused
    assert len(shop.kept()) == 2


async def test_resuming_takes_up_the_next_slot(shop: Shop) -> None:
    shop.put("ann")
    now = datetime.now(UTC)
    campaign = shop.create(Schedule=schedule(said(now), "HOURLY", said(now + timedelta(days=1))))
    await shop.run(now)
    shop.update(campaign, IsPaused=True)
    paused = [each["State"] for each in shop.activities(campaign)]

    resumed = shop.update(campaign, IsPaused=False)
    pending = shop.activities(campaign)[0]
    await shop.run(now + timedelta(hours=1))

    assert paused == ["COMPLETED"]
    assert resumed["State"]["CampaignStatus"] == "PENDING_NEXT_RUN"
    assert pending["ScheduledStart"][:19] == f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
    assert [each["State"] for each in shop.activities(campaign)] == ["PENDING", "COMPLETED", "COMPLETED"]
    assert shop.activities(campaign)[1]["Id"] == pending["Id"]
    assert len(shop.kept()) == 2


async def test_a_last_run_that_ends_while_the_campaign_is_paused_completes_it(shop: Shop) -> None:
    for name in ("ann", "bob"):
        shop.put(name)
    campaign = shop.create(Schedule=schedule("2031-01-10 09:00"), Limits=SLOW)
    await shop.run("2031-01-10 09:00")
    shop.update(campaign, IsPaused=True)

    await shop.let_pass()
    await shop.run()

    assert shop.state(campaign) == "COMPLETED"
    assert len(shop.kept()) == 2


async def test_a_campaign_that_is_deleted_stops_at_the_next_group(shop: Shop) -> None:
    for name in ("ann", "bob", "cid"):
        shop.put(name)
    campaign = shop.create(Limits=SLOW)
    await shop.run()

    answer = shop.client.delete_campaign(ApplicationId=shop.id, CampaignId=campaign)
    await shop.let_pass()
    await shop.run()

    assert answer["CampaignResponse"]["State"]["CampaignStatus"] == "DELETED"
    with pytest.raises(ClientError, match="Resource not found"):
        shop.state(campaign)
    assert shop.addresses() == ["ann@example.com"]
    [run] = await shop.rows("SELECT state, result, counts->>'SUCCESSFUL' AS sent FROM campaign_runs")
    assert run == {"state": "CANCELLED", "result": "FAIL", "sent": "1"}
    assert await shop.rows("SELECT 1 FROM campaign_batches") == []


async def test_a_campaign_goes_with_its_segment_and_runs_no_more(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create(Schedule=DAILY)
    await shop.run("2031-01-10 09:00")

    shop.client.delete_segment(ApplicationId=shop.id, SegmentId=shop.segment_id)
    await shop.run("2031-01-11 09:00")

    assert len(shop.kept()) == 1
    with pytest.raises(ClientError, match="Resource not found"):
        shop.state(campaign)


async def test_between_runs_segment_message_and_template_may_change(shop: Shop) -> None:
    shop.put("ann")
    shop.put("bob", Attributes={"City": ["Rome"]})
    shop.client.create_email_template(TemplateName="t", EmailTemplateRequest={"Subject": "one", "HtmlPart": "<p>x</p>"})
    everybody, rome = shop.segment_id, segment_of(shop, "Rome")
    named = shop.create(Schedule=DAILY, MessageConfiguration={}, TemplateConfiguration={"EmailTemplate": {"Name": "t"}})
    pinned = shop.create(
        Schedule=DAILY, MessageConfiguration={}, TemplateConfiguration={"EmailTemplate": {"Name": "t", "Version": "1"}}
    )
    inline = shop.create(Schedule=DAILY, MessageConfiguration=told("inline"))
    await shop.run("2031-01-10 09:00")
    first = headlines(shop)

    shop.client.update_email_template(
        TemplateName="t", EmailTemplateRequest={"Subject": "two", "HtmlPart": "<p>x</p>"}, CreateNewVersion=False
    )
    shop.update(inline, SegmentId=rome, MessageConfiguration=told("changed"))
    shop.client.update_segment(
        ApplicationId=shop.id, SegmentId=everybody, WriteSegmentRequest={"Name": "all", "Dimensions": city("Oslo")}
    )
    await shop.run("2031-01-11 09:00")
    second = headlines(shop)[len(first) :]
    shop.update(named, SegmentId=everybody, SegmentVersion=2)
    shop.client.delete_email_template(TemplateName="t")
    await shop.run("2031-01-12 09:00")

    assert sorted(first) == ["inline", "inline", "one", "one", "one", "one"]
    # A segment's version is the campaign's until it names another.
    assert sorted(second) == ["changed", "one", "one", "two", "two"]
    assert (shop.state(named), shop.state(pinned)) == ("INVALID", "PENDING_NEXT_RUN")
    assert sorted(headlines(shop)[len(first + second) :]) == ["changed", "one", "one"]


async def test_a_slot_that_has_had_its_run_is_not_run_again_under_another_schedule(shop: Shop) -> None:
    shop.put("ann")
    now = datetime.now(UTC)
    begin, end = said(now - timedelta(seconds=30)), said(now + timedelta(days=10))
    once = shop.create(Schedule=schedule(begin))
    daily = shop.create(Schedule=schedule(begin, "DAILY", end))
    await shop.run()

    shop.update(once, Schedule=schedule(begin, QuietTime={}))
    shop.update(daily, Schedule=schedule(begin, "DAILY", end, QuietTime={}))
    await shop.run()

    assert len(shop.kept()) == 2
    assert (shop.state(once), shop.state(daily)) == ("COMPLETED", "PENDING_NEXT_RUN")
    assert [state for _, state in shop.states(daily)] == ["PENDING", "COMPLETED"]


async def test_a_change_that_comes_while_a_run_is_being_started_counts(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.put("ann", Demographic={"Timezone": "Europe/Oslo"})
    campaign = shop.create(Schedule=schedule("2031-01-10 07:30", IsLocalTime=True, Timezone="UTC+01"))
    look_for_zones = start._zones  # noqa: SLF001 - between the reading of the campaign and the transaction

    async def change(*arguments: Any) -> list[str]:
        shop.update(campaign, MessageConfiguration=told("changed"))
        monkeypatch.setattr(start, "_zones", look_for_zones)
        return await look_for_zones(*arguments)

    monkeypatch.setattr(start, "_zones", change)

    await shop.run("2031-01-10 07:30")

    assert shop.state(campaign) == "COMPLETED"
    assert headlines(shop) == ["changed"]


async def test_a_campaign_that_cannot_be_started_keeps_no_other_from_it(shop: Shop) -> None:
    shop.put("ann")
    broken, sound = shop.create(MessageConfiguration=told("broken")), shop.create(MessageConfiguration=told("sound"))
    # As no check of ours lets it come in.
    await shop.rows("UPDATE documents SET document = document - 'Schedule' WHERE id = %(id)s RETURNING 1", id=broken)

    await shop.run()

    assert headlines(shop) == ["sound"]
    assert shop.state(sound) == "COMPLETED"


async def test_a_template_that_goes_during_a_run_ends_it_with_what_was_counted(shop: Shop) -> None:
    for name in ("ann", "bob"):
        shop.put(name)
    shop.client.create_email_template(TemplateName="t", EmailTemplateRequest={"Subject": "S", "HtmlPart": "<p>x</p>"})
    campaign = shop.create(MessageConfiguration={}, TemplateConfiguration={"EmailTemplate": {"Name": "t"}}, Limits=SLOW)
    await shop.run()
    shop.client.delete_email_template(TemplateName="t")

    await shop.let_pass()
    await shop.run()

    assert shop.state(campaign) == "INVALID"
    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["Result"], activity["SuccessfulEndpointCount"]) == ("COMPLETED", "FAIL", 1)


async def test_who_goes_or_opts_out_during_a_run_gets_nothing(shop: Shop) -> None:
    for name in ("ann", "bob", "cid", "dan"):
        shop.put(name)
    shop.create(Limits=SLOW)
    await shop.run()

    shop.put("bob", OptOut="ALL")
    shop.client.delete_endpoint(ApplicationId=shop.id, EndpointId="cid")
    for _ in range(2):
        await shop.let_pass()
        await shop.run()

    assert shop.addresses() == ["ann@example.com", "dan@example.com"]
    assert await shop.ledger() == {"ann": ["SUCCESS"], "bob": ["ENDPOINT_OPT_OUT"], "dan": ["SUCCESS"]}


async def test_who_was_on_the_way_when_a_worker_died_is_listed_although_the_run_is_over(shop: Shop) -> None:
    for name in ("ann", "bob"):
        shop.put(name)
    campaign = shop.create(Limits=SLOW)
    await shop.run()
    message = '[{"key": "bob", "occurrence": 0, "message_id": "m", "channel": "EMAIL"}]'
    await shop.rows(
        "UPDATE campaign_batches SET sending = %(message)s, leased_until = NULL RETURNING 1", message=message
    )
    shop.client.delete_campaign(ApplicationId=shop.id, CampaignId=campaign)

    await shop.run()

    rows = await shop.rows("SELECT status, message_id FROM deliveries WHERE was_in_doubt")
    assert rows == [{"status": "UNKNOWN", "message_id": "m"}]


def said(moment: datetime) -> str:
    """As `schedule` takes it."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def city(name: str) -> dict[str, Any]:
    """Dimensions of who lives there."""
    return {"Attributes": {"City": {"AttributeType": "INCLUSIVE", "Values": [name]}}}


def segment_of(shop: Shop, name: str) -> str:
    """A segment of who lives there."""
    request = {"Name": name, "Dimensions": city(name)}
    made = shop.client.create_segment(ApplicationId=shop.id, WriteSegmentRequest=request)
    return str(made["SegmentResponse"]["Id"])

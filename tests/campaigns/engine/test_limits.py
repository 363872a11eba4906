"""What holds messages back when they are about to go out: quiet time, limits, durations, a pace."""

import asyncio
import time
from collections import Counter
from typing import Any

import pytest

from repoint.campaigns.engine import loop
from tests.campaigns.engine.conftest import Shop, schedule

NIGHT = {"Start": "21:00", "End": "08:00"}
OSLO = {"Timezone": "Europe/Oslo"}


def by_subject(shop: Shop) -> Counter[str]:
    return Counter(each["Headline"] for each in shop.kept())


def told(headline: str) -> dict[str, Any]:
    """A message with this subject."""
    return {"EmailMessage": {"Title": headline, "HtmlBody": "<p>x</p>"}}


def set_defaults(shop: Shop, **settings: Any) -> None:
    shop.client.update_application_settings(ApplicationId=shop.id, WriteApplicationSettingsRequest=settings)


async def test_quiet_time_drops_messages_by_the_clock_of_the_endpoint(shop: Shop) -> None:
    shop.put("oslo", Demographic=OSLO)
    shop.put("york", Demographic={"Timezone": "America/New_York"})
    shop.put("nowhere")
    slots = schedule("2031-01-10 20:00", "HOURLY", "2031-01-11 13:00", QuietTime=NIGHT)
    campaign = shop.create(Schedule=slots)

    # The last instant before quiet time in Oslo would be 20:59 there.
    await shop.run("2031-01-10 20:00")
    evening = shop.statuses()
    [_, activity] = shop.activities(campaign)

    assert evening == {"oslo": "QUIET_TIME", "york": "SUCCESS", "nowhere": "SUCCESS"}
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (3, 2)
    assert "QUIET_TIME" not in activity["ExecutionMetrics"]
    assert shop.addresses() == ["nowhere@example.com", "york@example.com"]


async def test_quiet_time_is_that_of_the_instant_of_sending(shop: Shop) -> None:
    shop.put("oslo", Demographic=OSLO)
    shop.create(Schedule=schedule("2031-01-10 19:30", QuietTime=NIGHT))

    await shop.run("2031-01-10 20:00")

    assert shop.statuses() == {"oslo": "QUIET_TIME"}


async def test_quiet_time_of_the_application_holds_unless_the_campaign_has_its_own(shop: Shop) -> None:
    set_defaults(shop, QuietTime=NIGHT)
    shop.put("oslo", Demographic=OSLO)
    slot = "2031-01-10 22:00"
    shop.create(Schedule=schedule(slot), MessageConfiguration=told("inherited"))
    shop.create(Schedule=schedule(slot, QuietTime={}), MessageConfiguration=told("none"))
    other = {"Start": "01:00", "End": "02:00"}
    shop.create(Schedule=schedule(slot, QuietTime=other), MessageConfiguration=told("own"))

    await shop.run(slot)

    assert by_subject(shop) == {"none": 1, "own": 1}


async def test_quiet_time_counts_for_total_and_not_for_daily(shop: Shop) -> None:
    shop.put("oslo", Demographic=OSLO)
    quiet = {"Start": "09:00", "End": "10:30"}
    total, daily = (
        shop.create(
            Schedule=schedule("2031-01-10 09:00", "HOURLY", "2031-01-10 12:00", QuietTime=quiet),
            Limits=limits,
            MessageConfiguration=told(name),
        )
        for name, limits in (("total", {"Total": 2}), ("daily", {"Daily": 1}))
    )

    # 9 a.m. in UTC is 10 a.m. in Oslo.
    for hour in ("09", "10", "11", "12"):
        await shop.run(f"2031-01-10 {hour}:00")

    rows = await shop.rows(
        "SELECT r.campaign_id, d.status FROM deliveries d JOIN campaign_runs r USING (application_id, run_id) "
        "ORDER BY d.decided_at"
    )
    found = {
        campaign: [row["status"] for row in rows if row["campaign_id"].hex == campaign] for campaign in (total, daily)
    }
    assert found[total] == ["QUIET_TIME", "SUCCESS", "CAMPAIGN_CAP", "CAMPAIGN_CAP"]
    assert found[daily] == ["QUIET_TIME", "SUCCESS", "DAILY_CAP", "DAILY_CAP"]


async def test_daily_is_a_window_of_24_hours(shop: Shop) -> None:
    shop.put("ann")
    shop.create(Schedule=schedule("2031-01-10 09:00", "HOURLY", "2031-01-12 12:00"), Limits={"Daily": 2})

    for moment in ("10 09:00", "10 15:00", "10 16:00", "11 08:00", "11 09:00", "11 10:00", "11 15:00"):
        await shop.run(f"2031-01-{moment}")

    assert await shop.ledger() == {
        "ann": ["SUCCESS", "SUCCESS", "DAILY_CAP", "DAILY_CAP", "SUCCESS", "DAILY_CAP", "SUCCESS"]
    }


async def test_an_inherited_daily_counts_all_campaigns_and_an_own_one_its_own(shop: Shop) -> None:
    shop.create(Schedule=schedule("2031-01-10 08:00"), MessageConfiguration=told("before"))
    set_defaults(shop, Limits={"Daily": 2})
    shop.put("ann")
    for number, limits in enumerate(({}, {"Daily": 1}, {"Daily": 0}, {}, {"Total": 1})):
        slot = schedule(f"2031-01-10 09:0{number}")
        shop.create(Schedule=slot, Limits=limits, MessageConfiguration=told(f"{number}"))

    await shop.run("2031-01-10 08:00")
    for number in range(5):
        await shop.run(f"2031-01-10 09:0{number}")

    # Those without the limit count for those that have it.
    assert by_subject(shop) == {"before": 1, "0": 1, "1": 1, "2": 1}
    assert await shop.ledger() == {"ann": ["SUCCESS"] * 4 + ["DAILY_CAP"] * 2}


async def test_campaigns_that_run_at_once_keep_a_limit_together(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    # One campaign for each worker.
    monkeypatch.setattr(loop, "MOST_BATCHES", 1)
    set_defaults(shop, Limits={"Daily": 1})
    await shop.put_many(300)
    slot = "2031-01-10 09:00"
    campaigns = [shop.create(Schedule=schedule(slot), MessageConfiguration=told(name)) for name in ("one", "two")]
    shop.set_clock(slot)

    async with shop.another_worker() as other:
        await asyncio.gather(shop.run(), other.drain())
        # What one of them held when the other looked last.
        await shop.run()

    assert [shop.state(campaign) for campaign in campaigns] == ["COMPLETED", "COMPLETED"]
    ledger = await shop.ledger()
    assert len(ledger) == 300
    assert {tuple(sorted(statuses)) for statuses in ledger.values()} == {("DAILY_CAP", "SUCCESS")}
    assert len(shop.kept()) == len(set(shop.addresses())) == 300


async def test_what_is_left_when_the_longest_time_is_over_expires(shop: Shop) -> None:
    for name in ("ann", "bob", "cid"):
        shop.put(name)
    campaign = shop.create(
        Schedule=schedule("2031-01-10 09:00"), Limits={"MaximumDuration": 600, "MessagesPerSecond": 1}
    )

    await shop.run("2031-01-10 09:00")
    await shop.let_pass()
    await shop.run("2031-01-10 09:10")
    await shop.let_pass()
    await shop.run("2031-01-10 09:10:01")

    assert shop.statuses() == {"ann": "SUCCESS", "bob": "SUCCESS", "cid": "EXPIRED"}
    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["Result"], activity["SuccessfulEndpointCount"]) == ("COMPLETED", "SUCCESS", 2)
    assert activity["TotalEndpointCount"] == 3


async def test_messages_leave_no_faster_than_allowed(shop: Shop) -> None:
    await shop.put_many(41)
    shop.create(Limits={"MessagesPerSecond": 40})

    begun = time.monotonic()
    await shop.run()
    lasted_s = time.monotonic() - begun

    assert len(shop.kept()) == 41
    # The first four may leave at once.
    assert lasted_s > 36 / 40

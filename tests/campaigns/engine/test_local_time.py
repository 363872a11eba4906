"""Runs by recipients' own clocks: zone by zone, everybody once."""

from typing import Any

from tests.campaigns.engine.conftest import Shop, schedule


def lives(zone: str | None) -> dict[str, Any]:
    return {"Demographic": {} if zone is None else {"Timezone": zone}}


def counts(activity: dict[str, Any]) -> dict[str, str]:
    """Its metrics of time zones."""
    metrics = activity["ExecutionMetrics"]
    return {name.removeprefix("ENDPOINT_"): metrics[name] for name in metrics if "TIMEZONE" in name}


async def test_each_zone_has_its_turn_when_its_clocks_show_the_time(shop: Shop) -> None:
    shop.put("tokyo", **lives("Asia/Tokyo"))
    shop.put("oslo", **lives("Europe/Oslo"))
    shop.put("rome", **lives("Europe/Rome"))
    shop.put("york", **lives("America/New_York"))
    shop.put("nowhere", **lives(None))
    shop.put("nonsense", **lives("Mars/Olympus"))
    # 9 a.m. on the clocks of whoever is in UTC+09, then westwards around the world.
    campaign = shop.create(Schedule=schedule("2031-01-10 00:00", IsLocalTime=True, Timezone="UTC+09"))
    served = {}

    for moment in (
        "2031-01-10 00:00",
        "2031-01-10 07:59",
        "2031-01-10 08:00",
        "2031-01-10 13:59",
        "2031-01-10 14:00",
    ):
        await shop.run(moment)
        [activity] = shop.activities(campaign)
        done, total = activity["TimezonesCompletedCount"], activity["TimezonesTotalCount"]
        served[moment[11:]] = (len(shop.kept()), f"{done}/{total}", activity["State"])

    assert served == {
        "00:00": (1, "1/4", "RUNNING"),
        "07:59": (1, "1/4", "RUNNING"),
        "08:00": (3, "3/4", "RUNNING"),
        "13:59": (3, "3/4", "RUNNING"),
        "14:00": (4, "4/4", "COMPLETED"),
    }
    assert shop.state(campaign) == "COMPLETED"
    assert shop.addresses() == [f"{name}@example.com" for name in ("oslo", "rome", "tokyo", "york")]
    assert await shop.ledger() == {
        "tokyo": ["SUCCESS"],
        "oslo": ["SUCCESS"],
        "rome": ["SUCCESS"],
        "york": ["SUCCESS"],
        "nowhere": ["ENDPOINT_MISSING_TIMEZONE"],
        "nonsense": ["ENDPOINT_MISSING_TIMEZONE"],
    }
    # Three in the first sweep, one in the second.
    assert counts(activity) == {"MISSING_TIMEZONE": "2", "TIMEZONE_MISMATCH": "4"}


async def test_who_moves_between_sweeps_gets_one_message(shop: Shop) -> None:
    shop.put("tokyo", **lives("Asia/Tokyo"))
    shop.put("oslo", **lives("Europe/Oslo"))
    shop.put("away", **lives("Asia/Tokyo"))
    shop.put("back", **lives("Europe/Oslo"))
    shop.put("york", **lives("America/New_York"))
    shop.create(Schedule=schedule("2031-01-10 00:00", IsLocalTime=True, Timezone="UTC+09"))

    await shop.run("2031-01-10 00:00")
    shop.put("away", **lives("Europe/Oslo"))
    shop.put("back", **lives("Asia/Tokyo"))
    shop.put("new", **lives("Asia/Tokyo"))
    await shop.rows("UPDATE endpoints SET created_at = '2031-01-10 01:00Z' WHERE endpoint_key = 'new' RETURNING 1")
    await shop.run("2031-01-10 08:00")
    await shop.run("2031-01-10 14:00")

    names = [each["Address"].split("@")[0] for each in shop.kept()]
    assert sorted(names) == ["away", "back", "oslo", "tokyo", "york"]
    assert {*names[:2]} == {"tokyo", "away"}
    assert {*names[2:4]} == {"oslo", "back"}


async def test_a_sweep_waits_for_the_one_before(shop: Shop) -> None:
    for name in ("ann", "bob"):
        shop.put(name, **lives("Asia/Tokyo"))
    shop.put("york", **lives("America/New_York"))
    # One message, and then the batch is left for a second.
    campaign = shop.create(
        Schedule=schedule("2031-01-10 00:00", IsLocalTime=True, Timezone="UTC+09"), Limits={"MessagesPerSecond": 1}
    )
    await shop.run("2031-01-10 00:00")

    await shop.run("2031-01-10 14:00")
    begun = await shop.rows("SELECT sweep FROM campaign_batches")
    for _ in range(3):
        await shop.let_pass()
        await shop.run("2031-01-10 14:00")

    assert begun == [{"sweep": 0}]
    assert [each["Address"].split("@")[0] for each in shop.kept()] == ["ann", "bob", "york"]
    assert shop.state(campaign) == "COMPLETED"


async def test_a_daily_campaign_serves_a_zone_once_a_day_over_a_change_of_clocks(shop: Shop) -> None:
    shop.put("oslo", **lives("Europe/Oslo"))
    # Clocks go forward on 30 March 2031 in Oslo.
    campaign = shop.create(Schedule=schedule("2031-03-28 09:00", "DAILY", "2031-04-01 09:00", IsLocalTime=True))

    for day in ("2031-03-28", "2031-03-29", "2031-03-30", "2031-03-31", "2031-04-01"):
        for hour in range(24):
            await shop.run(f"{day} {hour:02}:00")

    rows = await shop.rows("SELECT decided_at FROM deliveries ORDER BY decided_at")
    assert [f"{row['decided_at']:%d %H}" for row in rows] == ["29 08", "30 07", "31 07", "01 07"]
    assert shop.state(campaign) == "COMPLETED"


async def test_the_longest_time_counts_from_the_sweep(shop: Shop) -> None:
    shop.put("tokyo", **lives("Asia/Tokyo"))
    shop.put("york", **lives("America/New_York"))
    shop.put("oslo", **lives("Europe/Oslo"))
    shop.create(
        Schedule=schedule("2031-01-10 00:00", IsLocalTime=True, Timezone="UTC+09"), Limits={"MaximumDuration": 600}
    )

    await shop.run("2031-01-10 00:05")
    await shop.run("2031-01-10 08:09")
    await shop.run("2031-01-10 14:11")

    assert shop.statuses() == {"tokyo": "SUCCESS", "oslo": "SUCCESS", "york": "EXPIRED"}


async def test_a_zone_whose_turn_would_come_after_the_end_is_left_out(shop: Shop) -> None:
    shop.put("oslo", **lives("Europe/Oslo"))
    # It is past 9 a.m. there, and the next 9 a.m. is after noon of the tenth.
    shop.put("auckland", **lives("Pacific/Auckland"))
    campaign = shop.create(
        Schedule=schedule("2031-01-10 00:00", "ONCE", "2031-01-10 03:00", IsLocalTime=True, Timezone="UTC+09")
    )

    for moment in ("2031-01-10 00:00", "2031-01-10 08:00", "2031-01-10 20:00"):
        await shop.run(moment)

    assert shop.addresses() == ["oslo@example.com"]
    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["TimezonesTotalCount"], activity["TimezonesCompletedCount"]) == (
        "COMPLETED",
        1,
        1,
    )


async def test_where_nobody_has_a_zone_and_where_it_starts_at_once_there_is_nothing_to_wait_for(shop: Shop) -> None:
    shop.put("nowhere")
    immediate = shop.create(Schedule={"StartTime": "IMMEDIATE", "IsLocalTime": True})
    await shop.run()
    at_once = shop.addresses()
    local = shop.create(Schedule=schedule("2031-01-10 00:00", IsLocalTime=True))
    await shop.run("2031-01-10 00:00")

    assert at_once == shop.addresses() == ["nowhere@example.com"]
    [activity] = shop.activities(immediate)
    assert (activity["State"], activity["TimezonesTotalCount"]) == ("COMPLETED", 0)
    [activity] = shop.activities(local)
    assert (activity["State"], counts(activity)) == ("COMPLETED", {"MISSING_TIMEZONE": "1"})

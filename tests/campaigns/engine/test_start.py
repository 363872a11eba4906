"""When runs start: at their slots, late, or not at all; and where the campaign stands between them."""

from repoint.campaigns.engine.start import AT_ONCE
from tests.campaigns.engine.conftest import Shop, at, schedule


async def test_a_campaign_waits_for_its_time(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create(Schedule=schedule("2031-01-10 09:00"))
    [pending] = shop.activities(campaign)
    assert (shop.state(campaign), pending["State"]) == ("SCHEDULED", "PENDING")

    await shop.run("2031-01-10 08:59:59")
    before = shop.kept()
    await shop.run("2031-01-10 09:00")

    assert before == []
    assert shop.addresses() == ["ann@example.com"]
    assert shop.state(campaign) == "COMPLETED"
    [activity] = shop.activities(campaign)
    assert activity["Id"] == pending["Id"]
    assert (activity["State"], activity["ScheduledStart"], activity["Start"], activity["End"]) == (
        "COMPLETED",
        "2031-01-10T09:00:00.000Z",
        "2031-01-10T09:00:00.000Z",
        "2031-01-10T09:00:00.000Z",
    )


async def test_a_recurring_campaign_runs_at_each_slot_until_its_end(shop: Shop) -> None:
    shop.put("ann")
    names = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY")
    ends = ("2031-01-31 11:00", "2031-02-02 08:59", "2031-02-07 09:00", "2031-04-30 09:00")
    campaigns = {
        name: shop.create(Schedule=schedule("2031-01-31 09:00", name, end), MessageConfiguration=told(name))
        for name, end in zip(names, ends, strict=True)
    }

    await shop.run("2031-01-31 09:00")
    states = {shop.state(campaign) for campaign in campaigns.values()}
    pending = {name: shop.activities(campaign)[0] for name, campaign in campaigns.items()}
    for moment in (
        "2031-01-31 10:00",
        "2031-01-31 11:00",
        "2031-01-31 12:00",
        "2031-02-01 09:00",
        "2031-02-02 09:00",
        "2031-02-07 09:00",
        "2031-02-28 09:00",
        "2031-03-31 09:00",
        "2031-04-30 09:00",
    ):
        await shop.run(moment)

    assert states == {"PENDING_NEXT_RUN"}
    assert {name: (each["State"], each["ScheduledStart"][:16]) for name, each in pending.items()} == {
        "HOURLY": ("PENDING", "2031-01-31T10:00"),
        "DAILY": ("PENDING", "2031-02-01T09:00"),
        "WEEKLY": ("PENDING", "2031-02-07T09:00"),
        "MONTHLY": ("PENDING", "2031-02-28T09:00"),
    }
    for name, campaign in campaigns.items():
        assert shop.state(campaign) == "COMPLETED", name
        assert shop.activities(campaign)[-2]["Id"] == pending[name]["Id"]
    assert {name: [slot for slot, _ in shop.states(campaign)] for name, campaign in campaigns.items()} == {
        "HOURLY": ["2031-01-31T11:00", "2031-01-31T10:00", "2031-01-31T09:00"],
        "DAILY": ["2031-02-01T09:00", "2031-01-31T09:00"],
        "WEEKLY": ["2031-02-07T09:00", "2031-01-31T09:00"],
        "MONTHLY": ["2031-04-30T09:00", "2031-03-31T09:00", "2031-02-28T09:00", "2031-01-31T09:00"],
    }
    headlines = [each["Headline"] for each in shop.kept()]
    assert {name: headlines.count(name) for name in names} == {"HOURLY": 3, "DAILY": 2, "WEEKLY": 2, "MONTHLY": 4}


async def test_an_immediate_campaign_recurs_from_when_it_began(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create(Schedule={"StartTime": "IMMEDIATE", "Frequency": "DAILY", "EndTime": "2099-01-01T00:00:00Z"})

    await shop.run()
    pending, done = shop.activities(campaign)

    assert (pending["State"], done["State"], shop.state(campaign)) == ("PENDING", "COMPLETED", "PENDING_NEXT_RUN")
    begun, following = done["ScheduledStart"], pending["ScheduledStart"]
    assert begun[10:] == following[10:]
    assert begun[:10] < following[:10]


async def test_an_immediate_campaign_recurs_on_the_day_on_which_it_began(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create(
        Schedule={"StartTime": "IMMEDIATE", "Frequency": "MONTHLY", "EndTime": "2099-01-01T00:00:00Z"}
    )
    begun = "UPDATE campaign_treatments SET due_at = %(at)s, next_start_at = %(at)s RETURNING 1"
    await shop.rows(begun, at=at("2031-01-31 09:00"))

    for moment in ("2031-01-31 09:00", "2031-02-28 09:00", "2031-03-31 09:00"):
        await shop.run(moment)

    assert [slot for slot, _ in shop.states(campaign)] == [
        "2031-04-30T09:00",
        "2031-03-31T09:00",
        "2031-02-28T09:00",
        "2031-01-31T09:00",
    ]


async def test_campaigns_that_cannot_be_started_keep_no_others_from_it(shop: Shop) -> None:
    shop.put("ann")
    for _ in range(AT_ONCE):
        shop.create(Schedule=schedule("2031-01-10 09:00"))
    spoilt = """UPDATE documents SET document = jsonb_set(document, '{Schedule,StartTime}', '"?"')
        WHERE kind = 'campaign' RETURNING 1"""
    await shop.rows(spoilt)
    fine = shop.create(Schedule=schedule("2031-01-10 09:01"))

    await shop.run("2031-01-10 09:02")
    await shop.run("2031-01-10 09:02:01")

    assert shop.state(fine) == "COMPLETED"


async def test_a_run_that_was_missed_is_late_or_cancelled(shop: Shop) -> None:
    shop.put("ann")
    once = schedule("2031-01-10 09:00")
    late = shop.create(Schedule=once, MessageConfiguration=told("late"))
    await shop.run("2031-01-10 10:00")
    lost = shop.create(Schedule=once, MessageConfiguration=told("lost"))
    [pending] = shop.activities(lost)
    daily = shop.create(
        Schedule=schedule("2031-01-07 09:00", "DAILY", "2031-02-01 00:00"), MessageConfiguration=told("daily")
    )
    [first] = shop.activities(daily)

    await shop.run("2031-01-10 10:00:01")
    cancelled = shop.activities(daily)
    await shop.run("2031-01-11 09:00")

    assert [each["Headline"] for each in shop.kept()] == ["late", "daily"]
    assert shop.activities(late)[0]["Start"] == "2031-01-10T10:00:00.000Z"
    [activity] = shop.activities(lost)
    assert (activity["Id"], activity["State"], activity["Result"]) == (pending["Id"], "CANCELLED", "FAIL")
    assert activity["End"] == "2031-01-10T10:00:01.000Z"
    assert "Start" not in activity
    assert shop.state(lost) == "COMPLETED"
    assert [(each["ScheduledStart"][:10], each["State"]) for each in cancelled] == [
        ("2031-01-11", "PENDING"),
        ("2031-01-10", "CANCELLED"),
        ("2031-01-09", "CANCELLED"),
        ("2031-01-08", "CANCELLED"),
        ("2031-01-07", "CANCELLED"),
    ]
    assert cancelled[-1]["Id"] == first["Id"]
    assert shop.states(daily)[1] == ("2031-01-11T09:00", "COMPLETED")


async def test_of_several_slots_that_were_missed_the_last_one_runs(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create(Schedule=schedule("2031-01-10 09:00", "HOURLY", "2031-01-10 20:00"))
    [pending] = shop.activities(campaign)

    await shop.run("2031-01-10 12:30")

    assert len(shop.kept()) == 1
    states = shop.states(campaign)
    assert states == [
        ("2031-01-10T13:00", "PENDING"),
        ("2031-01-10T12:00", "COMPLETED"),
        ("2031-01-10T11:00", "CANCELLED"),
        ("2031-01-10T10:00", "CANCELLED"),
        ("2031-01-10T09:00", "CANCELLED"),
    ]
    assert pending["Id"] in {each["Id"] for each in shop.activities(campaign)}


async def test_a_run_that_lasts_beyond_the_next_slots_is_not_joined_by_another(shop: Shop) -> None:
    for name in ("ann", "bob"):
        shop.put(name)
    # One message, and then the batch is left for a second.
    campaign = shop.create(
        Schedule=schedule("2031-01-10 09:00", "HOURLY", "2031-01-10 20:00"), Limits={"MessagesPerSecond": 1}
    )
    await shop.run("2031-01-10 09:00")
    begun = (shop.state(campaign), shop.states(campaign), len(shop.kept()))
    await shop.run("2031-01-10 11:30")
    still = (shop.state(campaign), shop.states(campaign), len(shop.kept()))

    await shop.let_pass()
    await shop.run("2031-01-10 11:31")

    assert begun == still == ("EXECUTING", [("2031-01-10T10:00", "PENDING"), ("2031-01-10T09:00", "RUNNING")], 1)
    assert shop.states(campaign) == [
        ("2031-01-10T12:00", "PENDING"),
        ("2031-01-10T11:00", "RUNNING"),
        ("2031-01-10T10:00", "CANCELLED"),
        ("2031-01-10T09:00", "COMPLETED"),
    ]


def told(headline: str) -> dict[str, dict[str, str]]:
    """A message with this subject."""
    return {"EmailMessage": {"Title": headline, "HtmlBody": "<p>x</p>"}}

"""A/B tests: treatments with messages, schedules and states of their own, and those who are held out of all."""

from collections import Counter
from typing import Any

from tests.campaigns.engine.conftest import Shop, schedule


def told(headline: str) -> dict[str, Any]:
    """A message with this subject."""
    return {"EmailMessage": {"Title": headline, "HtmlBody": "<p>x</p>"}}


def states(shop: Shop, campaign_id: str) -> tuple[str, str, list[str]]:
    """State, DefaultState, and those of the additional treatments."""
    campaign = shop.client.get_campaign(ApplicationId=shop.id, CampaignId=campaign_id)["CampaignResponse"]
    additional = [each["State"]["CampaignStatus"] for each in campaign["AdditionalTreatments"]]
    return campaign["State"]["CampaignStatus"], campaign["DefaultState"]["CampaignStatus"], additional


async def test_treatments_run_by_their_own_schedules(shop: Shop) -> None:
    await shop.put_many(100)
    early, late = schedule("2031-01-10 09:00"), schedule("2031-01-11 09:00")
    daily = schedule("2031-01-10 09:00", "DAILY", "2031-01-11 10:00")
    campaign = shop.create(
        Schedule=early,
        MessageConfiguration=told("standard"),
        AdditionalTreatments=[
            {"SizePercent": 20, "Schedule": late, "MessageConfiguration": told("late")},
            {"SizePercent": 30, "Schedule": daily, "MessageConfiguration": told("daily")},
        ],
    )
    found = [states(shop, campaign)]

    for moment in ("2031-01-10 09:00", "2031-01-11 09:00"):
        await shop.run(moment)
        found.append(states(shop, campaign))

    assert found == [
        ("SCHEDULED", "SCHEDULED", ["SCHEDULED", "SCHEDULED"]),
        ("SCHEDULED", "COMPLETED", ["SCHEDULED", "PENDING_NEXT_RUN"]),
        ("COMPLETED", "COMPLETED", ["COMPLETED", "COMPLETED"]),
    ]
    # put_many deals cohorts out evenly: one endpoint each.
    assert Counter(each["Headline"] for each in shop.kept()) == {"standard": 50, "late": 20, "daily": 60}
    activities = [
        (each["TreatmentId"], each["ScheduledStart"][8:10], each["ExecutionMetrics"]["TREATMENT_HOLDOUT"])
        for each in shop.activities(campaign)
    ]
    assert sorted(activities) == [("0", "10", "50"), ("1", "11", "80"), ("2", "10", "70"), ("2", "11", "70")]


async def test_the_campaign_executes_while_one_of_its_treatments_does(shop: Shop) -> None:
    await shop.put_many(100)
    campaign = shop.create(
        Schedule=schedule("2031-01-10 09:00"),
        Limits={"MessagesPerSecond": 1},
        AdditionalTreatments=[{"SizePercent": 50, "Schedule": schedule("2031-01-11 09:00")}],
    )

    await shop.run("2031-01-10 09:00")

    assert states(shop, campaign) == ("EXECUTING", "EXECUTING", ["SCHEDULED"])


async def test_those_held_out_are_told_once_and_stay_so(shop: Shop) -> None:
    await shop.put_many(100)
    campaign = shop.create(
        Schedule=schedule("2031-01-10 09:00", "DAILY", "2031-01-11 10:00"),
        HoldoutPercent=10,
        MessageConfiguration=told("standard"),
        AdditionalTreatments=[{"SizePercent": 40, "MessageConfiguration": told("other")}],
    )

    await shop.run("2031-01-10 09:00")
    first = {each["Address"]: each["Headline"] for each in shop.kept()}
    held_out = sorted(name for name, status in shop.statuses().items() if status == "HOLDOUT")
    holdouts = [each for each in shop.records() if each["attributes"]["campaign_send_status"] == "HOLDOUT"]
    await shop.run("2031-01-11 09:00")

    assert Counter(first.values()) == {"standard": 50, "other": 40}
    assert len(held_out) == len(holdouts) == 10
    assert {each["attributes"]["treatment_id"] for each in holdouts} == {"0"}
    second = {each["Address"]: each["Headline"] for each in shop.kept()[90:]}
    assert second == first
    metrics = {
        (each["TreatmentId"], each["TotalEndpointCount"], each["ExecutionMetrics"]["TREATMENT_HOLDOUT"])
        for each in shop.activities(campaign)
    }
    assert metrics == {("0", 50, "40"), ("1", 40, "60")}

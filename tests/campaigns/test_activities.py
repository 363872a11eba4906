"""GetCampaignActivities (campaigns.md section 11)."""

import json
from typing import Any
from uuid import UUID

import pytest

from tests.campaigns.conftest import Shop, bad, told


@pytest.fixture
def campaign_id(shop: Shop) -> str:
    """A campaign that will not run before the year 2100."""
    campaign_id: str = shop.create(Schedule={"StartTime": "2100-01-31T09:00:00Z"})["Id"]
    return campaign_id


def add_run(shop: Shop, campaign_id: str, number: int, **columns: Any) -> str:
    """A run as the engine would note it; its id."""
    run_id = f"{number:032x}"
    values = {
        "run_id": run_id,
        "campaign_id": campaign_id,
        "treatment_id": 0,
        "version": 1,
        "scheduled_at": f"2026-01-{number:02}T09:00:00Z",
        "started_at": f"2026-01-{number:02}T09:00:01Z",
        "state": "RUNNING",
        "is_triggered": False,
        **columns,
    }
    names = ", ".join(values)
    places = ", ".join(f"%({name})s" for name in values)
    sql = f"INSERT INTO campaign_runs (application_id, {names}) VALUES (%(app)s, {places})"  # noqa: S608 - our own names
    shop.execute(sql, values)
    return run_id


def add_batch(shop: Shop, run_id: str, counts: dict[str, int]) -> None:
    shop.execute(
        "INSERT INTO campaign_batches (application_id, run_id, after_key, counts) "
        "VALUES (%(app)s, %(run)s, '', %(counts)s)",
        {"run": run_id, "counts": json.dumps(counts)},
    )


def test_a_run_that_is_to_come_is_pending(shop: Shop, campaign_id: str) -> None:
    [activity] = shop.activities(campaign_id)

    assert activity == {
        "ApplicationId": shop.id,
        "CampaignId": campaign_id,
        "ExecutionMetrics": {},
        "Id": UUID(activity["Id"]).hex,
        "ScheduledStart": "2100-01-31T09:00:00.000Z",
        "State": "PENDING",
        "SuccessfulEndpointCount": 0,
        "TimezonesCompletedCount": 0,
        "TimezonesTotalCount": 0,
        "TotalEndpointCount": 0,
        "TreatmentId": "0",
    }


def test_boto3_reads_activities(shop: Shop, campaign_id: str) -> None:
    answer = shop.client.get_campaign_activities(ApplicationId=shop.id, CampaignId=campaign_id)

    assert answer["ActivitiesResponse"]["Item"] == shop.activities(campaign_id)


def test_a_running_run_counts_its_open_batches(shop: Shop, campaign_id: str) -> None:
    counts = {"TOTAL": 3, "SUCCESSFUL": 2, "ENDPOINT_PRODUCED": 4, "TIMEZONES_COMPLETED": 1}
    run_id = add_run(shop, campaign_id, 1, counts=json.dumps(counts), timezones_total=5)
    add_batch(shop, run_id, {"TOTAL": 10, "ENDPOINT_PRODUCED": 20, "ENDPOINT_OPT_OUT": 10})
    add_batch(shop, run_id, {"TOTAL": 100, "SUCCESSFUL": 100})
    add_batch(shop, "f" * 32, {"TOTAL": 1000})

    activity = shop.activities(campaign_id)[1]

    assert activity == {
        "ApplicationId": shop.id,
        "CampaignId": campaign_id,
        "ExecutionMetrics": {"ENDPOINT_PRODUCED": "24", "ENDPOINT_OPT_OUT": "10"},
        "Id": run_id,
        "ScheduledStart": "2026-01-01T09:00:00.000Z",
        "Start": "2026-01-01T09:00:01.000Z",
        "State": "RUNNING",
        "SuccessfulEndpointCount": 102,
        "TimezonesCompletedCount": 1,
        "TimezonesTotalCount": 5,
        "TotalEndpointCount": 113,
        "TreatmentId": "0",
    }


@pytest.mark.parametrize(("state", "result"), [("COMPLETED", "SUCCESS"), ("CANCELLED", "FAIL")])
def test_a_run_that_is_over_has_a_result_and_an_end(shop: Shop, campaign_id: str, state: str, result: str) -> None:
    add_run(shop, campaign_id, 1, state=state, result=result, ended_at="2026-01-01T10:00:00Z", treatment_id=3)

    activity = shop.activities(campaign_id)[1]

    assert (activity["State"], activity["Result"], activity["TreatmentId"]) == (state, result, "3")
    assert activity["End"] == "2026-01-01T10:00:00.000Z"


def test_activities_run_newest_first_and_go_on_by_token(shop: Shop, campaign_id: str) -> None:
    other_id = shop.create()["Id"]
    run_ids = [add_run(shop, campaign_id, number) for number in (2, 1, 3)]
    # At one time, by id.
    run_ids.append(add_run(shop, campaign_id, 4, scheduled_at="2026-01-03T09:00:00Z", treatment_id=1))
    add_run(shop, other_id, 5)

    found: list[str] = []
    query = "?page-size=2"
    while query:
        page = shop.send("GET", f"/{campaign_id}/activities{query}").json
        found += [item["Id"] for item in page["Item"]]
        query = f"?page-size=2&token={page['NextToken']}" if "NextToken" in page else ""

    second, first, third, fourth = run_ids
    assert found[1:] == [fourth, third, second, first]
    assert shop.activities(campaign_id)[0]["Id"] == found[0]


def test_a_token_of_another_campaign_is_refused(shop: Shop, campaign_id: str) -> None:
    other_id = shop.create()["Id"]
    add_run(shop, campaign_id, 1)
    token = shop.send("GET", f"/{campaign_id}/activities?page-size=1").json["NextToken"]

    assert told(shop.send("GET", f"/{other_id}/activities?token={token}")) == bad("Invalid token")

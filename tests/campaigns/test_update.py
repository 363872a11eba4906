"""How campaigns change, pause and go on (campaigns.md section 3), and what the scheduler finds of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.contract.dates import parse_instant
from tests.campaigns.conftest import SMS, Shop, after, bad, told
from tests.segments.conftest import still

FILTER = {"FilterType": "ENDPOINT", "Dimensions": {"EventType": {"Values": ["bought"]}}}
NOW = datetime.now(UTC).replace(microsecond=0)
STARTS_AT = NOW + timedelta(hours=1)


def at(moment: datetime) -> str:
    return moment.isoformat()


def daily(**members: Any) -> dict[str, Any]:
    return {"StartTime": at(STARTS_AT), "EndTime": at(STARTS_AT + timedelta(days=9)), "Frequency": "DAILY", **members}


def on_events(frequency: str = "EVENT") -> dict[str, Any]:
    return daily(Frequency=frequency, EventFilter=FILTER)


def state(campaign: dict[str, Any]) -> str:
    status: str = campaign["State"]["CampaignStatus"]
    return status


def refused_in(status: str) -> tuple[int, str, str]:
    return bad(f"Campaign can't be updated in state {status}")


def test_members_replace_wholly_and_others_stay(shop: Shop) -> None:
    campaign = shop.create(Limits={"Daily": 1, "Total": 2}, Description="a", HoldoutPercent=5)

    updated = shop.update(campaign["Id"], Limits={"Daily": 3}, Name="summer")

    changed = {"Limits": {"Daily": 3}, "Name": "summer", "Version": 2, "LastModifiedDate": updated["LastModifiedDate"]}
    assert updated == campaign | changed


def test_empty_texts_clear_and_empty_objects_too(shop: Shop) -> None:
    treatments = [{"SizePercent": 5}]
    campaign_id = shop.create(Description="a", Limits={"Daily": 1}, AdditionalTreatments=treatments)["Id"]

    updated = shop.update(campaign_id, Description="", Limits={}, AdditionalTreatments=[])

    assert "Description" not in updated
    assert (updated["Limits"], updated["AdditionalTreatments"]) == ({}, [])
    assert told(shop.send("PUT", f"/{campaign_id}", {"Name": ""})) == bad("Missing Name")
    assert told(shop.send("PUT", f"/{campaign_id}", {"SegmentId": ""})) == bad("Missing SegmentId")


def test_sending_back_what_was_answered_changes_the_version_only(shop: Shop) -> None:
    campaign = shop.create(Schedule=daily(), AdditionalTreatments=[{"SizePercent": 5, "MessageConfiguration": SMS}])
    before = shop.rows(campaign["Id"])

    with still(NOW + timedelta(days=2)):
        updated = shop.update(campaign["Id"], **campaign)

    assert updated == campaign | {"Version": 2, "LastModifiedDate": updated["LastModifiedDate"]}
    assert shop.rows(campaign["Id"]) == before


def test_updates_at_one_time_are_a_version_each(shop: Shop) -> None:
    campaign_id = shop.create(Limits={"Daily": 1})["Id"]
    requests: list[dict[str, Any]] = [{"Name": "a"}, {"Description": "b"}, {"Priority": 2}, {"HoldoutPercent": 3}]

    with ThreadPoolExecutor(4) as pool:
        updated = list(pool.map(lambda request: shop.update(campaign_id, **request), requests))

    assert sorted(each["Version"] for each in updated) == [2, 3, 4, 5]
    campaign = shop.get(campaign_id)
    assert {name: value for request in requests for name, value in request.items() if campaign[name] != value} == {}


def test_a_new_schedule_moves_the_next_run(shop: Shop) -> None:
    campaign_id = shop.create()["Id"]
    [before] = shop.rows(campaign_id)

    shop.update(campaign_id, Schedule=daily())

    [row] = shop.rows(campaign_id)
    assert (row["status"], row["frequency"]) == ("SCHEDULED", "DAILY")
    assert (row["due_at"], row["next_start_at"]) == (STARTS_AT, STARTS_AT)
    assert row["next_run_id"] != before["next_run_id"]


def test_treatments_with_schedules_of_their_own_stand_alone(shop: Shop) -> None:
    later = STARTS_AT + timedelta(days=1)
    treatments = [{"SizePercent": 5, "Schedule": {"StartTime": at(later)}}, {"SizePercent": 5}]
    campaign_id = shop.create(Schedule=daily(), AdditionalTreatments=treatments)["Id"]

    rows = shop.rows(campaign_id)

    assert [(row["treatment_id"], row["frequency"], row["due_at"]) for row in rows] == [
        (0, "DAILY", STARTS_AT),
        (1, "ONCE", later),
        (2, "DAILY", STARTS_AT),
    ]
    assert len({row["next_run_id"] for row in rows}) == 3


def test_treatments_that_are_added_later_join_in(shop: Shop) -> None:
    campaign_id = shop.create(Schedule=daily())["Id"]
    shop.move(campaign_id, "PENDING_NEXT_RUN")

    with still(STARTS_AT + timedelta(hours=30)):
        shop.update(campaign_id, AdditionalTreatments=[{"SizePercent": 5}])

    default, added = shop.rows(campaign_id)
    assert (default["status"], default["due_at"]) == ("PENDING_NEXT_RUN", STARTS_AT)
    assert (added["status"], added["due_at"]) == ("PENDING_NEXT_RUN", STARTS_AT + timedelta(hours=48))


def test_created_paused_nothing_is_due(shop: Shop) -> None:
    campaign = shop.create(IsPaused=True, Schedule=daily())

    [row] = shop.rows(campaign["Id"])

    assert (campaign["IsPaused"], state(campaign)) == (True, "PAUSED")
    assert (row["status"], row["due_at"], row["next_run_id"], row["next_start_at"]) == ("PAUSED", None, None, None)
    assert shop.activities(campaign["Id"]) == []


@pytest.mark.parametrize("status", ["SCHEDULED", "PENDING_NEXT_RUN"])
def test_what_is_not_running_pauses_at_once(shop: Shop, status: str) -> None:
    campaign_id = shop.create(Schedule=daily())["Id"]
    shop.move(campaign_id, status)

    paused = shop.update(campaign_id, IsPaused=True)

    assert (paused["IsPaused"], state(paused)) == (True, "PAUSED")
    assert shop.rows(campaign_id)[0]["due_at"] is None


def test_once_resumed_before_its_time_keeps_it(shop: Shop) -> None:
    campaign_id = shop.create(IsPaused=True, Schedule={"StartTime": at(STARTS_AT)})["Id"]

    resumed = shop.update(campaign_id, IsPaused=False)

    assert state(resumed) == "SCHEDULED"
    assert shop.rows(campaign_id)[0]["due_at"] == STARTS_AT
    assert [each["State"] for each in shop.activities(campaign_id)] == ["PENDING"]


def test_once_resumed_too_late_is_completed_with_a_cancelled_run(shop: Shop) -> None:
    campaign_id = shop.create(IsPaused=True, Schedule={"StartTime": at(STARTS_AT)})["Id"]
    resumed_at = STARTS_AT + timedelta(seconds=1)

    with still(resumed_at):
        resumed = shop.update(campaign_id, IsPaused=False)

    assert state(resumed) == "COMPLETED"
    [activity] = shop.activities(campaign_id)
    assert (activity["State"], activity["Result"]) == ("CANCELLED", "FAIL")
    assert parse_instant(activity["ScheduledStart"]) == STARTS_AT
    assert parse_instant(activity["End"]) == resumed_at
    assert "Start" not in activity


def test_once_resumed_after_its_run_is_completed_without_another(shop: Shop) -> None:
    campaign_id = shop.create(Schedule={"StartTime": at(STARTS_AT)})["Id"]
    run = {"campaign": campaign_id, "run": "a" * 32, "at": STARTS_AT}
    shop.move(campaign_id, "EXECUTING")
    shop.update(campaign_id, IsPaused=True)
    # What an engine does at the end of a run, when it finds the campaign paused.
    shop.execute(
        "INSERT INTO campaign_runs (application_id, run_id, campaign_id, treatment_id, version, scheduled_at, "
        "started_at, ended_at, state, result, is_triggered) VALUES "
        "(%(app)s, %(run)s, %(campaign)s, 0, 1, %(at)s, %(at)s, %(at)s, 'COMPLETED', 'SUCCESS', false)",
        run,
    )
    shop.execute(
        "UPDATE campaign_treatments SET status = 'PAUSED', due_at = NULL, next_run_id = NULL, next_start_at = NULL", run
    )

    with still(STARTS_AT + timedelta(hours=1)):
        resumed = shop.update(campaign_id, IsPaused=False)

    assert state(resumed) == "COMPLETED"
    assert [(each["Id"], each["Result"]) for each in shop.activities(campaign_id)] == [("a" * 32, "SUCCESS")]


def test_resuming_does_not_make_up_what_was_missed(shop: Shop) -> None:
    campaign_id = shop.create(IsPaused=True, Schedule=daily())["Id"]

    with still(STARTS_AT + timedelta(days=2, hours=1)):
        resumed = shop.update(campaign_id, IsPaused=False)

    [row] = shop.rows(campaign_id)
    assert state(resumed) == "PENDING_NEXT_RUN"
    assert (row["due_at"], row["next_start_at"]) == (STARTS_AT + timedelta(days=3),) * 2
    assert [each["State"] for each in shop.activities(campaign_id)] == ["PENDING"]


def test_resumed_after_its_end_it_is_completed(shop: Shop) -> None:
    recurring = shop.create(IsPaused=True, Schedule=daily())["Id"]
    triggered = shop.create(IsPaused=True, Schedule=on_events())["Id"]

    with still(STARTS_AT + timedelta(days=10)):
        states = [state(shop.update(each, IsPaused=False)) for each in (recurring, triggered)]

    assert states == ["COMPLETED", "COMPLETED"]
    assert shop.activities(recurring) == []


@pytest.mark.parametrize("frequency", ["EVENT", "IN_APP_EVENT"])
def test_what_waits_for_events_pauses_at_once_and_goes_on(shop: Shop, frequency: str) -> None:
    campaign_id = shop.create(Schedule=on_events(frequency))["Id"]
    [created] = shop.rows(campaign_id)
    shop.move(campaign_id, "EXECUTING")

    paused = shop.update(campaign_id, IsPaused=True)
    early = shop.update(campaign_id, IsPaused=False)
    shop.update(campaign_id, IsPaused=True)
    with still(STARTS_AT):
        late = shop.update(campaign_id, IsPaused=False)

    assert (created["due_at"], created["next_run_id"]) == (STARTS_AT, None)
    assert [state(each) for each in (paused, early, late)] == ["PAUSED", "SCHEDULED", "EXECUTING"]
    [row] = shop.rows(campaign_id)
    # What was logged before the end is read a moment after it.
    assert (row["due_at"], row["next_run_id"]) == (STARTS_AT + timedelta(days=9, seconds=10), None)


def test_a_running_execution_is_not_interrupted_by_a_pause(shop: Shop) -> None:
    campaign_id = shop.create(Schedule=daily(), AdditionalTreatments=[{"SizePercent": 5}])["Id"]
    shop.execute("UPDATE campaign_treatments SET status = 'EXECUTING', due_at = NULL WHERE treatment_id = 0", {})

    paused = shop.update(campaign_id, IsPaused=True)
    statuses = [row["status"] for row in shop.rows(campaign_id)]
    resumed = shop.update(campaign_id, IsPaused=False)

    assert (paused["IsPaused"], state(paused)) == (True, "EXECUTING")
    assert statuses == ["EXECUTING", "PAUSED"]
    assert (resumed["IsPaused"], state(resumed)) == (False, "EXECUTING")
    assert [row["status"] for row in shop.rows(campaign_id)] == ["EXECUTING", "SCHEDULED"]


def test_while_executing_only_pausing_is_possible(shop: Shop) -> None:
    campaign = shop.create(Schedule=daily())
    shop.move(campaign["Id"], "EXECUTING")
    path = f"/{campaign['Id']}"

    told_of = [told(shop.send("PUT", path, body)) for body in ({"Name": "x"}, {"IsPaused": True, "Name": "x"}, {})]

    assert told_of == [refused_in("EXECUTING")] * 3
    assert shop.get(campaign["Id"])["Version"] == 1
    assert shop.update(campaign["Id"], IsPaused=True, tags={"a": "b"})["Version"] == 2


def test_what_is_completed_needs_a_new_schedule(shop: Shop) -> None:
    campaign = shop.create(Schedule={"StartTime": "IMMEDIATE"})
    shop.move(campaign["Id"], "COMPLETED")
    path = f"/{campaign['Id']}"

    told_of = [told(shop.send("PUT", path, body)) for body in ({"Name": "x"}, {"IsPaused": True}, campaign)]
    again = shop.update(campaign["Id"], Schedule=daily(), Name="again")

    assert told_of == [refused_in("COMPLETED")] * 3
    assert (state(again), again["Name"]) == ("SCHEDULED", "again")
    assert shop.rows(campaign["Id"])[0]["due_at"] == STARTS_AT


def test_what_was_invalid_takes_up_its_schedule(shop: Shop) -> None:
    campaign_id = shop.create(Schedule=daily())["Id"]
    shop.move(campaign_id, "INVALID")

    with still(STARTS_AT + timedelta(hours=1)):
        updated = shop.update(campaign_id, Name="better")

    assert state(updated) == "PENDING_NEXT_RUN"
    assert shop.rows(campaign_id)[0]["due_at"] == STARTS_AT + timedelta(days=1)


def test_what_starts_immediately_cannot_be_paused(shop: Shop) -> None:
    campaign_id = shop.create(Schedule={"StartTime": "IMMEDIATE"})["Id"]
    refused = bad("A campaign with an IMMEDIATE start can't be paused")

    for status in ("SCHEDULED", "EXECUTING"):
        shop.move(campaign_id, status)
        assert told(shop.send("PUT", f"/{campaign_id}", {"IsPaused": True})) == refused
    paused = shop.create(IsPaused=True)["Id"]
    assert told(shop.send("PUT", f"/{paused}", {"Schedule": {"StartTime": "IMMEDIATE"}})) == refused


def test_an_update_leaves_a_run_that_is_due_its_time(shop: Shop) -> None:
    campaign_id = shop.create(Schedule={"StartTime": at(STARTS_AT)})["Id"]
    before = shop.rows(campaign_id)

    with still(STARTS_AT + timedelta(seconds=2)):
        updated = shop.update(campaign_id, Name="late")

    assert state(updated) == "SCHEDULED"
    assert shop.rows(campaign_id) == before


def test_a_start_that_has_passed_is_refused_when_it_is_new(shop: Shop) -> None:
    campaign_id = shop.create()["Id"]

    answer = shop.send("PUT", f"/{campaign_id}", {"Schedule": {"StartTime": after(minutes=-2)}})

    assert told(answer) == bad("StartTime must be at least current time.")

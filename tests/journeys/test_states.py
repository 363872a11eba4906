"""What states a journey goes through, and what may be edited in which (journeys.md section 3 and Errors)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.contract.dates import parse_instant
from tests.fixtures.server import Raw, Serve, make_client
from tests.journeys.conftest import FILTER, WAIT, Club, after, bad, make_club, told

SECOND = timedelta(seconds=1)


def conflict(state: str) -> tuple[int, str, str]:
    return 409, "ConflictException", f"Journey can't be updated in state {state}"


def impossible(before: str, wanted: str) -> tuple[int, str, str]:
    return bad(f"Journey in state {before} can't be changed to {wanted}")


def publish(club: Club, how: str, **members: Any) -> dict[str, Any]:
    """A journey that was published by one of the operations that can do so."""
    if how == "create":
        return club.create(State="ACTIVE", **members)
    draft = club.create(**members)
    if how == "update":
        return club.update(draft["Id"], State="ACTIVE", **members)
    answer = club.move(draft["Id"], "ACTIVE")
    assert answer.status == 200, answer.body
    published: dict[str, Any] = answer.json
    return published


@pytest.mark.parametrize("how", ["create", "update", "state"])
def test_a_published_journey_is_scheduled(club: Club, how: str) -> None:
    before = datetime.now(UTC)

    published = publish(club, how)

    assert published["State"] == "ACTIVE"
    assert club.get(published["Id"]) == published
    row = club.row(published["Id"])
    assert before - SECOND <= row["published_at"] == row["starts_at"] == row["look_at"] <= datetime.now(UTC) + SECOND
    assert row["ends_at"] == row["starts_at"] + timedelta(days=540)
    assert (row["is_of_events"], row["is_deleted"], row["defaults"]) == (False, False, {})
    [run] = club.runs(published["Id"])["Item"]
    assert run["Status"] == "SCHEDULED"
    assert run["CreationTime"] == run["LastUpdateTime"]
    lanes = club.execute("SELECT lane FROM journey_lanes WHERE journey_id = %(id)s", {"id": published["Id"]})
    assert sorted(each["lane"] for each in lanes) == list(range(8))


def test_a_journey_starts_five_minutes_after_it_was_published(client: Any, raw: Raw, database_url: str) -> None:
    club = make_club(client, raw, database_url)

    at_once, later, over = (
        club.row(club.create(State="ACTIVE", Schedule=schedule)["Id"])
        for schedule in ({}, {"StartTime": after(days=1)}, {"StartTime": after(days=-1), "EndTime": after(days=9)})
    )

    assert at_once["starts_at"] == at_once["published_at"] + timedelta(minutes=5)
    assert timedelta(hours=23) < later["starts_at"] - later["published_at"] < timedelta(hours=25)
    assert over["starts_at"] == over["published_at"] + timedelta(minutes=5)
    assert over["ends_at"] == parse_instant(club.get(over["journey_id"].hex)["Schedule"]["EndTime"])


def test_local_time_starts_where_the_timezone_is(club: Club) -> None:
    """Clocks show noon of that day in UTC+09 three hours after midnight, UTC, and first of all in UTC+14."""
    noon = (datetime.now(UTC) + timedelta(days=3)).replace(hour=12, minute=0, second=0, microsecond=0)
    end = noon + timedelta(days=1)
    times = {"StartTime": noon.isoformat(), "EndTime": end.isoformat()}

    tokyo, everywhere = (
        club.row(club.create(State="ACTIVE", LocalTime=True, Schedule=times | timezone)["Id"])
        for timezone in ({"Timezone": "utc+09"}, {})
    )

    assert tokyo["starts_at"] == noon - timedelta(hours=9)
    assert everywhere["starts_at"] == noon - timedelta(hours=14)
    assert tokyo["ends_at"] == everywhere["ends_at"] == end + timedelta(hours=12)


def test_settings_of_the_application_are_those_of_when_it_was_published(club: Club) -> None:
    settings = {
        "JourneyLimits": {"DailyCap": 3},
        "QuietTime": {"Start": "21:00", "End": "08:00"},
        "Limits": {"Daily": 5},
    }
    club.client.update_application_settings(ApplicationId=club.id, WriteApplicationSettingsRequest=settings)
    journey_id = club.create(State="ACTIVE")["Id"]

    later = {"JourneyLimits": {"DailyCap": 9}}
    club.client.update_application_settings(ApplicationId=club.id, WriteApplicationSettingsRequest=later)
    club.update(journey_id, Name="other")

    assert club.row(journey_id)["defaults"] == settings


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ("DRAFT", "PAUSED"),
        ("DRAFT", "CANCELLED"),
        ("CLOSED", "ACTIVE"),
        ("CLOSED", "PAUSED"),
        ("CANCELLED", "ACTIVE"),
        ("CANCELLED", "PAUSED"),
        ("COMPLETED", "ACTIVE"),
        ("COMPLETED", "PAUSED"),
        ("COMPLETED", "CANCELLED"),
    ],
)
def test_states_that_cannot_be_left_for_others(club: Club, before: str, wanted: str) -> None:
    journey_id = club.create(State=None if before == "DRAFT" else "ACTIVE", RefreshFrequency="PT1H")["Id"]
    if before != "DRAFT":
        club.stand(journey_id, before)

    assert told(club.move(journey_id, wanted)) == impossible(before, wanted)
    assert club.get(journey_id)["State"] == before


@pytest.mark.parametrize("wanted", ["DRAFT", "CLOSED", "COMPLETED"])
def test_states_that_nobody_can_ask_for(club: Club, wanted: str) -> None:
    journey_id = club.create()["Id"]

    assert told(club.move(journey_id, wanted)) == bad(f"State {wanted} isn't supported in this request")


def test_a_state_must_be_given(club: Club) -> None:
    assert told(club.send("PUT", f"/{club.create()['Id']}/state", {})) == bad("Missing State")


@pytest.mark.parametrize("state", ["ACTIVE", "PAUSED", "CANCELLED"])
def test_the_state_that_it_has_already_changes_nothing(club: Club, state: str) -> None:
    journey = club.create(State="ACTIVE")
    club.stand(journey["Id"], state)
    before = club.row(journey["Id"])

    answer = club.move(journey["Id"], state)

    assert (answer.status, answer.json) == (200, journey | {"State": state})
    assert club.row(journey["Id"]) == before


def test_a_pause_ends_when_it_is_told_to(serve: Serve, database_url: str) -> None:
    server = serve(journey_start_delay_s=0, journey_resume_delay_s=0)
    club = make_club(make_client(server), Raw(server), database_url)
    journey = club.create(State="ACTIVE", RefreshFrequency="PT1H")

    paused = club.move(journey["Id"], "PAUSED").json
    row = club.row(journey["Id"])
    resumed = club.move(journey["Id"], "ACTIVE").json

    assert paused == journey | {"State": "PAUSED", "LastModifiedDate": paused["LastModifiedDate"]}
    assert (row["state"], row["paused_at"], row["look_at"]) == ("PAUSED", row["paused_at"], row["paused_at"])
    assert resumed == journey | {"LastModifiedDate": resumed["LastModifiedDate"]}
    after_it = club.row(journey["Id"])
    assert (after_it["state"], after_it["paused_at"]) == ("ACTIVE", None)
    assert after_it["look_at"] - row["paused_at"] == after_it["paused_for"] > timedelta()
    club.client.close()


def test_pauses_last_five_minutes_at_least(club: Club) -> None:
    journey_id = club.create(State="ACTIVE", RefreshFrequency="PT1H")["Id"]
    club.move(journey_id, "PAUSED")

    assert told(club.move(journey_id, "ACTIVE")) == bad("A paused journey can be resumed after 5 minutes")
    assert club.get(journey_id)["State"] == "PAUSED"

    earlier = "UPDATE journey_states SET paused_at = paused_at - interval '5 minutes' WHERE journey_id = %(id)s"
    club.execute(earlier, {"id": journey_id})
    assert club.move(journey_id, "ACTIVE").json["State"] == "ACTIVE"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"RefreshOnSegmentUpdate": True},
        {"RefreshFrequency": "PT1H", "StartCondition": {"EventStartCondition": {"EventFilter": FILTER}}},
    ],
)
def test_only_journeys_that_look_at_their_segment_again_can_be_paused(club: Club, members: dict[str, Any]) -> None:
    journey_id = club.create(State="ACTIVE", **members)["Id"]

    refused = bad("Only journeys with a segment refresh interval can be paused")
    assert told(club.move(journey_id, "PAUSED")) == refused
    assert club.get(journey_id)["State"] == "ACTIVE"


@pytest.mark.parametrize("state", ["ACTIVE", "PAUSED", "CLOSED"])
def test_a_journey_that_is_cancelled_ends_with_its_runs(club: Club, state: str) -> None:
    journey = club.create(State="ACTIVE")
    club.stand(journey["Id"], state)

    answer = club.move(journey["Id"], "CANCELLED")

    assert answer.json["State"] == "CANCELLED"
    row = club.row(journey["Id"])
    assert (row["state"], row["paused_at"], row["is_deleted"]) == ("CANCELLED", None, False)
    assert row["look_at"] >= row["published_at"]
    [run] = club.runs(journey["Id"])["Item"]
    assert run["Status"] == "CANCELLED"
    assert run["LastUpdateTime"] >= run["CreationTime"]


@pytest.mark.parametrize("state", [None, "ACTIVE"])
def test_an_active_journey_keeps_its_activities_and_gets_other_limits(club: Club, state: str | None) -> None:
    journey = club.create(State="ACTIVE", Schedule={"StartTime": after(hours=1)}, RefreshFrequency="PT1H")
    kept: dict[str, Any] = {"Schedule": {"StartTime": journey["Schedule"]["StartTime"], "EndTime": after(days=7)}}
    changes: dict[str, Any] = {
        "Name": "other",
        "Limits": {"DailyCap": 2},
        "QuietTime": {"Start": "21:00", "End": "08:00"},
        "WaitForQuietTime": True,
        **kept,
    }

    updated = club.update(journey["Id"], State=state, RefreshFrequency="PT1H", **changes)

    assert updated == journey | changes | {"LastModifiedDate": updated["LastModifiedDate"]}
    row = club.row(journey["Id"])
    assert row["ends_at"] == parse_instant(changes["Schedule"]["EndTime"])
    assert row["look_at"] == row["starts_at"]


@pytest.mark.parametrize(
    "members",
    [
        {"Activities": {"w1": {**WAIT, "Description": "longer"}}},
        {"Activities": {"w1": WAIT, "w2": WAIT}},
        {"Activities": None},
        {"Activities": {"w1": WAIT, "w2": WAIT}, "StartActivity": "w2"},
        {"StartCondition": {"EventStartCondition": {"EventFilter": FILTER}}},
        {"State": "DRAFT"},
        {"LocalTime": True},
        {"RefreshFrequency": "PT2H"},
        {"RefreshOnSegmentUpdate": True},
        {"Schedule": {"StartTime": after(days=1)}},
        {"JourneyChannelSettings": {"ConnectCampaignArn": "arn"}},
    ],
)
def test_an_active_journey_keeps_whom_it_takes_in_and_what_becomes_of_them(club: Club, members: dict[str, Any]) -> None:
    journey = club.create(State="ACTIVE")

    assert told(club.send("PUT", f"/{journey['Id']}", club.request(**members))) == conflict("ACTIVE")
    assert club.get(journey["Id"]) == journey


def test_what_was_answered_can_be_sent_back(club: Club) -> None:
    journey = club.create(State="ACTIVE", LocalTime=False, RefreshOnSegmentUpdate=False)

    answer = club.send("PUT", f"/{journey['Id']}", journey)

    assert answer.json == journey | {"LastModifiedDate": answer.json["LastModifiedDate"]}


def test_an_active_journey_is_judged_again_when_it_changes(club: Club) -> None:
    journey = club.create(State="ACTIVE")

    request = club.request(Limits={"DailyCap": 101})

    refused = bad("Invalid journey: Limits.DailyCap must be between 0 and 100")
    assert told(club.send("PUT", f"/{journey['Id']}", request)) == refused


def test_a_journey_that_runs_may_end_until_540_days_after_its_start(club: Club) -> None:
    journey = club.create(State="ACTIVE", Schedule={"StartTime": after(days=-400)})
    club.execute(
        "UPDATE journey_states SET starts_at = starts_at - interval '400 days' WHERE journey_id = %(id)s",
        {"id": journey["Id"]},
    )
    start = journey["Schedule"]["StartTime"]

    good, over = (
        club.send("PUT", f"/{journey['Id']}", club.request(Schedule={"StartTime": start, "EndTime": end}))
        for end in (after(days=139), after(days=141))
    )

    assert good.status == 200
    assert told(over) == bad("Invalid journey: EndTime must be at most 540 days after the start")


@pytest.mark.parametrize("state", ["PAUSED", "CANCELLED", "CLOSED", "COMPLETED"])
def test_journeys_are_not_edited_in_other_states(club: Club, state: str) -> None:
    journey = club.create(State="ACTIVE")
    club.stand(journey["Id"], state)

    for wanted in (None, "DRAFT", "ACTIVE"):
        answer = club.send("PUT", f"/{journey['Id']}", club.request(Name="other", State=wanted))
        assert told(answer) == conflict(state)
    assert club.get(journey["Id"]) == journey | {"State": state}


def test_a_draft_is_published_once(club: Club) -> None:
    draft = club.create()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: club.move(draft["Id"], "ACTIVE"), range(4)))

    assert [answer.status for answer in answers] == [200] * 4
    assert len(club.runs(draft["Id"])["Item"]) == 1


def test_active_journeys_have_a_quota_over_all_applications(serve: Serve, database_url: str) -> None:
    server = serve(max_active_journeys=2)
    club, other = (make_club(make_client(server), Raw(server), database_url) for _ in range(2))
    refused = bad("Exceeded maximum number of active journeys: 2")
    first = club.create(State="ACTIVE")["Id"]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: other.send("POST", "", other.request(State="ACTIVE")), range(4)))

    assert sorted(answer.status for answer in answers) == [201, 400, 400, 400]
    assert {told(answer) for answer in answers if answer.status == 400} == {refused}
    assert len(other.send("GET", "").json["Item"]) == 1
    draft = club.create()["Id"]
    assert told(club.move(draft, "ACTIVE")) == refused
    # What is paused or closed counts, what has ended does not.
    for state in ("PAUSED", "CLOSED"):
        club.stand(first, state)
        assert told(club.move(draft, "ACTIVE")) == refused
    club.stand(first, "COMPLETED")
    assert club.move(draft, "ACTIVE").json["State"] == "ACTIVE"
    club.client.close()
    other.client.close()


def test_journeys_of_events_have_a_quota_of_their_own(serve: Serve, database_url: str) -> None:
    server = serve(max_event_journeys=1)
    club = make_club(make_client(server), Raw(server), database_url)
    club.send("POST", "", club.of_events(State="ACTIVE"))

    answer = club.send("POST", "", club.of_events(State="ACTIVE"))

    assert told(answer) == bad("Exceeded maximum number of event-triggered journeys: 1")
    assert club.create(State="ACTIVE")["State"] == "ACTIVE"
    club.client.close()


def test_quotas_are_pinpoints_by_default(club: Club) -> None:
    settings = club.raw.server.settings

    assert (settings.max_active_journeys, settings.max_event_journeys) == (50, 20)
    assert (settings.max_journey_activities, settings.max_journey_contact_centers) == (40, 3)
    assert (settings.max_journey_import_endpoints, settings.max_journey_days) == (100_000_000, 540)

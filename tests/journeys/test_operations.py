"""The operations on journeys (journeys.md sections 1 to 3, 10 and Errors)."""

import json
from typing import Any

import pytest

from tests.fixtures.server import Key
from tests.journeys.conftest import WAIT, Club, after, bad, missing, told

UNKNOWN = "0123456789abcdef0123456789abcdef"
# As AWS's reference shows a draft.
DRAFT = {
    "Activities": {
        "a1": {"EMAIL": {}},
        "a2": {"EMAIL": {"MessageConfig": {}, "NextActivity": "a9"}},
        "a3": {"ConditionalSplit": {"Condition": {"Conditions": [{}], "Operator": "ALL"}}},
        "a4": {"Wait": {"NextActivity": "a3"}},
        "a5": {"MultiCondition": {"Branches": [{}, {"Condition": {}}]}},
        "a6": {"RandomSplit": {"Branches": [{"Percentage": 10}, {"Percentage": 20}]}},
        "a7": {},
    },
    "Schedule": {"Timezone": "UTC-08"},
    "StartCondition": {"Description": "none yet"},
    "Limits": {"DailyCap": 101, "EndpointReentryInterval": "often"},
    "QuietTime": {"Start": "x"},
    "RefreshFrequency": "now and then",
}


def test_a_draft_is_stored_and_answered_as_it_was_sent(club: Club) -> None:
    request = {"Name": "a draft with spaces", **DRAFT}

    answer = club.send("POST", "", request)

    created = answer.json
    assert answer.status == 201
    told_by_us = {
        "State": "DRAFT",
        "LocalTime": False,
        "tags": {},
        "ApplicationId": club.id,
        **{member: created[member] for member in ("Id", "CreationDate", "LastModifiedDate")},
    }
    assert created == request | told_by_us
    assert club.get(created["Id"]) == created
    assert club.send("GET", "").json == {"Item": [created]}
    assert len(created["Id"]) == 32
    assert created["CreationDate"] == created["LastModifiedDate"]
    assert club.runs(created["Id"]) == {"Item": []}


def test_boto3_reads_what_it_wrote(club: Club) -> None:
    request = club.request(State="ACTIVE", Schedule={"EndTime": after(days=2)})

    created = club.client.create_journey(ApplicationId=club.id, WriteJourneyRequest=request)["JourneyResponse"]

    found = club.client.get_journey(ApplicationId=club.id, JourneyId=created["Id"])["JourneyResponse"]
    assert found == created
    assert (found["State"], found["Name"], found["LocalTime"]) == ("ACTIVE", "welcome", False)
    [listed] = club.client.list_journeys(ApplicationId=club.id)["JourneysResponse"]["Item"]
    assert listed == created


def test_dates_come_in_both_forms_and_leave_in_one(club: Club) -> None:
    created = club.create(Schedule={"StartTime": 1_700_000_000, "EndTime": "2030-01-02T03:04:05+01:00"})

    assert created["Schedule"] == {"StartTime": "2023-11-14T22:13:20.000Z", "EndTime": "2030-01-02T02:04:05.000Z"}


def test_the_irregular_member_is_read_in_both_forms_and_leaves_in_one(club: Club) -> None:
    def split(member: str) -> dict[str, Any]:
        return {"ConditionalSplit": {"Condition": {"Conditions": [{member: {"Attributes": {}}}]}}}

    created = club.create(Activities={"a": split("SegmentDimensions"), "b": split("segmentDimensions")})

    assert created["Activities"] == {"a": split("segmentDimensions"), "b": split("segmentDimensions")}


def test_dates_of_the_client_are_not_ours(club: Club) -> None:
    created = club.create(CreationDate="1999-01-01T00:00:00Z", LastModifiedDate="1999-01-01T00:00:00Z")

    assert created["CreationDate"] == created["LastModifiedDate"] > "2020"


def test_what_is_unknown_is_not_found(club: Club) -> None:
    journey_id = club.create()["Id"]
    other = club.client.create_app(CreateApplicationRequest={"Name": "x"})["ApplicationResponse"]["Id"]

    for path, wanted in [
        (f"/v1/apps/{UNKNOWN}/journeys", missing("Application not found")),
        (f"/v1/apps/{UNKNOWN}/journeys/{journey_id}", missing("Application not found")),
        (f"/v1/apps/{club.id}/journeys/{UNKNOWN}", missing()),
        (f"/v1/apps/{other}/journeys/{journey_id}", missing()),
        (f"/v1/apps/{club.id}/journeys/{UNKNOWN}/runs", missing()),
    ]:
        assert told(club.raw.send("GET", path)) == wanted
    # Before anything is said about the body.
    assert told(club.send("PUT", f"/{UNKNOWN}", {})) == missing()
    assert told(club.send("PUT", f"/{UNKNOWN}", club.request(State="PAUSED"))) == missing()
    assert told(club.move(UNKNOWN, "ACTIVE")) == missing()
    assert told(club.send("PUT", f"/{UNKNOWN}/state", {"State": "SOON"})) == missing()
    assert told(club.send("DELETE", f"/{UNKNOWN}")) == missing()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"Name": None}, "Missing Name"),
        ({"Name": ""}, "Missing Name"),
        ({"Name": "n" * 151}, "Name can't exceed 150 characters"),
        ({"Activities": {"a b": {}}}, "Invalid activity ID: a b"),
        ({"Activities": {"": {}}}, "Invalid activity ID: "),
        ({"Activities": {"a_b": {}}}, "Invalid activity ID: a_b"),
        ({"Activities": {"ä": {}}}, "Invalid activity ID: ä"),
        ({"Activities": {"a" * 101: {}}}, "Invalid activity ID: " + "a" * 101),
        ({"StartActivity": "a-b"}, "Invalid activity ID: a-b"),
        ({"StartActivity": "a" * 129}, "Invalid activity ID: " + "a" * 129),
        ({"Activities": {"a": {"Holdout": {}}}}, "Missing Percentage"),
        ({"Activities": {"a": {"Holdout": {"Percentage": "many"}}}}, "Invalid Percentage: many"),
        ({"State": "SOON"}, "Invalid State: SOON"),
        ({"Schedule": {"StartTime": "soon"}}, "Invalid StartTime: soon"),
        ({"State": "PAUSED"}, "State PAUSED isn't supported in this request"),
        ({"State": "CANCELLED"}, "State CANCELLED isn't supported in this request"),
        ({"State": "COMPLETED"}, "State COMPLETED isn't supported in this request"),
        ({"State": "CLOSED"}, "State CLOSED isn't supported in this request"),
    ],
)
def test_what_not_even_a_draft_may_be(club: Club, members: dict[str, Any], message: str) -> None:
    draft = club.create()

    assert told(club.send("POST", "", club.request(**members))) == bad(message)
    assert told(club.send("PUT", f"/{draft['Id']}", club.request(**members))) == bad(message)
    assert club.send("GET", "").json == {"Item": [draft]}


def test_the_longest_names_and_ids_are_taken(club: Club) -> None:
    created = club.create(Name="n" * 150, Activities={"a" * 100: WAIT}, StartActivity="b" * 128)

    assert len(created["Name"]) == 150


def test_a_body_that_is_too_large_is_refused(club: Club) -> None:
    body = json.dumps({"Name": "x" * (7 << 20)}).encode()

    assert told(club.send("POST", "", body)) == (413, "PayloadTooLargeException", "Request body is too large")


def test_lists_have_pages_newest_first(club: Club) -> None:
    ids = [club.create(Name=f"{number}")["Id"] for number in range(5)]

    first = club.send("GET", "?page-size=2").json
    second = club.send("GET", f"?page-size=2&token={first['NextToken']}").json
    third = club.send("GET", f"?page-size=2&token={second['NextToken']}").json

    assert [each["Id"] for page in (first, second, third) for each in page["Item"]] == ids[::-1]
    assert "NextToken" not in third
    assert told(club.send("GET", "?page-size=0")) == bad("Invalid page-size")
    assert told(club.send("GET", "?token=x")) == bad("Invalid token")


def test_runs_have_pages_newest_first(club: Club) -> None:
    journey_id = club.create(State="ACTIVE")["Id"]
    club.execute(
        """INSERT INTO journey_runs
               (application_id, run_id, journey_id, number, state, created_at, updated_at, due_at)
           SELECT application_id, gen_random_uuid(), journey_id, n, 'RUNNING', created_at, updated_at, due_at
           FROM journey_runs, generate_series(2, 3) AS n WHERE journey_id = %(id)s""",
        {"id": journey_id},
    )

    first = club.runs(journey_id, "?page-size=2")
    second = club.runs(journey_id, f"?page-size=2&token={first['NextToken']}")

    items = first["Item"] + second["Item"]
    assert [each["Status"] for each in items] == ["RUNNING", "RUNNING", "SCHEDULED"]
    assert items[2].keys() == {"RunId", "CreationTime", "LastUpdateTime", "Status"}
    assert len({each["RunId"] for each in items}) == 3
    assert "NextToken" not in second
    assert told(club.send("GET", f"/{journey_id}/runs?token=x")) == bad("Invalid token")


def test_an_update_replaces_everything(club: Club) -> None:
    created = club.create(Limits={"DailyCap": 1}, LocalTime=True)

    updated = club.update(created["Id"], Name="other", StartActivity=None, StartCondition=None)

    changed = {member: created[member] for member in ("Id", "ApplicationId", "CreationDate", "tags", "State")}
    assert updated == {
        **changed,
        "Name": "other",
        "Activities": {"w1": WAIT},
        "LocalTime": False,
        "LastModifiedDate": updated["LastModifiedDate"],
    }
    assert club.get(created["Id"]) == updated


def test_journeys_can_be_tagged(club: Club) -> None:
    journey_id = club.create()["Id"]
    arn = (
        f"arn:aws:mobiletargeting:us-east-1:{club.raw.server.settings.account_id}:apps/{club.id}/journeys/{journey_id}"
    )

    club.client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"team": "growth"}})

    assert club.client.list_tags_for_resource(ResourceArn=arn)["TagsModel"] == {"tags": {"team": "growth"}}
    club.update(journey_id, Name="other")
    assert club.client.list_tags_for_resource(ResourceArn=arn)["TagsModel"] == {"tags": {"team": "growth"}}


@pytest.mark.parametrize(
    ("state", "last"),
    [
        (None, "DRAFT"),
        ("ACTIVE", "CANCELLED"),
        ("PAUSED", "CANCELLED"),
        ("CLOSED", "CANCELLED"),
        ("CANCELLED", "CANCELLED"),
        ("COMPLETED", "COMPLETED"),
    ],
)
def test_journeys_are_deleted_in_any_state(club: Club, state: str | None, last: str) -> None:
    created = club.create(State=None if state is None else "ACTIVE")
    if state is not None:
        club.stand(created["Id"], state)

    answer = club.send("DELETE", f"/{created['Id']}")

    assert (answer.status, answer.json) == (200, created | {"State": last})
    assert told(club.send("GET", f"/{created['Id']}")) == missing()
    assert told(club.send("GET", f"/{created['Id']}/runs")) == missing()
    assert told(club.send("DELETE", f"/{created['Id']}")) == missing()
    assert club.send("GET", "").json == {"Item": []}


def test_a_deleted_application_takes_its_journeys_along(club: Club) -> None:
    journey_id = club.create(State="ACTIVE")["Id"]

    club.client.delete_app(ApplicationId=club.id)

    assert told(club.send("GET", f"/{journey_id}")) == missing("Application not found")
    assert club.execute("SELECT 1 FROM journey_states WHERE application_id = %(app)s", {}) == []


def test_changes_of_journeys_are_recorded(club: Club) -> None:
    journey_id = club.create()["Id"]
    club.update(journey_id, Name="other")
    club.move(journey_id, "ACTIVE")
    club.send("DELETE", f"/{journey_id}")

    records = club.raw.send("GET", "/repoint/v1/audit").json["Item"]

    changes = [each["eventName"] for each in records if each["eventName"].endswith(("Journey", "JourneyState"))]
    assert changes == ["DeleteJourney", "UpdateJourneyState", "UpdateJourney", "CreateJourney"]
    assert all(journey_id in str(each) for each in records[: len(changes)])


def test_policies_hold_for_journeys(club: Club) -> None:
    journey_id = club.create()["Id"]
    arn = f"arn:aws:mobiletargeting:us-east-1:*:apps/{club.id}/journeys/{journey_id}"
    statement = {"Effect": "Allow", "Action": "mobiletargeting:*Journey*", "Resource": [arn, f"{arn}/*"]}
    made = club.raw.send("POST", "/repoint/v1/keys", {"Name": "ana", "Policy": {"Statement": statement}}).json
    club.raw.key = Key(made["AccessKeyId"], made["SecretAccessKey"])

    statuses = [
        club.send("GET", f"/{journey_id}").status,
        club.send("PUT", f"/{journey_id}", club.request()).status,
        club.move(journey_id, "ACTIVE").status,
        club.send("GET", f"/{journey_id}/runs").status,
        club.send("DELETE", f"/{journey_id}").status,
    ]

    assert statuses == [200] * 5
    for method, path in (("POST", ""), ("GET", ""), ("GET", f"/{UNKNOWN}"), ("DELETE", f"/{UNKNOWN}")):
        assert club.send(method, path, b"{}" if method == "POST" else b"").status == 403

"""The operations on campaigns as callers meet them (campaigns.md sections 1 and 3)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from repoint.delivery import caps
from repoint.queue.worker import Worker
from tests.campaigns.conftest import SMS, Shop, after, bad, missing, told

UNKNOWN = "0123456789abcdef0123456789abcdef"
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def test_create_campaign_answers_the_new_campaign(shop: Shop) -> None:
    answer = shop.send("POST", "", shop.request(Schedule={"StartTime": "IMMEDIATE"}, tags={"a": "b"}))

    assert answer.status == 201
    campaign = answer.json
    assert re.fullmatch("[0-9a-f]{32}", campaign["Id"])
    assert re.fullmatch(INSTANT, campaign["CreationDate"])
    assert campaign == {
        "AdditionalTreatments": [],
        "ApplicationId": shop.id,
        "Arn": f"arn:aws:mobiletargeting:us-east-1:000000000000:apps/{shop.id}/campaigns/{campaign['Id']}",
        "CreationDate": campaign["CreationDate"],
        "HoldoutPercent": 0,
        "Id": campaign["Id"],
        "IsPaused": False,
        "LastModifiedDate": campaign["CreationDate"],
        "Limits": {},
        "MessageConfiguration": SMS,
        "Name": "spring",
        "Schedule": {"IsLocalTime": False, "StartTime": "IMMEDIATE"},
        "SegmentId": shop.segment_id,
        "SegmentVersion": 1,
        "State": {"CampaignStatus": "SCHEDULED"},
        "TemplateConfiguration": {},
        "Version": 1,
        "tags": {"a": "b"},
    }


def test_boto3_reads_what_was_created(shop: Shop) -> None:
    client = shop.client
    created = client.create_campaign(ApplicationId=shop.id, WriteCampaignRequest=shop.request())["CampaignResponse"]

    found = client.get_campaign(ApplicationId=shop.id, CampaignId=created["Id"])["CampaignResponse"]

    assert found == created


def test_what_was_given_is_kept(shop: Shop) -> None:
    given: dict[str, Any] = {
        "AdditionalTreatments": [],
        "CustomDeliveryConfiguration": {"DeliveryUri": "deliver", "EndpointTypes": ["EMAIL"]},
        "Description": "first of the year",
        "HoldoutPercent": 10,
        "Hook": {"LambdaFunctionName": "filter", "Mode": "FILTER"},
        "Limits": {"Daily": 1, "MaximumDuration": 60, "MessagesPerSecond": 20_000, "Session": 3, "Total": 0},
        "MessageConfiguration": {"CustomMessage": {"Data": "{}"}},
        "Name": "spring",
        "Priority": 5,
        "Schedule": {
            "EndTime": after(days=9),
            "Frequency": "DAILY",
            "IsLocalTime": True,
            "QuietTime": {"End": "08:00", "Start": "21:00"},
            "StartTime": after(days=1),
            "Timezone": "utc-04",
        },
        "TreatmentDescription": "plain",
        "TreatmentName": "A",
    }

    campaign = shop.create(**given)

    assert {member: campaign[member] for member in given} == given
    assert shop.get(campaign["Id"]) == campaign


def test_treatments_have_ids_and_states_of_their_own(shop: Shop) -> None:
    own = {"StartTime": after(days=2)}
    treatments = [
        {"SizePercent": 40, "TreatmentName": "B", "TreatmentDescription": "other text", "MessageConfiguration": SMS},
        {"SizePercent": 1, "Schedule": own},
    ]

    campaign = shop.create(AdditionalTreatments=treatments)

    scheduled = {"CampaignStatus": "SCHEDULED"}
    assert campaign["AdditionalTreatments"] == [
        {**treatments[0], "Id": "1", "State": scheduled},
        {"SizePercent": 1, "Schedule": {**own, "IsLocalTime": False}, "Id": "2", "State": scheduled},
    ]
    assert campaign["DefaultState"] == scheduled
    assert campaign["State"] == scheduled


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (["COMPLETED", "COMPLETED"], "COMPLETED"),
        (["COMPLETED", "EXECUTING"], "EXECUTING"),
        (["EXECUTING", "COMPLETED"], "EXECUTING"),
        (["PENDING_NEXT_RUN", "SCHEDULED"], "PENDING_NEXT_RUN"),
        (["COMPLETED", "SCHEDULED"], "SCHEDULED"),
        (["INVALID", "SCHEDULED"], "INVALID"),
    ],
)
def test_state_is_made_of_the_treatments(shop: Shop, statuses: list[str], state: str) -> None:
    campaign_id = shop.create(AdditionalTreatments=[{"SizePercent": 50}])["Id"]
    for number, status in enumerate(statuses):
        shop.execute(
            "UPDATE campaign_treatments SET status = %(status)s WHERE treatment_id = %(number)s",
            {"number": number, "status": status},
        )

    campaign = shop.get(campaign_id)

    assert campaign["State"] == {"CampaignStatus": state}
    assert campaign["DefaultState"] == {"CampaignStatus": statuses[0]}
    assert campaign["AdditionalTreatments"][0]["State"] == {"CampaignStatus": statuses[1]}


def test_segment_version_is_pinned_to_the_latest(shop: Shop) -> None:
    shop.client.update_segment(ApplicationId=shop.id, SegmentId=shop.segment_id, WriteSegmentRequest={"Name": "b"})
    campaign = shop.create()
    shop.client.update_segment(ApplicationId=shop.id, SegmentId=shop.segment_id, WriteSegmentRequest={"Name": "c"})

    assert campaign["SegmentVersion"] == 2
    assert shop.update(campaign["Id"], Name="summer")["SegmentVersion"] == 2
    assert shop.update(campaign["Id"], SegmentId=shop.segment_id)["SegmentVersion"] == 2
    assert shop.update(campaign["Id"], SegmentVersion=3)["SegmentVersion"] == 3
    assert shop.create(SegmentVersion=1)["SegmentVersion"] == 1


def test_another_segment_comes_in_its_latest_version(shop: Shop) -> None:
    other = shop.create_segment(Name="other")
    shop.client.update_segment(ApplicationId=shop.id, SegmentId=other, WriteSegmentRequest={"Name": "b"})
    campaign_id = shop.create()["Id"]

    campaign = shop.update(campaign_id, SegmentId=other)

    assert (campaign["SegmentId"], campaign["SegmentVersion"]) == (other, 2)


def test_lists_run_newest_first_and_go_on_by_token(shop: Shop) -> None:
    created = [shop.create(Name=f"{number}") for number in range(5)][::-1]

    first = shop.send("GET", "?page-size=2").json
    second = shop.send("GET", f"?page-size=2&token={first['NextToken']}").json
    third = shop.send("GET", f"?token={second['NextToken']}").json

    assert [len(page["Item"]) for page in (first, second, third)] == [2, 2, 1]
    assert first["Item"] + second["Item"] + third["Item"] == created
    assert "NextToken" not in third
    dates = [campaign["CreationDate"] for campaign in created]
    assert all(newer >= older for newer, older in pairwise(dates))


def test_a_list_without_campaigns_is_empty(shop: Shop) -> None:
    assert shop.send("GET", "").json == {"Item": []}


@pytest.mark.parametrize("path", ["", "/{id}/versions", "/{id}/activities"])
def test_lists_refuse_sizes_and_tokens(shop: Shop, path: str) -> None:
    path = path.format(id=shop.create()["Id"])

    assert [told(shop.send("GET", f"{path}?page-size={size}")) for size in ("0", "1001", "x")] == [
        bad("Invalid page-size")
    ] * 3
    assert told(shop.send("GET", f"{path}?token=abc")) == bad("Invalid token")


def test_each_update_is_a_version(shop: Shop) -> None:
    first = shop.create(tags={"a": "b"})
    second = shop.update(first["Id"], Name="summer", tags={"c": "d"})

    versions = shop.send("GET", f"/{first['Id']}/versions").json
    page = shop.send("GET", f"/{first['Id']}/versions?page-size=1").json
    rest = shop.send("GET", f"/{first['Id']}/versions?token={page['NextToken']}").json

    assert second["Version"] == 2
    assert second["CreationDate"] == first["CreationDate"]
    assert second["LastModifiedDate"] > first["LastModifiedDate"]
    assert second["tags"] == {"a": "b"}
    assert shop.get(first["Id"]) == second
    assert versions == {"Item": [second, first]}
    assert page["Item"] + rest["Item"] == [second, first]
    assert shop.send("GET", f"/{first['Id']}/versions/1").json == first
    assert shop.send("GET", f"/{first['Id']}/versions/2").json == second


def test_an_old_version_shows_treatments_that_are_gone(shop: Shop) -> None:
    campaign = shop.create(AdditionalTreatments=[{"SizePercent": 5}])
    shop.update(campaign["Id"], AdditionalTreatments=[])

    old = shop.send("GET", f"/{campaign['Id']}/versions/1").json

    assert old["AdditionalTreatments"] == [{"SizePercent": 5, "Id": "1"}]
    assert old["DefaultState"] == {"CampaignStatus": "SCHEDULED"}
    assert "DefaultState" not in shop.get(campaign["Id"])


def test_what_there_is_not_is_not_found(shop: Shop) -> None:
    campaign_id = shop.create()["Id"]
    other = shop.client.create_app(CreateApplicationRequest={"Name": "other"})["ApplicationResponse"]["Id"]

    for path in (f"/{UNKNOWN}", f"/{UNKNOWN}/versions", f"/{UNKNOWN}/versions/1", f"/{UNKNOWN}/activities", "/x"):
        assert told(shop.send("GET", path)) == missing()
    assert told(shop.send("GET", f"/{campaign_id}/versions/2")) == missing()
    assert told(shop.send("GET", f"/{campaign_id}/versions/x")) == bad("Invalid version")
    assert told(shop.send("PUT", f"/{UNKNOWN}", {"Name": "x"})) == missing()
    assert told(shop.send("PUT", f"/{UNKNOWN}", {"Name": []})) == missing()
    assert told(shop.send("DELETE", f"/{UNKNOWN}")) == missing()
    assert told(shop.raw.send("GET", f"/v1/apps/{other}/campaigns/{campaign_id}")) == missing()
    assert told(shop.raw.send("PUT", f"/v1/apps/{other}/campaigns/{campaign_id}", {"Name": "x"})) == missing()
    assert told(shop.raw.send("DELETE", f"/v1/apps/{other}/campaigns/{campaign_id}")) == missing()
    assert shop.raw.send("GET", f"/v1/apps/{other}/campaigns").json == {"Item": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("GET", ""), ("GET", "/x"), ("PUT", "/x"), ("DELETE", "/x"), ("GET", "/x/activities")],
)
def test_an_unknown_application_is_told_first(shop: Shop, method: str, path: str) -> None:
    body = {"Name": 5.5, "Schedule": []} if method in {"POST", "PUT"} else b""

    answer = shop.raw.send(method, f"/v1/apps/{UNKNOWN}/campaigns{path}", body)

    assert told(answer) == missing("Application not found")


def test_delete_answers_the_campaign_as_deleted(shop: Shop) -> None:
    campaign = shop.create(AdditionalTreatments=[{"SizePercent": 5}])
    deleted = {"CampaignStatus": "DELETED"}

    answer = shop.send("DELETE", f"/{campaign['Id']}")

    assert answer.status == 200
    assert answer.json == {
        **campaign,
        "AdditionalTreatments": [{"SizePercent": 5, "Id": "1", "State": deleted}],
        "DefaultState": deleted,
        "State": deleted,
    }
    for path in ("", "/versions", "/versions/1", "/activities"):
        assert told(shop.send("GET", f"/{campaign['Id']}{path}")) == missing()
    assert told(shop.send("PUT", f"/{campaign['Id']}", {"Name": "x"})) == missing()
    assert shop.send("GET", "").json == {"Item": []}
    assert shop.rows(campaign["Id"]) == []


def start_run(shop: Shop, campaign_id: str, run_id: str = UNKNOWN) -> None:
    shop.execute(
        "INSERT INTO campaign_runs (application_id, run_id, campaign_id, treatment_id, version, scheduled_at, "
        "started_at, state, is_triggered) VALUES "
        "(%(app)s, %(run)s, %(campaign)s, 0, 1, now(), now(), 'RUNNING', false)",
        {"run": run_id, "campaign": campaign_id},
    )


def runs(shop: Shop) -> list[dict[str, Any]]:
    return shop.execute("SELECT state, result, reason, ended_at IS NULL AS is_open FROM campaign_runs", {})


def test_deleting_cancels_what_is_running(shop: Shop) -> None:
    campaign_id, other_id = shop.create()["Id"], shop.create()["Id"]
    start_run(shop, campaign_id)
    start_run(shop, other_id, "f" * 32)

    shop.send("DELETE", f"/{campaign_id}")

    assert sorted(runs(shop), key=lambda run: run["state"]) == [
        {"state": "CANCELLED", "result": "FAIL", "reason": "The campaign was deleted.", "is_open": False},
        {"state": "RUNNING", "result": None, "reason": None, "is_open": True},
    ]


def test_a_deleted_segment_takes_its_campaigns_along(shop: Shop) -> None:
    other = shop.create_segment(Name="other")
    kept, lost = shop.create(SegmentId=other), shop.create()
    start_run(shop, lost["Id"])

    shop.client.delete_segment(ApplicationId=shop.id, SegmentId=shop.segment_id)

    assert told(shop.send("GET", f"/{lost['Id']}")) == missing()
    assert shop.rows(lost["Id"]) == []
    assert shop.send("GET", "").json == {"Item": [kept]}
    assert runs(shop) == [
        {"state": "CANCELLED", "result": "FAIL", "reason": "The campaign's segment was deleted.", "is_open": False}
    ]


def test_a_segment_that_is_deleted_meanwhile_leaves_no_campaign(shop: Shop) -> None:
    other = shop.create_segment(Name="other")
    moving = [shop.create(SegmentId=other)["Id"] for _ in range(3)]
    move = {"SegmentId": shop.segment_id}

    with ThreadPoolExecutor(7) as pool:
        created = [pool.submit(shop.send, "POST", "", shop.request()) for _ in range(3)]
        moved = [pool.submit(shop.send, "PUT", f"/{each}", move) for each in moving]
        shop.client.delete_segment(ApplicationId=shop.id, SegmentId=shop.segment_id)
        answers = [each.result() for each in (*created, *moved)]

    refused = missing(f"Segment not found: {shop.segment_id}")
    assert [answer for answer in answers if answer.status >= 400 and told(answer) != refused] == []
    left = shop.send("GET", "").json["Item"]
    assert {campaign["SegmentId"] for campaign in left} <= {other}
    assert len(shop.execute("SELECT * FROM campaign_treatments", {})) == len(left)


async def test_a_deleted_campaign_leaves_no_counts(shop: Shop, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caps, "BATCH_ROWS", 2)
    campaign_id, other_id = shop.create()["Id"], shop.create()["Id"]
    counted = """INSERT INTO cap_counts (application_id, endpoint_key, scope_id)
        SELECT %(app)s, key, scope FROM unnest(%(scopes)s::uuid[]) AS scope, unnest(ARRAY['a', 'b', 'c']) AS key"""
    shop.execute(counted, {"scopes": [campaign_id, other_id, shop.id]})

    shop.client.delete_campaign(ApplicationId=shop.id, CampaignId=campaign_id)
    await worker.drain()

    left = shop.execute("SELECT DISTINCT scope_id, count(*) FROM cap_counts GROUP BY scope_id", {})
    assert {row["scope_id"].hex: row["count"] for row in left} == {other_id: 3, shop.id: 3}


async def test_a_deleted_application_leaves_nothing(shop: Shop, worker: Worker) -> None:
    campaign_id = shop.create()["Id"]
    start_run(shop, campaign_id)
    key = {"run": UNKNOWN, "campaign": campaign_id}
    rows = {
        "campaign_sweeps (application_id, run_id, number, due_at)": "%(app)s, %(run)s, 0, now()",
        "campaign_batches (application_id, run_id, after_key)": "%(app)s, %(run)s, ''",
        "paces (application_id, scope_id, free_at)": "%(app)s, %(campaign)s, now()",
        "deliveries (application_id, run_id, endpoint_key, occurrence, decided_at, status)": (
            "%(app)s, %(run)s, 'a', 0, now(), 'SUCCESS'"
        ),
        "cap_counts (application_id, endpoint_key, scope_id)": "%(app)s, 'a', %(campaign)s",
    }
    for table, values in rows.items():
        shop.execute(f"INSERT INTO {table} VALUES ({values})", key)  # noqa: S608 - what stands above

    shop.client.delete_app(ApplicationId=shop.id)
    await worker.drain()

    for table in (
        "documents",
        "document_versions",
        "campaign_treatments",
        "campaign_runs",
        "campaign_sweeps",
        "campaign_batches",
        "paces",
        "deliveries",
        "cap_counts",
    ):
        assert shop.execute(f"SELECT * FROM {table}", {}) == [], table  # noqa: S608 - names of tables


def test_a_deleted_application_stops_its_campaigns(shop: Shop) -> None:
    campaign_id = shop.create()["Id"]
    start_run(shop, campaign_id)

    shop.client.delete_app(ApplicationId=shop.id)

    assert told(shop.send("GET", f"/{campaign_id}")) == missing("Application not found")
    assert shop.rows(campaign_id) == []
    assert runs(shop)[0]["state"] == "CANCELLED"


def test_tags_are_those_of_every_resource(shop: Shop) -> None:
    campaign = shop.create(tags={"a": "b"})
    shop.client.tag_resource(ResourceArn=campaign["Arn"], TagsModel={"tags": {"c": "d"}})

    assert shop.get(campaign["Id"])["tags"] == {"a": "b", "c": "d"}
    assert told(shop.send("POST", "", shop.request(tags={"aws:x": "y"})))[0] == 400
    assert shop.send("GET", "").json["Item"] == [shop.get(campaign["Id"])]


def test_what_a_scheduler_finds_of_a_new_campaign(shop: Shop) -> None:
    starts_at = datetime(2100, 1, 31, 9, tzinfo=UTC)
    campaign_id = shop.create(Schedule={"StartTime": "2100-01-31T09:00:00Z"})["Id"]

    [row] = shop.rows(campaign_id)

    assert (row["treatment_id"], row["status"], row["frequency"]) == (0, "SCHEDULED", "ONCE")
    assert (row["due_at"], row["next_start_at"]) == (starts_at, starts_at)
    assert shop.activities(campaign_id)[0]["Id"] == row["next_run_id"].hex


def test_what_starts_immediately_is_due_now(shop: Shop) -> None:
    campaign_id = shop.create(Schedule={"StartTime": "IMMEDIATE"})["Id"]

    [row] = shop.rows(campaign_id)

    assert row["due_at"] == row["next_start_at"]
    assert abs(row["due_at"] - datetime.now(UTC)) < timedelta(minutes=1)

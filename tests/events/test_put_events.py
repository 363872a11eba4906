"""PutEvents, driven by boto3 (events.md section 1)."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from tests.fixtures.locks import waits_for_a_table
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw

Client = Any


@pytest.fixture
def app(client: Client) -> str:
    created: str = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]["Id"]
    return created


AT = "2024-05-01T10:00:00.123Z"


def put(client: Client, app: str, batch: dict[str, Any]) -> Any:
    answer = client.put_events(ApplicationId=app, EventsRequest={"BatchItem": batch})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    return answer["EventsResponse"]["Results"]


def logged(raw: Raw, app: str, query: str = "") -> list[dict[str, Any]]:
    answer = raw.send("GET", f"/repoint/v1/apps/{app}/events{query}")
    assert answer.status == 200, answer.body
    return [item["Record"] for item in answer.json["Item"]]


ACCEPTED = {"StatusCode": 202, "Message": "Accepted"}


def test_an_event_of_a_new_endpoint_is_in_the_log_at_once(client: Client, raw: Raw, app: str) -> None:
    endpoint = {"ChannelType": "GCM", "Address": "t1", "Demographic": {"Make": "samsung", "Locale": "en_GB"}}
    event = {"EventType": "custom.x", "Timestamp": AT, "Attributes": {"a": "b"}, "Metrics": {"n": 3.0}}

    results = put(client, app, {"E1": {"Endpoint": endpoint, "Events": {"v1": event}}})

    assert results == {"E1": {"EndpointItemResponse": ACCEPTED, "EventsItemResponse": {"v1": ACCEPTED}}}
    (record,) = logged(raw, app)
    assert record["event_type"] == "custom.x"
    assert record["client"] == {"client_id": "E1"}
    assert record["device"] == {
        "locale": {"code": "en_GB", "country": "GB", "language": "en"},
        "make": "samsung",
        "platform": {},
    }


def test_an_endpoint_left_empty_is_neither_changed_nor_created(client: Client, raw: Raw, app: str) -> None:
    event = {"EventType": "x", "Timestamp": AT}

    results = put(client, app, {"nobody": {"Endpoint": {}, "Events": {"v1": event}}})

    assert results["nobody"] == {"EndpointItemResponse": ACCEPTED, "EventsItemResponse": {"v1": ACCEPTED}}
    assert refusal(client.get_endpoint, ApplicationId=app, EndpointId="nobody").status == 404
    (record,) = logged(raw, app)
    assert record == {
        "event_type": "x",
        "event_timestamp": 1714557600123,
        "arrival_timestamp": record["arrival_timestamp"],
        "event_version": "3.0",
        "application": {"app_id": app, "sdk": {}},
        "client": {"client_id": "nobody"},
        "device": {"platform": {}},
        "session": {},
        "attributes": {},
        "metrics": {},
        "awsAccountId": "000000000000",
    }


def test_a_record_tells_all_that_the_app_reported(client: Client, raw: Raw, app: str) -> None:
    endpoint = {
        "ChannelType": "GCM",
        "Address": "secret-token",
        "User": {"UserId": "u7", "UserAttributes": {"Plan": ["gold"]}},
        "EffectiveDate": "2024-05-01T08:00:00.000Z",
        "Demographic": {
            "AppVersion": "2.4",
            "Locale": "en_GB",
            "Make": "samsung",
            "Model": "SM-G900F",
            "Platform": "android",
            "PlatformVersion": "14",
        },
    }
    event = {
        "EventType": "custom.preference_update",
        "Timestamp": AT,
        "AppPackageName": "com.example.shop",
        "AppTitle": "Shop",
        "AppVersionCode": "17",
        "SdkName": "aws-amplify",
        "ClientSdkVersion": "6.0.1",
        "Session": {
            "Id": "s-0001",
            "Duration": 20000,
            "StartTimestamp": "2024-05-01T09:59:50Z",
            "StopTimestamp": "2024-05-01T10:00:10Z",
        },
        "Attributes": {"UpdatedPreference": "Größe"},
        "Metrics": {"basket": 3.0},
    }

    put(client, app, {"ep-4711": {"Endpoint": endpoint, "Events": {"v1": event}}})

    (record,) = logged(raw, app)
    told = json.loads(record["client_context"]["custom"]["endpoint"])
    assert "Address" not in told
    assert (told["ChannelType"], told["OptOut"], told["EffectiveDate"], told["User"]) == (
        "GCM", "NONE", "2024-05-01T08:00:00.000Z", {"UserId": "u7", "UserAttributes": {"Plan": ["gold"]}},
    )  # fmt: skip
    del record["client_context"], record["arrival_timestamp"]
    assert record == {
        "event_type": "custom.preference_update",
        "event_timestamp": 1714557600123,
        "event_version": "3.0",
        "application": {
            "app_id": app,
            "package_name": "com.example.shop",
            "title": "Shop",
            "version_name": "2.4",
            "version_code": "17",
            "sdk": {"name": "aws-amplify", "version": "6.0.1"},
        },
        "client": {"client_id": "ep-4711"},
        "device": {
            "locale": {"code": "en_GB", "country": "GB", "language": "en"},
            "make": "samsung",
            "model": "SM-G900F",
            "platform": {"name": "android", "version": "14"},
        },
        "session": {"session_id": "s-0001", "start_timestamp": 1714557590000, "stop_timestamp": 1714557610000},
        "attributes": {"UpdatedPreference": "Größe"},
        "metrics": {"basket": 3.0},
        "awsAccountId": "000000000000",
    }


GOOD = {"EventType": "x", "Timestamp": AT}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"Timestamp": AT}, "Missing EventType"),
        ({"EventType": "", "Timestamp": AT}, "Missing EventType"),
        ({"EventType": "e" * 51, "Timestamp": AT}, "Invalid EventType"),
        ({"EventType": "x"}, "Missing Timestamp"),
        ({"EventType": "x", "Timestamp": None}, "Missing Timestamp"),
        ({"EventType": "x", "Timestamp": "yesterday"}, "Invalid Timestamp"),
        ({"EventType": "x", "Timestamp": {}}, "Invalid Timestamp"),
        (GOOD | {"Attributes": {"a": "v" * 201}}, "Attribute value too long"),
        (GOOD | {"Attributes": {"a" * 51: "v"}}, "Attribute name too long"),
        (GOOD | {"Metrics": {"m" * 51: 1}}, "Attribute name too long"),
        (GOOD | {"Metrics": {"m": "many"}}, "Invalid Metrics.m: many"),
        (GOOD | {"Attributes": {"a": []}}, "Invalid Attributes.a"),
        (
            GOOD | {"Attributes": {f"a{n}": "v" for n in range(10_000)}},
            "Number of attributes per event submitted should be less than 40.",
        ),
        (
            GOOD | {"Attributes": {f"a{n}": "v" for n in range(21)}, "Metrics": {f"m{n}": n for n in range(20)}},
            "Number of attributes per event submitted should be less than 40.",
        ),
        (GOOD | {"AppTitle": "t" * 1_024_001}, "Event size exceeds the maximum of 1,000 KB"),
        (GOOD | {"Session": {"Id": "s"}}, "Invalid Session"),
        (GOOD | {"Session": {"StartTimestamp": AT}}, "Invalid Session"),
        (GOOD | {"Session": {"Id": "s", "StartTimestamp": "soon"}}, "Invalid Session"),
        (GOOD | {"Session": {"Id": "s", "StartTimestamp": AT, "StopTimestamp": "soon"}}, "Invalid Session"),
        (GOOD | {"Session": {"Id": "s", "StartTimestamp": AT, "Duration": "long"}}, "Invalid Session"),
        (GOOD | {"Session": []}, "Invalid Session"),
        ([], "Invalid Events.bad"),
        ({"EventType": "_email.hardbounce", "Timestamp": AT}, "Reserved event type"),
        ({"EventType": "_campaign.send", "Timestamp": AT}, "Reserved event type"),
        ({"EventType": "_SMS.RECEIVED", "Timestamp": AT}, "Reserved event type"),
        ({"EventType": "_test.event_stream", "Timestamp": AT}, "Reserved event type"),
    ],
)
def test_a_bad_event_costs_only_itself(raw: Raw, app: str, event: Any, told: str) -> None:
    batch = {"e1": {"Endpoint": {}, "Events": {"good": GOOD, "bad": event}}}

    answer = raw.send("POST", f"/v1/apps/{app}/events", {"BatchItem": batch})

    assert answer.status == 202
    assert answer.json["Results"]["e1"] == {
        "EndpointItemResponse": ACCEPTED,
        "EventsItemResponse": {"good": ACCEPTED, "bad": {"StatusCode": 400, "Message": told}},
    }
    assert [record["event_type"] for record in logged(raw, app)] == ["x"]


@pytest.mark.parametrize(
    ("endpoint", "told"),
    [
        ({"Address": "a@example.com"}, "Missing ChannelType"),
        ({"ChannelType": "EMAIL", "OptOut": "NONE"}, "Missing Address"),
        ({"Attributes": {"a": "no list of lists", "b": {}}}, "Invalid Attributes.b"),
        ([], "Invalid Endpoint"),
        (None, "Missing Endpoint"),
        ({"Location": {"Latitude": 91}}, "Invalid Latitude: 91.0"),
    ],
)
def test_a_bad_endpoint_costs_none_of_its_events(raw: Raw, app: str, endpoint: Any, told: str) -> None:
    batch = {"e1": {"Endpoint": endpoint, "Events": {"v1": GOOD}}}

    answer = raw.send("POST", f"/v1/apps/{app}/events", {"BatchItem": batch})

    assert answer.json["Results"]["e1"] == {
        "EndpointItemResponse": {"StatusCode": 400, "Message": told},
        "EventsItemResponse": {"v1": ACCEPTED},
    }
    assert len(logged(raw, app)) == 1


def test_the_sixteenth_endpoint_of_a_user_is_told_and_its_events_are_taken(client: Client, raw: Raw, app: str) -> None:
    user = {"User": {"UserId": "u1"}}
    batch = {
        f"e{n:02}": {
            "Endpoint": {"ChannelType": "EMAIL", "Address": f"a{n}@example.com", **user},
            "Events": {"v": GOOD},
        }
        for n in range(16)
    }

    results = put(client, app, batch)

    assert [item["EndpointItemResponse"]["StatusCode"] for item in results.values()] == [202] * 15 + [400]
    assert results["e15"]["EndpointItemResponse"]["Message"] == "Exceeded maximum endpoint per user count: 15"
    assert len(logged(raw, app)) == 16


def test_an_id_that_no_endpoint_can_have_is_refused_with_its_events(client: Client, raw: Raw, app: str) -> None:
    results = put(client, app, {"a$b": {"Endpoint": {}, "Events": {"v1": GOOD}}})

    told = {"StatusCode": 400, "Message": "Invalid EndpointId"}
    assert results == {"a$b": {"EndpointItemResponse": told, "EventsItemResponse": {"v1": told}}}
    assert logged(raw, app) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"BatchItem": {}}, "Missing BatchItem"),
        ({}, "Missing BatchItem"),
        ({"BatchItem": {"e1": 5}}, "Invalid BatchItem.e1"),
        (
            {"BatchItem": {f"e{n}": {"Endpoint": {}, "Events": {f"v{m}": GOOD for m in range(34)}} for n in range(3)}},
            "Exceeded maximum number of events: 100",
        ),
        (
            {"BatchItem": {f"e{n}": {"Endpoint": {"OptOut": "ALL"}, "Events": {}} for n in range(101)}},
            "Exceeded maximum number of endpoints: 100",
        ),
    ],
)
def test_an_envelope_that_is_unusable_is_refused_whole(raw: Raw, app: str, body: dict[str, Any], told: str) -> None:
    answer = raw.send("POST", f"/v1/apps/{app}/events", body)

    assert (answer.status, answer.json["Message"]) == (400, told)
    assert logged(raw, app) == []


def test_an_unknown_application_is_told_before_what_is_wrong_with_the_request(raw: Raw) -> None:
    bodies: list[dict[str, Any]] = [{"BatchItem": {}}, {"BatchItem": {"e1": {"Endpoint": {}, "Events": {}}}}]
    for body, app in product(bodies, ("0" * 32, "no-id-at-all")):
        answer = raw.send("POST", f"/v1/apps/{app}/events", body)

        assert (answer.status, answer.json["Message"]) == (404, "Application not found")


def test_no_events_update_the_endpoint_alone(client: Client, raw: Raw, app: str) -> None:
    results = put(client, app, {"e1": {"Endpoint": {"Attributes": {"a": ["1"]}}, "Events": {}}})

    assert results == {"e1": {"EndpointItemResponse": ACCEPTED, "EventsItemResponse": {}}}
    assert client.get_endpoint(ApplicationId=app, EndpointId="e1")["EndpointResponse"]["OptOut"] == "ALL"
    assert logged(raw, app) == []


async def test_a_repeat_is_logged_but_marked(client: Client, raw: Raw, app: str, database: Database) -> None:
    put(client, app, {"E1": {"Endpoint": {}, "Events": {"v1": GOOD}}})

    results = put(client, app, {"e1": {"Endpoint": {}, "Events": {"v1": GOOD, "v2": GOOD}}})

    assert results["e1"]["EventsItemResponse"] == {"v1": ACCEPTED, "v2": ACCEPTED}
    assert len(logged(raw, app)) == 3
    assert await repeats(database) == [False, True, False]


async def test_one_endpoint_in_two_spellings_in_one_request(client: Client, app: str, database: Database) -> None:
    batch = {
        "AB": {"Endpoint": {"Attributes": {"a": ["1"]}}, "Events": {"v1": GOOD}},
        "ab": {"Endpoint": {"Attributes": {"a": ["2"]}}, "Events": {"v1": GOOD}},
    }

    results = put(client, app, batch)

    assert [item["EndpointItemResponse"] for item in results.values()] == [ACCEPTED, ACCEPTED]
    found = client.get_endpoint(ApplicationId=app, EndpointId="ab")["EndpointResponse"]
    assert (found["Id"], found["Attributes"]) == ("AB", {"a": ["2"]})
    assert await repeats(database) == [False, True]


def test_numbers_in_attributes_become_text_and_nulls_are_dropped(raw: Raw, app: str) -> None:
    event = GOOD | {"Attributes": {"n": 1.50, "b": True, "gone": None}, "Metrics": {"m": "2.5"}}

    raw.send("POST", f"/v1/apps/{app}/events", {"BatchItem": {"e1": {"Endpoint": {}, "Events": {"v1": event}}}})

    (record,) = logged(raw, app)
    assert (record["attributes"], record["metrics"]) == ({"n": "1.5", "b": "true"}, {"m": 2.5})


@pytest.mark.parametrize(
    ("timestamp", "milliseconds"),
    [
        ("2024-05-01T10:00:00.123Z", 1714557600123),
        ("2024-05-01T12:00:00.123456789+02:00", 1714557600123),
        ("2024-05-01T10:00:00", 1714557600000),
        ("1969-12-31T23:59:59.9999Z", -1),
        ("9999-12-31T23:59:59Z", 253402300799000),
    ],
)
def test_odd_timestamps_stand_in_the_record_as_the_client_means_them(
    client: Client, raw: Raw, app: str, timestamp: str, milliseconds: int
) -> None:
    put(client, app, {"e1": {"Endpoint": {}, "Events": {"v1": GOOD | {"Timestamp": timestamp}}}})

    (record,) = logged(raw, app)
    assert record["event_timestamp"] == milliseconds


async def test_a_clock_years_off_counts_at_the_time_of_arrival(client: Client, app: str, database: Database) -> None:
    now = datetime.now(UTC)
    credible = now - timedelta(days=89)
    events = {
        "past": GOOD | {"Timestamp": "2001-01-01T00:00:00Z"},
        "future": GOOD | {"Timestamp": "2099-01-01T00:00:00Z"},
        "credible": GOOD | {"Timestamp": credible.isoformat()},
    }

    put(client, app, {"e1": {"Endpoint": {}, "Events": events}})

    past, future, told = await occurred(database)
    assert past == future
    assert abs((past - now).total_seconds()) < 60
    assert told == credible


def test_the_path_of_older_libraries_signed_in_the_query(raw: Raw, app: str) -> None:
    body = json.dumps({"BatchItem": {"e1": {"Endpoint": {}, "Events": {"v1": GOOD}}}}).encode()
    path = raw.presign("POST", f"/v1/apps/{app}/events/legacy", body)

    answer = raw.send_unsigned("POST", path, body)

    assert answer.status == 202, answer.body
    assert len(logged(raw, app)) == 1


def test_the_latest_event_is_activity_that_segments_see(client: Client, raw: Raw, app: str) -> None:
    old = {"ChannelType": "EMAIL", "EffectiveDate": "2020-01-01T00:00:00.000Z"}
    for name in ("seen", "unseen"):
        endpoint = old | {"Address": f"{name}@example.com"}
        client.update_endpoint(ApplicationId=app, EndpointId=name, EndpointRequest=endpoint)
    recency = {"Behavior": {"Recency": {"Duration": "DAY_7", "RecencyType": "ACTIVE"}}}
    request = {"Name": "active", "Dimensions": recency}
    segment = client.create_segment(ApplicationId=app, WriteSegmentRequest=request)["SegmentResponse"]["Id"]

    put(client, app, {"SEEN": {"Endpoint": {}, "Events": {"v1": GOOD}}})

    members = raw.send("GET", f"/repoint/v1/apps/{app}/segments/{segment}/members").json["Item"]
    assert [member["EndpointId"] if isinstance(member, dict) else member for member in members] == ["seen"]
    why = raw.send("GET", f"/repoint/v1/apps/{app}/segments/{segment}/members/seen").json
    (criterion,) = why["Segments"][0]["Groups"][0]["Dimensions"][0]["Criteria"]
    assert (criterion["IsMatch"], criterion["Stored"] > "2026") == (True, True)


async def test_events_that_come_while_their_day_gets_a_place_are_accepted(
    client: Client, app: str, database: Database
) -> None:
    batch = {"E1": {"Endpoint": {}, "Events": {"v1": {"EventType": "x", "Timestamp": AT}}}}
    # The two locks of add_events_day, and a caller who comes between them.
    async with database.transaction() as db:
        await db.execute(Query("first", "LOCK TABLE ONLY events IN SHARE ROW EXCLUSIVE MODE"))
        calling = asyncio.create_task(asyncio.to_thread(put, client, app, batch))
        while not await waits_for_a_table(database):  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
        await db.execute(Query("at_once", "SET LOCAL lock_timeout = '100ms'"))
        await db.execute(Query("second", "LOCK TABLE events_unsorted IN ACCESS EXCLUSIVE MODE"))

    assert await calling == {"E1": {"EndpointItemResponse": ACCEPTED, "EventsItemResponse": {"v1": ACCEPTED}}}


async def repeats(database: Database) -> list[bool]:
    found = await _column(database, "is_repeat")
    return [bool(each) for each in found]


async def occurred(database: Database) -> list[datetime]:
    return await _column(database, "occurred_at")


async def _column(database: Database, name: str) -> list[Any]:
    async with database.connection() as db:
        rows = await db.tuples(Query("column", f"SELECT {name} FROM events ORDER BY position"))  # noqa: S608 - ours
    return [row[0] for row in rows]

"""The audit record as auth.md section 10 has it: what is in it, what is masked, and what is never recorded."""

import re
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from repoint.access import audit
from repoint.access.groups import GROUP_S
from repoint.contract.model import OPERATIONS
from repoint.discover import discover
from repoint.operation import EXTENSIONS, Call, Input, Output, extension
from repoint.settings import Settings
from tests.fixtures.extensions import only_here
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Key, Raw, Serve, Server, running

AUDIT = "/repoint/v1/audit"
UNKNOWN = "0123456789abcdef0123456789abcdef"
ENDPOINT = {"ChannelType": "EMAIL", "Address": "secret@example.com", "Attributes": {"plan": ["secret"]}}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def records(raw: Raw, event: str, count: int = 1) -> list[dict[str, Any]]:
    """The records of an operation, newest first, once there are this many; they must be there within a second."""
    deadline = time.monotonic() + 5
    while True:
        found: list[dict[str, Any]] = raw.send("GET", f"{AUDIT}?event={event}").json["Item"]
        if len(found) >= count or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def record(raw: Raw, event: str) -> dict[str, Any]:
    (found,) = records(raw, event)
    return found


@pytest.fixture
def app(client: Any) -> str:
    return str(client.create_app(CreateApplicationRequest={"Name": "secret"})["ApplicationResponse"]["Id"])


def test_change_is_recorded_with_its_answer(raw: Raw) -> None:
    request = {"Name": "secret", "tags": {"Owner": "ana"}}
    answer = raw.send("POST", "/v1/apps", request, headers={"User-Agent": 'Bo"to3\\/1 é'})

    found = record(raw, "CreateApp")

    assert UUID.fullmatch(found.pop("eventID"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.pop("eventTime"))
    assert found == {
        "eventVersion": "1.05",
        "eventSource": "pinpoint.amazonaws.com",
        "eventName": "CreateApp",
        "eventType": "AwsApiCall",
        "awsRegion": "us-east-1",
        "recipientAccountId": "000000000000",
        "sourceIPAddress": "127.0.0.1",
        "userAgent": 'Bo"to3\\/1 é',
        "readOnly": False,
        "requestID": answer.headers["x-amzn-requestid"],
        "userIdentity": {
            "type": "IAMUser",
            "principalId": raw.key.access_key_id,
            "arn": "arn:aws:iam::000000000000:user/test",
            "accountId": "000000000000",
            "accessKeyId": raw.key.access_key_id,
            "userName": "test",
        },
        "requestParameters": {"Name": "***", "tags": {"Owner": "ana"}},
        "responseElements": {
            "Arn": answer.json["Arn"],
            "Id": answer.json["Id"],
            "Name": "***",
            "tags": {"Owner": "ana"},
            "CreationDate": answer.json["CreationDate"],
        },
    }


def test_read_is_recorded_without_its_answer(raw: Raw, app: str) -> None:
    raw.send("GET", f"/v1/apps/{app}")

    found = record(raw, "GetApp")

    assert found["readOnly"] is True
    assert found["requestParameters"] == {"application-id": app}
    assert found["responseElements"] is None
    assert "errorCode" not in found


def test_parameters_of_the_query_stand_under_their_names_as_texts(raw: Raw, client: Any, app: str) -> None:
    client.get_apps(PageSize="7")
    arn = f"arn:aws:mobiletargeting:us-east-1:000000000000:apps/{app}"
    client.untag_resource(ResourceArn=arn, TagKeys=["a", "b"])

    assert record(raw, "GetApps")["requestParameters"] == {"page-size": "7"}
    assert record(raw, "UntagResource")["requestParameters"] == {"resource-arn": arn, "tagKeys": ["a", "b"]}


def test_endpoint_is_recorded_without_what_is_personal(raw: Raw, client: Any, app: str) -> None:
    client.update_endpoint(ApplicationId=app, EndpointId="e/1", EndpointRequest=ENDPOINT)
    client.get_endpoint(ApplicationId=app, EndpointId="e/1")
    client.delete_endpoint(ApplicationId=app, EndpointId="e/1")

    written, deleted = record(raw, "UpdateEndpoint"), record(raw, "DeleteEndpoint")

    assert written["requestParameters"] == {
        "application-id": app,
        "endpoint-id": "e/1",
        "ChannelType": "EMAIL",
        "Address": "***",
        "Attributes": "***",
    }
    assert written["responseElements"] == {"Message": "Accepted", "RequestID": written["requestID"]}
    assert deleted["responseElements"]["Address"] == "***"
    assert deleted["responseElements"]["ApplicationId"] == app
    assert record(raw, "GetEndpoint")["responseElements"] is None


def test_batch_is_recorded_without_its_items(raw: Raw, client: Any, app: str) -> None:
    client.update_endpoints_batch(ApplicationId=app, EndpointBatchRequest={"Item": [{"Id": "e1"} | ENDPOINT]})

    assert record(raw, "UpdateEndpointsBatch")["requestParameters"] == {"application-id": app, "Item": "***"}


def test_nothing_personal_and_no_secret_is_kept(raw: Raw, client: Any, app: str, database_url: str) -> None:
    made = raw.send("POST", "/repoint/v1/keys", {"Name": "secret"}).json
    client.update_endpoint(ApplicationId=app, EndpointId="e1", EndpointRequest=ENDPOINT)
    raw.send("POST", f"/v1/apps/{app}/channels/sms", {"SenderId": "secret"})
    raw.send("PUT", f"/v1/apps/{app}/channels/gcm", {"ApiKey": "secret", "ServiceJson": "secret", "Enabled": True})
    raw.send("POST", f"/v1/apps/{app}/segments", {"Name": "secret", "Dimensions": {"Attributes": {"secret": {}}}})
    records(raw, "UpdateGcmChannel")

    with psycopg.connect(database_url) as connection:
        found = "\n".join(row[0] for row in connection.execute("SELECT record::text FROM audit_records"))

    assert "UpdateGcmChannel" in found
    assert "secret" not in found
    assert made["SecretAccessKey"] not in found


def test_addresses_in_paths_and_queries_are_not_recorded(raw: Raw) -> None:
    path = "/repoint/v1/suppressions/EMAIL"
    raw.send("PUT", f"{path}/secret@example.com")
    raw.send("DELETE", f"{path}/secret@example.com")
    raw.send("DELETE", f"{path}/secret@example.com")
    raw.send("GET", f"{path}?token=secret%40example.com")
    raw.send("GET", "/repoint/v1/mailbox?address=secret%40example.com&channel=EMAIL")

    found = [
        *records(raw, "SuppressAddress"),
        *records(raw, "ReleaseAddress", 2),
        *records(raw, "ListSuppressions"),
        *records(raw, "ListMailbox"),
    ]

    assert [each["requestParameters"] for each in found] == [
        {"ChannelType": "EMAIL", "Address": "***"},
        {"ChannelType": "EMAIL", "Address": "***"},
        {"ChannelType": "EMAIL", "Address": "***"},
        {"ChannelType": "EMAIL", "token": "***"},
        {"address": "***", "channel": "EMAIL"},
    ]
    assert "secret@" not in str(found)


def test_key_is_recorded_by_its_id(raw: Raw) -> None:
    made = raw.send("POST", "/repoint/v1/keys", {"Name": "ana"}).json
    raw.send("DELETE", f"/repoint/v1/keys/{made['AccessKeyId']}")

    # The test's own key was made before.
    created, revoked = records(raw, "CreateKey", 2)[0], record(raw, "RevokeKey")

    assert created["eventSource"] == "repoint"
    assert created["responseElements"]["AccessKeyId"] == made["AccessKeyId"]
    assert created["responseElements"]["SecretAccessKey"] == "***"
    assert revoked["requestParameters"] == {"AccessKeyId": made["AccessKeyId"]}
    assert revoked["responseElements"]["Status"] == "REVOKED"


@pytest.mark.parametrize(
    ("method", "target", "body", "event", "code", "message"),
    [
        (
            "GET",
            "/v1/apps/0123456789abcdef0123456789abcdef",
            b"",
            "GetApp",
            "NotFoundException",
            "Application not found",
        ),
        ("POST", "/v1/apps", {"Name": " "}, "CreateApp", "BadRequestException", "Missing Name"),
        ("POST", "/v1/apps", {}, "CreateApp", "BadRequestException", "Missing Name"),
        ("POST", "/v1/apps", b"", "CreateApp", "BadRequestException", "Missing request body"),
        ("GET", "/v1/apps?page-size=0", b"", "GetApps", "BadRequestException", "Invalid page-size"),
        (
            "GET",
            f"/v1/apps/{'a' * 32}/kpis/daterange/unique-deliveries",
            b"",
            "GetApplicationDateRangeKpi",
            "NotImplementedException",
            "GetApplicationDateRangeKpi is not available in this version",
        ),
    ],
)
def test_call_that_failed_is_recorded(  # noqa: PLR0913, PLR0917 - of a table
    raw: Raw, method: str, target: str, body: Any, event: str, code: str, message: str
) -> None:
    answer = raw.send(method, target, body)

    found = record(raw, event)

    assert answer.status >= 400
    assert (found["errorCode"], found["errorMessage"]) == (code, message)
    assert found["responseElements"] is None
    assert found["requestID"] == answer.headers["x-amzn-requestid"]


def test_refused_call_is_recorded(raw: Raw) -> None:
    statement = {"Effect": "Allow", "Action": "mobiletargeting:GetApp", "Resource": "*"}
    made = raw.send("POST", "/repoint/v1/keys", {"Name": "ana", "Policy": {"Statement": statement}}).json
    admin, raw.key = raw.key, Key(made["AccessKeyId"], made["SecretAccessKey"])
    raw.send("GET", "/v1/apps")
    raw.key = admin

    found = record(raw, "GetApps")

    assert found["errorCode"] == "AccessDeniedException"
    assert found["errorMessage"].startswith("User: arn:aws:iam::000000000000:user/ana is not authorized to perform")
    assert found["userIdentity"]["userName"] == "ana"


@pytest.mark.parametrize(
    ("target", "body", "event"),
    [
        ("/v1/apps", {"Name": "x", "tags": {"k": "v" * 1_000_000}}, "CreateApp"),
        ("/v1/apps", {"Name": "x", "tags": {f"k{number}": "\\" * 70 for number in range(5000)}}, "CreateApp"),
        ("/repoint/v1/keys", {"Name": "x", "Tags": [[["a" * 900] * 50] * 50]}, "CreateKey"),
        ("/repoint/v1/keys", {"Name": "x" * 1_000_000}, "CreateKey"),
        ("/repoint/v1/keys", {f"{number}" * 100: 1 for number in range(1000)}, "CreateKey"),
    ],
)
def test_record_has_its_limit_whoever_calls(raw: Raw, target: str, body: Any, event: str, database_url: str) -> None:
    nothing = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    made = raw.send("POST", "/repoint/v1/keys", {"Name": "ana", "Policy": {"Statement": nothing}}).json
    admin, raw.key = raw.key, Key(made["AccessKeyId"], made["SecretAccessKey"])

    assert raw.send("POST", target, body, headers={"User-Agent": "é" * 4000}).status == 403

    raw.key = admin
    found = records(raw, event, 2 if event == "CreateApp" else 3)[0]
    assert found["errorCode"] == "AccessDeniedException"
    with psycopg.connect(database_url) as connection:
        (longest,) = connection.execute("SELECT max(octet_length(record)) FROM audit_records").fetchone() or (0,)
    assert longest <= 16_384


def test_value_that_was_refused_is_not_recorded(raw: Raw, app: str) -> None:
    location = {"Location": {"Latitude": "ann@example.com"}}
    answer = raw.send("PUT", f"/v1/apps/{app}/endpoints/e1", location)

    assert answer.json["Message"] == "Invalid Latitude: ann@example.com"
    assert record(raw, "UpdateEndpoint")["errorMessage"] == "Invalid Latitude"


def test_throttled_call_is_recorded(serve: Serve) -> None:
    raw = Raw(serve(throttles={"GetApp": {"rate": 1, "burst": 1}}))
    for _ in range(3):
        raw.send("GET", "/v1/apps/a%2Fb")

    codes = [found["errorCode"] for found in records(raw, "GetApp", 3)]

    assert codes.count("TooManyRequestsException") >= 1
    assert {found["requestParameters"]["application-id"] for found in records(raw, "GetApp", 3)} == {"a/b"}


def test_label_that_is_no_unicode_is_recorded_as_far_as_it_is(raw: Raw) -> None:
    assert raw.send("GET", "/v1/apps/%ff%00%09%0a").status == 400

    assert record(raw, "GetApp")["requestParameters"] == {"application-id": "?\0\t\n"}


def test_bug_is_recorded_without_its_details(settings: Settings) -> None:
    with only_here():

        @extension("POST", "/repoint/v1/probe-bug", resource="probe")
        async def probe_bug(_call: Call, _arguments: Input) -> Output:
            raise RuntimeError("a secret detail")

        with running(settings) as server:
            raw = Raw(server)
            raw.send("POST", "/repoint/v1/probe-bug")
            found = record(raw, "ProbeBug")

    assert (found["errorCode"], found["errorMessage"]) == ("InternalServerErrorException", "Internal server error")


def test_what_is_data_traffic_is_not_recorded(raw: Raw, client: Any, app: str) -> None:
    client.put_events(ApplicationId=app, EventsRequest={"BatchItem": {"e": {"Endpoint": {}, "Events": {}}}})
    refusal(client.put_events, ApplicationId=app, EventsRequest={"BatchItem": {}})
    refusal(client.send_messages, ApplicationId=app, MessageRequest={"MessageConfiguration": {}})
    client.get_app(ApplicationId=app)

    record(raw, "GetApp")

    names = {found["eventName"] for found in raw.send("GET", AUDIT).json["Item"]}
    assert names.isdisjoint({"PutEvents", "SendMessages"})


def test_every_operation_of_the_contract_is_recorded_in_its_way() -> None:
    found = {name: audit.kind(name).audit for name in OPERATIONS}

    assert {name for name, way in found.items() if way == "none"} == {
        "GetInAppMessages",
        "PutEvents",
        "SendMessages",
        "SendOTPMessage",
        "SendUsersMessages",
        "VerifyOTPMessage",
    }
    assert {name for name, way in found.items() if way == "group" and not name.startswith(("Get", "List"))} == {
        "DeleteEndpoint",
        "DeleteUserEndpoints",
        "PhoneNumberValidate",
        "UpdateEndpoint",
        "UpdateEndpointsBatch",
    }
    assert {name for name in OPERATIONS if audit.kind(name).is_read} == {
        name for name in OPERATIONS if name.startswith(("Get", "List"))
    } | {"PhoneNumberValidate"}


def test_no_operation_of_ours_goes_unrecorded() -> None:
    discover()

    assert [name for name in EXTENSIONS if audit.kind(name).audit == "none"] == []


def test_change_and_record_commit_together(raw: Raw, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "ALTER TABLE audit_records ADD CHECK (event_name <> 'CreateApp' OR record LIKE '%errorCode%')"
        )
        answer = raw.send("POST", "/v1/apps", {"Name": "shop"})
        (apps,) = connection.execute("SELECT count(*) FROM documents").fetchall()

    assert answer.status == 500
    assert apps == (0,)


@pytest.mark.parametrize("records_itself", [True, False])
def test_operation_in_steps_is_recorded_once(
    settings: Settings,
    records_itself: bool,  # noqa: FBT001 - of a table
) -> None:
    with only_here():

        @extension("POST", "/repoint/v1/probe-steps", resource="probe", in_steps=True)
        async def probe_steps(call: Call, _arguments: Input) -> Output:
            async with call.step():
                if records_itself:
                    await call.record({"Id": "1"})
            return {"Id": "1"}

        with running(settings) as server:
            raw = Raw(server)
            raw.send("POST", "/repoint/v1/probe-steps")
            found = records(raw, "ProbeSteps")

    assert [each["responseElements"] for each in found] == [{"Id": "1"}]


def test_import_is_recorded_with_its_job(raw: Raw, client: Any, app: str, server: Server) -> None:
    bucket = server.settings.files_dir / "imports"
    bucket.mkdir(parents=True)
    bucket.joinpath("a.csv").write_text("ChannelType,Address,Id\nEMAIL,secret@example.com,e1\n", encoding="utf-8")
    role = "arn:aws:iam::000000000000:role/import"
    request = {"Format": "CSV", "RegisterEndpoints": True, "RoleArn": role, "S3Url": "s3://imports/a.csv"}
    job = client.create_import_job(ApplicationId=app, ImportJobRequest=request)["ImportJobResponse"]

    found = record(raw, "CreateImportJob")

    assert found["requestParameters"] == {"application-id": app} | request
    assert found["responseElements"]["Id"] == job["Id"]
    assert found["responseElements"]["Definition"]["S3Url"] == "s3://imports/a.csv"


def test_records_of_a_group_are_there_within_a_second(raw: Raw, app: str) -> None:
    raw.send("GET", f"/v1/apps/{app}")
    answered = time.monotonic()

    assert record(raw, "GetApp")["requestParameters"] == {"application-id": app}
    assert time.monotonic() - answered < 1


def test_clean_stop_writes_what_waits(settings: Settings, serve: Callable[..., Server]) -> None:
    with running(settings) as server:
        Raw(server).send("GET", "/v1/apps")

    assert len(records(Raw(serve()), "GetApps")) == 1


def test_local_commands_are_recorded_as_the_accounts_own(raw: Raw) -> None:
    (found,) = [each for each in records(raw, "CreateKey") if each["userIdentity"]["type"] == "Root"]

    assert found["userIdentity"] == {
        "type": "Root",
        "principalId": "000000000000",
        "arn": "arn:aws:iam::000000000000:root",
        "accountId": "000000000000",
    }


def test_records_wait_for_a_database_that_is_away(raw: Raw, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE audit_records RENAME TO hidden")
        raw.send("GET", "/v1/apps")
        time.sleep(2 * GROUP_S)
        connection.execute("ALTER TABLE hidden RENAME TO audit_records")

    assert len(records(raw, "GetApps")) == 1

"""Policies as callers meet them: who is refused what, in which words, and how soon a change counts."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.fixtures.refusal import refusal
from tests.fixtures.server import Key, Raw, Serve, Server, make_client

HEAD = "arn:aws:mobiletargeting:us-east-1:000000000000:"
ANA = "arn:aws:iam::000000000000:user/ana"
ROLE = "arn:aws:iam::000000000000:role/import"
UNKNOWN_APP = "0123456789abcdef0123456789abcdef"

Statement = dict[str, Any]
# A boto3 client of a key named ana that may do what the statements allow.
ClientOf = Callable[..., Any]


def allow(action: Any, *resources: str, **others: Any) -> Statement:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources) or "*"} | others


def deny(action: Any, *resources: str, **others: Any) -> Statement:
    return allow(action, *resources, **others) | {"Effect": "Deny"}


def policy(*statements: Statement) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def make_key(raw: Raw, *statements: Statement, **others: Any) -> Key:
    answer = raw.send("POST", "/repoint/v1/keys", {"Name": "ana", "Policy": policy(*statements)} | others)
    assert answer.status == 201, answer.body
    return Key(answer.json["AccessKeyId"], answer.json["SecretAccessKey"])


@pytest.fixture
def client_of(server: Server, raw: Raw) -> Iterator[ClientOf]:
    clients = []

    def make(*statements: Statement, **others: Any) -> Any:
        key = make_key(raw, *statements, **others)
        clients.append(make_client(Server(server.settings, server.port, key)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def app(client: Any) -> str:
    answer = client.create_app(CreateApplicationRequest={"Name": "shop", "tags": {"Owner": "ana"}})
    return str(answer["ApplicationResponse"]["Id"])


def denied(action: str, resource: str, end: str = "") -> tuple[int, str, str]:
    text = f"User: {ANA} is not authorized to perform: {action} on resource: {resource}{end}"
    return 403, "AccessDeniedException", text


def test_what_no_statement_allows_is_denied(client_of: ClientOf, app: str) -> None:
    client = client_of(allow("mobiletargeting:Get*"))

    assert client.get_app(ApplicationId=app)["ApplicationResponse"]["Name"] == "shop"
    assert refusal(client.delete_app, ApplicationId=app) == denied("mobiletargeting:DeleteApp", f"{HEAD}apps/{app}")


def test_what_a_statement_denies_is_denied_whatever_allows_it(client_of: ClientOf, app: str) -> None:
    client = client_of(deny("mobiletargeting:Delete*"), allow("*"))

    assert refusal(client.delete_app, ApplicationId=app) == denied(
        "mobiletargeting:DeleteApp", f"{HEAD}apps/{app}", " with an explicit deny"
    )


def test_answer_has_the_form_of_the_captured_one(raw: Raw) -> None:
    raw.key = make_key(raw, allow("mobiletargeting:GetApp"))

    answer = raw.send("GET", "/v1/apps")

    assert answer.status == 403
    assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json == {
        "message": f"User: {ANA} is not authorized to perform: mobiletargeting:GetApps on resource: {HEAD}apps"
    }


def test_account_and_region_are_those_of_the_server_and_of_the_call(serve: Serve) -> None:
    server = serve(account_id="123456789012", regions=("us-east-1", "eu-west-1"))
    raw = Raw(server)
    raw.key = make_key(raw, allow("*", "arn:aws:mobiletargeting:us-east-1:123456789012:apps"))

    allowed, refused = raw.send("GET", "/v1/apps"), raw.send("GET", "/v1/apps", region="eu-west-1")

    assert allowed.status == 200
    assert refused.json["message"].endswith("resource: arn:aws:mobiletargeting:eu-west-1:123456789012:apps")


def test_rights_on_an_application_are_not_rights_on_what_is_below_it(client_of: ClientOf, app: str) -> None:
    client = client_of(allow("mobiletargeting:*", f"{HEAD}apps/{app}"))
    event: dict[str, Any] = {"BatchItem": {"e": {"Endpoint": {}, "Events": {}}}}

    assert refusal(client.put_events, ApplicationId=app, EventsRequest=event) == denied(
        "mobiletargeting:PutEvents", f"{HEAD}apps/{app}/events"
    )
    assert client.get_app(ApplicationId=app)["ApplicationResponse"]["Id"] == app


def test_unknown_application_is_told_only_to_those_who_may_see_it(client_of: ClientOf) -> None:
    client = client_of(allow("mobiletargeting:GetApp", f"{HEAD}apps/{UNKNOWN_APP}"))

    assert refusal(client.get_app, ApplicationId=UNKNOWN_APP) == (404, "NotFoundException", "Application not found")
    assert refusal(client.get_segments, ApplicationId=UNKNOWN_APP) == denied(
        "mobiletargeting:GetSegments", f"{HEAD}apps/{UNKNOWN_APP}"
    )


def test_mistake_in_a_member_is_told_only_to_those_who_may_call(raw: Raw, app: str) -> None:
    raw.key = make_key(raw, allow("mobiletargeting:Get*"))

    answer = raw.send("PUT", f"/v1/apps/{app}/endpoints/e1", {"ChannelType": "PIGEON"})

    assert answer.json["message"].endswith(f"mobiletargeting:UpdateEndpoint on resource: {HEAD}apps/{app}/endpoints/e1")


def test_id_goes_into_the_arn_decoded(raw: Raw, app: str) -> None:
    raw.key = make_key(raw, allow("mobiletargeting:GetEndpoint", f"{HEAD}apps/{app}/endpoints/a/b*c"))

    allowed = raw.send("GET", f"/v1/apps/{app}/endpoints/a%2Fb%2Ac")
    refused = raw.send("GET", f"/v1/apps/{app}/endpoints/a%2F%C3%A9")

    assert allowed.status == 404
    assert refused.json["message"].endswith(f"{HEAD}apps/{app}/endpoints/a/é")


def test_denied_endpoint_is_denied_in_every_spelling(client_of: ClientOf, app: str) -> None:
    client = client_of(allow("*"), deny("*", f"{HEAD}apps/{app}/endpoints/Admin*"))

    for endpoint_id in ("admin1", "ADMIN1", "Admin1"):
        told = refusal(client.get_endpoint, ApplicationId=app, EndpointId=endpoint_id)
        assert told == denied(
            "mobiletargeting:GetEndpoint", f"{HEAD}apps/{app}/endpoints/{endpoint_id}", " with an explicit deny"
        )


def test_source_address_counts(client_of: ClientOf) -> None:
    here = client_of(allow("*", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}))
    there = client_of(allow("*", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}))

    assert here.get_apps()["ApplicationsResponse"]["Item"] == []
    assert refusal(there.get_apps).code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("condition", "is_allowed"),
    [
        ({"StringEquals": {"aws:username": "ana"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "shop"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "other"}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/an?"}}, True),
        ({"StringLike": {"aws:userid": "AKIA*"}}, True),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({"Bool": {"aws:SecureTransport": "false"}}, True),
        ({"StringLike": {"aws:UserAgent": "Boto3/*"}}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}}, True),
        ({"NumericGreaterThan": {"aws:EpochTime": 1704067200}}, True),
        ({"DateLessThan": {"aws:EpochTime": "2024-01-01"}}, False),
        ({"Null": {"aws:MultiFactorAuthPresent": "true"}}, True),
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, True),
        ({"StringEquals": {"aws:SourceAccount": "000000000000"}}, False),
        ({"ArnLike": {"aws:SourceArn": f"{HEAD}*"}}, False),
        ({"Null": {"aws:TagKeys": "true"}}, True),
        ({"Null": {"iam:PassedToService": "false"}}, False),
        ({"StringEquals": {"cognito-identity.amazonaws.com:sub": "x"}}, False),
    ],
)
def test_condition_keys_of_every_call(client_of: ClientOf, condition: dict[str, Any], is_allowed: bool) -> None:  # noqa: FBT001 - of a table
    client = client_of(allow("mobiletargeting:GetApps", Condition=condition), Tags={"team": "shop"})

    if is_allowed:
        assert client.get_apps()["ApplicationsResponse"]["Item"] == []
    else:
        assert refusal(client.get_apps).code == "AccessDeniedException"


@pytest.mark.parametrize(("proto", "is_allowed"), [("https", True), ("http", False), (None, False)])
def test_trusted_proxy_tells_whether_the_caller_came_over_tls(
    serve: Serve,
    proto: str | None,
    is_allowed: bool,  # noqa: FBT001 - of a table
) -> None:
    raw = Raw(serve(trusted_proxies=("127.0.0.0/8",)))
    raw.key = make_key(raw, allow("*", Condition={"Bool": {"aws:SecureTransport": "true"}}))
    headers = {} if proto is None else {"X-Forwarded-Proto": proto}

    assert raw.send("GET", "/v1/apps", headers=headers).status == (200 if is_allowed else 403)


def test_anybody_else_does_not_tell_whether_they_came_over_tls(raw: Raw) -> None:
    raw.key = make_key(raw, allow("*", Condition={"Bool": {"aws:SecureTransport": "true"}}))

    assert raw.send("GET", "/v1/apps", headers={"X-Forwarded-Proto": "https"}).status == 403


def test_tags_of_the_request_count(client_of: ClientOf) -> None:
    client = client_of(
        allow(
            ["mobiletargeting:CreateApp", "mobiletargeting:TagResource"],
            f"{HEAD}apps*",
            Condition={
                "Null": {"aws:RequestTag/CostCentre": "false"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["CostCentre", "Owner"]},
            },
        )
    )

    def create(**tags: str) -> Any:
        return client.create_app(CreateApplicationRequest={"Name": "a", "tags": tags} if tags else {"Name": "a"})

    assert create(CostCentre="7", Owner="ana")["ApplicationResponse"]["tags"] == {"CostCentre": "7", "Owner": "ana"}
    assert refusal(create).code == "AccessDeniedException"
    assert refusal(create, Owner="ana").code == "AccessDeniedException"
    assert refusal(create, CostCentre="7", Colour="red").code == "AccessDeniedException"


def test_tagged_create_needs_the_right_to_tag(client_of: ClientOf) -> None:
    client = client_of(allow("mobiletargeting:CreateApp"))

    assert client.create_app(CreateApplicationRequest={"Name": "a"})["ApplicationResponse"]["Name"] == "a"
    assert client.create_app(CreateApplicationRequest={"Name": "a", "tags": {}})["ApplicationResponse"]["Name"] == "a"
    assert refusal(client.create_app, CreateApplicationRequest={"Name": "a", "tags": {"k": "v"}}) == denied(
        "mobiletargeting:TagResource", f"{HEAD}apps/*"
    )


def test_right_to_tag_counts_on_what_is_made_and_on_where_it_is_made(client_of: ClientOf) -> None:
    create = allow("mobiletargeting:CreateApp")

    for resource in ("apps/*", "apps"):
        client = client_of(create, allow("mobiletargeting:TagResource", HEAD + resource))
        made = client.create_app(CreateApplicationRequest={"Name": "a", "tags": {"k": "v"}})
        assert made["ApplicationResponse"]["tags"] == {"k": "v"}


def test_keys_of_untagging_count(client_of: ClientOf, app: str) -> None:
    client = client_of(
        allow("mobiletargeting:UntagResource", Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["Owner"]}})
    )
    arn = f"{HEAD}apps/{app}"

    assert refusal(client.untag_resource, ResourceArn=arn, TagKeys=["Owner", "Team"]) == denied(
        "mobiletargeting:UntagResource", arn
    )
    client.untag_resource(ResourceArn=arn, TagKeys=["Owner"])
    assert refusal(client.list_tags_for_resource, ResourceArn=arn).code == "AccessDeniedException"


def test_tags_of_the_resource_count_from_the_next_call_on(client: Any, client_of: ClientOf, app: str) -> None:
    mine = client_of(allow("*", Condition={"StringEquals": {"aws:ResourceTag/owner": "${aws:username}"}}))
    arn = f"{HEAD}apps/{app}"

    assert mine.get_app(ApplicationId=app)["ApplicationResponse"]["Id"] == app
    client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"Owner": "bob"}})
    assert refusal(mine.get_app, ApplicationId=app).code == "AccessDeniedException"
    client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"Owner": "ana"}})
    assert mine.list_tags_for_resource(ResourceArn=arn)["TagsModel"]["tags"] == {"Owner": "ana"}
    client.untag_resource(ResourceArn=arn, TagKeys=["Owner"])
    assert refusal(mine.get_app, ApplicationId=app).code == "AccessDeniedException"


def test_what_can_have_no_tags_has_those_of_its_application(client_of: ClientOf, app: str) -> None:
    mine = client_of(allow("*", Condition={"StringEquals": {"aws:ResourceTag/Owner": "ana"}}))
    request = {"ChannelType": "EMAIL", "Address": "ana@example.com"}

    mine.update_endpoint(ApplicationId=app, EndpointId="e1", EndpointRequest=request)

    assert mine.get_endpoint(ApplicationId=app, EndpointId="e1")["EndpointResponse"]["Id"] == "e1"
    assert mine.get_import_jobs(ApplicationId=app)["ImportJobsResponse"]["Item"] == []
    assert refusal(mine.get_apps).code == "AccessDeniedException"
    assert refusal(mine.get_endpoint, ApplicationId=UNKNOWN_APP, EndpointId="e1").code == "AccessDeniedException"


def import_request(role_arn: str = ROLE) -> dict[str, Any]:
    return {"Format": "CSV", "RegisterEndpoints": True, "RoleArn": role_arn, "S3Url": "s3://bucket/none.csv"}


def test_role_that_is_handed_over_needs_a_right(client_of: ClientOf, app: str) -> None:
    client = client_of(allow("mobiletargeting:*"))

    assert refusal(client.create_import_job, ApplicationId=app, ImportJobRequest=import_request()) == denied(
        "iam:PassRole", ROLE
    )


@pytest.mark.parametrize("service", ["mobiletargeting.amazonaws.com", "pinpoint.amazonaws.com"])
def test_role_may_be_handed_to_either_name_of_the_service(client_of: ClientOf, app: str, service: str) -> None:
    passing = {"StringEquals": {"iam:PassedToService": service}}
    client = client_of(allow("mobiletargeting:*"), allow("iam:PassRole", ROLE, Condition=passing))

    told = refusal(client.create_import_job, ApplicationId=app, ImportJobRequest=import_request())
    other = refusal(client.create_import_job, ApplicationId=app, ImportJobRequest=import_request(f"{ROLE}2"))

    assert told.code == "BadRequestException"
    assert other == denied("iam:PassRole", f"{ROLE}2")


def test_role_may_not_be_handed_to_another_service(client_of: ClientOf, app: str) -> None:
    passing = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    client = client_of(allow("mobiletargeting:*"), allow("iam:PassRole", ROLE, Condition=passing))

    assert refusal(client.create_import_job, ApplicationId=app, ImportJobRequest=import_request()) == denied(
        "iam:PassRole", ROLE
    )


def test_change_of_a_policy_counts_at_once_in_every_process(serve: Serve) -> None:
    first, second = Raw(serve()), Raw(serve())
    key = make_key(first, allow("mobiletargeting:GetApps"))
    second.key = first_key = key
    admin = first.key
    path = f"/repoint/v1/keys/{key.access_key_id}/policy"

    def seen() -> tuple[int, int]:
        first.key = first_key
        answers = first.send("GET", "/v1/apps").status, second.send("GET", "/v1/apps").status
        first.key = admin
        return answers

    assert seen() == (200, 200)
    first.send("PUT", path, {"Policy": policy(deny("*"))})
    assert seen() == (403, 403)
    first.send("DELETE", path)
    assert seen() == (200, 200)
    first.send("PUT", path, {"Policy": policy(allow("mobiletargeting:GetApp"))})
    assert seen() == (403, 403)


def test_policy_of_a_later_version_refuses_everything(raw: Raw, database_url: str) -> None:
    admin = raw.key
    raw.key = key = make_key(raw, allow("*"))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "UPDATE access_keys SET policy = %s, policy_version = 2 WHERE access_key_id = %s",
            (json.dumps({"Version": "2099-01-01", "Statement": []}), key.access_key_id),
        )

    assert raw.send("GET", "/v1/apps").status == 500
    raw.key = admin
    assert raw.send("GET", "/v1/apps").status == 200


def test_operations_of_ours_have_actions_of_their_own(raw: Raw) -> None:
    admin, raw.key = raw.key, make_key(raw, allow("mobiletargeting:*"), allow("repoint:ListKeys", f"{HEAD}keys"))

    assert raw.send("GET", "/repoint/v1/keys").status == 200
    answer = raw.send("DELETE", f"/repoint/v1/keys/{admin.access_key_id}")
    assert answer.json["message"].endswith(f"repoint:RevokeKey on resource: {HEAD}keys/{admin.access_key_id}")


@pytest.mark.parametrize("body", [{"TagKeys": 5}, {"TagKeys": [5]}, {"TagKeys": ["Owner"]}, {"tags": {"Owner": 1}}])
def test_what_nobody_asked_for_is_no_tag(raw: Raw, app: str, body: dict[str, Any]) -> None:
    owner = {"ForAnyValue:StringEquals": {"aws:TagKeys": "Owner"}}
    raw.key = make_key(raw, allow("*", Condition=owner))

    assert raw.send("POST", f"/repoint/v1/apps/{app}/jobs/import", body).status == 403


@pytest.mark.parametrize("owner", [1, ["ana"], "ana"])
def test_tags_of_an_operation_that_takes_none_do_not_count(raw: Raw, app: str, owner: Any) -> None:
    raw.key = make_key(raw, allow("*", Condition={"StringLike": {"aws:RequestTag/Owner": "a*"}}))

    assert raw.send("POST", f"/repoint/v1/apps/{app}/jobs/import", {"tags": {"Owner": owner}}).status == 403


def test_who_may_not_create_import_jobs_may_not_start_imports(raw: Raw, app: str) -> None:
    path, admin = f"/repoint/v1/apps/{app}/jobs/import", raw.key
    tried = []
    for others in ([deny("mobiletargeting:CreateImportJob")], [allow("mobiletargeting:CreateImportJob")], []):
        raw.key = admin
        raw.key = make_key(raw, allow(["repoint:StartImport", "iam:PassRole"]), *others)
        tried.append(raw.send("POST", path, import_request()))

    assert [answer.status for answer in tried] == [403, 400, 403]
    told = f"to perform: mobiletargeting:CreateImportJob on resource: {HEAD}apps/{app}"
    assert tried[0].json["message"].endswith(f"{told} with an explicit deny")
    assert tried[2].json["message"].endswith(told)


@pytest.mark.parametrize("path", ["", "/errors"])
def test_who_may_not_see_an_import_job_may_not_see_its_report(raw: Raw, app: str, path: str) -> None:
    job = f"{HEAD}apps/{app}/jobs/import/{UNKNOWN_APP}"
    raw.key = make_key(raw, allow("*"), deny("mobiletargeting:GetImportJob", job))

    answer = raw.send("GET", f"/repoint/v1/apps/{app}/jobs/import/{UNKNOWN_APP}{path}")

    assert answer.json["message"].endswith(f"mobiletargeting:GetImportJob on resource: {job} with an explicit deny")


def test_who_may_not_see_an_endpoint_or_a_segment_is_not_told_why(raw: Raw, client: Any, app: str) -> None:
    for name in ("vip", "other"):
        client.update_endpoint(ApplicationId=app, EndpointId=name, EndpointRequest={"OptOut": "ALL"})
    made = [client.create_segment(ApplicationId=app, WriteSegmentRequest={}) for _ in range(2)]
    first, second = (each["SegmentResponse"]["Id"] for each in made)
    denied_things = [f"{HEAD}apps/{app}/endpoints/vip", f"{HEAD}apps/{app}/segments/{second}"]
    raw.key = make_key(raw, allow("*"), deny("mobiletargeting:*", *denied_things))

    def status(segment: str, endpoint: str) -> int:
        return raw.send("GET", f"/repoint/v1/apps/{app}/segments/{segment}/members/{endpoint}").status

    assert [status(first, "other"), status(first, "vip"), status(first, "VIP")] == [200, 403, 403]
    assert status(second, "other") == 403


def test_key_without_a_policy_may_do_everything(client: Any, app: str) -> None:
    assert client.delete_app(ApplicationId=app)["ApplicationResponse"]["Id"] == app

import json
import re
from typing import Any

import psycopg
import pytest

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.pool import Database
from repoint.discover import discover
from repoint.dispatch import dispatch_local
from repoint.settings import Settings
from tests.fixtures.server import Key, Raw

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def make(raw: Raw, name: str = "ana") -> dict[str, Any]:
    answer = raw.send("POST", "/repoint/v1/keys", {"Name": name})
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.json
    return made


def test_key_is_made_and_can_be_used_at_once(raw: Raw) -> None:
    made = make(raw)

    assert made["Name"] == "ana"
    assert made["Status"] == "ACTIVE"
    assert INSTANT.fullmatch(made["CreationDate"])
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", made["AccessKeyId"])
    assert len(made["SecretAccessKey"]) == 40
    raw.key = Key(made["AccessKeyId"], made["SecretAccessKey"])
    assert raw.send("GET", "/v1/apps").status == 200


def test_keys_are_listed_without_their_secrets(raw: Raw) -> None:
    made = make(raw)

    listed = raw.send("GET", "/repoint/v1/keys").json

    assert sorted(key["Name"] for key in listed["Item"]) == ["ana", "test"]
    mine = next(key for key in listed["Item"] if key["Name"] == "ana")
    assert mine == {name: made[name] for name in ("AccessKeyId", "Name", "Status", "HasPolicy", "CreationDate")}
    assert "NextToken" not in listed


def test_list_goes_on_after_a_page(raw: Raw, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO access_keys (access_key_id, secret, name, status, created_at)"
            " SELECT 'AKIA' || lpad(number::text, 16, '0'), '', 'many', 'ACTIVE', now()"
            " FROM generate_series(1, 1500) number"
        )

    first = raw.send("GET", "/repoint/v1/keys").json
    second = raw.send("GET", f"/repoint/v1/keys?token={first['NextToken']}").json

    ids = [key["AccessKeyId"] for key in (*first["Item"], *second["Item"])]
    assert (len(first["Item"]), len(second["Item"])) == (1000, 501)
    assert "NextToken" not in second
    assert ids == sorted(set(ids))


def test_revoked_key_stays_listed(raw: Raw) -> None:
    made = make(raw)

    revoked = raw.send("DELETE", f"/repoint/v1/keys/{made['AccessKeyId']}")
    again = raw.send("DELETE", f"/repoint/v1/keys/{made['AccessKeyId']}")

    assert (revoked.status, revoked.json["Status"]) == (200, "REVOKED")
    assert again.json == revoked.json
    assert revoked.json in raw.send("GET", "/repoint/v1/keys").json["Item"]


@pytest.mark.parametrize("key", ["AKIANONE", "a%20b", "%00", "", "x" * 200])
def test_revoking_what_is_not_there_is_told(raw: Raw, key: str) -> None:
    assert raw.send("DELETE", f"/repoint/v1/keys/{key}").status in (400, 404)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Missing Name"),
        ({"Name": None}, "Missing Name"),
        ({"Name": ""}, "Name must be 1 to 64 letters, digits or any of _+=,.@-"),
        ({"Name": "a b"}, "Name must be 1 to 64 letters, digits or any of _+=,.@-"),
        ({"Name": "a/b"}, "Name must be 1 to 64 letters, digits or any of _+=,.@-"),
        ({"Name": "é"}, "Name must be 1 to 64 letters, digits or any of _+=,.@-"),
        ({"Name": "a\n"}, "Name must be 1 to 64 letters, digits or any of _+=,.@-"),
        ({"Name": "a" * 65}, "Name must be 1 to 64 letters, digits or any of _+=,.@-"),
        ({"Name": 7}, "Name must be 1 to 64 letters, digits or any of _+=,.@-"),
    ],
)
def test_name_that_no_user_could_have_is_refused(raw: Raw, body: dict[str, Any], message: str) -> None:
    answer = raw.send("POST", "/repoint/v1/keys", body)

    assert (answer.status, answer.json["Message"]) == (400, message)


@pytest.mark.parametrize("name", ["a", "a" * 64, "ana+shop=1,2.x@example.com-_"])
def test_name_of_a_user_is_accepted(raw: Raw, name: str) -> None:
    assert make(raw, name)["Name"] == name


def test_token_that_is_none_is_refused(raw: Raw) -> None:
    answer = raw.send("GET", "/repoint/v1/keys?token=a%20b")

    assert (answer.status, answer.json["Message"]) == (400, "Invalid token")


def test_secret_is_not_in_the_database(raw: Raw, database_url: str) -> None:
    made = make(raw)

    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT access_keys::text, secret FROM access_keys").fetchall()

    assert len(rows) == 2
    assert not any(
        made["SecretAccessKey"] in text or made["SecretAccessKey"].encode() in secret for text, secret in rows
    )


async def test_key_is_made_on_the_database_itself(settings: Settings, database: Database) -> None:
    discover()

    made = await dispatch_local(settings, database, "CreateKey", {"Name": "first"})
    listed = await dispatch_local(settings, database, "ListKeys", {})

    assert [key["AccessKeyId"] for key in listed["Item"]] == [made["AccessKeyId"]]


async def test_mistakes_on_the_database_itself_are_the_contracts(settings: Settings, database: Database) -> None:
    discover()

    with pytest.raises(BadRequestException, match="Missing Name"):
        await dispatch_local(settings, database, "CreateKey", {})
    with pytest.raises(NotFoundException):
        await dispatch_local(settings, database, "RevokeKey", {"AccessKeyId": "AKIANONE"})


POLICY = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "mobiletargeting:Get*", "Resource": "*"}}
EVERYTHING = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def policy_path(key: dict[str, Any]) -> str:
    return f"/repoint/v1/keys/{key['AccessKeyId']}/policy"


def test_policy_is_kept_as_it_was_written(raw: Raw) -> None:
    made = make(raw)
    text = '{ "Statement" : {"Effect":"Allow", "Action":"*",\n "Resource":"*"} }'

    answer = raw.send("PUT", policy_path(made), {"Policy": text})
    shown = raw.send("GET", policy_path(made))

    assert answer.json == {
        "AccessKeyId": made["AccessKeyId"],
        "Name": "ana",
        "Status": "ACTIVE",
        "HasPolicy": True,
        "CreationDate": made["CreationDate"],
        "Warnings": [],
    }
    assert b'"Policy":' + text.encode() in shown.body
    assert shown.json["Policy"]["Statement"]["Effect"] == "Allow"


def test_policy_may_come_as_json(raw: Raw) -> None:
    made = make(raw)

    raw.send("PUT", policy_path(made), {"Policy": POLICY})

    assert raw.send("GET", policy_path(made)).json["Policy"] == POLICY


def test_key_without_a_policy_has_none_to_show(raw: Raw) -> None:
    made = make(raw)

    shown = raw.send("GET", policy_path(made)).json

    assert shown["HasPolicy"] is False
    assert "Policy" not in shown


def test_policy_is_taken_away(raw: Raw) -> None:
    made = make(raw)
    raw.send("PUT", policy_path(made), {"Policy": POLICY})

    answer = raw.send("DELETE", policy_path(made))

    assert (answer.status, answer.json["HasPolicy"]) == (200, False)
    assert "Policy" not in raw.send("GET", policy_path(made)).json


def test_key_may_be_made_with_a_policy_and_tags(raw: Raw) -> None:
    answer = raw.send("POST", "/repoint/v1/keys", {"Name": "ana", "Policy": POLICY, "Tags": {"team": "shop"}})

    assert (answer.status, answer.json["HasPolicy"]) == (201, True)
    assert raw.send("GET", policy_path(answer.json)).json["Policy"] == POLICY


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (None, "Policy must be a JSON object"),
        (7, "Policy must be a JSON object"),
        ("", "Unexpected end of input: expecting value at line 1, column 1"),
        ({"Statement": [EVERYTHING["Statement"], {"Effect": "Maybe"}]}, "Statement[1].Effect must be Allow or Deny"),
    ],
)
def test_bad_policy_is_refused_and_changes_nothing(raw: Raw, policy: Any, message: str) -> None:
    made = make(raw)
    raw.send("PUT", policy_path(made), {"Policy": POLICY})

    answer = raw.send("PUT", policy_path(made), {"Policy": policy})

    assert (answer.status, answer.json["Message"]) == (400, message)
    assert raw.send("GET", policy_path(made)).json["Policy"] == POLICY
    assert raw.send("POST", "/repoint/v1/keys", {"Name": "ana", "Policy": policy}).status == 400


def test_policy_that_is_not_sent_is_missing(raw: Raw) -> None:
    answer = raw.send("PUT", policy_path(make(raw)), {})

    assert (answer.status, answer.json["Message"]) == (400, "Missing Policy")


def test_policy_that_says_something_twice_is_refused(raw: Raw) -> None:
    condition = b'"Condition":{"Bool":{"aws:SecureTransport":"true"}},"Condition":{}'
    policy = b'{"Statement":{"Effect":"Allow","Action":"*","Resource":"*",%b}}' % condition
    made = make(raw)

    answers = [
        raw.send("POST", "/repoint/v1/keys", b'{"Name":"bob","Policy":%b}' % policy),
        raw.send("PUT", policy_path(made), b'{"Policy":%b}' % policy),
    ]

    told = (400, "Condition is written twice in one object")
    assert [(answer.status, answer.json["Message"]) for answer in answers] == [told] * 2
    assert raw.send("GET", policy_path(made)).json["HasPolicy"] is False


@pytest.mark.parametrize("tags", [7, {"a": 7}, {"": "a"}, {"a" * 129: "b"}, {"a": "b" * 257}, {"a": "b|c"}])
def test_bad_tags_are_refused(raw: Raw, tags: Any) -> None:
    answer = raw.send("POST", "/repoint/v1/keys", {"Name": "ana", "Tags": tags})

    assert answer.status == 400
    assert answer.json["Message"].startswith("Tags")


def test_what_has_no_effect_is_told(raw: Raw) -> None:
    made = make(raw)
    statement = {
        "Effect": "Deny",
        "Action": ["mobiletargeting:GetEndpiont", "mobiletargeting:Get*", "ses:SendEmail", "repoint:Fly"],
        "Resource": [
            "*",
            "arn:aws:mobiletargeting:us-east-1:123456789012:apps/*",
            "arn:aws:mobiletargeting:*:000000000000:apps/${aws:username}",
            "arn:aws:mobiletargeting:eu-west-1:*:apps/*",
            "arn:aws:iam::123456789012:role/a",
        ],
        "Condition": {"StringEquals": {"aws:SourceVpc": "x", "aws:TagKeys": "y", "aws:RequestTag/z": "z"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [EVERYTHING["Statement"], statement]}

    answer = raw.send("PUT", policy_path(made), {"Policy": policy})

    server = "names nothing here: the account is 000000000000, its regions us-east-1"
    assert answer.json["Warnings"] == [
        "Statement[1]: there is no action mobiletargeting:getendpiont",
        "Statement[1]: there is no action repoint:fly",
        f"Statement[1]: arn:aws:mobiletargeting:us-east-1:123456789012:apps/* {server}",
        f"Statement[1]: arn:aws:mobiletargeting:eu-west-1:*:apps/* {server}",
        "Statement[1]: the condition key aws:sourcevpc is never there",
    ]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("key", ["AKIANONE", "a%20b"])
def test_policy_of_a_key_that_is_not_there_is_told(raw: Raw, method: str, key: str) -> None:
    answer = raw.send(method, f"/repoint/v1/keys/{key}/policy", {"Policy": POLICY})

    assert answer.status == 404


def test_key_with_a_policy_cannot_make_one_that_may_do_everything(raw: Raw) -> None:
    made = make(raw)
    raw.send("PUT", policy_path(made), {"Policy": EVERYTHING})
    raw.key = Key(made["AccessKeyId"], made["SecretAccessKey"])

    refused = [
        raw.send("POST", "/repoint/v1/keys", {"Name": "bob"}),
        raw.send("DELETE", policy_path(made)),
    ]

    text = "Only a key without a policy may make or leave a key without one: give a Policy"
    assert [(answer.status, answer.headers["x-amzn-errortype"], answer.json["Message"]) for answer in refused] == [
        (403, "ForbiddenException", text)
    ] * 2


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 201),
        ({"Policy": json.dumps(EVERYTHING, indent=2)}, 201),
        ({"Policy": POLICY}, 403),
        ({"Name": "bob"}, 403),
        ({"Tags": {}}, 403),
        ({"Tags": {"team": "bank"}}, 403),
    ],
)
def test_key_with_a_policy_makes_keys_like_itself_only(raw: Raw, changed: dict[str, Any], status: int) -> None:
    own = {"Name": "ana", "Policy": EVERYTHING, "Tags": {"team": "shop"}}
    made = raw.send("POST", "/repoint/v1/keys", own).json
    raw.key = Key(made["AccessKeyId"], made["SecretAccessKey"])

    answer = raw.send("POST", "/repoint/v1/keys", own | changed)

    assert answer.status == status
    if status == 403:
        assert answer.json["Message"] == "A key with a policy may only make keys with its own Name, Tags and Policy"

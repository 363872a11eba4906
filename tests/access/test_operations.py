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

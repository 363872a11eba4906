import json
import re
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from tests.fixtures.refusal import refusal

EMAIL = {
    "FromAddress": "Shop <news@example.com>",
    "Identity": "arn:aws:ses:us-east-1:111122223333:identity/example.com",
}
SERVICE_ACCOUNT = json.dumps({"project_id": "shop", "client_email": "push@example.com", "private_key": "a-private-key"})
TOKEN = {"TokenKey": "a-token-key", "TokenKeyId": "KEYID", "TeamId": "TEAMID", "BundleId": "com.example.shop"}
CERTIFICATE = {"Certificate": "a-certificate", "PrivateKey": "a-private-key"}

# Each kind: method's name, request's name, a request, and what the answer has beside what all have.
KINDS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "ADM": (
        "adm",
        "ADMChannelRequest",
        {"ClientId": "a-client-id", "ClientSecret": "a-client-secret"},
        {"HasCredential": True},
    ),
    "APNS": (
        "apns",
        "APNSChannelRequest",
        CERTIFICATE,
        {"HasCredential": True, "HasTokenKey": False, "DefaultAuthenticationMethod": "CERTIFICATE"},
    ),
    "APNS_SANDBOX": (
        "apns_sandbox",
        "APNSSandboxChannelRequest",
        TOKEN,
        {"HasCredential": True, "HasTokenKey": True, "DefaultAuthenticationMethod": "KEY"},
    ),
    "APNS_VOIP": (
        "apns_voip",
        "APNSVoipChannelRequest",
        TOKEN | CERTIFICATE | {"DefaultAuthenticationMethod": "CERTIFICATE"},
        {"HasCredential": True, "HasTokenKey": True, "DefaultAuthenticationMethod": "CERTIFICATE"},
    ),
    "APNS_VOIP_SANDBOX": (
        "apns_voip_sandbox",
        "APNSVoipSandboxChannelRequest",
        TOKEN,
        {"HasCredential": True, "HasTokenKey": True, "DefaultAuthenticationMethod": "KEY"},
    ),
    "BAIDU": (
        "baidu",
        "BaiduChannelRequest",
        {"ApiKey": "an-api-key", "SecretKey": "a-secret-key"},
        {"HasCredential": True, "Credential": "an-api-key"},
    ),
    "EMAIL": ("email", "EmailChannelRequest", EMAIL, EMAIL | {"MessagesPerSecond": 1}),
    "GCM": (
        "gcm",
        "GCMChannelRequest",
        {"ApiKey": "an-api-key", "ServiceJson": SERVICE_ACCOUNT},
        {
            "HasCredential": True,
            "HasFcmServiceCredentials": True,
            "DefaultAuthenticationMethod": "KEY",
            "Credential": "an-api-key",
        },
    ),
    "SMS": (
        "sms",
        "SMSChannelRequest",
        {"SenderId": "SHOP-24", "ShortCode": "12345"},
        {
            "SenderId": "SHOP-24",
            "ShortCode": "12345",
            "PromotionalMessagesPerSecond": 20,
            "TransactionalMessagesPerSecond": 20,
        },
    ),
    "VOICE": ("voice", "VoiceChannelRequest", {}, {}),
}


@pytest.fixture
def app(client: Any) -> str:
    """The id of a fresh application."""
    return str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])


def call(client: Any, verb: str, channel: str, app: str, request: dict[str, Any] | None = None) -> dict[str, Any]:
    method, name, _, _ = KINDS[channel]
    given = {} if request is None else {name: request}
    answer = getattr(client, f"{verb}_{method}_channel")(ApplicationId=app, **given)
    del answer["ResponseMetadata"]
    [channel_answer] = answer.values()
    return {**channel_answer}


def update(client: Any, channel: str, app: str, **request: Any) -> dict[str, Any]:
    return call(client, "update", channel, app, request)


@pytest.mark.parametrize("channel", KINDS)
def test_a_channel_is_set_up_read_and_deleted(client: Any, app: str, channel: str) -> None:
    _, _, request, told = KINDS[channel]

    first = call(client, "update", channel, app, request)
    again = call(client, "update", channel, app, request | {"Enabled": False})
    read = call(client, "get", channel, app)
    deleted = call(client, "delete", channel, app)

    created_at = first.pop("CreationDate")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created_at)
    assert first.pop("LastModifiedDate") == created_at
    common = {"ApplicationId": app, "Id": channel.lower(), "Platform": channel, "IsArchived": False}
    assert first == common | told | {"Enabled": True, "Version": 1}
    assert again == read
    assert (read["Enabled"], read["Version"], read["CreationDate"]) == (False, 2, created_at)
    assert deleted | {"LastModifiedDate": ""} == read | {"LastModifiedDate": "", "Enabled": False}
    method = getattr(client, f"get_{KINDS[channel][0]}_channel")
    assert refusal(method, ApplicationId=app) == (404, "NotFoundException", "Resource not found")
    method = getattr(client, f"delete_{KINDS[channel][0]}_channel")
    assert refusal(method, ApplicationId=app) == (404, "NotFoundException", "Resource not found")


def test_a_channel_set_up_again_after_it_was_deleted_begins_anew(client: Any, app: str) -> None:
    update(client, "SMS", app, SenderId="OLD")
    update(client, "SMS", app, SenderId="OLDER")
    call(client, "delete", "SMS", app)

    again = update(client, "SMS", app)

    assert again["Version"] == 1
    assert "SenderId" not in again


def test_members_left_out_stay_and_empty_texts_clear(client: Any, app: str) -> None:
    update(client, "SMS", app, SenderId="SHOP", ShortCode="12345")

    disabled = update(client, "SMS", app, Enabled=False)
    cleared = update(client, "SMS", app, SenderId="")

    assert (disabled["SenderId"], disabled["ShortCode"], disabled["Enabled"]) == ("SHOP", "12345", False)
    assert "SenderId" not in cleared
    assert (cleared["ShortCode"], cleared["Enabled"]) == ("12345", False)


def test_disabling_keeps_credentials(client: Any, app: str) -> None:
    update(client, "APNS", app, **TOKEN)

    disabled = update(client, "APNS", app, Enabled=False)

    assert disabled["HasTokenKey"] is True


async def test_credentials_are_stored_sealed(client: Any, app: str, database: Database) -> None:
    for channel in ("ADM", "APNS_VOIP", "BAIDU", "GCM"):
        call(client, "update", channel, app, KINDS[channel][2])

    async with database.connection() as db:
        rows = await db.rows(Query("all", "SELECT document::text AS text FROM documents WHERE kind LIKE '%-channel'"))

    assert len(rows) == 4
    stored = "".join(row["text"] for row in rows)
    assert "KEYID" in stored
    secrets = ("a-client-id", "a-client-secret", "a-token-key", "a-certificate", "a-private-key", "an-api-key", "shop")
    assert [secret for secret in secrets if secret in stored.replace("com.example.shop", "")] == []


def test_get_channels_lists_what_is_set_up_and_in_app(client: Any, app: str) -> None:
    update(client, "EMAIL", app, **EMAIL)
    update(client, "GCM", app, ApiKey="an-api-key", Enabled=False)

    channels = client.get_channels(ApplicationId=app)["ChannelsResponse"]["Channels"]

    assert channels.keys() == {"EMAIL", "GCM", "IN_APP"}
    assert channels["IN_APP"] == {"Enabled": True, "IsArchived": False, "Version": 0}
    members = {"ApplicationId", "CreationDate", "Enabled", "Id", "IsArchived", "LastModifiedDate", "Version"}
    assert channels["EMAIL"].keys() == members
    assert channels["GCM"].keys() == members | {"HasCredential"}
    assert channels["GCM"]["Enabled"] is False


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("EMAIL", EMAIL | {"FromAddress": "nobody"}, "Invalid FromAddress: nobody"),
    ("EMAIL", EMAIL | {"FromAddress": "a@b.c\r\nBcc: x@y.z"}, "Invalid FromAddress: a@b.c\r\nBcc: x@y.z"),
    ("EMAIL", EMAIL | {"FromAddress": ""}, "Missing FromAddress"),
    ("EMAIL", EMAIL | {"Identity": "not an identity"}, "Invalid Identity: not an identity"),
    ("EMAIL", EMAIL | {"RoleArn": "role"}, "Invalid RoleArn: role"),
    ("SMS", {"SenderId": "12345"}, "Invalid SenderId: 12345"),
    ("SMS", {"SenderId": "MUCH-TOO-LONG"}, "Invalid SenderId: MUCH-TOO-LONG"),
    ("SMS", {"ShortCode": "12 45"}, "Invalid ShortCode: 12 45"),
    ("GCM", {}, "Missing ApiKey or ServiceJson"),
    ("GCM", {"ServiceJson": "{"}, "Invalid ServiceJson: not the JSON object of a service account's file"),
    ("GCM", {"ServiceJson": "[" * 20_000}, "Invalid ServiceJson: not the JSON object of a service account's file"),
    ("GCM", {"ServiceJson": "{}"}, "Invalid ServiceJson: project_id is missing"),
    ("GCM", {"ApiKey": "k", "DefaultAuthenticationMethod": "CERTIFICATE"}, "Invalid DefaultAuthenticationMethod"),
    ("GCM", {"ApiKey": "k" * 20_001}, "ApiKey exceeds the maximum of 20000 characters"),
    ("ADM", {"ClientId": "", "ClientSecret": "s"}, "Missing ClientId"),
    ("ADM", {"ClientId": "i", "ClientSecret": ""}, "Missing ClientSecret"),
    ("BAIDU", {"ApiKey": "", "SecretKey": "s"}, "Missing ApiKey"),
    ("BAIDU", {"ApiKey": "k", "SecretKey": ""}, "Missing SecretKey"),
    ("APNS", {}, "Missing Certificate or TokenKey"),
    ("APNS", {"Certificate": "c"}, "Missing PrivateKey"),
    ("APNS", {"TokenKey": "k", "TeamId": "t", "BundleId": "b"}, "Missing TokenKeyId"),
    ("APNS", {"TokenKey": "k", "TokenKeyId": "i", "TeamId": "t"}, "Missing BundleId"),
    ("APNS", CERTIFICATE | {"DefaultAuthenticationMethod": "PASSWORD"}, "Invalid DefaultAuthenticationMethod"),
]


@pytest.mark.parametrize(("channel", "request_", "message"), REFUSED)
def test_what_cannot_be_is_refused(client: Any, app: str, channel: str, request_: dict[str, Any], message: str) -> None:
    method, name, _, _ = KINDS[channel]
    update_channel = getattr(client, f"update_{method}_channel")

    told = refusal(update_channel, ApplicationId=app, **{name: request_})

    assert told == (400, "BadRequestException", message)
    assert client.get_channels(ApplicationId=app)["ChannelsResponse"]["Channels"].keys() == {"IN_APP"}


def test_channels_of_an_unknown_application_are_not_found(client: Any) -> None:
    told = refusal(client.get_channels, ApplicationId="0" * 32)

    assert told == (404, "NotFoundException", "Application not found")


def test_channels_go_with_their_application(client: Any, app: str) -> None:
    update(client, "SMS", app)
    client.delete_app(ApplicationId=app)

    told = refusal(client.get_sms_channel, ApplicationId=app)

    assert told == (404, "NotFoundException", "Application not found")

"""Notifications from boto3 to the services: what these are sent, and what is told of it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.fixtures.http2_server import Reply
from tests.fixtures.push import service_json, token_key
from tests.fixtures.push_services import PushServices, push_services, read_jwt
from tests.fixtures.server import Serve, Server

GONE_AT_GOOGLE = {
    "error": {
        "code": 404,
        "message": "Requested entity was not found.",
        "status": "NOT_FOUND",
        "details": [
            {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "UNREGISTERED"},
        ],
    }
}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[PushServices]:
    with push_services(tmp_path) as services:
        yield services


@pytest.fixture
def server(serve: Serve, services: PushServices) -> Server:
    """An API that leads to the services."""
    return serve(**services.settings)


@pytest.fixture
def app(client: Any) -> str:
    """An application with channels for Android and iOS."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    client.update_gcm_channel(
        ApplicationId=app,
        GCMChannelRequest={"ServiceJson": service_json(), "DefaultAuthenticationMethod": "TOKEN"},
    )
    client.update_apns_channel(ApplicationId=app, APNSChannelRequest=token_key())
    client.update_apns_sandbox_channel(ApplicationId=app, APNSSandboxChannelRequest=token_key())
    return app


def put(client: Any, app: str, endpoint_id: str, channel_type: str, address: str) -> None:
    request = {"ChannelType": channel_type, "Address": address}
    client.update_endpoint(ApplicationId=app, EndpointId=endpoint_id, EndpointRequest=request)


def send(client: Any, app: str, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]
    return answer


def state(client: Any, app: str, endpoint_id: str) -> str:
    found = client.get_endpoint(ApplicationId=app, EndpointId=endpoint_id)["EndpointResponse"]
    return str(found["EndpointStatus"])


def test_a_notification_reaches_google(client: Any, app: str, services: PushServices) -> None:
    put(client, app, "phone", "GCM", "device-1")
    content = {"GCMMessage": {"Title": "Hi", "Body": "Your order", "Priority": "high", "TimeToLive": 60}}

    answer = send(client, app, Endpoints={"phone": {}}, MessageConfiguration=content)

    result = answer["EndpointResult"]["phone"]
    assert (result["DeliveryStatus"], result["StatusCode"], result["Address"]) == ("SUCCESSFUL", 200, "device-1")
    assert result["StatusMessage"] == '{"name":"projects/shop-1/messages/1"}'
    [asked] = services.http2.received
    assert asked.path == "/v1/projects/shop-1/messages:send"
    assert asked.headers[":authority"] == f"localhost:{services.http2.port}"
    assert asked.headers["authorization"] == "Bearer ya29.token"
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body) == {
        "message": {
            "token": "device-1",
            "data": {
                "pinpoint.notification.title": "Hi",
                "pinpoint.notification.body": "Your order",
                "pinpoint.notification.silentPush": "0",
                "pinpoint.openApp": "true",
                "pinpoint.campaign.campaign_id": "_DIRECT",
                "pinpoint.campaign.treatment_id": "0",
                "pinpoint.campaign.campaign_activity_id": "",
                "data": '{"pinpoint":{"endpointId":"phone"}}',
            },
            "android": {"priority": "HIGH", "ttl": "60s"},
        }
    }


def test_access_tokens_are_asked_for_with_the_service_account_and_kept(
    client: Any, app: str, services: PushServices
) -> None:
    content = {"GCMMessage": {"Title": "Hi"}}
    for number in range(3):
        send(client, app, Addresses={f"device-{number}": {"ChannelType": "GCM"}}, MessageConfiguration=content)

    [asked] = services.tokens.received
    form = {name: value for name, [value] in parse_qs(asked.body.decode()).items()}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    header, claims = read_jwt(form["assertion"])
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    assert claims["exp"] - claims["iat"] == 3600
    assert abs(claims["iat"] - time.time()) < 60
    assert (claims["iss"], claims["aud"]) == ("push@shop-1.example", f"{services.tokens.url}/token")
    assert claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging"
    assert len(services.http2.received) == 3


def test_a_notification_reaches_apple(client: Any, app: str, services: PushServices) -> None:
    put(client, app, "phone", "APNS", "00fc13adff785122")
    content = {
        "APNSMessage": {"Title": "Hi", "CollapseId": "news", "TimeToLive": 60, "Action": "DEEP_LINK", "Url": "app://x"}
    }

    answer = send(client, app, Endpoints={"phone": {}}, MessageConfiguration=content, Context={"order": "7"})

    result = answer["EndpointResult"]["phone"]
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("SUCCESSFUL", 200)
    assert not result.get("StatusMessage")
    [asked] = services.http2.received
    assert (asked.headers[":method"], asked.path) == ("POST", "/3/device/00fc13adff785122")
    told = {name: value for name, value in asked.headers.items() if name.startswith("apns-")}
    assert abs(int(told.pop("apns-expiration")) - time.time() - 60) < 30
    assert len(told.pop("apns-id")) == 36
    assert told == {
        "apns-push-type": "alert",
        "apns-priority": "10",
        "apns-topic": "com.example.shop",
        "apns-collapse-id": "news",
    }
    scheme, _, token = asked.headers["authorization"].partition(" ")
    header, claims = read_jwt(token)
    assert (scheme, header) == ("bearer", {"alg": "ES256", "kid": "KEY1"})
    assert claims.keys() == {"iss", "iat"}
    assert claims["iss"] == "TEAM1"
    assert abs(claims["iat"] - time.time()) < 60
    assert json.loads(asked.body) == {
        "aps": {"alert": {"title": "Hi"}, "content-available": 1, "mutable-content": 0},
        "data": {
            "pinpoint": {
                "endpointId": "phone",
                "deeplink": "app://x",
                "campaign": {"campaign_id": "_DIRECT", "campaign_activity_id": "", "treatment_id": 0},
                "order": "7",
            }
        },
    }


def test_a_token_that_is_gone_makes_its_endpoint_inactive(client: Any, app: str, services: PushServices) -> None:
    for number, channel_type in enumerate(("APNS_SANDBOX", "APNS", "GCM", "GCM"), 1):
        put(client, app, f"e{number}", channel_type, f"t{number}")
    services.answers(
        {
            "t1": Reply(400, b'{"reason":"BadDeviceToken"}'),
            "t2": Reply(410, b'{"reason":"Unregistered","timestamp":1}'),
            "t3": Reply(404, json.dumps(GONE_AT_GOOGLE).encode()),
        }
    )
    content = {"DefaultPushNotificationMessage": {"Title": "Hi"}}

    answer = send(client, app, Endpoints={f"e{n}": {} for n in (1, 2, 3, 4)}, MessageConfiguration=content)

    results = [answer["EndpointResult"][f"e{n}"] for n in (1, 2, 3, 4)]
    assert [(each["DeliveryStatus"], each["StatusCode"]) for each in results] == [
        ("PERMANENT_FAILURE", 410),
        ("PERMANENT_FAILURE", 410),
        ("PERMANENT_FAILURE", 400),
        ("SUCCESSFUL", 200),
    ]
    assert results[0]["StatusMessage"] == (
        '{"errorMessage":"Unregistered or expired token","channelType":"APNS_SANDBOX","pushProviderStatusCode":"400",'
        '"pushProviderError":"BadDeviceToken","pushProviderResponse":"{\\"reason\\":\\"BadDeviceToken\\"}"}'
    )
    assert json.loads(results[2]["StatusMessage"]) == {
        "errorMessage": "Unregistered or expired token",
        "channelType": "GCM",
        "pushProviderStatusCode": "404",
        "pushProviderError": "Requested entity was not found.",
        "pushProviderResponse": '{"status":"NOT_FOUND"}',
    }
    assert [state(client, app, f"e{n}") for n in (1, 2, 3, 4)] == ["INACTIVE", "INACTIVE", "INACTIVE", "ACTIVE"]


def test_a_users_endpoint_whose_token_is_gone_becomes_inactive_too(
    client: Any, app: str, services: PushServices
) -> None:
    for name, token in (("phone", "t1"), ("tablet", "t2")):
        request = {"ChannelType": "APNS", "Address": token, "User": {"UserId": "ann"}}
        client.update_endpoint(ApplicationId=app, EndpointId=name, EndpointRequest=request)
    services.answers({"t1": Reply(410, b'{"reason":"Unregistered"}')})
    content = {"APNSMessage": {"Title": "Hi"}}

    answers = [
        client.send_users_messages(
            ApplicationId=app, SendUsersMessageRequest={"Users": {"ann": {}}, "MessageConfiguration": content}
        )["SendUsersMessageResponse"]["Result"]["ann"]
        for _ in range(2)
    ]

    told = [{name: result["StatusCode"] for name, result in answer.items()} for answer in answers]
    assert told == [{"phone": 410, "tablet": 200}, {"tablet": 200}]
    assert [state(client, app, name) for name in ("phone", "tablet")] == ["INACTIVE", "ACTIVE"]


def test_an_endpoint_with_another_token_by_now_stays_active(client: Any, app: str, services: PushServices) -> None:
    put(client, app, "phone", "APNS", "old")

    def gone() -> Reply:
        put(client, app, "phone", "APNS", "new")
        return Reply(410, b'{"reason":"Unregistered"}')

    services.answers({"old": gone})
    send(client, app, Endpoints={"phone": {}}, MessageConfiguration={"APNSMessage": {"Title": "Hi"}})

    assert state(client, app, "phone") == "ACTIVE"


def test_a_notification_that_google_refuses(client: Any, app: str, services: PushServices) -> None:
    error = {"code": 400, "message": "The registration token is not a valid token", "status": "INVALID_ARGUMENT"}
    services.answers({"bad": Reply(400, json.dumps({"error": error}).encode())})
    content = {"GCMMessage": {"Title": "Hi"}}

    answer = send(client, app, Addresses={"bad": {"ChannelType": "GCM"}}, MessageConfiguration=content)

    result = answer["Result"]["bad"]
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("PERMANENT_FAILURE", 400)
    assert result["StatusMessage"] == (
        '{"errorMessage":"Invalid notification","channelType":"GCM","pushProviderStatusCode":"400",'
        '"pushProviderError":"The registration token is not a valid token",'
        '"pushProviderResponse":"{\\"status\\":\\"INVALID_ARGUMENT\\"}"}'
    )


@pytest.mark.parametrize("action", ["URL", "DEEP_LINK"])
@pytest.mark.parametrize("url", [{}, {"Url": "{{link}}", "Substitutions": {"link": [""]}}])
def test_links_need_a_url_that_says_something(
    client: Any, app: str, services: PushServices, action: str, url: dict[str, Any]
) -> None:
    content = {"APNSMessage": {"Title": "Hi", "Action": action, **url}}

    answer = send(client, app, Addresses={"device": {"ChannelType": "APNS"}}, MessageConfiguration=content)

    result = answer["Result"]["device"]
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("PERMANENT_FAILURE", 400)
    assert result["StatusMessage"] == f"Missing Url for the action {action}"
    assert services.http2.received == []


def test_nothing_lives_for_less_than_no_time(client: Any, app: str, services: PushServices) -> None:
    content = {"APNSMessage": {"Title": "Hi", "TimeToLive": -1}}

    answer = send(client, app, Addresses={"device": {"ChannelType": "APNS"}}, MessageConfiguration=content)

    result = answer["Result"]["device"]
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("PERMANENT_FAILURE", 400)
    assert result["StatusMessage"] == "Invalid TimeToLive: -1"
    assert services.http2.received == []


def test_raw_content_is_sent_as_it_is_with_variables_filled_in(client: Any, app: str, services: PushServices) -> None:
    """Safari's notifications can be made in no other way."""
    raw = '{"aps": {"alert": {"title": "{{name}}"}, "content-available": 1, "url-args": [""]}}'
    content = {"APNSMessage": {"Title": "not this", "RawContent": raw, "Substitutions": {"name": ['A "n"']}}}

    answer = send(
        client,
        app,
        Addresses={"device": {"ChannelType": "APNS"}},
        MessageConfiguration=content,
        Context={"order": "not this"},
    )

    assert answer["Result"]["device"]["StatusCode"] == 200
    [asked] = services.http2.received
    assert asked.body == b'{"aps": {"alert": {"title": "A \\"n\\""}, "content-available": 1, "url-args": [""]}}'
    assert (asked.headers["apns-push-type"], asked.headers["apns-priority"]) == ("alert", "10")


def test_deep_links_and_large_notifications_are_refused_one_by_one(
    client: Any, app: str, services: PushServices
) -> None:
    put(client, app, "phone", "APNS", "t1")
    put(client, app, "robot", "GCM", "t2")
    content = {"DefaultPushNotificationMessage": {"Title": "Hi", "Action": "DEEP_LINK", "Url": "app://x"}}

    answer = send(
        client,
        app,
        Endpoints={"phone": {}, "robot": {}},
        Addresses={"t3": {"ChannelType": "APNS", "BodyOverride": "x" * 4_096}},
        MessageConfiguration=content,
    )

    phone, robot = (answer["EndpointResult"][name] for name in ("phone", "robot"))
    assert phone["StatusCode"] == 200
    assert (robot["DeliveryStatus"], robot["StatusCode"]) == ("PERMANENT_FAILURE", 400)
    assert robot["StatusMessage"] == "DEEP_LINK isn't supported with TOKEN authentication"
    large = answer["Result"]["t3"]
    assert (large["DeliveryStatus"], large["StatusCode"]) == ("PERMANENT_FAILURE", 413)
    assert large["StatusMessage"].startswith("The notification is too large: ")
    assert [asked.path for asked in services.http2.received] == ["/3/device/t1"]


def test_google_names_a_new_token(client: Any, app: str, services: PushServices) -> None:
    client.update_gcm_channel(
        ApplicationId=app, GCMChannelRequest={"ApiKey": "api-key", "DefaultAuthenticationMethod": "KEY"}
    )
    answer = {"multicast_id": 1, "success": 1, "results": [{"message_id": "0:1", "registration_id": "new"}]}
    services.http2.answer = lambda _: Reply(body=json.dumps(answer).encode())
    put(client, app, "phone", "GCM", "old")

    found = send(client, app, Endpoints={"phone": {}}, MessageConfiguration={"GCMMessage": {"Title": "Hi"}})

    assert found["EndpointResult"]["phone"]["UpdatedToken"] == "new"
    [asked] = services.http2.received
    assert (asked.path, asked.headers["authorization"]) == ("/fcm/send", "key=api-key")
    assert json.loads(asked.body)["to"] == "old"
    stored = client.get_endpoint(ApplicationId=app, EndpointId="phone")["EndpointResponse"]
    assert stored["Address"] == "old"


def test_new_credentials_count_from_the_next_message_on(client: Any, app: str, services: PushServices) -> None:
    content = {"APNSMessage": {"Title": "Hi"}}
    address = {"device": {"ChannelType": "APNS"}}
    send(client, app, Addresses=address, MessageConfiguration=content)
    client.update_apns_channel(ApplicationId=app, APNSChannelRequest={"BundleId": "com.example.other"})
    send(client, app, Addresses=address, MessageConfiguration=content)
    client.delete_apns_channel(ApplicationId=app)
    answer = send(client, app, Addresses=address, MessageConfiguration=content)

    topics = [asked.headers["apns-topic"] for asked in services.http2.received]
    assert topics == ["com.example.shop", "com.example.other"]
    told = f"No channel of type APNS is enabled for the application {app}"
    assert answer["Result"]["device"]["StatusMessage"] == told

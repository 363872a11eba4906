"""What services get, to the byte (channels.md section 6)."""

import json
from typing import Any

import pytest

from repoint.delivery.message import Push
from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.adm import make_adm
from repoint.delivery.push.apns import make_headers, make_payload
from repoint.delivery.push.baidu import make_baidu, signed
from repoint.delivery.push.data import pinpoint_data
from repoint.delivery.push.fcm import make_legacy, make_v1

CAMPAIGN = {"campaign_id": "c1", "treatment_id": "2", "campaign_activity_id": "a1"}
DIRECT = {"campaign_id": "_DIRECT", "treatment_id": "0", "campaign_activity_id": ""}
JOURNEY = {"journey_id": "j1", "journey_run_id": "r1", "journey_activity_id": "a1"}


def push(origin: dict[str, str] | None = None, context: dict[str, str] | None = None, **members: Any) -> Push:
    return Push(members, context or {}, origin or {}, "ep1")


def apns(content: Push) -> str:
    return make_payload(content)[0].decode()


def refusal(make: Any, *arguments: Any, **options: Any) -> tuple[int, str]:
    with pytest.raises(RefusedError) as refused:
        make(*arguments, **options)
    outcome = refused.value.outcome
    assert outcome.status == "PERMANENT_FAILURE"
    return outcome.status_code, outcome.detail


def test_an_apple_notification_of_a_campaign() -> None:
    content = push(
        CAMPAIGN,
        Title="T",
        Body="B",
        Badge=3,
        Sound="default",
        Category="c",
        ThreadId="t",
        Action="DEEP_LINK",
        Url="app://x",
        MediaUrl="https://example.com/a.png",
    )

    assert apns(content) == (
        '{"aps":{"alert":{"title":"T","body":"B"},"content-available":1,"mutable-content":1,"badge":3,'
        '"sound":"default","category":"c","thread-id":"t"},"data":{"pinpoint":{"endpointId":"ep1",'
        '"deeplink":"app://x","campaign":{"campaign_id":"c1","campaign_activity_id":"a1","treatment_id":2}},'
        '"media-url":"https://example.com/a.png"}}'
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            push(DIRECT, Body="B", Badge=0),
            (
                '{"aps":{"alert":{"body":"B"},"content-available":1,"mutable-content":0,"badge":0},"data":{"pinpoint":'
                '{"endpointId":"ep1","campaign":{"campaign_id":"_DIRECT","campaign_activity_id":"","treatment_id":0}}}}'
            ),
        ),
        (
            push(JOURNEY, Title="T", Action="URL", Url="https://example.com"),
            (
                '{"aps":{"alert":{"title":"T"},"content-available":1,"mutable-content":0},"data":{"pinpoint":{"endpointId"'
                ':"ep1","url":"https://example.com","journey":{"journey_id":"j1","journey_run_id":"r1",'
                '"journey_activity_id":"a1"}}}}'
            ),
        ),
        (
            push(Title="T", SilentPush=True, Data={"a": "b"}, Sound="x"),
            '{"aps":{"content-available":1},"data":{"pinpoint":{"endpointId":"ep1","jsonBody":{"a":"b"}}}}',
        ),
        (
            push(context={"endpointId": "no", "order": "7"}, Body="B"),
            (
                '{"aps":{"alert":{"body":"B"},"content-available":1,"mutable-content":0},"data":{"pinpoint":{"endpointId"'
                ':"ep1","order":"7"}}}'
            ),
        ),
        (push(RawContent='{"aps": {"content-available": 0}, "x": 1}'), '{"aps": {"content-available": 0}, "x": 1}'),
    ],
)
def test_apple_payloads(content: Push, expected: str) -> None:
    assert apns(content) == expected


@pytest.mark.parametrize(
    "raw", ["{}", "[]", "no", '{"aps":{}}', '{"aps":{"content-available":2}}', '{"aps":{"content-available":true}}']
)
def test_raw_content_for_apple_must_say_whether_content_is_available(raw: str) -> None:
    told = (400, "Invalid RawContent: aps.content-available must be 0 or 1")
    assert refusal(make_payload, push(RawContent=raw)) == told


@pytest.mark.parametrize(
    ("members", "is_voip", "kind", "own"),
    [
        ({"Body": "B"}, False, ("alert", "10"), {}),
        ({"SilentPush": True}, False, ("background", "5"), {}),
        ({"Body": "B"}, True, ("voip", "10"), {}),
        ({"APNSPushType": "location", "Priority": "normal"}, False, ("location", "5"), {}),
        ({"Body": "B", "Priority": "high", "TimeToLive": 0}, False, ("alert", "10"), {b"apns-expiration": b"0"}),
        ({"Body": "B", "CollapseId": "news"}, False, ("alert", "10"), {b"apns-collapse-id": b"news"}),
        ({"CollapseId": "é" * 32}, False, ("alert", "10"), {b"apns-collapse-id": "é".encode() * 32}),
        ({"SilentPush": True, "Priority": "10"}, False, ("background", "10"), {}),
        ({"SilentPush": True}, True, ("voip", "5"), {}),
        ({"APNSPushType": "alert"}, True, ("alert", "10"), {}),
        ({"RawContent": '{"aps":{"content-available":1}}'}, False, ("background", "5"), {}),
        ({"RawContent": '{"aps":{"content-available":1,"alert":"x"}}'}, False, ("alert", "10"), {}),
    ],
)
def test_apple_headers(members: dict[str, Any], is_voip: bool, kind: tuple[str, str], own: dict[bytes, bytes]) -> None:  # noqa: FBT001 - a case
    content = push(**members)
    _, is_silent = make_payload(content)

    assert make_headers(content, is_silent=is_silent, is_voip=is_voip) == (kind, own)


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"Priority": "soon"}, "Invalid Priority"),
        ({"APNSPushType": "alert\r\nx: y"}, "Invalid APNSPushType"),
        ({"CollapseId": "x" * 65}, "Invalid CollapseId: at most 64 bytes of printable text"),
        ({"CollapseId": "a\nb"}, "Invalid CollapseId: at most 64 bytes of printable text"),
        # Header values neither begin nor end so.
        ({"CollapseId": "news "}, "Invalid CollapseId: at most 64 bytes of printable text"),
        ({"CollapseId": "é" * 33}, "Invalid CollapseId: at most 64 bytes of printable text"),
    ],
)
def test_apple_headers_that_cannot_be(members: dict[str, Any], told: str) -> None:
    assert refusal(make_headers, push(**members), is_silent=False, is_voip=False) == (400, told)


def test_flat_data_has_the_keys_that_apps_read() -> None:
    content = push(
        CAMPAIGN,
        {"order": "7"},
        Title="T",
        Body="B",
        IconReference="i",
        ImageIconUrl="https://e/1",
        SmallImageIconUrl="https://e/2",
        ImageUrl="https://e/3",
        Sound="s",
        Action="URL",
        Url="https://e/4",
        Data={"a": "b"},
    )

    assert pinpoint_data(content) == {
        "pinpoint.notification.title": "T",
        "pinpoint.notification.body": "B",
        "pinpoint.notification.icon": "i",
        "pinpoint.notification.imageIconUrl": "https://e/1",
        "pinpoint.notification.imageSmallIconUrl": "https://e/2",
        "pinpoint.notification.imageUrl": "https://e/3",
        "pinpoint.notification.sound": "s",
        "pinpoint.notification.silentPush": "0",
        "pinpoint.url": "https://e/4",
        "pinpoint.jsonBody": '{"a":"b"}',
        "pinpoint.campaign.campaign_id": "c1",
        "pinpoint.campaign.treatment_id": "2",
        "pinpoint.campaign.campaign_activity_id": "a1",
        "data": '{"pinpoint":{"endpointId":"ep1","order":"7"}}',
    }


def test_silent_flat_data_of_a_journey() -> None:
    assert pinpoint_data(push(JOURNEY, Title="T", Body="B", SilentPush=True)) == {
        "pinpoint.notification.silentPush": "1",
        "pinpoint.openApp": "true",
        "pinpoint": '{"journey":{"journey_id":"j1","journey_run_id":"r1","journey_activity_id":"a1"}}',
        "data": '{"pinpoint":{"endpointId":"ep1"}}',
    }


SHORT = {"pinpoint.notification.title": "Hi", "pinpoint.notification.silentPush": "0", "pinpoint.openApp": "true"}


def test_googles_http_v1() -> None:
    content = Push(
        {
            "Title": "Hi",
            "CollapseKey": "k",
            "Priority": "10",
            "TimeToLive": 3600,
            "RestrictedPackageName": "com.example",
        }
    )

    assert (
        make_v1(content, "token", deep_links=False)
        == json.dumps(
            {
                "message": {
                    "token": "token",
                    "data": SHORT,
                    "android": {
                        "collapse_key": "k",
                        "priority": "HIGH",
                        "ttl": "3600s",
                        "restricted_package_name": "com.example",
                    },
                }
            },
            separators=(",", ":"),
        ).encode()
    )
    assert json.loads(make_v1(Push({"Title": "Hi"}), "token", deep_links=False)) == {
        "message": {"token": "token", "data": SHORT}
    }


def test_googles_legacy_api() -> None:
    content = Push(
        {"Title": "Hi", "CollapseKey": "k", "Priority": "5", "TimeToLive": 60, "RestrictedPackageName": "com.example"}
    )

    assert (
        make_legacy(content, "token")
        == json.dumps(
            {
                "to": "token",
                "data": SHORT,
                "collapse_key": "k",
                "priority": "normal",
                "time_to_live": 60,
                "restricted_package_name": "com.example",
            },
            separators=(",", ":"),
        ).encode()
    )
    assert json.loads(make_legacy(Push({"Title": "Hi"}), "token"))["time_to_live"] == 2_419_200


def test_deep_links_need_the_key_or_a_switch() -> None:
    content = Push({"Title": "Hi", "Action": "DEEP_LINK", "Url": "app://x"})

    told = (400, "DEEP_LINK isn't supported with TOKEN authentication")
    assert refusal(make_v1, content, "token", deep_links=False) == told
    assert json.loads(make_v1(content, "t", deep_links=True))["message"]["data"]["pinpoint.deeplink"] == "app://x"
    assert json.loads(make_legacy(content, "t"))["data"]["pinpoint.deeplink"] == "app://x"


def raw(document: Any) -> Push:
    return Push({"RawContent": json.dumps(document)})


def test_raw_content_of_http_v1_gets_the_token() -> None:
    given = {"fcmV1Message": {"message": {"data": {"a": "b"}, "android": {"ttl": "1s"}}, "validate_only": True}}

    assert make_v1(raw(given), "token", deep_links=False) == (
        b'{"message":{"data":{"a":"b"},"android":{"ttl":"1s"},"token":"token"},"validate_only":true}'
    )
    told = (400, "RawContent with fcmV1Message isn't supported with KEY authentication")
    assert refusal(make_legacy, raw(given), "token") == told


def test_raw_content_of_the_legacy_api_is_converted() -> None:
    given = {
        "priority": "high",
        "time_to_live": 30,
        "collapse_key": "k",
        "restricted_package_name": "com.example",
        "notification": {"title": "T", "body": "B", "image": "https://e", "android_channel_id": "news"},
        "data": {"n": 1, "b": True, "s": "x", "o": {"a": None}},
    }

    assert make_v1(raw(given), "token", deep_links=False) == (
        b'{"message":{"token":"token","notification":{"title":"T","body":"B","image":"https://e"},'
        b'"data":{"n":"1","b":"true","s":"x","o":"{\\"a\\":null}"},'
        b'"android":{"collapse_key":"k","priority":"HIGH","ttl":"30s","restricted_package_name":"com.example",'
        b'"notification":{"channel_id":"news"}}}}'
    )
    assert make_legacy(raw(given), "token") == (
        b'{"priority":"high","time_to_live":30,"collapse_key":"k","restricted_package_name":"com.example",'
        b'"notification":{"title":"T","body":"B","image":"https://e","android_channel_id":"news"},'
        b'"data":{"n":1,"b":true,"s":"x","o":{"a":null}},"to":"token"}'
    )


def test_only_raw_content_has_a_colour() -> None:
    content = raw({"data": {"pinpoint.notification.color": "#00ff00", "pinpoint.notification.silentPush": "1"}})

    told = b'"data":{"pinpoint.notification.color":"#00ff00","pinpoint.notification.silentPush":"1"}'
    assert make_v1(content, "t", deep_links=False) == b'{"message":{"token":"t",' + told + b"}}"
    assert make_legacy(content, "t") == b"{" + told + b',"to":"t"}'
    assert make_adm(Push({"RawContent": "{" + told.decode() + "}"})) == b"{" + told + b"}"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("5", "normal"), ("10", "high"), ("normal", "normal"), ("high", "high"), ("HIGH", "high"), ("Normal", "normal")],
)
def test_priorities_are_converted(given: str, expected: str) -> None:
    content = Push({"Body": "B", "Priority": given})

    assert json.loads(make_legacy(content, "t"))["priority"] == expected
    assert json.loads(make_v1(content, "t", deep_links=False))["message"]["android"]["priority"] == expected.upper()
    (_, priority), _ = make_headers(content, is_silent=False, is_voip=False)
    assert priority == {"normal": "5", "high": "10"}[expected]


def test_a_priority_that_is_none_is_refused() -> None:
    content = Push({"Body": "B", "Priority": "7"})

    assert refusal(make_legacy, content, "t") == (400, "Invalid Priority")
    assert refusal(make_v1, content, "t", deep_links=False) == (400, "Invalid Priority")


def test_how_long_notifications_live() -> None:
    """Whoever says nothing leaves it to the service, but for Google's legacy API and Baidu."""
    for lives_s, v1, legacy_s, baidu_s in ((None, None, 2_419_200, "604800"), (0, "0s", 0, "0"), (60, "60s", 60, "60")):
        content = Push({"Body": "B"} | ({} if lives_s is None else {"TimeToLive": lives_s}))

        message = json.loads(make_v1(content, "t", deep_links=False))["message"]
        assert message.get("android", {}).get("ttl") == v1
        assert json.loads(make_legacy(content, "t"))["time_to_live"] == legacy_s
        assert make_baidu(content)["msg_expires"] == baidu_s
        assert "expiresAfter" not in json.loads(make_adm(content))


def test_safaris_notifications_are_raw_content() -> None:
    text = '{"aps":{"alert":{"title":"T","body":"B"},"content-available":1,"url-args":[""]}}'

    assert make_payload(Push({"RawContent": text})) == (text.encode(), False)
    without = text.replace('"content-available":1,', "")
    told = (400, "Invalid RawContent: aps.content-available must be 0 or 1")
    assert refusal(make_payload, Push({"RawContent": without})) == told


@pytest.mark.parametrize("text", ["", "no", "[]", '"x"', "{" * 2000])
def test_raw_content_that_is_no_object_is_refused(text: str) -> None:
    content = Push({"RawContent": text})

    assert refusal(make_legacy, content, "t") == (400, "Invalid RawContent: no JSON object")
    assert refusal(make_v1, content, "t", deep_links=False) == (400, "Invalid RawContent: no JSON object")
    assert refusal(make_adm, content) == (400, "Invalid RawContent: data must be an object")


def legacy(content: Push) -> bytes:
    return make_legacy(content, "t" * 200)


def http_v1(content: Push) -> bytes:
    return make_v1(content, "t" * 200, deep_links=False)


def baidu(content: Push) -> str:
    return make_baidu(content)["msg"]


# What makes a message, how large its payload may be, and what of it is there beside the body.
SERVICES = [
    (apns, 4_096, '{"aps":{"alert":{"body":""},"content-available":1,"mutable-content":0},"data":{"pinpoint":{}}}'),
    (
        legacy,
        4_096,
        '{"pinpoint.notification.body":"","pinpoint.notification.silentPush":"0","pinpoint.openApp":"true"}',
    ),
    (
        http_v1,
        4_096,
        '{"pinpoint.notification.body":"","pinpoint.notification.silentPush":"0","pinpoint.openApp":"true"}',
    ),
    (
        make_adm,
        6_144,
        '{"pinpoint.notification.body":"","pinpoint.notification.silentPush":"0","pinpoint.openApp":"true"}',
    ),
]


@pytest.mark.parametrize(("make", "most_bytes", "around"), SERVICES)
@pytest.mark.parametrize("letter", ["x", "é", "\N{GRINNING FACE}", '"', "\n"])
def test_what_is_too_large_is_refused(make: Any, most_bytes: int, around: str, letter: str) -> None:
    """Bytes count, as they are sent."""
    size = len(json.dumps(letter, ensure_ascii=False).encode()) - 2
    count, rest = divmod(most_bytes - len(around), size)
    body = letter * count + "x" * rest

    make(Push({"Body": body}))
    assert refusal(make, Push({"Body": body + "x"})) == (
        413,
        f"The notification is too large: {most_bytes + 1} bytes, and {most_bytes} are allowed",
    )


def test_baidus_limit_is_one_of_bytes_too() -> None:
    """In a notification of members the body stands twice."""
    assert baidu(Push({"RawContent": "é" * 2_048})) == "é" * 2_048
    assert refusal(baidu, Push({"RawContent": "é" * 2_048 + "x"}))[0] == 413
    assert refusal(baidu, Push({"Body": "x" * 2_048}))[0] == 413


BIG = "x" * 4_200


@pytest.mark.parametrize(
    ("make", "document"),
    [
        (apns, {"aps": {"content-available": 1}, "x": BIG}),
        (legacy, {"data": {"x": BIG}}),
        (legacy, {"notification": {"body": BIG}}),
        (legacy, {"x": BIG * 4}),
        (http_v1, {"data": {"x": BIG}}),
        (http_v1, {"notification": {"body": BIG}}),
        (http_v1, {"fcmV1Message": {"message": {"data": {"x": BIG}}}}),
        (http_v1, {"fcmV1Message": {"message": {"android": {"data": {"x": BIG}}}}}),
        (http_v1, {"fcmV1Message": {"message": {"android": {"notification": {"body": BIG}}}}}),
        (http_v1, {"fcmV1Message": {"message": {}, "x": BIG * 4}}),
        (make_adm, {"data": {"x": BIG * 2}}),
        (make_adm, {"data": {}, "x": BIG * 4}),
        (baidu, {"x": BIG}),
    ],
)
def test_raw_content_that_is_too_large_is_refused(make: Any, document: Any) -> None:
    status_code, told = refusal(make, raw(document))

    assert status_code == 413
    assert told.startswith("The notification is too large: ")


@pytest.mark.parametrize(
    ("make", "document"),
    [
        # Options are no payload.
        (legacy, {"data": {"x": BIG[:4_000]}, "collapse_key": "k" * 200}),
        (http_v1, {"data": {"x": BIG[:4_000]}, "collapse_key": "k" * 200}),
        (http_v1, {"fcmV1Message": {"message": {"data": {"x": BIG[:4_000]}, "android": {"collapse_key": "k" * 200}}}}),
        (make_adm, {"data": {"x": BIG}, "consolidationKey": "k" * 2_000}),
    ],
)
def test_what_is_beside_the_payload_does_not_count(make: Any, document: Any) -> None:
    assert make(raw(document))


def test_amazons() -> None:
    content = Push({"Title": "Hi", "ConsolidationKey": "k", "ExpiresAfter": "3600", "MD5": "x==", "TimeToLive": 5})

    assert (
        make_adm(content)
        == json.dumps(
            {"data": SHORT, "consolidationKey": "k", "expiresAfter": 3600, "md5": "x=="}, separators=(",", ":")
        ).encode()
    )
    assert make_adm(Push({"RawContent": '{"data": {"a": "b"}}'})) == b'{"data": {"a": "b"}}'
    assert refusal(make_adm, Push({"ExpiresAfter": "soon"})) == (400, "Invalid ExpiresAfter: not a number of seconds")
    assert len(make_adm(Push({"Body": "x" * 5_900}))) > 5_900


def test_baidus() -> None:
    assert make_baidu(Push({"Title": "Hi", "Body": "B", "TimeToLive": 60})) == {
        "msg": '{"title":"Hi","description":"B","custom_content":{"pinpoint.notification.title":"Hi",'
        '"pinpoint.notification.body":"B","pinpoint.notification.silentPush":"0","pinpoint.openApp":"true"}}',
        "msg_type": "1",
        "msg_expires": "60",
    }
    assert make_baidu(Push({"SilentPush": True, "TimeToLive": 700_000})) == {
        "msg": '{"custom_content":{"pinpoint.notification.silentPush":"1","pinpoint.openApp":"true"}}',
        "msg_type": "0",
        "msg_expires": "604800",
    }


def test_baidus_signature() -> None:
    """By hand: md5 of POSThttp%3A%2F%2Fa%2Fb+a%3D1b%3Dx+ysecret, with the URL `http://a/b ` and the secret `secret`."""
    given = {"b": "x y", "a": "1"}

    assert signed("http://a/b ", given, "secret")["sign"] == "c97e5b9261ef92a13e436ffc4e6e3e7d"


def test_baidu_has_every_sign_escaped_but_three() -> None:
    """By hand, as PHP's urlencode does it: md5 of POSThttp%3A%2F%2Fam%3D%7E%2A%28%29%21-_.%26%C3%A9secret."""
    given = {"m": "~*()!-_.&é"}

    assert signed("http://a", given, "secret")["sign"] == "dd88db0a784f1edf0e3e0c552dc86d8f"

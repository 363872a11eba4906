"""From what a campaign says to what each channel is given, and what it may not say."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest

from repoint.campaigns.message import (
    channels_with_content,
    check_custom_delivery,
    check_message,
    direct_message,
    is_custom,
)
from repoint.channels.kinds import KINDS
from repoint.channels.stored import Channel
from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import ChannelType
from repoint.delivery.compose import Composer, Unrendered
from repoint.delivery.message import Content, Email, Push, Sms
from repoint.delivery.outcome import Outcome
from repoint.delivery.recipient import Recipient, Source
from tests.campaigns.treatments import templates, treatment
from tests.fixtures.messages import APPLICATION

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SETTINGS: dict[ChannelType, dict[str, Any]] = {
    "EMAIL": {"FromAddress": "shop@example.com"},
    "SMS": {"SenderId": "SHOP"},
    "GCM": {},
    "APNS": {},
    "ADM": {},
    "BAIDU": {},
}
ADDRESSES: dict[ChannelType, str] = {"EMAIL": "ann@example.com", "SMS": "+14255550199"}
PUSH_TYPES = {"GCM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "ADM", "BAIDU"}


def composed(
    channel_type: ChannelType,
    message: Mapping[str, Any],
    attributes: Mapping[str, Any] | None = None,
    **contents: Mapping[str, Any],
) -> Content | str:
    """What an endpoint of that channel gets of this campaign and these templates, or why it gets nothing."""
    channels = {
        kind.type: Channel(kind, APPLICATION, True, SETTINGS[kind.type], 1, NOW, NOW)  # noqa: FBT003 - enabled
        for kind in KINDS
        if kind.type in SETTINGS
    }
    source = Source(APPLICATION, direct_message(treatment(message)), templates(**contents), channels)
    address = ADDRESSES.get(channel_type, "token")
    endpoint = {"Id": "e-1", "Address": address, "ChannelType": channel_type, "Attributes": attributes or {}}
    recipient = Recipient("m-1", channel_type, address, "e-1", endpoint)
    made = Composer(source, NOW, missing_is_empty=False).message(recipient, address)
    match made:
        case Unrendered(reason=reason):
            return reason
        case Outcome(detail=detail):
            return detail
    return made.content


def mail(message: Mapping[str, Any], **contents: Mapping[str, Any]) -> dict[str, str | None]:
    """An e-mail as people see it."""
    made = composed("EMAIL", message, {"Name": ["Ann"]}, **contents)
    assert isinstance(made, Email)
    read: Any = message_from_bytes(made.mime, policy=policy.default)
    parts = {kind: read.get_body((kind,)) for kind in ("html", "plain")}
    texts = {kind: None if part is None else part.get_content().strip() for kind, part in parts.items()}
    return {"from": read["From"], "subject": read["Subject"], "header": read["X-Shop"], **texts}


def push(channel_type: ChannelType, message: Mapping[str, Any], **contents: Mapping[str, Any]) -> dict[str, Any]:
    made = composed(channel_type, message, {"Name": ['A"n']}, **contents)
    assert isinstance(made, Push)
    return made.members


def test_an_email_has_what_the_campaign_says() -> None:
    message = {
        "EmailMessage": {
            "Title": "For {{Attributes.Name}}",
            "Body": "plain",
            "HtmlBody": "<p>html</p>",
            "FromAddress": "News <news@example.com>",
            "Headers": [{"Name": "X-Shop", "Value": "1"}],
        }
    }

    assert mail(message) == {
        "from": "News <news@example.com>",
        "subject": "For Ann",
        "header": "1",
        "html": "<p>html</p>",
        "plain": "plain",
    }


def test_an_emails_texts_come_from_the_template_and_its_settings_from_the_campaign() -> None:
    template = {"Subject": "Template", "HtmlPart": "<p>template</p>", "TextPart": "template"}

    found = mail({"EmailMessage": {"FromAddress": "news@example.com", "HtmlBody": "<p>own</p>"}}, EMAIL=template)

    assert found == {
        "from": "news@example.com",
        "subject": "Template",
        "header": None,
        "html": "<p>own</p>",
        "plain": "template",
    }


def test_an_email_without_words_of_its_own_has_the_default_ones() -> None:
    message = {"DefaultMessage": {"Title": "Hello", "Body": "Hi"}, "EmailMessage": {"FromAddress": "n@example.com"}}

    found = mail(message)

    assert found == {"from": "n@example.com", "subject": "Hello", "header": None, "html": "Hi", "plain": "Hi"}


@pytest.mark.parametrize(
    ("own", "html", "plain"), [({"Body": "own"}, None, "own"), ({"HtmlBody": "<p>own</p>"}, "<p>own</p>", None)]
)
def test_default_words_are_not_put_beside_an_emails_own(own: dict[str, str], html: str | None, plain: str) -> None:
    found = mail({"DefaultMessage": {"Title": "Hello", "Body": "Hi"}, "EmailMessage": own})

    assert (found["subject"], found["html"], found["plain"]) == ("Hello", html, plain)


def test_a_text_message_has_its_settings_and_words() -> None:
    settings = {"MessageType": "PROMOTIONAL", "OriginationNumber": "+12065550100", "EntityId": "e", "TemplateId": "t"}

    assert composed("SMS", {"SMSMessage": {"Body": "own", **settings}}, SMS={"Body": "template"}) == Sms(
        "own", "PROMOTIONAL", "+12065550100", None, entity_id="e", template_id="t"
    )
    assert composed("SMS", {"SMSMessage": {"SenderId": "ME"}}, SMS={"Body": "template"}) == Sms(
        "template", "TRANSACTIONAL", sender_id="ME"
    )
    assert composed("SMS", {"DefaultMessage": {"Title": "T", "Body": "Hi"}}) == Sms(
        "Hi", "TRANSACTIONAL", sender_id="SHOP"
    )


def test_a_notification_has_all_that_the_campaign_says() -> None:
    message = {
        "Title": "Hi {{Attributes.Name}}",
        "Body": "body",
        "Action": "URL",
        "Url": "https://shop.example/",
        "ImageUrl": "https://shop.example/1.png",
        "ImageIconUrl": "https://shop.example/2.png",
        "ImageSmallIconUrl": "https://shop.example/3.png",
        "MediaUrl": "https://shop.example/4.mp4",
        "TimeToLive": 0,
    }

    expected = {**message, "Title": 'Hi A"n', "SmallImageIconUrl": "https://shop.example/3.png"}
    del expected["ImageSmallIconUrl"]
    for channel_type, member in (("GCM", "GCMMessage"), ("APNS", "APNSMessage"), ("BAIDU", "BaiduMessage")):
        assert push(channel_type, {member: message}) == expected  # type: ignore[arg-type] # one of the types


def test_levels_of_a_notification_are_merged_member_by_member() -> None:
    message = {
        "DefaultMessage": {"Title": "default", "Body": "default", "ImageUrl": "default", "TimeToLive": 60},
        "GCMMessage": {"Body": "own"},
    }
    template = {"Default": {"Title": "template", "Action": "OPEN_APP"}, "GCM": {"Body": "template", "Sound": "ding"}}

    assert push("GCM", message, PUSH=template) == {
        "Title": "template",
        "Body": "own",
        "ImageUrl": "default",
        "TimeToLive": 60,
        "Action": "OPEN_APP",
        "Sound": "ding",
    }
    assert push("ADM", message) == message["DefaultMessage"]


def test_a_raw_payload_goes_before_all_else_of_its_channel() -> None:
    message = {"GCMMessage": {"Title": "T", "RawContent": '{"data": {"n": "{{Attributes.Name}}"}}'}}

    assert push("GCM", message, PUSH={"GCM": {"Body": "template"}})["RawContent"] == '{"data": {"n": "A\\"n"}}'


def test_json_of_a_silent_notification_becomes_its_data() -> None:
    message = {"APNSMessage": {"SilentPush": True, "JsonBody": '{"who": "{{Attributes.Name}}", "deep": {"n": 1}}'}}

    assert push("APNS", message) == {"SilentPush": True, "Data": {"who": 'A"n', "deep": {"n": 1}}}


def test_json_that_is_none_with_this_recipients_values_fails_this_recipient() -> None:
    message = {"GCMMessage": {"SilentPush": True, "JsonBody": '{"n": {{Attributes.N}}}'}}

    assert composed("GCM", message, {"N": ["x"]}) == "Invalid JsonBody: no JSON object"
    made = composed("GCM", message, {"N": ["5"]})
    assert isinstance(made, Push)
    assert made.members["Data"] == {"n": 5}


@pytest.mark.parametrize(
    ("message", "contents", "found"),
    [
        ({"EmailMessage": {"Body": "x"}}, {}, {"EMAIL"}),
        ({"EmailMessage": {"HtmlBody": "x"}}, {}, {"EMAIL"}),
        ({"EmailMessage": {"Title": "x", "FromAddress": "a@example.com"}}, {}, set()),
        ({"EmailMessage": {"Title": "x"}}, {"EMAIL": {"HtmlPart": "x"}}, {"EMAIL"}),
        ({"SMSMessage": {"SenderId": "ME"}}, {}, set()),
        ({"SMSMessage": {"SenderId": "ME"}}, {"SMS": {"Body": "x"}}, {"SMS"}),
        ({"SMSMessage": {"Body": "x"}, "ADMMessage": {"Title": "x"}}, {}, {"SMS", "ADM"}),
        (
            {"APNSMessage": {"SilentPush": True}},
            {},
            {"APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX"},
        ),
        ({"GCMMessage": {"RawContent": "{}"}, "BaiduMessage": {"Url": "x"}}, {}, {"GCM"}),
        ({}, {"PUSH": {"GCM": {"Body": "x"}, "Baidu": {"Title": "x"}}}, {"GCM", "BAIDU"}),
        ({}, {"PUSH": {"Default": {"Body": "x"}}}, PUSH_TYPES),
        ({"DefaultMessage": {"Body": "x"}}, {}, {"EMAIL", "SMS"} | PUSH_TYPES),
        ({"DefaultMessage": {"Title": "x"}}, {}, PUSH_TYPES),
    ],
)
def test_channels_have_content_where_somebody_says_something(
    message: Mapping[str, Any], contents: Mapping[str, Any], found: set[str]
) -> None:
    assert channels_with_content(treatment(message), templates(**contents)) == found


def test_a_custom_message_is_for_the_types_that_it_names_and_for_nobody_else() -> None:
    message = {"CustomMessage": {"Data": "x"}, "SMSMessage": {"Body": "x"}}

    assert channels_with_content(treatment(message, DeliveryUri="f"), {}) == {"CUSTOM"}
    types = ["EMAIL", "VOICE"]
    assert channels_with_content(treatment(message, DeliveryUri="f", EndpointTypes=types), {}) == {"EMAIL", "VOICE"}
    assert is_custom(treatment(message))
    assert not is_custom(treatment({"SMSMessage": {"Body": "x"}}))


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"GCMMessage": {"Body": "x" * 200, "TimeToLive": 0}, "CustomMessage": {"Data": "x" * 5120}},
        {"EmailMessage": {"Headers": [{"Name": "n" * 126, "Value": "v" * 870}] * 15, "Body": "x" * 100_000}},
        {"APNSMessage": {"JsonBody": '{"a": {"b": [1]}}', "RawContent": '{"aps": {"badge": {{Attributes.n}}}}'}},
        {"CustomMessage": {"Data": "{{no template"}},
    ],
)
def test_what_may_be_said_is_taken(configuration: dict[str, Any]) -> None:
    check_message(configuration)


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        ({"GCMMessage": {"Body": "x" * 201}}, "GCMMessage.Body exceeds the maximum of 200 characters"),
        ({"DefaultMessage": {"Body": "é" * 201}}, "DefaultMessage.Body exceeds the maximum of 200 characters"),
        ({"ADMMessage": {"TimeToLive": -1}}, "ADMMessage.TimeToLive must be at least 0"),
        ({"APNSMessage": {"JsonBody": "{"}}, "APNSMessage.JsonBody must be a JSON object"),
        ({"APNSMessage": {"JsonBody": "[1]"}}, "APNSMessage.JsonBody must be a JSON object"),
        ({"BaiduMessage": {"RawContent": "hello"}}, "BaiduMessage.RawContent must be a JSON object"),
        (
            {"GCMMessage": {"Title": "Hi {{"}},
            "Invalid template syntax in GCMMessage.Title: ",
        ),
        ({"SMSMessage": {"Body": "Hi {{"}}, "Invalid template syntax in SMSMessage.Body: "),
        ({"EmailMessage": {"HtmlBody": "\n {{#if}}"}}, "Invalid template syntax in EmailMessage.HtmlBody: "),
        ({"CustomMessage": {"Data": "é" * 2561}}, "CustomMessage.Data exceeds the maximum of 5120 bytes"),
        (
            {"EmailMessage": {"Headers": [{"Name": "X", "Value": "1"}] * 16}},
            "EmailMessage.Headers exceeds the maximum of 15 items",
        ),
        (
            {"EmailMessage": {"Headers": [{"Name": "n" * 127}]}},
            "EmailMessage.Headers.Name exceeds the maximum of 126 characters",
        ),
        (
            {"EmailMessage": {"Headers": [{"Name": "X", "Value": "v" * 871}]}},
            "EmailMessage.Headers.Value exceeds the maximum of 870 characters",
        ),
        ({"EmailMessage": {"Headers": [{"Value": "v"}]}}, "Missing EmailMessage.Headers.Name"),
    ],
)
def test_what_may_not_be_said_is_told(configuration: dict[str, Any], told: str) -> None:
    with pytest.raises(BadRequestException) as caught:
        check_message(configuration)

    assert caught.value.message.startswith(told)


@pytest.mark.parametrize(
    "target",
    [
        "deliver",
        "deliver:live",
        "arn:aws:lambda:us-east-1:111122223333:function:deliver",
        "https://hooks.example/a-b_c.d~e?f#g:h;i",
        "http://127.0.0.1:8000/hook",
    ],
)
def test_functions_and_urls_are_taken_as_targets(target: str) -> None:
    types = [
        "ADM",
        "APNS",
        "APNS_SANDBOX",
        "APNS_VOIP",
        "APNS_VOIP_SANDBOX",
        "BAIDU",
        "CUSTOM",
        "EMAIL",
        "GCM",
        "SMS",
        "VOICE",
    ]

    check_custom_delivery({"CustomMessage": {"Data": "x"}}, {"DeliveryUri": target, "EndpointTypes": types})


@pytest.mark.parametrize(
    "target",
    [
        "https://hooks.example/?a=b",
        "https://hooks.example/%20",
        "https://hooks.example/\n",
        "https://",
        "https://hooks.example:99999/",
        "ftp://hooks.example/",
        "no name",
        "deliver\n",
    ],
)
def test_other_targets_are_refused(target: str) -> None:
    with pytest.raises(BadRequestException, match=r"^Invalid DeliveryUri$"):
        check_custom_delivery({"CustomMessage": {}}, {"DeliveryUri": target})


@pytest.mark.parametrize(
    ("configuration", "custom", "told"),
    [
        ({"CustomMessage": {"Data": "x"}}, {}, "Missing CustomDeliveryConfiguration"),
        ({"CustomMessage": {}}, {}, "Missing CustomDeliveryConfiguration"),
        ({}, {"DeliveryUri": "", "EndpointTypes": ["EMAIL"]}, "Missing DeliveryUri"),
        ({}, {"DeliveryUri": "f", "EndpointTypes": ["EMAIL", "PUSH"]}, "Invalid EndpointTypes: PUSH"),
        ({}, {"DeliveryUri": "f", "EndpointTypes": ["IN_APP"]}, "Invalid EndpointTypes: IN_APP"),
    ],
)
def test_a_custom_delivery_that_leads_nowhere_is_refused(
    configuration: dict[str, Any], custom: dict[str, Any], told: str
) -> None:
    with pytest.raises(BadRequestException) as caught:
        check_custom_delivery(configuration, custom)

    assert caught.value.message == told


def test_a_campaign_without_custom_messages_needs_no_custom_delivery() -> None:
    check_custom_delivery({"SMSMessage": {"Body": "x"}}, {})

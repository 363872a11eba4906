"""What CreateCampaign refuses, and in which words (campaigns.md sections 2, 5 to 7, 10 and Errors)."""

from typing import Any

import pytest

from tests.campaigns.conftest import SMS, Shop, after, bad, missing, told

UNKNOWN = "0123456789abcdef0123456789abcdef"
FILTER = {"FilterType": "ENDPOINT", "Dimensions": {"EventType": {"Values": ["bought"]}}}
CUSTOM = {"CustomMessage": {"Data": "x"}}


def push(**members: Any) -> dict[str, Any]:
    return {"MessageConfiguration": {"GCMMessage": members}}


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"Name": None}, "Missing Name"),
    ({"Name": ""}, "Missing Name"),
    ({"SegmentId": None}, "Missing SegmentId"),
    ({"SegmentId": ""}, "Missing SegmentId"),
    ({"Schedule": None}, "Missing Schedule"),
    ({"Schedule": {}}, "Missing StartTime"),
    ({"MessageConfiguration": None}, "Missing MessageConfiguration"),
    ({"MessageConfiguration": {}}, "Missing MessageConfiguration"),
    ({"MessageConfiguration": {"SMSMessage": {}}, "TemplateConfiguration": {}}, "Missing MessageConfiguration"),
    ({"AdditionalTreatments": [{"SizePercent": 5, "MessageConfiguration": {}}]}, "Missing MessageConfiguration"),
    ({"AdditionalTreatments": [{}]}, "Missing SizePercent"),
    ({"Schedule": {"StartTime": after(minutes=-2)}}, "StartTime must be at least current time."),
    (
        {"AdditionalTreatments": [{"SizePercent": 5, "Schedule": {"StartTime": after(minutes=-2)}}]},
        "StartTime must be at least current time.",
    ),
    ({"Schedule": {"StartTime": "tomorrow"}}, "Invalid StartTime: tomorrow"),
    ({"Schedule": {"StartTime": after(days=1), "Timezone": "CET"}}, "Invalid Timezone: CET"),
    (
        {"Schedule": {"StartTime": after(days=1), "QuietTime": {"Start": "9", "End": "10:00"}}},
        "Invalid QuietTime: 9",
    ),
    (
        {"Schedule": {"StartTime": after(days=2), "Frequency": "DAILY", "EndTime": after(days=1)}},
        "EndTime must be after StartTime.",
    ),
    (
        {"Schedule": {"StartTime": after(days=1), "Frequency": "EVENT", "EndTime": after(days=2)}},
        "Missing EventFilter",
    ),
    (
        {"Schedule": {"StartTime": after(days=1), "Frequency": "IN_APP_EVENT", "EndTime": after(days=2)}},
        "Missing EventFilter",
    ),
    ({"Limits": {"Daily": 101}}, "Limits.Daily must be between 0 and 100"),
    ({"Limits": {"Total": -1}}, "Limits.Total must be between 0 and 100"),
    ({"Limits": {"MaximumDuration": 59}}, "Limits.MaximumDuration must be between 60 and 2147483647"),
    ({"Limits": {"MessagesPerSecond": 0}}, "Limits.MessagesPerSecond must be between 1 and 20000"),
    ({"Limits": {"Session": -1}}, "Limits.Session must be between 0 and 2147483647"),
    ({"Priority": 0}, "Priority must be between 1 and 5"),
    ({"Priority": 6}, "Priority must be between 1 and 5"),
    ({"HoldoutPercent": 101}, "HoldoutPercent must be between 0 and 100"),
    ({"HoldoutPercent": -1}, "HoldoutPercent must be between 0 and 100"),
    ({"AdditionalTreatments": [{"SizePercent": 0}]}, "SizePercent must be between 1 and 100"),
    (
        {"HoldoutPercent": 41, "AdditionalTreatments": [{"SizePercent": 30}, {"SizePercent": 30}]},
        "The sum of SizePercent and HoldoutPercent can't exceed 100",
    ),
    ({"AdditionalTreatments": [{"SizePercent": 1}] * 5}, "A campaign can have at most 5 treatments"),
    ({"MessageConfiguration": CUSTOM}, "Missing CustomDeliveryConfiguration"),
    (
        {"AdditionalTreatments": [{"SizePercent": 1, "MessageConfiguration": CUSTOM}]},
        "Missing CustomDeliveryConfiguration",
    ),
    ({"CustomDeliveryConfiguration": {}}, "Missing DeliveryUri"),
    ({"CustomDeliveryConfiguration": {"DeliveryUri": "https://a.example/?k=v"}}, "Invalid DeliveryUri"),
    ({"CustomDeliveryConfiguration": {"DeliveryUri": "http://a.example/"}}, "Invalid DeliveryUri"),
    ({"CustomDeliveryConfiguration": {"DeliveryUri": "ftp://a.example/"}}, "Invalid DeliveryUri"),
    ({"CustomDeliveryConfiguration": {"DeliveryUri": "no function"}}, "Invalid DeliveryUri"),
    (
        {"CustomDeliveryConfiguration": {"DeliveryUri": "deliver", "EndpointTypes": ["EMAIL", "PUSH"]}},
        "Invalid EndpointTypes: PUSH",
    ),
    (
        {"CustomDeliveryConfiguration": {"DeliveryUri": "deliver", "EndpointTypes": ["FAX"]}},
        "Invalid EndpointTypes: FAX",
    ),
    ({"Hook": {"Mode": "DELIVERY", "LambdaFunctionName": "f"}}, "Campaign hook mode DELIVERY is not supported"),
    (
        {"Hook": {"LambdaFunctionName": "f", "WebUrl": "https://a.example/"}},
        "Specify LambdaFunctionName or WebUrl, not both",
    ),
    (
        {"IsPaused": True, "Schedule": {"StartTime": "IMMEDIATE"}},
        "A campaign with an IMMEDIATE start can't be paused",
    ),
    (
        {
            "IsPaused": True,
            "AdditionalTreatments": [{"SizePercent": 1, "Schedule": {"StartTime": "IMMEDIATE"}}],
        },
        "A campaign with an IMMEDIATE start can't be paused",
    ),
    ({"TemplateConfiguration": {"VoiceTemplate": {"Name": "call"}}}, "VoiceTemplate isn't supported"),
    ({"TemplateConfiguration": {"SMSTemplate": {}}}, "Missing Name of the template"),
    ({"Name": "é" * 129}, "Name exceeds 128 characters"),
    ({"Description": "é" * 257}, "Description exceeds 256 characters"),
    ({"TreatmentName": "é" * 129}, "TreatmentName exceeds 128 characters"),
    (
        {"AdditionalTreatments": [{"SizePercent": 1, "TreatmentDescription": "x" * 257}]},
        "TreatmentDescription exceeds 256 characters",
    ),
    (push(Body="é" * 201), "GCMMessage.Body exceeds 200 characters"),
    (push(TimeToLive=-1), "GCMMessage.TimeToLive must be between 0 and 2147483647"),
    (push(Action="URL", Body="x"), "Missing GCMMessage.Url"),
    (push(Action="DEEP_LINK", Body="x"), "Missing GCMMessage.Url"),
    (push(Action="JUMP", Body="x"), "Invalid Action: JUMP"),
    ({"MessageConfiguration": {"DefaultMessage": {"Body": "x" * 201}}}, "DefaultMessage.Body exceeds 200 characters"),
    (
        {
            "MessageConfiguration": {"CustomMessage": {"Data": "é" * 2561}},
            "CustomDeliveryConfiguration": {"DeliveryUri": "deliver"},
        },
        "CustomMessage.Data exceeds 5120 bytes",
    ),
    (
        {"MessageConfiguration": {"EmailMessage": {"Title": "x", "Headers": [{"Name": "a", "Value": "b"}] * 16}}},
        "EmailMessage.Headers exceeds the maximum of 15 items",
    ),
    (
        {"MessageConfiguration": {"EmailMessage": {"Title": "x", "Headers": [{"Name": "a" * 127, "Value": "b"}]}}},
        "EmailMessage.Headers.Name exceeds 126 characters",
    ),
    ({"tags": {"aws:a": "b"}}, "Tag keys and values must not begin with aws:"),
]


def test_create_campaign_refuses(shop: Shop) -> None:
    answers = [shop.send("POST", "", shop.request(**members)) for members, _ in REFUSED]

    assert [told(answer) for answer in answers] == [bad(message) for _, message in REFUSED]
    assert shop.send("GET", "").json == {"Item": []}


@pytest.mark.parametrize(
    "members",
    [
        {"HoldoutPercent": 60, "AdditionalTreatments": [{"SizePercent": 10}] * 4},
        {"HoldoutPercent": 100},
        push(Action="URL", Url="https://a.example/", Body="é" * 200, TimeToLive=0),
        push(Action="DEEP_LINK", Url="app://x", Body="x"),
        {
            "MessageConfiguration": {"CustomMessage": {"Data": "é" * 2560}},
            "CustomDeliveryConfiguration": {"DeliveryUri": "arn:aws:lambda:us-east-1:000000000000:function:d:live"},
        },
    ],
    ids=["five", "nobody", "push", "deep link", "custom"],
)
def test_create_campaign_accepts_up_to_the_limits(shop: Shop, members: dict[str, Any]) -> None:
    assert shop.create(**members)["Version"] == 1


def test_create_campaign_forgives_a_clock_that_is_a_little_late(shop: Shop) -> None:
    # Made here: the first test may begin a minute after the last one was collected.
    assert shop.create(Schedule={"StartTime": after(seconds=-30)})["Version"] == 1


def test_what_the_update_refuses_leaves_the_campaign_as_it_was(shop: Shop) -> None:
    campaign = shop.create()
    # Those that leave a member out mean the merged campaign, which has it.
    refused = [(members, message) for members, message in REFUSED if None not in members.values()]
    refused = [(members, message) for members, message in refused if "tags" not in members]

    answers = [shop.send("PUT", f"/{campaign['Id']}", members) for members, _ in refused]

    assert [told(answer) for answer in answers] == [bad(message) for _, message in refused]
    assert shop.get(campaign["Id"]) == campaign


def test_an_unknown_segment_is_told(shop: Shop) -> None:
    other_app = shop.client.create_app(CreateApplicationRequest={"Name": "other"})["ApplicationResponse"]["Id"]
    answer = shop.client.create_segment(ApplicationId=other_app, WriteSegmentRequest={})
    foreign = answer["SegmentResponse"]["Id"]
    campaign_id = shop.create()["Id"]

    for segment_id in (UNKNOWN, foreign, "x"):
        refused = missing(f"Segment not found: {segment_id}")
        assert told(shop.send("POST", "", shop.request(SegmentId=segment_id))) == refused
        assert told(shop.send("PUT", f"/{campaign_id}", {"SegmentId": segment_id})) == refused
    for version in (0, 2, -1):
        refused = missing(f"Segment not found: {shop.segment_id}")
        assert told(shop.send("POST", "", shop.request(SegmentVersion=version))) == refused
        assert told(shop.send("PUT", f"/{campaign_id}", {"SegmentVersion": version})) == refused


def test_events_need_a_dynamic_segment(shop: Shop) -> None:
    imported = shop.create_segment(Name="list")
    for table in ("documents", "document_versions"):
        shop.execute(
            f"UPDATE {table} SET document = document || '{{\"ImportDefinition\": {{}}}}' WHERE id = %(id)s",  # noqa: S608 - names of tables
            {"id": imported},
        )
    on_events = {"StartTime": after(days=1), "EndTime": after(days=2), "Frequency": "EVENT", "EventFilter": FILTER}
    refused = bad("Event-based campaigns can only use dynamic segments.")

    assert told(shop.send("POST", "", shop.request(SegmentId=imported, Schedule=on_events))) == refused
    treatments = [{"SizePercent": 1, "Schedule": on_events}]
    assert told(shop.send("POST", "", shop.request(SegmentId=imported, AdditionalTreatments=treatments))) == refused
    by_time, by_event = shop.create(SegmentId=imported)["Id"], shop.create(Schedule=on_events)["Id"]
    assert told(shop.send("PUT", f"/{by_time}", {"Schedule": on_events})) == refused
    assert told(shop.send("PUT", f"/{by_event}", {"SegmentId": imported})) == refused


def test_bodies_that_are_none_are_told(shop: Shop) -> None:
    assert told(shop.send("POST", "", b"{"))[:2] == (400, "BadRequestException")
    assert told(shop.send("POST", "", b"")) == bad("Missing request body")
    assert told(shop.send("POST", "", shop.request(MessageConfiguration=[])))[:2] == (400, "BadRequestException")


def test_sms_alone_is_content(shop: Shop) -> None:
    assert shop.create(MessageConfiguration=SMS)["MessageConfiguration"] == SMS

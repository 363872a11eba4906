"""GetInAppMessages: which campaigns an endpoint is shown, and what they look like."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from repoint.campaigns.engine.loop import Engine
from repoint.db.pool import Database
from repoint.queue import TaskContext
from repoint.queue.worker import Worker
from repoint.settings import Settings
from tests.campaigns.conftest import Shop, after
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve, make_client

FILTER = {
    "Dimensions": {"EventType": {"DimensionType": "INCLUSIVE", "Values": ["opened"]}},
    "FilterType": "ENDPOINT",
}
END = "2040-06-01T12:00:00.000Z"
SCHEDULE = {"StartTime": "IMMEDIATE", "EndTime": END, "Frequency": "IN_APP_EVENT", "EventFilter": FILTER}


def content(text: str) -> dict[str, Any]:
    """One screen of an in-app message."""
    return {
        "BackgroundColor": "#FFFFFF",
        "BodyConfig": {"Alignment": "LEFT", "Body": text, "TextColor": "#000000"},
        "HeaderConfig": {"Alignment": "CENTER", "Header": "News", "TextColor": "#000000"},
    }


def message(text: str) -> dict[str, Any]:
    """A MessageConfiguration."""
    return {"InAppMessage": {"Content": [content(text)], "Layout": "TOP_BANNER", "CustomConfig": {"k": "v"}}}


def offer(shop: Shop, **members: Any) -> str:
    """An in-app campaign that goes on; its id."""
    usual = {"Schedule": SCHEDULE, "MessageConfiguration": message("Hi")}
    return str(shop.create(**{**usual, **members})["Id"])


def put(shop: Shop, endpoint_id: str = "ann", **endpoint: Any) -> None:
    """An endpoint of the channel IN_APP, unless it says otherwise."""
    request = {"ChannelType": "IN_APP", **endpoint}
    shop.client.update_endpoint(ApplicationId=shop.id, EndpointId=endpoint_id, EndpointRequest=request)


def asked(shop: Shop, endpoint_id: str = "ann", client: Any = None) -> list[dict[str, Any]]:
    """GetInAppMessages; its campaigns."""
    answer = (client or shop.client).get_in_app_messages(ApplicationId=shop.id, EndpointId=endpoint_id)
    found: list[dict[str, Any]] = answer["InAppMessagesResponse"]["InAppMessageCampaigns"]
    return found


def shown(shop: Shop, endpoint_id: str = "ann") -> list[str]:
    """Ids of the campaigns."""
    return [each["CampaignId"] for each in asked(shop, endpoint_id)]


def texts(shop: Shop, endpoint_id: str = "ann") -> list[str]:
    """What the campaigns say."""
    return [each["InAppMessage"]["Content"][0]["BodyConfig"]["Body"] for each in asked(shop, endpoint_id)]


def test_a_campaign_is_answered_whole(shop: Shop) -> None:
    put(shop)
    campaign = offer(
        shop,
        Priority=2,
        Limits={"Daily": 4, "Session": 2, "Total": 9},
        Schedule=SCHEDULE | {"QuietTime": {"Start": "22:00", "End": "06:00"}},
    )

    answer = shop.raw.send("GET", f"/v1/apps/{shop.id}/endpoints/ann/inappmessages")

    assert answer.json == {
        "InAppMessageCampaigns": [
            {
                "CampaignId": campaign,
                "DailyCap": 4,
                "InAppMessage": message("Hi")["InAppMessage"],
                "Priority": 2,
                "Schedule": {
                    "EndDate": "2040-06-01T12:00:00Z",
                    "EventFilter": {
                        "Dimensions": {
                            "Attributes": {},
                            "EventType": {"DimensionType": "INCLUSIVE", "Values": ["opened"]},
                            "Metrics": {},
                        },
                        "FilterType": "ENDPOINT",
                    },
                    "QuietTime": {"Start": "22:00", "End": "06:00"},
                },
                "SessionCap": 2,
                "TotalCap": 9,
                "TreatmentId": "0",
            }
        ]
    }


def test_what_a_campaign_leaves_out_has_defaults(shop: Shop) -> None:
    put(shop)
    offer(shop)

    [found] = asked(shop)

    assert (found["DailyCap"], found["SessionCap"], found["TotalCap"], found["Priority"]) == (0, 0, 0, 3)
    assert "QuietTime" not in found["Schedule"]


def test_limits_and_quiet_time_are_the_applications_where_the_campaign_has_none(shop: Shop) -> None:
    put(shop)
    settings = {"Limits": {"Daily": 7, "Session": 5, "Total": 8}, "QuietTime": {"Start": "20:00", "End": "07:00"}}
    shop.client.update_application_settings(ApplicationId=shop.id, WriteApplicationSettingsRequest=settings)
    offer(shop, Limits={"Daily": 1})

    [found] = asked(shop)

    assert (found["DailyCap"], found["SessionCap"], found["TotalCap"]) == (1, 5, 8)
    assert found["Schedule"]["QuietTime"] == {"Start": "20:00", "End": "07:00"}


def test_the_most_urgent_come_first_and_then_the_oldest(shop: Shop) -> None:
    put(shop)
    for text, priority in (("c", None), ("e", 5), ("a", 1), ("d", 3), ("b", 1)):
        offer(shop, MessageConfiguration=message(text), Priority=priority)

    assert texts(shop) == ["a", "b", "c", "d", "e"]


def test_a_campaign_is_shown_to_its_segment_as_that_is_now(shop: Shop) -> None:
    base = shop.create_segment(Name="gold", Dimensions={"Attributes": {"Tier": {"Values": ["gold"]}}})
    group = {"SourceSegments": [{"Id": base}], "Dimensions": [{"UserAttributes": {"City": {"Values": ["Oslo"]}}}]}
    narrow = shop.create_segment(Name="gold in Oslo", SegmentGroups={"Groups": [group], "Include": "ALL"})
    others = shop.create_segment(
        Name="not gold", SegmentGroups={"Groups": [{"SourceSegments": [{"Id": base}], "SourceType": "NONE"}]}
    )
    for segment, text in ((base, "gold"), (narrow, "Oslo"), (others, "others"), (shop.segment_id, "all")):
        offer(shop, SegmentId=segment, MessageConfiguration=message(text))
    put(shop)
    before = texts(shop)

    put(shop, Attributes={"Tier": ["gold"]}, User={"UserId": "ann", "UserAttributes": {"City": ["Oslo"]}})

    assert before == ["others", "all"]
    assert texts(shop) == ["gold", "Oslo", "all"]


def test_a_segment_that_the_campaigns_own_is_based_on_may_change(shop: Shop) -> None:
    base = shop.create_segment(Name="base", Dimensions={"Attributes": {"Tier": {"Values": ["gold"]}}})
    narrow = shop.create_segment(Name="narrow", SegmentGroups={"Groups": [{"SourceSegments": [{"Id": base}]}]})
    fixed_group = {"SourceSegments": [{"Id": base, "Version": 1}]}
    fixed = shop.create_segment(Name="fixed", SegmentGroups={"Groups": [fixed_group]})
    for segment, text in ((base, "base"), (narrow, "narrow"), (fixed, "fixed")):
        offer(shop, SegmentId=segment, MessageConfiguration=message(text))
    put(shop, "ann", Attributes={"Tier": ["gold"]})
    put(shop, "bob", Attributes={"Tier": ["silver"]})
    before = (texts(shop, "ann"), texts(shop, "bob"))

    request = {"Name": "base", "Dimensions": {"Attributes": {"Tier": {"Values": ["silver"]}}}}
    shop.client.update_segment(ApplicationId=shop.id, SegmentId=base, WriteSegmentRequest=request)

    assert before == (["base", "narrow", "fixed"], [])
    # A campaign keeps the version that its segment had when it was created.
    assert (texts(shop, "ann"), texts(shop, "bob")) == (["base", "fixed"], ["narrow"])


def test_a_segment_may_ask_how_long_something_is_ago(shop: Shop) -> None:
    recency = {"Behavior": {"Recency": {"Duration": "DAY_7", "RecencyType": "ACTIVE"}}}
    active = offer(shop, SegmentId=shop.create_segment(Name="active", Dimensions=recency))
    put(shop)
    at_first = shown(shop)
    shop.execute("UPDATE endpoints SET effective_at = effective_at - interval '8 days'", {})
    much_later = shown(shop)

    item = {"Endpoint": {}, "Events": {"e": {"EventType": "opened", "Timestamp": after()}}}
    shop.client.put_events(ApplicationId=shop.id, EventsRequest={"BatchItem": {"ann": item}})

    assert (at_first, much_later, shown(shop)) == ([active], [], [active])


@pytest.mark.parametrize("registers", [True, False])
async def test_imported_segments_are_asked_too(
    shop: Shop, database: Database, settings: Settings, *, registers: bool
) -> None:
    folder = settings.files_dir / "bucket"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "list.json").write_text(
        json.dumps({"Id": "Ann", "ChannelType": "IN_APP", "Address": "device"}), encoding="utf-8"
    )
    job = {
        "S3Url": "s3://bucket/list.json",
        "Format": "JSON",
        "RoleArn": "arn:aws:iam::000000000000:role/import",
        "DefineSegment": True,
        "SegmentName": "list",
        "RegisterEndpoints": registers,
    }
    made = shop.client.create_import_job(ApplicationId=shop.id, ImportJobRequest=job)["ImportJobResponse"]
    await Worker(database, settings).drain()
    ended = shop.client.get_import_job(ApplicationId=shop.id, JobId=made["Id"])["ImportJobResponse"]
    assert ended["JobStatus"] == "COMPLETED", ended
    campaign = offer(shop, SegmentId=ended["Definition"]["SegmentId"])
    put(shop, "ann")
    put(shop, "bob")

    assert (shown(shop, "ann"), shown(shop, "bob")) == ([campaign], [])


def test_cohorts_decide_on_treatments_and_holdout(shop: Shop) -> None:
    offer(
        shop,
        HoldoutPercent=20,
        MessageConfiguration=message("standard"),
        AdditionalTreatments=[{"SizePercent": 30, "MessageConfiguration": message("other")}],
    )
    endpoints = [f"e{number}" for number in range(60)]
    for each in endpoints:
        put(shop, each)

    found = {each: asked(shop, each) for each in endpoints}

    told = {name: [(each["TreatmentId"], each["InAppMessage"]) for each in offers] for name, offers in found.items()}
    standard, other = ("0", message("standard")["InAppMessage"]), ("1", message("other")["InAppMessage"])
    assert all(offers in ([], [standard], [other]) for offers in told.values())
    counts = Counter("".join(number for number, _ in offers) for offers in told.values())
    assert counts.keys() == {"", "0", "1"}
    assert told == {
        name: [(each["TreatmentId"], each["InAppMessage"]) for each in asked(shop, name)] for name in endpoints
    }


def test_a_treatment_may_have_another_frequency(shop: Shop) -> None:
    offer(
        shop,
        AdditionalTreatments=[
            {"SizePercent": 100, "Schedule": {"StartTime": after(days=1)}, "MessageConfiguration": message("x")}
        ],
    )
    put(shop)

    assert shown(shop) == []


def move_schedule(shop: Shop, campaign_id: str, member: str, text: str) -> None:
    """Have a campaign begin or end at another time, as if it had been made then."""
    shop.execute(
        "UPDATE documents SET document = jsonb_set(document, ARRAY['Schedule', %(member)s], to_jsonb(%(text)s::text)) "
        "WHERE id = %(campaign)s",
        {"campaign": campaign_id, "member": member, "text": text},
    )


def test_a_campaign_is_shown_from_its_start_to_its_end_without_anybody_running_it(shop: Shop) -> None:
    put(shop)
    begun, _ = (offer(shop, Schedule=SCHEDULE | {"StartTime": after(days=1)}) for _ in range(2))
    ended = offer(shop)
    move_schedule(shop, begun, "StartTime", after(days=-1))
    move_schedule(shop, ended, "EndTime", after(days=-1))

    assert shown(shop) == [begun]


async def test_what_executes_is_shown_and_what_is_paused_completed_or_deleted_is_not(
    shop: Shop, database: Database, settings: Settings
) -> None:
    put(shop)
    soon = SCHEDULE | {"StartTime": after(seconds=1)}
    executing, paused, deleted, completed = (offer(shop, Schedule=soon) for _ in range(4))
    await asyncio.sleep(1.1)
    await Engine(TaskContext(database, settings, "worker")).drain()
    assert shop.get(executing)["State"] == {"CampaignStatus": "EXECUTING"}
    shop.update(paused, IsPaused=True)
    shop.send("DELETE", f"/{deleted}")
    shop.move(completed, "COMPLETED")

    found = shown(shop)
    shop.update(paused, IsPaused=False)

    assert found == [executing]
    assert shown(shop) == [executing, paused]


@pytest.mark.parametrize(
    "endpoint",
    [{"ChannelType": "EMAIL", "Address": "a@example.com"}, {"OptOut": "ALL"}, {"EndpointStatus": "INACTIVE"}],
)
def test_some_endpoints_are_shown_nothing(shop: Shop, endpoint: dict[str, str]) -> None:
    offer(shop)
    put(shop, **endpoint)

    assert shown(shop) == []


def test_endpoints_of_any_channel_are_shown_messages_where_the_operator_says_so(serve: Serve, shop: Shop) -> None:
    campaign = offer(shop)
    put(shop, ChannelType="GCM", Address="token")
    client = make_client(serve(in_app_on_any_channel=True))

    assert [each["CampaignId"] for each in asked(shop, client=client)] == [campaign]
    client.close()


def test_ids_of_endpoints_are_compared_without_case(shop: Shop) -> None:
    campaign = offer(shop)
    put(shop, "Ann/Phone")

    assert shown(shop, "aNN/phone") == [campaign]


def test_a_template_gives_what_the_campaign_leaves_out(shop: Shop) -> None:
    template = {"Content": [content("template")], "Layout": "OVERLAYS", "CustomConfig": {"from": "template"}}
    shop.client.create_in_app_template(TemplateName="news", InAppTemplateRequest=template)
    put(shop)
    named = {"InAppTemplate": {"Name": "news"}}
    offer(shop, MessageConfiguration=None, TemplateConfiguration=named)
    offer(shop, MessageConfiguration={"InAppMessage": {"Layout": "TOP_BANNER"}}, TemplateConfiguration=named)

    first, second = (each["InAppMessage"] for each in asked(shop))

    assert first == template
    assert second == template | {"Layout": "TOP_BANNER"}


def test_a_template_is_the_active_one_or_the_version_that_was_named(shop: Shop) -> None:
    create = {"Content": [content("first")], "Layout": "OVERLAYS"}
    shop.client.create_in_app_template(TemplateName="news", InAppTemplateRequest=create)
    put(shop)
    offer(shop, MessageConfiguration=None, TemplateConfiguration={"InAppTemplate": {"Name": "news", "Version": "1"}})
    offer(shop, MessageConfiguration=None, TemplateConfiguration={"InAppTemplate": {"Name": "news"}})

    shop.client.update_in_app_template(
        TemplateName="news", CreateNewVersion=False, InAppTemplateRequest=create | {"Content": [content("second")]}
    )
    changed = texts(shop)
    shop.client.delete_in_app_template(TemplateName="news")

    assert changed == ["first", "second"]
    assert texts(shop) == ["first"]


def test_a_campaign_without_anything_to_show_is_left_out(shop: Shop) -> None:
    put(shop)
    offer(shop, MessageConfiguration={"SMSMessage": {"Body": "Hi", "MessageType": "PROMOTIONAL"}})

    assert shown(shop) == []


def test_a_body_alone_is_one_screen(shop: Shop) -> None:
    put(shop)
    template = {"Content": [content("template")], "Layout": "OVERLAYS"}
    shop.client.create_in_app_template(TemplateName="news", InAppTemplateRequest=template)
    body = {"InAppMessage": {"Body": "Hi"}}
    offer(shop, MessageConfiguration=body)
    offer(shop, MessageConfiguration={"InAppMessage": {"Body": "Hi", "Layout": "BOTTOM_BANNER"}})
    offer(shop, MessageConfiguration=body, TemplateConfiguration={"InAppTemplate": {"Name": "news"}})

    bare, placed, designed = (each["InAppMessage"] for each in asked(shop))

    text = {"Alignment": "LEFT", "Body": "Hi", "TextColor": "#000000"}
    screen = {"BackgroundColor": "#FFFFFF", "BodyConfig": text}
    assert bare == {"Content": [screen], "Layout": "MIDDLE_BANNER"}
    assert placed == {"Content": [screen], "Layout": "BOTTOM_BANNER"}
    # What was designed goes before what stands for a design.
    assert designed == template


def test_other_campaigns_are_not_shown(shop: Shop) -> None:
    put(shop)
    shop.create(MessageConfiguration=message("once"))
    shop.create(MessageConfiguration=message("event"), Schedule=SCHEDULE | {"Frequency": "EVENT"})

    assert shown(shop) == []


def test_a_segment_that_is_gone_costs_no_other_campaign(shop: Shop) -> None:
    base = shop.create_segment(Name="base", Dimensions={})
    narrow = shop.create_segment(Name="narrow", SegmentGroups={"Groups": [{"SourceSegments": [{"Id": base}]}]})
    put(shop)
    offer(shop, SegmentId=narrow)
    campaign = offer(shop)
    shop.execute("DELETE FROM documents WHERE id = %(base)s", {"base": base})

    assert shown(shop) == [campaign]


def test_what_is_not_there_is_not_found(shop: Shop, raw: Raw) -> None:
    offer(shop)
    unknown = refusal(shop.client.get_in_app_messages, ApplicationId=shop.id, EndpointId="nobody")
    elsewhere = refusal(shop.client.get_in_app_messages, ApplicationId="0" * 32, EndpointId="ann")
    malformed = refusal(shop.client.get_in_app_messages, ApplicationId="x", EndpointId="ann")

    assert unknown == (404, "NotFoundException", "Resource not found")
    assert elsewhere == malformed == (404, "NotFoundException", "Application not found")
    assert raw.send("POST", f"/v1/apps/{shop.id}/endpoints/ann/inappmessages").status == 405


def test_campaigns_of_other_applications_are_not_shown(shop: Shop) -> None:
    offer(shop)
    other = shop.client.create_app(CreateApplicationRequest={"Name": "other"})["ApplicationResponse"]["Id"]
    shop.client.update_endpoint(ApplicationId=other, EndpointId="ann", EndpointRequest={"ChannelType": "IN_APP"})

    answer = shop.client.get_in_app_messages(ApplicationId=other, EndpointId="ann")

    assert answer["InAppMessagesResponse"] == {"InAppMessageCampaigns": []}

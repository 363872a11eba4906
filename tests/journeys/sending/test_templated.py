"""EMAIL, SMS and PUSH: which messages go, and what is told of them (journeys.md sections 8 and 11)."""

import json
import re
from base64 import b64decode
from email import message_from_bytes
from email.policy import SMTP

import pytest

from repoint.delivery.message import Message, Sms
from tests.fixtures.http2_server import Reply
from tests.fixtures.push import service_json, token_key
from tests.fixtures.push_services import PushServices
from tests.journeys.sending.conftest import RUN, Stage

EMAIL = {"EMAIL": {"TemplateName": "hello"}}


async def test_an_email_from_the_template_that_is_active_at_the_time(stage: Stage) -> None:
    stage.put("ann", User={"UserId": "u1"})
    stage.template(Subject="Old")
    journey = await stage.journey(**EMAIL)
    stage.template(version="next", Subject="New for {{User.UserId}}")
    stage.client.update_template_active_version(
        TemplateName="hello", TemplateType="EMAIL", TemplateActiveVersionRequest={"Version": "2"}
    )

    played = await stage.play(stage.group(journey, ["ann"]))

    [message] = stage.kept()
    assert (message["Address"], message["Headline"]) == ("ann@example.com", "New for u1")
    assert played.counts == {"SUCCESS": 1}
    [entry] = await stage.ledger()
    assert entry == {
        "endpoint_key": "ann",
        "occurrence": 1000,
        "status": "SUCCESS",
        "channel_type": "EMAIL",
        "message_id": message["MessageId"],
        "detail": None,
        "activity_id": "m1",
    }


async def test_a_version_that_is_named(stage: Stage) -> None:
    stage.put("ann")
    stage.template(Subject="First")
    stage.template(version="next", Subject="Second")
    journey = await stage.journey(EMAIL={"TemplateName": "hello", "TemplateVersion": "1"})

    await stage.play(stage.group(journey, ["ann"]))

    assert [each["Headline"] for each in stage.kept()] == ["First"]


@pytest.mark.parametrize(
    ("config", "sender"),
    [({}, "Shop <news@example.com>"), ({"FromAddress": "Ann <ann@example.com>"}, "Ann <ann@example.com>")],
)
async def test_the_sender_of_an_email(stage: Stage, config: dict[str, str], sender: str) -> None:
    stage.put("ann")
    stage.template()
    journey = await stage.journey(EMAIL={"TemplateName": "hello", "MessageConfig": config})

    await stage.play(stage.group(journey, ["ann"]))

    [record] = stage.records("_email.send")
    assert record["facets"]["email_channel"]["mail_event"]["mail"]["from_address"] == sender


async def test_records_of_an_email(stage: Stage) -> None:
    stage.put("ann", Attributes={"Tier": ["gold"]})
    stage.template()
    journey = await stage.journey(**EMAIL)

    await stage.play(stage.group(journey, ["ann"]))

    step = {"journey_id": journey.id, "journey_run_id": RUN, "journey_activity_id": "m1"}
    [record] = stage.records()
    assert record["client"] == {"client_id": "ann"}
    assert record["attributes"] == step | {"journey_activity_type": "EMAIL", "journey_send_status": "SUCCESS"}
    assert (record["device"], record["session"]) == ({"platform": {}}, {})
    told = json.loads(record["client_context"]["custom"]["endpoint"])
    assert (told["ChannelType"], told["Attributes"], "Address" in told) == ("EMAIL", {"Tier": ["gold"]}, False)
    [delivered] = stage.records("_email.delivered")
    assert delivered["attributes"] == {"feedback": "delivered"} | step


async def test_links_of_an_email_are_followed_for_the_journey(public: Stage) -> None:
    public.put("ann")
    public.template(HtmlPart='<a href="https://example.com/x">x</a>')
    journey = await public.journey(**EMAIL)
    await public.play(public.group(journey, ["ann"]))

    [message] = public.kept()
    mime = b64decode(
        public.raw.send("GET", f"/repoint/v1/apps/{public.id}/mailbox/{message['MessageId']}").json["Mime"]
    )
    [link] = re.findall(r"/r/c/[A-Za-z0-9_.-]+", message_from_bytes(mime, policy=SMTP).get_body().get_content())  # type: ignore[union-attr] # an e-mail of one part
    answer = public.raw.send_unsigned("GET", link)

    assert (answer.status, answer.headers["location"]) == (302, "https://example.com/x")
    [click] = public.records("_email.click")
    step = {"journey_id": journey.id, "journey_run_id": RUN, "journey_activity_id": "m1"}
    assert click["attributes"] == {"feedback": "https://example.com/x"} | step


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, {"message_type": "Transactional"}),
        ({"MessageType": "PROMOTIONAL"}, {"message_type": "Promotional"}),
        ({"SenderId": "SHOP"}, {"origination_phone_number": "SHOP"}),
        ({"OriginationNumber": "+18335550100"}, {"origination_phone_number": "+18335550100"}),
        # Both: the number.
        (
            {"OriginationNumber": "+18335550100", "SenderId": "SHOP"},
            {"origination_phone_number": "+18335550100"},
        ),
    ],
)
async def test_a_text_message(stage: Stage, config: dict[str, str], told: dict[str, str]) -> None:
    stage.put("ann", ChannelType="SMS", Address="+14255550199", User={"UserId": "u1"})
    stage.client.create_sms_template(TemplateName="text", SMSTemplateRequest={"Body": "Hi {{User.UserId}}"})
    journey = await stage.journey(SMS={"TemplateName": "text", "MessageConfig": config})

    await stage.play(stage.group(journey, ["ann"]))

    [message] = stage.kept()
    assert (message["Address"], message["Headline"]) == ("+14255550199", "Hi u1")
    [record] = stage.records()
    assert record["attributes"]["journey_activity_type"] == "SMS"
    for event_type in ("_SMS.BUFFERED", "_SMS.SUCCESS"):
        [sms] = stage.records(event_type)
        step = {"journey_id": journey.id, "journey_run_id": RUN, "journey_activity_id": "m1"}
        assert sms["attributes"].items() >= (step | told).items()
        assert "treatment_id" not in sms["attributes"]


async def test_what_indian_carriers_want_to_know(stage: Stage) -> None:
    stage.put("ann", ChannelType="SMS", Address="+919811112222")
    stage.client.create_sms_template(TemplateName="text", SMSTemplateRequest={"Body": "Hi"})
    config = {"SenderId": "SHOP", "EntityId": "1101", "TemplateId": "1107"}
    journey = await stage.journey(SMS={"TemplateName": "text", "MessageConfig": config})

    [attempt] = (await stage.dispatch(stage.group(journey, ["ann"]))).attempts

    assert isinstance(attempt.judged, Message)
    content = attempt.judged.content
    assert isinstance(content, Sms)
    assert (content.sender_id, content.entity_id, content.template_id) == ("SHOP", "1101", "1107")


async def test_notifications_of_all_services(stage: Stage) -> None:
    types = ("GCM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "ADM", "BAIDU")
    for channel_type in (*types, "EMAIL", "CUSTOM"):
        stage.put(channel_type.lower(), ChannelType=channel_type, Address=f"x-{channel_type}@example.com")
    stage.client.create_push_template(
        TemplateName="ping", PushNotificationTemplateRequest={"Default": {"Title": "T", "Body": "B"}}
    )
    journey = await stage.journey(PUSH={"TemplateName": "ping"})

    await stage.play(stage.group(journey, [each.lower() for each in (*types, "EMAIL", "CUSTOM")]))

    # No channel is enabled, which is another failure than not being for it.
    failed = [(each.lower(), "FAILURE_PERMANENT") for each in types]
    others = [(each.lower(), "UNSUPPORTED_CHANNEL") for each in ("EMAIL", "CUSTOM")]
    assert stage.statuses() == sorted([*failed, *others])


@pytest.mark.parametrize(("given", "ttl"), [("60", "60s"), ("0", "0s"), (None, None)])
async def test_a_notification_tells_the_app_of_the_journey(
    pushing: Stage, services: PushServices, given: str | None, ttl: str | None
) -> None:
    pushing.client.update_gcm_channel(
        ApplicationId=pushing.id,
        GCMChannelRequest={"ServiceJson": service_json(), "DefaultAuthenticationMethod": "TOKEN"},
    )
    pushing.client.update_apns_channel(ApplicationId=pushing.id, APNSChannelRequest=token_key())
    pushing.put("droid", ChannelType="GCM", Address="token-1")
    pushing.put("apple", ChannelType="APNS", Address="token-2")
    pushing.client.create_push_template(
        TemplateName="ping", PushNotificationTemplateRequest={"Default": {"Title": "T", "Body": "B"}}
    )
    config = {} if given is None else {"TimeToLive": given}
    journey = await pushing.journey(PUSH={"TemplateName": "ping", "MessageConfig": config})

    played = await pushing.play(pushing.group(journey, ["droid", "apple"]))

    assert played.counts == {"SUCCESS": 2}
    asked = {each.path.rpartition("/")[2]: each for each in services.http2.received}
    step = {"journey_id": journey.id, "journey_run_id": RUN, "journey_activity_id": "m1"}
    apple = json.loads(asked["token-2"].body)
    assert apple["data"]["pinpoint"]["journey"] == step
    assert "campaign" not in apple["data"]["pinpoint"]
    droid = json.loads(asked["messages:send"].body)["message"]
    assert json.loads(droid["data"]["pinpoint"]) == {"journey": step}
    assert droid.get("android", {}).get("ttl") == ttl
    [_, record] = pushing.records()
    assert record["attributes"] == step | {"journey_activity_type": "PUSH", "journey_send_status": "SUCCESS"}


async def test_a_token_that_is_gone_makes_its_endpoint_inactive(pushing: Stage, services: PushServices) -> None:
    pushing.client.update_apns_channel(ApplicationId=pushing.id, APNSChannelRequest=token_key())
    pushing.put("apple", ChannelType="APNS", Address="token-2")
    pushing.client.create_push_template(
        TemplateName="ping", PushNotificationTemplateRequest={"Default": {"Title": "T", "Body": "B"}}
    )
    services.answers({"token-2": Reply(410, b'{"reason":"Unregistered"}')})
    journey = await pushing.journey(PUSH={"TemplateName": "ping"})

    played = await pushing.play(pushing.group(journey, ["apple"]))

    found = pushing.client.get_endpoint(ApplicationId=pushing.id, EndpointId="apple")["EndpointResponse"]
    assert found["EndpointStatus"] == "INACTIVE"
    assert played.counts == {"FAILURE_PERMANENT": 1}
    [record] = pushing.records()
    assert record["attributes"]["journey_send_status_code"] == "410"
    told = json.loads(record["attributes"]["journey_send_status_message"])
    assert told["errorMessage"] == "Unregistered or expired token"


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ({"TemplateName": "gone"}, "Template not found: gone"),
        ({"TemplateName": "hello", "TemplateVersion": "7"}, "Template not found: hello"),
    ],
)
async def test_a_template_that_is_gone(stage: Stage, named: dict[str, str], reason: str) -> None:
    stage.put("ann")
    stage.template()
    journey = await stage.journey(EMAIL=named)

    played = await stage.play(stage.group(journey, ["ann"]))

    assert played.counts == {"FAILURE_PERMANENT": 1}
    [record] = stage.records()
    assert record["attributes"]["journey_send_status"] == "FAILURE_PERMANENT"
    assert record["attributes"]["journey_send_status_code"] == "404"
    assert record["attributes"]["journey_send_status_message"] == reason


async def test_a_variable_that_nobody_has(stage: Stage) -> None:
    stage.put("ann", User={"UserId": "u1"})
    stage.put("bob")
    stage.template(Subject="Hello {{User.UserId}}")
    journey = await stage.journey(**EMAIL)

    played = await stage.play(stage.group(journey, ["ann", "bob"]))

    assert stage.statuses() == [("ann", "SUCCESS"), ("bob", "FAILURE_PERMANENT")]
    assert played.counts == {"SUCCESS": 1, "FAILURE_PERMANENT": 1}
    [failure] = stage.records("_email.rendering_failure")
    assert failure["attributes"]["journey_id"] == journey.id


async def test_a_channel_that_is_disabled(stage: Stage) -> None:
    stage.put("ann")
    stage.template()
    journey = await stage.journey(**EMAIL)
    stage.client.delete_email_channel(ApplicationId=stage.id)

    await stage.play(stage.group(journey, ["ann"]))

    [record] = stage.records()
    assert record["attributes"]["journey_send_status_message"] == (
        f"No channel of type EMAIL is enabled for the application {stage.id}"
    )

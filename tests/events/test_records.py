"""Each family's records against ones that are written out (events.md sections 6 to 8)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from repoint.events.email_records import Bounce, Complaint, EmailRecords, Mail, Visit, direct
from repoint.events.records import (
    CampaignRun,
    JourneyStep,
    Origin,
    Subject,
    campaign_send,
    journey_send,
    stream_test,
)
from repoint.events.sms_records import Sms, sms_record

APP = "9f1c0d5e7a3b4c2d8e6f1a0b9c8d7e6f"
ORIGIN = Origin("123456789012", APP)
# 1714553000100 and 1714553001410.
SENT = datetime(2024, 5, 1, 8, 43, 20, 100_000, UTC)
LATER = datetime(2024, 5, 1, 8, 43, 21, 410_000, UTC)
ENDPOINT: Any = {
    "Id": "ep-4711",
    "ApplicationId": APP,
    "ChannelType": "GCM",
    "Address": "token",
    "EndpointStatus": "ACTIVE",
    "OptOut": "NONE",
    "Attributes": {},
    "Metrics": {},
    "User": {"UserId": "u7"},
    "CohortId": "5",
    "RequestId": "r1",
    "CreationDate": "2024-04-01T08:00:00.000Z",
    "EffectiveDate": "2024-05-01T08:00:00.000Z",
}
SUBJECT = Subject.of(ENDPOINT)
TOLD = (
    '{"ChannelType":"GCM","EndpointStatus":"ACTIVE","OptOut":"NONE","EffectiveDate":"2024-05-01T08:00:00.000Z",'
    '"RequestId":"r1","User":{"UserId":"u7"},"CreationDate":"2024-04-01T08:00:00.000Z"}'
)
RUN = CampaignRun("4f8d", "5473", "0")
STEP = JourneyStep("5464", "edc9", "0yKexample")


def envelope(event_type: str, arrival_ms: int = 1714553000100, client_id: str = "ep-4711") -> dict[str, Any]:
    return {
        "event_type": event_type,
        "event_timestamp": 1714553000100,
        "arrival_timestamp": arrival_ms,
        "event_version": "3.1",
        "application": {"app_id": APP, "sdk": {}},
        "client": {"client_id": client_id},
        "device": {"platform": {}},
        "session": {},
    }


def as_streamed(expected: dict[str, Any]) -> str:
    """The record in the form of streams, its keys in this order."""
    return json.dumps(expected, ensure_ascii=False, separators=(",", ":"))


def test_campaign_send() -> None:
    record = campaign_send(ORIGIN, SUBJECT, SENT, RUN, delivery_type="GCM", status="SUCCESS")

    assert record == as_streamed(
        envelope("_campaign.send")
        | {
            "attributes": {
                "campaign_id": "4f8d",
                "campaign_activity_id": "5473",
                "treatment_id": "0",
                "delivery_type": "GCM",
                "campaign_send_status": "SUCCESS",
            },
            "client_context": {"custom": {"endpoint": TOLD}},
            "awsAccountId": "123456789012",
        }
    )


def test_what_a_push_platform_said_is_told() -> None:
    record = campaign_send(
        ORIGIN, SUBJECT, SENT, RUN, delivery_type="GCM", status="FAILURE_PERMANENT", status_message="UNREGISTERED"
    )

    assert json.loads(record)["attributes"]["status_message"] == "UNREGISTERED"


def test_journey_send_of_a_custom_activity() -> None:
    record = journey_send(
        ORIGIN, SUBJECT, SENT, STEP, activity_type="CUSTOM", status="CUSTOM_DELIVERY_FAILURE", code=500
    )

    assert record == as_streamed(
        envelope("_journey.send")
        | {
            "attributes": {
                "journey_id": "5464",
                "journey_run_id": "edc9",
                "journey_activity_id": "0yKexample",
                "journey_activity_type": "CUSTOM",
                "journey_send_status": "CUSTOM_DELIVERY_FAILURE",
                "journey_send_status_code": "500",
                "journey_send_status_message": "500",
            },
            "client_context": {"custom": {"endpoint": TOLD}},
            "awsAccountId": "123456789012",
        }
    )


def test_journey_send_tells_a_code_of_others_only_when_they_failed() -> None:
    sent = journey_send(ORIGIN, SUBJECT, SENT, STEP, activity_type="EMAIL", status="SUCCESS", code=250)
    waited = journey_send(ORIGIN, SUBJECT, SENT, STEP, activity_type="SMS", status="QUIET_TIME_WAIT_FINISHED")

    assert list(json.loads(sent)["attributes"])[3:] == ["journey_activity_type", "journey_send_status"]
    assert list(json.loads(waited)["attributes"])[3:] == ["journey_send_status"]


def test_journey_send_tells_what_a_custom_channel_answered() -> None:
    answered = {"status": "ok", "journey_send_status": "forged", "journey_id": "forged"}

    record = journey_send(
        ORIGIN, SUBJECT, SENT, STEP, activity_type="CUSTOM", status="SUCCESS", code=200, answered=answered
    )

    assert json.loads(record)["attributes"] == {
        "journey_id": "5464",
        "journey_run_id": "edc9",
        "journey_activity_id": "0yKexample",
        "journey_activity_type": "CUSTOM",
        "journey_send_status": "SUCCESS",
        "journey_send_status_code": "200",
        "journey_send_status_message": "200",
        "status": "ok",
    }
    # Ours come first, as they do without.
    assert list(json.loads(record)["attributes"])[-1] == "status"


def test_the_test_record_of_a_stream() -> None:
    expected = envelope("_test.event_stream", client_id="") | {"attributes": {}, "awsAccountId": "123456789012"}
    assert stream_test(ORIGIN, SENT) == as_streamed(expected)


MAIL = Mail(
    "0102018f-000000",
    SENT,
    "shop@example.com",
    "a@example.net",
    "Hi",
    [("From", "shop@example.com"), ("To", "a@example.net"), ("Subject", "Hi")],
    RUN.attributes(),
)
EMAIL = EmailRecords(ORIGIN, SUBJECT, MAIL)
VISIT = Visit("198.51.100.7", "Mozilla/5.0")
TOLD_MAIL = {
    "message_id": "0102018f-000000",
    "message_send_timestamp": 1714553000100,
    "from_address": "shop@example.com",
    "destination": ["a@example.net"],
    "headers_truncated": False,
    "headers": [
        {"name": "From", "value": "shop@example.com"},
        {"name": "To", "value": "a@example.net"},
        {"name": "Subject", "value": "Hi"},
    ],
    "common_headers": {"from": "shop@example.com", "to": ["a@example.net"], "subject": "Hi"},
}
VISITED_MAIL = TOLD_MAIL | {
    "headers": [*TOLD_MAIL["headers"], {"name": "Message-ID", "value": "null"}]  # type: ignore[misc]  # a list
}
TOLD_VISIT = {"ip_address": "198.51.100.7", "user_agent": "Mozilla/5.0"}
BOUNCE = Bounce("Permanent", "General", "failed", "5.1.1", "smtp; 550 5.1.1 no such user", "f1", "dns; mta1")
TOLD_BOUNCE = {
    "bounce_type": "Permanent",
    "bounce_sub_type": "General",
    "bounced_recipients": [
        {
            "email_address": "a@example.net",
            "action": "failed",
            "status": "5.1.1",
            "diagnostic_code": "smtp; 550 5.1.1 no such user",
        }
    ],
    "timestamp": "2024-05-01T08:43:21.410Z",
    "feedback_id": "f1",
    "reporting_mta": "dns; mta1",
}


@pytest.mark.parametrize(
    ("kind", "feedback", "record", "event"),
    [
        ("send", "received", EMAIL.send(LATER), {"mail": TOLD_MAIL, "send": {}}),
        (
            "delivered",
            "delivered",
            EMAIL.delivered(LATER, smtp_response="250 2.0.0 OK", reporting_mta="mta1.example.org"),
            {
                "mail": TOLD_MAIL,
                "delivery": {
                    "smtp_response": "250 2.0.0 OK",
                    "reporting_mta": "mta1.example.org",
                    "recipients": ["a@example.net"],
                    "processing_time_millis": 1310,
                },
            },
        ),
        ("open", "opened", EMAIL.open(LATER, VISIT), {"mail": VISITED_MAIL, "open": TOLD_VISIT}),
        (
            "click",
            "https://example.com/x",
            EMAIL.click(LATER, VISIT, "https://example.com/x"),
            {"mail": VISITED_MAIL, "click": TOLD_VISIT | {"link": "https://example.com/x"}},
        ),
        (
            "unsubscribe",
            "unsubscribed",
            EMAIL.unsubscribe(LATER, VISIT, "https://example.com/u"),
            {"mail": VISITED_MAIL, "click": TOLD_VISIT | {"link": "https://example.com/u"}},
        ),
        ("hardbounce", "hardbounce", EMAIL.hardbounce(LATER, BOUNCE), {"mail": TOLD_MAIL, "bounce": TOLD_BOUNCE}),
        (
            "softbounce",
            "softbounce",
            EMAIL.softbounce(LATER, Bounce("Transient", "MailboxFull")),
            {
                "mail": TOLD_MAIL,
                "bounce": {
                    "bounce_type": "Transient",
                    "bounce_sub_type": "MailboxFull",
                    "bounced_recipients": [{"email_address": "a@example.net"}],
                    "timestamp": "2024-05-01T08:43:21.410Z",
                },
            },
        ),
        (
            "complaint",
            "complaint",
            EMAIL.complaint(LATER, Complaint("f2", "abuse", "Yahoo!-Mail-Feedback/2.0")),
            {
                "mail": TOLD_MAIL,
                "complaint": {
                    "complained_recipients": [{"email_address": "a@example.net"}],
                    "feedback_id": "f2",
                    "complaint_feedback_type": "abuse",
                    "user_agent": "Yahoo!-Mail-Feedback/2.0",
                    "arrival_date": "2024-05-01T08:43:21.410Z",
                },
            },
        ),
        (
            "rejected",
            "rejected",
            EMAIL.rejected(LATER, "Bad content"),
            {"mail": TOLD_MAIL, "reject": {"reason": "Bad content"}},
        ),
        (
            "rendering_failure",
            "rendering_failure",
            EMAIL.rendering_failure(LATER, template_name="hello", error_message="no such helper"),
            {"mail": TOLD_MAIL, "rendering_failure": {"template_name": "hello", "error_message": "no such helper"}},
        ),
    ],
)
def test_email(kind: str, feedback: str, record: str, event: dict[str, Any]) -> None:
    expected = envelope(f"_email.{kind}", 1714553001410) | {
        "attributes": {
            "feedback": feedback,
            "campaign_id": "4f8d",
            "campaign_activity_id": "5473",
            "treatment_id": "0",
        },
        "client_context": {"custom": {"legacy_identifier": APP}},
        "awsAccountId": "123456789012",
        "facets": {"email_channel": {"mail_event": event}},
    }
    assert record == as_streamed(expected)


def test_mail_of_no_campaign_tells_the_callers_context_and_trace() -> None:
    mail = Mail("m1", SENT, "shop@example.com", "a@example.net", "Hi", [], direct({"order": "77"}, "t1"))

    record = EmailRecords(ORIGIN, Subject.unknown("uuid"), mail).send(SENT)

    assert json.loads(record)["attributes"] == {
        "feedback": "received",
        "treatment_id": "0",
        "order": "77",
        "trace_id": "t1",
    }


def test_headers_beyond_ten_kilobytes_are_cut() -> None:
    mail = Mail("m1", SENT, "shop@example.com", "a@example.net", "Hi", [("A", "1"), ("B", "x" * 10_240), ("C", "3")])

    told = json.loads(EmailRecords(ORIGIN, SUBJECT, mail).send(SENT))["facets"]["email_channel"]["mail_event"]["mail"]

    assert told["headers"] == [{"name": "A", "value": "1"}]
    assert told["headers_truncated"] is True


SMS = Sms(
    "565d4425",
    "k3v8",
    "+14255550199",
    "Transactional",
    1,
    "+12065550142",
    "US",
    RUN.attributes(),
    {"order": "77"},
)


def test_sms() -> None:
    record = sms_record(
        ORIGIN, SUBJECT, (SENT, LATER), SMS, outcome="SUCCESS", status="DELIVERED", price_millicents=645
    )

    assert record == as_streamed(
        envelope("_SMS.SUCCESS", 1714553001410)
        | {
            "attributes": {
                "sender_request_id": "565d4425",
                "campaign_id": "4f8d",
                "campaign_activity_id": "5473",
                "treatment_id": "0",
                "origination_phone_number": "+12065550142",
                "destination_phone_number": "+14255550199",
                "record_status": "DELIVERED",
                "iso_country_code": "US",
                "number_of_message_parts": "1",
                "message_id": "k3v8",
                "message_type": "Transactional",
                "customer_context": '{"order":"77"}',
            },
            "metrics": {"price_in_millicents_usd": 645.0},
            "awsAccountId": "123456789012",
        }
    )


def test_sms_of_no_campaign_that_is_under_way_tells_no_price() -> None:
    sms = Sms("565d4425", "k3v8", "+14255550199", "Promotional", 2)

    record = json.loads(
        sms_record(ORIGIN, SUBJECT, (SENT, SENT), sms, outcome="BUFFERED", status="PENDING", price_millicents=645)
    )

    assert "metrics" not in record
    assert record["attributes"] == {
        "sender_request_id": "565d4425",
        "treatment_id": "0",
        "destination_phone_number": "+14255550199",
        "record_status": "PENDING",
        "number_of_message_parts": "2",
        "message_id": "k3v8",
        "message_type": "Promotional",
    }


def test_a_consumer_of_kinesis_finds_what_it_looks_for() -> None:
    record = json.loads(EMAIL.hardbounce(LATER, BOUNCE))

    assert record["event_type"] == "_email.hardbounce"
    assert record["client"]["client_id"] == "ep-4711"

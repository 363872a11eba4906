from base64 import b64decode
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import psycopg
import pytest

from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw

EMAIL = {"FromAddress": "Shop <news@example.com>", "Identity": "example.com"}


@pytest.fixture
def app(client: Any) -> str:
    """An application whose channels for e-mail, SMS and Android are set up."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=EMAIL)
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"SenderId": "SHOP"})
    client.update_gcm_channel(ApplicationId=app, GCMChannelRequest={"ApiKey": "key"})
    return app


def put(client: Any, app: str, endpoint_id: str, **endpoint: Any) -> None:
    client.update_endpoint(ApplicationId=app, EndpointId=endpoint_id, EndpointRequest=endpoint)


def send(client: Any, app: str, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]
    return answer


def kept(raw: Raw, app: str) -> list[dict[str, Any]]:
    """Messages of the mailbox, oldest first, whole."""
    listed = raw.send("GET", f"/repoint/v1/mailbox?app={app}").json["Item"]
    path = f"/repoint/v1/apps/{app}/mailbox"
    return [raw.send("GET", f"{path}/{each['MessageId']}").json for each in reversed(listed)]


def mail(item: dict[str, Any]) -> EmailMessage:
    found = message_from_bytes(b64decode(item["Mime"]), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def events(raw: Raw, app: str) -> list[dict[str, Any]]:
    listed = raw.send("GET", f"/repoint/v1/apps/{app}/events").json["Item"]
    return [each["Record"] for each in listed]


def simple(subject: str, html: str, text: str) -> dict[str, Any]:
    parts = {"Subject": {"Data": subject}, "HtmlPart": {"Data": html}, "TextPart": {"Data": text}}
    return {"EmailMessage": {"SimpleEmail": parts}}


def test_an_email_goes_to_three_addresses(client: Any, raw: Raw, app: str) -> None:
    addresses = {f"{name}@example.com": {"ChannelType": "EMAIL"} for name in ("ann", "bob", "cid")}
    content = simple("Hello", "<p>To <b>{{Address}}</b></p>", "To {{Address}}")

    answer = send(client, app, Addresses=addresses, MessageConfiguration=content)

    assert answer["ApplicationId"] == app
    assert answer["Result"].keys() == addresses.keys()
    for result in answer["Result"].values():
        assert (result["DeliveryStatus"], result["StatusCode"]) == ("SUCCESSFUL", 200)
        assert result["StatusMessage"] == result["MessageId"]
    assert "EndpointResult" not in answer
    messages = kept(raw, app)
    assert [each["Address"] for each in messages] == ["ann@example.com", "bob@example.com", "cid@example.com"]
    found = mail(messages[0])
    assert (found["From"], found["To"], found["Subject"]) == ("Shop <news@example.com>", "ann@example.com", "Hello")
    html, text = found.get_body(("html",)), found.get_body(("plain",))
    assert html is not None
    assert html.get_content().strip() == "<p>To <b>ann@example.com</b></p>"
    assert text is not None
    assert text.get_content().strip() == "To ann@example.com"


def test_a_text_goes_to_a_stored_endpoint(client: Any, raw: Raw, app: str) -> None:
    user = {"UserId": "ann", "UserAttributes": {"FirstName": ["Ann"]}}
    put(client, app, "Phone-1", ChannelType="SMS", Address="+1 (425) 555-0199", User=user)
    content = {"SMSMessage": {"Body": "Hi {{User.UserAttributes.FirstName}}", "MessageType": "PROMOTIONAL"}}

    answer = send(client, app, Endpoints={"phone-1": {}}, MessageConfiguration=content)

    result = answer["EndpointResult"]["phone-1"]
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("SUCCESSFUL", 200)
    assert result["Address"] == "+1 (425) 555-0199"
    assert result["StatusMessage"] == f"MessageId: {result['MessageId']}"
    assert len(result["MessageId"]) == 40
    [message] = kept(raw, app)
    assert (message["Address"], message["ChannelType"]) == ("+14255550199", "SMS")
    assert message["Content"] == {
        "body": "Hi Ann",
        "message_type": "PROMOTIONAL",
        "origination_number": None,
        "sender_id": "SHOP",
        "keyword": None,
        "media_url": None,
        "entity_id": None,
        "template_id": None,
    }


def test_what_was_sent_is_logged(client: Any, raw: Raw, app: str) -> None:
    put(client, app, "mail-1", ChannelType="EMAIL", Address="ann@example.com")
    content = simple("Hello", "<p>x</p>", "x") | {"SMSMessage": {"Body": "x"}}

    send(
        client,
        app,
        Addresses={"+14255550199": {"ChannelType": "SMS"}},
        Endpoints={"mail-1": {"Context": {"order": "77"}}},
        MessageConfiguration=content,
        TraceId="trace-1",
    )

    found = events(raw, app)
    assert [each["event_type"] for each in found] == [
        "_SMS.BUFFERED",
        "_SMS.SUCCESS",
        "_email.send",
        "_email.delivered",
    ]
    sms, sent = found[1], found[2]
    assert sms["attributes"]["destination_phone_number"] == "+14255550199"
    assert (sms["attributes"]["iso_country_code"], sms["attributes"]["message_type"]) == ("US", "Transactional")
    assert sent["client"] == {"client_id": "mail-1"}
    assert sent["attributes"]["order"] == "77"
    assert sent["attributes"]["trace_id"] == "trace-1"
    told = sent["facets"]["email_channel"]["mail_event"]["mail"]
    assert (told["from_address"], told["destination"]) == ("Shop <news@example.com>", ["ann@example.com"])
    assert told["common_headers"]["subject"] == "Hello"


def refused(detail: str, status: str = "PERMANENT_FAILURE", code: int = 400) -> dict[str, Any]:
    return {"DeliveryStatus": status, "StatusCode": code, "StatusMessage": detail}


def test_each_recipient_has_a_result_of_its_own(client: Any, raw: Raw, app: str) -> None:
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"Enabled": False})
    addresses: dict[str, dict[str, Any]] = {
        "ann@example.com": {"ChannelType": "EMAIL"},
        "ANN@example.com": {"ChannelType": "EMAIL"},
        "nobody": {"ChannelType": "EMAIL"},
        "+14255550199": {"ChannelType": "SMS"},
        "token": {"ChannelType": "GCM"},
        "voice": {"ChannelType": "VOICE"},
        "custom": {"ChannelType": "CUSTOM"},
        "none": {},
        "bob@example.com": {"ChannelType": "EMAIL", "BodyOverride": "{{Missing}}"},
        "cid@example.com": {"ChannelType": "EMAIL", "BodyOverride": "{{"},
    }
    content = {"EmailMessage": {"Body": "Hello"}}

    answer = send(client, app, Addresses=addresses, Endpoints={"gone": {}}, MessageConfiguration=content)

    result = answer["Result"]
    assert result.pop("ann@example.com")["DeliveryStatus"] == "SUCCESSFUL"
    assert result.pop("cid@example.com")["StatusMessage"].startswith("Invalid template syntax in ")
    assert result == {
        "ANN@example.com": refused("Duplicate address", "DUPLICATE", 200),
        "nobody": refused("Invalid e-mail address"),
        "+14255550199": refused(f"No channel of type SMS is enabled for the application {app}"),
        "token": refused("No message configured for channel type GCM"),
        "voice": refused(f"No channel of type VOICE is enabled for the application {app}"),
        "custom": refused("Unsupported channel type"),
        "none": refused("Unsupported channel type"),
        "bob@example.com": refused("Missing value for message variable: Missing"),
    }
    assert answer["EndpointResult"] == {"gone": refused("Endpoint not found", code=404)}
    assert [each["Address"] for each in kept(raw, app)] == ["ann@example.com"]
    failures = [each for each in events(raw, app) if each["event_type"] == "_email.rendering_failure"]
    assert len(failures) == 2


def test_suppressed_addresses_get_nothing(client: Any, raw: Raw, app: str) -> None:
    assert raw.send("PUT", "/repoint/v1/suppressions/EMAIL/Ann@Example.com").status == 200
    addresses = {"ann@example.com": {"ChannelType": "EMAIL"}}
    content = {"EmailMessage": {"Body": "Hello"}}

    before = send(client, app, Addresses=addresses, MessageConfiguration=content)["Result"]["ann@example.com"]
    raw.send("DELETE", "/repoint/v1/suppressions/EMAIL/ann@example.com")
    after = send(client, app, Addresses=addresses, MessageConfiguration=content)["Result"]["ann@example.com"]

    assert before == refused("Address is suppressed")
    assert after["DeliveryStatus"] == "SUCCESSFUL"


def test_all_endpoints_of_users_are_sent_to(client: Any, raw: Raw, app: str) -> None:
    ann, bob = {"UserId": "ann"}, {"UserId": "bob"}
    put(client, app, "a-1", ChannelType="SMS", Address="+14255550199", User=ann)
    put(client, app, "a-2", ChannelType="EMAIL", Address="ann@example.com", User=ann)
    put(client, app, "a-3", ChannelType="SMS", Address="+14255550198", User=ann, OptOut="ALL")
    put(client, app, "a-4", ChannelType="SMS", Address="+14255550197", User=ann, EndpointStatus="INACTIVE")
    put(client, app, "b-1", ChannelType="SMS", Address="+14255550196", User=bob)
    users = {"ann": {}, "bob": {"BodyOverride": "For Bob"}, "nobody": {}}

    answer = client.send_users_messages(
        ApplicationId=app,
        SendUsersMessageRequest={"Users": users, "MessageConfiguration": {"SMSMessage": {"Body": "Hello"}}},
    )["SendUsersMessageResponse"]

    result = answer["Result"]
    assert {user: sorted(endpoints) for user, endpoints in result.items()} == {
        "ann": ["a-1", "a-2", "a-3"],
        "bob": ["b-1"],
        "nobody": [],
    }
    assert result["ann"]["a-1"]["DeliveryStatus"] == "SUCCESSFUL"
    address = {"Address": "ann@example.com"}
    assert result["ann"]["a-2"] == refused("No message configured for channel type EMAIL") | address
    assert (result["ann"]["a-3"]["DeliveryStatus"], result["ann"]["a-3"]["StatusCode"]) == ("OPT_OUT", 200)
    assert [each["Content"]["body"] for each in kept(raw, app)] == ["Hello", "For Bob"]


def test_a_direct_message_reaches_who_has_opted_out(client: Any, app: str) -> None:
    put(client, app, "a-1", ChannelType="SMS", Address="+14255550199", OptOut="ALL", EndpointStatus="INACTIVE")

    answer = send(client, app, Endpoints={"a-1": {}}, MessageConfiguration={"SMSMessage": {"Body": "x"}})

    assert answer["EndpointResult"]["a-1"]["DeliveryStatus"] == "SUCCESSFUL"


def test_levels_are_merged_member_by_member(client: Any, raw: Raw, app: str) -> None:
    content = {
        "DefaultMessage": {"Body": "default {{who}}", "Substitutions": {"who": ["all"]}},
        "DefaultPushNotificationMessage": {
            "Title": "Push {{who}}",
            "Action": "URL",
            "Url": "https://example.com/{{who}}",
        },
        "GCMMessage": {"Body": "gcm {{who}}", "Substitutions": {"who": ["androids"]}, "Data": {"k": "{{who}}"}},
    }
    addresses = {
        "t-1": {"ChannelType": "GCM"},
        "t-2": {"ChannelType": "GCM", "TitleOverride": "Own", "Substitutions": {"who": ["you", "me"]}},
        "t-3": {"ChannelType": "GCM", "RawContent": '{"data": "{{who}}"}'},
        "+14255550199": {"ChannelType": "SMS"},
        "ann@example.com": {"ChannelType": "EMAIL", "TitleOverride": "Subject"},
    }

    answer = send(client, app, Addresses=addresses, MessageConfiguration=content)

    assert {each["DeliveryStatus"] for each in answer["Result"].values()} == {"SUCCESSFUL"}
    found = {each["Address"]: each for each in kept(raw, app)}
    members = {address: found[address]["Content"]["members"] for address in ("t-1", "t-2", "t-3")}
    common = {"Action": "URL", "Url": "https://example.com/androids", "Title": "Push androids", "Body": "gcm androids"}
    assert members["t-1"] == common | {"Data": {"k": "androids"}}
    assert (members["t-2"]["Title"], members["t-2"]["Body"]) == ("Own", "gcm you, me")
    assert members["t-3"]["RawContent"] == '{"data": "androids"}'
    assert found["t-1"]["Content"]["origin"]["campaign_id"] == "_DIRECT"
    assert found["+14255550199"]["Content"]["body"] == "default all"
    email = mail(found["ann@example.com"])
    body = email.get_body(("plain",))
    assert body is not None
    assert (email["Subject"], body.get_content().strip()) == ("Subject", "default all")


def test_words_go_before_a_raw_payload_of_a_lower_level(client: Any, raw: Raw, app: str) -> None:
    template = {"GCM": {"RawContent": '{"data": {}}', "Sound": "ding"}}
    client.create_push_template(TemplateName="raw", PushNotificationTemplateRequest=template)
    configuration = {"PushTemplate": {"Name": "raw"}}
    addresses = {"token": {"ChannelType": "GCM"}}

    for content in ({"GCMMessage": {"Body": "Words"}}, {"GCMMessage": {"Sound": "dong"}}):
        send(client, app, Addresses=addresses, MessageConfiguration=content, TemplateConfiguration=configuration)

    assert [each["Content"]["members"] for each in kept(raw, app)] == [
        {"Body": "Words", "Sound": "ding"},
        {"RawContent": '{"data": {}}', "Sound": "dong"},
    ]


def test_a_notification_needs_an_address(client: Any, raw: Raw, app: str) -> None:
    put(client, app, "bare", ChannelType="GCM")

    answer = send(client, app, Endpoints={"bare": {}}, MessageConfiguration={"GCMMessage": {"Body": "x"}})

    assert answer["EndpointResult"]["bare"] == refused("Missing Address") | {"Address": ""}
    assert kept(raw, app) == []


def test_a_context_replaces_nothing_that_records_tell(client: Any, raw: Raw, app: str) -> None:
    send(
        client,
        app,
        Addresses={"ann@example.com": {"ChannelType": "EMAIL", "Context": {"feedback": "mine", "order": "own"}}},
        Context={"treatment_id": "mine", "order": "77", "trace_id": "mine"},
        MessageConfiguration={"EmailMessage": {"Body": "x"}},
        TraceId="trace",
    )

    sent = events(raw, app)[0]
    expected = {"feedback": "received", "treatment_id": "0", "order": "own", "trace_id": "trace"}
    assert sent["attributes"] == expected


def test_a_template_is_filled_for_each_recipient(client: Any, raw: Raw, app: str) -> None:
    template = {
        "Subject": "For {{User.UserAttributes.FirstName}}",
        "HtmlPart": "<p>{{User.UserAttributes.FirstName}} &amp; {{code}}</p>",
        "DefaultSubstitutions": '{"User.UserAttributes.FirstName": "friend", "code": "none"}',
    }
    client.create_email_template(TemplateName="welcome", EmailTemplateRequest=template)
    user = {"UserId": "ann", "UserAttributes": {"FirstName": ["Ann <3"]}}
    put(client, app, "ann", ChannelType="EMAIL", Address="ann@example.com", User=user)
    put(client, app, "bob", ChannelType="EMAIL", Address="bob@example.com")

    answer = send(
        client,
        app,
        Endpoints={"ann": {"Substitutions": {"code": ["A&1"]}}, "bob": {}},
        MessageConfiguration={},
        TemplateConfiguration={"EmailTemplate": {"Name": "welcome"}},
    )

    assert {each["DeliveryStatus"] for each in answer["EndpointResult"].values()} == {"SUCCESSFUL"}
    ann, bob = (mail(each) for each in kept(raw, app))
    assert (ann["Subject"], bob["Subject"]) == ("For Ann <3", "For friend")
    assert ann.get_content().strip() == "<p>Ann &lt;3 &amp; A&amp;1</p>"
    assert bob.get_content().strip() == "<p>friend &amp; none</p>"


def test_direct_messages_know_no_recommendations(client: Any, raw: Raw, app: str) -> None:
    configuration = {
        "RecommendationProviderUri": "arn:aws:personalize:us-east-1:123456789012:campaign/books",
        "RecommendationProviderRoleArn": "arn:aws:iam::123456789012:role/recommend",
        "RecommendationsDisplayName": "Books",
    }
    made = client.create_recommender_configuration(CreateRecommenderConfiguration=configuration)
    recommender_id = made["RecommenderConfigurationResponse"]["Id"]
    template = {"Body": "{{RecommendationItems.[0]}}", "RecommenderId": recommender_id}
    client.create_sms_template(TemplateName="books", SMSTemplateRequest=template)
    put(client, app, "phone", ChannelType="SMS", Address="+14255550199", User={"UserId": "ann"})
    request = {"MessageConfiguration": {}, "TemplateConfiguration": {"SMSTemplate": {"Name": "books"}}}

    to_endpoint = send(client, app, Endpoints={"phone": {}}, **request)["EndpointResult"]["phone"]
    users = {"Users": {"ann": {}}, **request}
    answer = client.send_users_messages(ApplicationId=app, SendUsersMessageRequest=users)
    to_user = answer["SendUsersMessageResponse"]["Result"]["ann"]["phone"]

    missing = refused("Missing value for message variable: RecommendationItems.[0]") | {"Address": "+14255550199"}
    assert (to_endpoint, to_user) == (missing, missing)
    assert kept(raw, app) == []


def test_the_version_that_is_named_goes_out_and_else_the_active_one(client: Any, raw: Raw, app: str) -> None:
    client.create_sms_template(TemplateName="code", SMSTemplateRequest={"Body": "first"})
    client.update_sms_template(TemplateName="code", SMSTemplateRequest={"Body": "second"}, CreateNewVersion=True)
    addresses = {"+14255550199": {"ChannelType": "SMS"}}

    for template in ({"Name": "code"}, {"Name": "code", "Version": "2"}):
        configuration = {"SMSTemplate": template}
        send(client, app, Addresses=addresses, MessageConfiguration={}, TemplateConfiguration=configuration)

    assert [each["Content"]["body"] for each in kept(raw, app)] == ["first", "second"]


def test_an_unknown_template_is_not_found(client: Any, app: str) -> None:
    request = {
        "Addresses": {"+14255550199": {"ChannelType": "SMS"}},
        "MessageConfiguration": {},
        "TemplateConfiguration": {"SMSTemplate": {"Name": "none"}},
    }

    told = refusal(client.send_messages, ApplicationId=app, MessageRequest=request)

    assert told == (404, "NotFoundException", "Template not found: none")


def test_a_raw_email_goes_as_it_is(client: Any, raw: Raw, app: str) -> None:
    data = b"From: Other <other@example.com>\nTo: x@example.com\nSubject: As {{it}} is\n\n{{body}}\n.\n"
    content = {"EmailMessage": {"RawEmail": {"Data": data}, "Body": "not this"}}

    send(client, app, Addresses={"ann@example.com": {"ChannelType": "EMAIL"}}, MessageConfiguration=content)

    [message] = kept(raw, app)
    assert b64decode(message["Mime"]) == data.replace(b"\n", b"\r\n")
    assert message["Headline"] == "As {{it}} is"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"MessageConfiguration": {"SMSMessage": {"Body": "x"}}}, "Missing Address"),
    (
        {"Addresses": {f"+142555501{n:03}": {"ChannelType": "SMS"} for n in range(101)}, "MessageConfiguration": {}},
        "Number of recipients exceeds the limit of 100",
    ),
    ({"Addresses": {"a": {"ChannelType": "SMS"}}, "MessageConfiguration": {}}, "Missing MessageConfiguration"),
    (
        {
            "Addresses": {"a": {"ChannelType": "SMS"}},
            "MessageConfiguration": {},
            "TemplateConfiguration": {"InAppTemplate": {"Name": "t"}},
        },
        "InAppTemplate isn't supported",
    ),
]


@pytest.mark.parametrize(("request_", "message"), REFUSED)
def test_a_request_that_cannot_be_is_refused(client: Any, app: str, request_: dict[str, Any], message: str) -> None:
    told = refusal(client.send_messages, ApplicationId=app, MessageRequest=request_)

    assert told == (400, "BadRequestException", message)


def test_a_number_as_it_is_dialled_at_home_costs_no_other_recipient(client: Any, raw: Raw, app: str) -> None:
    addresses = {number: {"ChannelType": "SMS"} for number in ("+14255550199", "01632 960123")}

    answer = send(client, app, Addresses=addresses, MessageConfiguration={"SMSMessage": {"Body": "x"}})

    assert answer["Result"]["+14255550199"]["DeliveryStatus"] == "SUCCESSFUL"
    assert answer["Result"]["01632 960123"] == refused("Invalid phone number")
    assert [each["Address"] for each in kept(raw, app)] == ["+14255550199"]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"From: =?utf-8?b?SsO8cmc=?= <j@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"From: j@example.com\r\nSubject: a\r\n b", "a b"),
        (b"From: j@example.com\r\nSubject: =?x?q?=E9?=", "=?x?q?=E9?="),
        (b"From: j@example.com\r\nSubject: =?utf-8?b?AA==?=", "\ufffd"),
        (b"From: J\xfcrg <j@example.com>\r\nSubject: \xff", "\ufffd"),
        (b"Subject: x", refused("Invalid RawEmail: it has no From")),
        (b"From: =?utf-8?q?=?= <\r\nSubject: x", refused("Invalid e-mail address")),
        (b"From: a@example.com, b@example.com\r\nSubject: x", refused("Invalid e-mail address")),
        (b"From: j@example.com\r\nSubject: \x00", refused("Invalid RawEmail: it has a NUL in it")),
    ],
)
def test_a_raw_email_may_have_any_headers(
    client: Any, raw: Raw, app: str, head: bytes, expected: str | dict[str, Any]
) -> None:
    content = {"EmailMessage": {"RawEmail": {"Data": head + b"\r\n\r\nbody\r\n"}}}

    answer = send(client, app, Addresses={"ann@example.com": {"ChannelType": "EMAIL"}}, MessageConfiguration=content)

    result = answer["Result"]["ann@example.com"]
    if isinstance(expected, dict):
        assert result == expected
    else:
        assert result["DeliveryStatus"] == "SUCCESSFUL"
        assert [each["Headline"] for each in kept(raw, app)] == [expected.strip()]


@pytest.mark.parametrize(
    ("address", "content"),
    [
        ("ann@example.com", {"EmailMessage": {"Body": "{{decode64 x}}"}}),
        ("+14255550199", {"SMSMessage": {"Body": "{{decode64 x}}"}}),
    ],
)
def test_what_cannot_be_kept_is_not_sent(client: Any, raw: Raw, app: str, address: str, content: Any) -> None:
    channel = "EMAIL" if "@" in address else "SMS"
    own = {"ChannelType": channel, "Substitutions": {"x": ["AA=="]}}

    answer = send(client, app, Addresses={address: own}, MessageConfiguration=content)

    assert answer["Result"][address] == refused("decode64: not the base64 of a text")
    assert kept(raw, app) == []


def test_users_may_have_more_endpoints_than_go_out_at_once(client: Any, raw: Raw, app: str) -> None:
    users = [f"user-{number}" for number in range(17)]
    batch = [
        {"Id": f"{user}-{n}", "ChannelType": "SMS", "Address": f"+1425555{number:02}{n:02}", "User": {"UserId": user}}
        for number, user in enumerate(users)
        for n in range(15)
    ]
    batch[-1]["Address"] = batch[0]["Address"]
    for start in range(0, len(batch), 100):
        items = {"Item": batch[start : start + 100]}
        client.update_endpoints_batch(ApplicationId=app, EndpointBatchRequest=items)
    # Of endpoints with one address only the last one is ACTIVE.
    put(client, app, "user-0-0", EndpointStatus="ACTIVE")

    answer = client.send_users_messages(
        ApplicationId=app,
        SendUsersMessageRequest={
            "Users": {user: {} for user in users},
            "MessageConfiguration": {"SMSMessage": {"Body": "{{Id}}"}},
        },
    )["SendUsersMessageResponse"]

    statuses = [each["DeliveryStatus"] for result in answer["Result"].values() for each in result.values()]
    assert (statuses.count("SUCCESSFUL"), statuses.count("DUPLICATE")) == (254, 1)
    listed = raw.send("GET", f"/repoint/v1/mailbox?app={app}&page-size=1000").json["Item"]
    assert len({each["Headline"] for each in listed}) == 254


def test_what_went_out_and_cannot_be_recorded_is_told_all_the_same(
    client: Any, raw: Raw, app: str, database_url: str
) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE sent_messages ADD CHECK (false) NOT VALID")

    answer = send(
        client,
        app,
        Addresses={"+14255550199": {"ChannelType": "SMS"}},
        MessageConfiguration={"SMSMessage": {"Body": "x"}},
    )

    assert answer["Result"]["+14255550199"]["DeliveryStatus"] == "SUCCESSFUL"
    assert len(kept(raw, app)) == 1


def test_a_failure_to_render_tells_who_would_have_sent_it(client: Any, raw: Raw, app: str) -> None:
    client.create_email_template(TemplateName="hello", EmailTemplateRequest={"TextPart": "{{Missing}}"})

    send(
        client,
        app,
        Addresses={"ann@example.com": {"ChannelType": "EMAIL"}},
        MessageConfiguration={},
        TemplateConfiguration={"EmailTemplate": {"Name": "hello"}},
    )

    [failure] = events(raw, app)
    told = failure["facets"]["email_channel"]["mail_event"]
    assert told["rendering_failure"] == {
        "template_name": "hello",
        "error_message": "Missing value for message variable: Missing",
    }
    assert told["mail"]["from_address"] == "Shop <news@example.com>"


def test_a_template_may_stand_for_the_message(client: Any, raw: Raw, app: str) -> None:
    client.create_sms_template(TemplateName="hello", SMSTemplateRequest={"Body": "Hello"})
    put(client, app, "phone", ChannelType="SMS", Address="+14255550198", User={"UserId": "ann"})
    template = {"TemplateConfiguration": {"SMSTemplate": {"Name": "hello"}}}

    one = raw.send(
        "POST", f"/v1/apps/{app}/messages", template | {"Addresses": {"+14255550199": {"ChannelType": "SMS"}}}
    )
    other = raw.send("POST", f"/v1/apps/{app}/users-messages", template | {"Users": {"ann": {}}})

    assert (one.status, one.json["Result"]["+14255550199"]["DeliveryStatus"]) == (200, "SUCCESSFUL")
    assert (other.status, other.json["Result"]["ann"]["phone"]["DeliveryStatus"]) == (200, "SUCCESSFUL")
    assert [each["Content"]["body"] for each in kept(raw, app)] == ["Hello", "Hello"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "Missing MessageConfiguration"),
        ({"TemplateConfiguration": {}}, "Missing MessageConfiguration"),
        ({"TemplateConfiguration": {"SMSTemplate": {}}}, "Missing Name of the template"),
        ({"TemplateConfiguration": {"SMSTemplate": {"Name": "x", "Version": "latest"}}}, "Invalid Version"),
        ({"TemplateConfiguration": {"SMSTemplate": {"Name": "x", "Version": "0"}}}, "Invalid Version"),
    ],
)
def test_a_request_without_any_content_is_refused(raw: Raw, app: str, request_: dict[str, Any], message: str) -> None:
    answer = raw.send(
        "POST", f"/v1/apps/{app}/messages", request_ | {"Addresses": {"+14255550199": {"ChannelType": "SMS"}}}
    )

    assert (answer.status, answer.json["Message"]) == (400, message)


def test_users_are_refused_as_addresses_are(raw: Raw, app: str) -> None:
    content = {"MessageConfiguration": {"SMSMessage": {"Body": "x"}}}
    many: dict[str, Any] = {"Users": {f"user-{number}": {} for number in range(101)}}

    answers = [raw.send("POST", f"/v1/apps/{app}/users-messages", content | users).json for users in ({}, many)]

    assert [each["Message"] for each in answers] == ["Missing Users", "Number of recipients exceeds the limit of 100"]


def test_large_messages_are_kept_whole_though_not_at_once(client: Any, raw: Raw, app: str) -> None:
    data = b"From: a@example.com\r\n\r\n" + b"x" * 3_000_000
    addresses = {f"user{number}@example.com": {"ChannelType": "EMAIL"} for number in range(7)}

    answer = send(client, app, Addresses=addresses, MessageConfiguration={"EmailMessage": {"RawEmail": {"Data": data}}})

    assert {each["DeliveryStatus"] for each in answer["Result"].values()} == {"SUCCESSFUL"}
    assert [(each["Address"], len(b64decode(each["Mime"]))) for each in kept(raw, app)] == [
        (address, len(data)) for address in addresses
    ]


def test_what_is_not_begun_in_time_is_not_sent(
    client: Any, raw: Raw, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repoint.messages.direct.BEGINS_WITHIN_S", 0.0)
    users = [f"user-{number}" for number in range(7)]
    for number, user in enumerate(users):
        items = [
            {"Id": f"{user}-{n}", "ChannelType": "SMS", "Address": f"+1425555{number:02}{n:02}"} for n in range(15)
        ]
        batch = {"Item": [each | {"User": {"UserId": user}} for each in items]}
        client.update_endpoints_batch(ApplicationId=app, EndpointBatchRequest=batch)

    answer = client.send_users_messages(
        ApplicationId=app,
        SendUsersMessageRequest={
            "Users": {user: {} for user in users},
            "MessageConfiguration": {"SMSMessage": {"Body": "x"}},
        },
    )["SendUsersMessageResponse"]

    results = [each for of_user in answer["Result"].values() for each in of_user.values()]
    assert [each["DeliveryStatus"] for each in results].count("SUCCESSFUL") == 100
    late = [each for each in results if each["DeliveryStatus"] != "SUCCESSFUL"]
    assert [each | {"Address": ""} for each in late] == [
        refused("not sent: those before took too long", "TEMPORARY_FAILURE", 504) | {"Address": ""}
    ] * 5
    listed = raw.send("GET", f"/repoint/v1/mailbox?app={app}&page-size=1000").json["Item"]
    assert len(listed) == 100

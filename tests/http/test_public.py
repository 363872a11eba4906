import hmac
import json
import re
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from functools import partial
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Response, Serve, Server, make_client

SECRET = "a-secret-of-callbacks"
HTML = (
    '<p><a href="https://example.com/?a=1&amp;b={{Address}}">1</a> <a href="mailto:x@example.com">2</a>'
    '<a ses:tags="unsubscribeLinkTag:all;" href="https://example.com/bye">3</a></p>'
)


@pytest.fixture
def server(serve: Serve) -> Server:
    """An API that recipients can reach."""
    return serve(public_url="https://mail.example.com", one_click_unsubscribe=True, callback_secret=SECRET)


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """A boto3 client of it."""
    client = make_client(server)
    yield client
    client.close()


@pytest.fixture
def app(client: Any) -> str:
    """An application that sends e-mail."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    email = {"FromAddress": "news@example.com", "Identity": "example.com"}
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=email)
    return app


@pytest.fixture
def raw(server: Server) -> Raw:
    """Requests by hand."""
    return Raw(server)


def sent(client: Any, raw: Raw, app: str) -> tuple[str, Any]:
    """The id of a message to the endpoint `ann`, and the message."""
    endpoint = {"ChannelType": "EMAIL", "Address": "ann@example.com"}
    client.update_endpoint(ApplicationId=app, EndpointId="Ann", EndpointRequest=endpoint)
    content = {"EmailMessage": {"SimpleEmail": {"HtmlPart": {"Data": HTML}}}}
    request = {"Endpoints": {"ann": {}}, "MessageConfiguration": content}
    answer = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]
    message_id = answer["EndpointResult"]["ann"]["MessageId"]
    item = raw.send("GET", f"/repoint/v1/apps/{app}/mailbox/{message_id}").json
    return message_id, message_from_bytes(b64decode(item["Mime"]), policy=policy.default)


def links(message: Any) -> list[str]:
    """The paths of what the message links to, its picture last."""
    found = re.findall(r'(?:href|src)="https://mail\.example\.com([^"]+)"', message.get_content())
    assert 'href="mailto:x@example.com"' in message.get_content()
    return found


def kinds(raw: Raw, app: str) -> list[str]:
    return [each["event_type"] for each in records(raw, app)][2:]


def records(raw: Raw, app: str) -> list[dict[str, Any]]:
    return [each["Record"] for each in raw.send("GET", f"/repoint/v1/apps/{app}/events").json["Item"]]


def test_a_followed_link_leads_on_and_is_logged(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)

    answer = raw.send_unsigned("GET", links(message)[0], headers={"User-Agent": "Mail 1.0"})

    assert (answer.status, answer.headers["location"]) == (302, "https://example.com/?a=1&b=ann@example.com")
    record = records(raw, app)[-1]
    assert record["event_type"] == "_email.click"
    assert record["client"] == {"client_id": "Ann"}
    assert record["attributes"]["feedback"] == "https://example.com/?a=1&b=ann@example.com"
    click = record["facets"]["email_channel"]["mail_event"]["click"]
    assert (click["ip_address"], click["user_agent"]) == ("127.0.0.1", "Mail 1.0")


def test_a_link_may_be_percent_encoded_on_its_way(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)

    answer = raw.send_unsigned("GET", links(message)[1].replace(".", "%2E"))

    assert (answer.status, answer.headers["location"]) == (302, "https://example.com/bye")


def test_a_link_to_unsubscribe_is_logged_twice(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)

    answer = raw.send_unsigned("GET", links(message)[1])

    assert answer.headers["location"] == "https://example.com/bye"
    assert kinds(raw, app) == ["_email.click", "_email.unsubscribe"]
    assert client.get_endpoint(ApplicationId=app, EndpointId="ann")["EndpointResponse"]["OptOut"] == "NONE"


def test_the_picture_tells_of_an_open(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)

    answer = raw.send_unsigned("GET", links(message)[-1])

    assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.body.startswith(b"GIF89a")
    assert kinds(raw, app) == ["_email.open"]


def test_a_look_at_a_link_is_no_click(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)

    answers = [raw.send_unsigned("HEAD", path) for path in links(message)]

    assert [answer.status for answer in answers] == [302, 302, 200]
    assert kinds(raw, app) == []


def test_one_click_unsubscribes_and_a_look_does_not(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = message["List-Unsubscribe"].removeprefix("<https://mail.example.com").removesuffix(">")

    looked = raw.send_unsigned("GET", path)
    before = client.get_endpoint(ApplicationId=app, EndpointId="ann")["EndpointResponse"]["OptOut"]
    done = raw.send_unsigned("POST", path, b"List-Unsubscribe=One-Click")

    assert (looked.status, looked.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert before == "NONE"
    assert done.status == 200
    assert client.get_endpoint(ApplicationId=app, EndpointId="ann")["EndpointResponse"]["OptOut"] == "ALL"
    assert kinds(raw, app) == ["_email.unsubscribe"]


def one_click(message: Any) -> str:
    """The path by which a mail program unsubscribes."""
    return str(message["List-Unsubscribe"].removeprefix("<https://mail.example.com").removesuffix(">"))


def test_unsubscribing_brings_no_deleted_endpoint_back(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)
    client.delete_endpoint(ApplicationId=app, EndpointId="ann")

    done = raw.send_unsigned("POST", one_click(message))

    assert done.status == 200
    assert kinds(raw, app) == ["_email.unsubscribe"]
    assert refusal(client.get_endpoint, ApplicationId=app, EndpointId="ann")[0] == 404


def test_more_may_unsubscribe_at_once_than_there_are_connections(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)
    path = one_click(message)

    with ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: raw.send_unsigned("POST", path).status, range(30)))

    assert answers == [200] * 30
    assert kinds(raw, app) == ["_email.unsubscribe"] * 30


def test_nobody_is_told_to_be_unsubscribed_who_is_not(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)
    client.delete_app(ApplicationId=app)

    answer = raw.send_unsigned("POST", one_click(message))

    assert answer.status == 404
    assert b"no longer works" in answer.body


def test_an_address_without_an_endpoint_is_offered_no_unsubscribing(client: Any, raw: Raw, app: str) -> None:
    request = {
        "Addresses": {"bob@example.com": {"ChannelType": "EMAIL"}},
        "MessageConfiguration": {"EmailMessage": {"Body": "x"}},
    }

    answer = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]

    message_id = answer["Result"]["bob@example.com"]["MessageId"]
    mime = b64decode(raw.send("GET", f"/repoint/v1/apps/{app}/mailbox/{message_id}").json["Mime"])
    assert b"List-Unsubscribe" not in mime


def altered(text: str) -> str:
    """Another text: at its end some bits mean nothing, at its beginning all do."""
    return ("B" if text[0] == "A" else "A") + text[1:]


def test_links_that_we_did_not_make_lead_nowhere(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)
    click, _, picture = links(message)
    said, mac = click.removeprefix("/r/c/").split(".")

    forged = [
        f"/r/c/{altered(said)}.{mac}",
        f"/r/c/{said}.{altered(mac)}",
        f"/r/c/{said}",
        "/r/c/",
        "/r/c/%00.%00",
        f"/r/c/{picture.removeprefix('/r/o/')}",
        f"/r/x/{said}.{mac}",
        f"/r/c/{'A' * 20_000}.{mac}",
    ]

    assert [raw.send_unsigned("GET", path).status for path in forged] == [404] * len(forged)
    assert kinds(raw, app) == []


def test_a_very_long_link_leads_on_by_itself(client: Any, raw: Raw, app: str) -> None:
    long, usual = "https://example.com/" + "a" * 13_000, "https://example.com/" + "a" * 2000
    html = f'<a href="{long}">1</a><a href="{usual}">2</a>'
    content = {"EmailMessage": {"SimpleEmail": {"HtmlPart": {"Data": html}}}}
    request = {"Addresses": {"ann@example.com": {"ChannelType": "EMAIL"}}, "MessageConfiguration": content}

    answer = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]

    message_id = answer["Result"]["ann@example.com"]["MessageId"]
    mime = b64decode(raw.send("GET", f"/repoint/v1/apps/{app}/mailbox/{message_id}").json["Mime"])
    first, second = re.findall(r'href="([^"]+)"', message_from_bytes(mime, policy=policy.default).get_content())
    assert first == long
    followed = raw.send_unsigned("GET", second.removeprefix("https://mail.example.com"))
    assert (followed.status, followed.headers["location"]) == (302, usual)


def test_what_cannot_be_noted_is_told_in_the_form_of_the_api(
    client: Any, raw: Raw, app: str, database_url: str
) -> None:
    message_id, message = sent(client, raw, app)
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE sent_messages RENAME TO away")

    told = tell(raw, app, {"MessageId": message_id, "Event": "complaint"})
    unsubscribed = raw.send_unsigned("POST", one_click(message))
    followed = raw.send_unsigned("GET", links(message)[0])

    assert (told.status, told.json) == (500, {"message": "Internal server error"})
    assert unsubscribed.status == 500
    assert followed.status == 302


def test_a_link_leads_on_when_its_message_is_forgotten(client: Any, raw: Raw, app: str) -> None:
    _, message = sent(client, raw, app)
    client.delete_app(ApplicationId=app)

    answer = raw.send_unsigned("GET", links(message)[1])

    assert (answer.status, answer.headers["location"]) == (302, "https://example.com/bye")


def tell(  # noqa: PLR0913 - the parts of a callback, each with its usual value
    raw: Raw, app: str, body: Any, *, secret: str = SECRET, age_s: int = 0, stamp: str | None = None
) -> Response:
    """Send a callback as a mail server's adapter would."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = stamp or str(int(time.time()) - age_s)
    mac = hmac.new(secret.encode(), f"{stamp}.{app}.".encode() + data, "sha256").hexdigest()
    headers = {"Repoint-Timestamp": stamp, "Repoint-Signature": f"v1={mac}"}
    return raw.send_unsigned("POST", f"/callbacks/{app}", data, headers=headers)


def test_a_bounce_is_logged_and_its_address_is_not_tried_again(client: Any, raw: Raw, app: str) -> None:
    message_id, message = sent(client, raw, app)
    report = {"MessageId": message["Message-ID"], "Event": "hardbounce", "Status": "5.1.1", "Diagnostic": "nobody here"}

    answer = tell(raw, app, report)
    content = {"EmailMessage": {"Body": "x"}}
    again = client.send_messages(
        ApplicationId=app, MessageRequest={"Endpoints": {"ann": {}}, "MessageConfiguration": content}
    )["MessageResponse"]["EndpointResult"]["ann"]

    assert (answer.status, answer.json) == (200, {"Noted": 1, "Unknown": []})
    record = records(raw, app)[-1]
    assert record["event_type"] == "_email.hardbounce"
    told = record["facets"]["email_channel"]["mail_event"]
    assert told["mail"]["message_id"] == message_id
    assert told["bounce"]["bounced_recipients"][0]["status"] == "5.1.1"
    assert again["StatusMessage"] == "Address is suppressed"


@pytest.mark.parametrize("address", ["Ann@Bücher.example", "ann..b@example.com", " Ann@Example.com "])
def test_an_address_is_suppressed_however_it_was_written(client: Any, raw: Raw, app: str, address: str) -> None:
    request = {
        "Addresses": {address: {"ChannelType": "EMAIL"}},
        "MessageConfiguration": {"EmailMessage": {"Body": "x"}},
    }
    send = partial(client.send_messages, ApplicationId=app, MessageRequest=request)
    result = send()["MessageResponse"]["Result"][address]

    tell(raw, app, {"MessageId": result["MessageId"], "Event": "hardbounce"})

    assert send()["MessageResponse"]["Result"][address]["StatusMessage"] == "Address is suppressed"
    released = raw.send("DELETE", f"/repoint/v1/suppressions/EMAIL/{quote(address)}")
    assert released.status == 200
    assert send()["MessageResponse"]["Result"][address]["DeliveryStatus"] == "SUCCESSFUL"


def test_what_is_no_address_cannot_be_suppressed(raw: Raw) -> None:
    answer = raw.send("PUT", "/repoint/v1/suppressions/EMAIL/a%20b@example.com")

    assert (answer.status, answer.json["Message"]) == (400, "Invalid Address: a b@example.com")


def test_letters_that_cannot_be_stored_are_replaced(client: Any, raw: Raw, app: str) -> None:
    message_id, _ = sent(client, raw, app)
    told = {"FeedbackId": "f\0" * 2000, "Diagnostic": "no\0body", "Status": "4\0"}

    answer = tell(raw, app, [{"MessageId": message_id, "Event": "softbounce", **told}])

    assert answer.json == {"Noted": 1, "Unknown": []}
    mail = records(raw, app)[-1]["facets"]["email_channel"]["mail_event"]
    assert mail["bounce"]["bounced_recipients"][0]["diagnostic_code"] == "no\ufffdbody"


def test_reports_come_in_lists_and_unknown_messages_are_told(client: Any, raw: Raw, app: str) -> None:
    message_id, _ = sent(client, raw, app)
    reports = [
        {"MessageId": message_id, "Event": "softbounce", "At": "2026-11-21T10:00:00Z"},
        {"MessageId": "gone", "Event": "complaint"},
        {"MessageId": message_id, "Event": "complaint", "FeedbackType": "abuse"},
    ]

    answer = tell(raw, app, reports)

    assert answer.json == {"Noted": 2, "Unknown": ["gone"]}
    assert kinds(raw, app) == ["_email.softbounce", "_email.complaint"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "Invalid report: Input data was truncated"),
        ({"MessageId": "m", "Event": "opened"}, "Invalid report: Invalid enum value 'opened' - at `$.Event`"),
        ({"Event": "complaint"}, "Invalid report: Object missing required field `MessageId`"),
        ([{"MessageId": "m", "Event": "complaint"}] * 1001, "Number of reports exceeds the limit of 1000"),
    ],
)
def test_reports_that_cannot_be_are_refused(raw: Raw, app: str, body: Any, message: str) -> None:
    answer = tell(raw, app, body)

    assert (answer.status, answer.json["Message"]) == (400, message)


@pytest.mark.parametrize("other", ["", "none", "%2e", "a/b", "%FF", "0" * 31 + "A"])
def test_a_callback_for_what_is_no_application_is_not_found(raw: Raw, other: str) -> None:
    answer = tell(raw, other, {"MessageId": "m", "Event": "complaint"})

    assert (answer.status, answer.json["Message"]) == (404, "Application not found")


def test_a_message_id_may_be_any_text(raw: Raw, app: str) -> None:
    answer = tell(raw, app, {"MessageId": "m\0", "Event": "complaint"})

    assert (answer.status, answer.json) == (200, {"Noted": 0, "Unknown": ["m\0"]})


def test_callbacks_with_another_signature_or_an_old_one_are_refused(client: Any, raw: Raw, app: str) -> None:
    message_id, _ = sent(client, raw, app)
    report = {"MessageId": message_id, "Event": "complaint"}

    answers = [
        tell(raw, app, report, secret="another-secret-of-callbacks"),
        tell(raw, app, report, age_s=600),
        tell(raw, app, report, stamp="9" * 5000),
        raw.send_unsigned("POST", f"/callbacks/{app}", json.dumps(report).encode()),
    ]

    assert [answer.status for answer in answers] == [403, 403, 403, 403]
    assert kinds(raw, app) == []

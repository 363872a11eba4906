import pytest

from tests.fixtures.processes import Serve


@pytest.fixture
def message_id(running: Serve, fresh_app: str) -> str:
    """An e-mail and a text have been sent; the id of the e-mail."""
    client = running.client()
    email = {"FromAddress": "news@example.com", "Identity": "example.com"}
    client.update_email_channel(ApplicationId=fresh_app, EmailChannelRequest=email)
    client.update_sms_channel(ApplicationId=fresh_app, SMSChannelRequest={})
    parts = {
        "Subject": {"Data": "Grüße"},
        "HtmlPart": {"Data": "<p>über\x1b[2J</p>"},
        "TextPart": {"Data": "Zeile 1\nZeile 2"},
    }
    request = {
        "Addresses": {"ann@example.com": {"ChannelType": "EMAIL"}, "+14255550199": {"ChannelType": "SMS"}},
        "MessageConfiguration": {"EmailMessage": {"SimpleEmail": parts}, "SMSMessage": {"Body": "Hello"}},
    }
    answer = client.send_messages(ApplicationId=fresh_app, MessageRequest=request)["MessageResponse"]
    return str(answer["Result"]["ann@example.com"]["MessageId"])


def test_messages_are_listed_and_shown(running: Serve, fresh_app: str, message_id: str) -> None:
    listed = running.repoint("mailbox", "--app", fresh_app)
    texts = running.repoint("mailbox", "--app", fresh_app, "--channel", "SMS")
    shown = running.repoint("mailbox", "show", message_id, "--app", fresh_app)
    whole = running.repoint("mailbox", "show", message_id, "--app", fresh_app, "--raw")

    email, text = (line.split("\t")[1:] for line in listed.stdout.splitlines())
    assert email == ["EMAIL", "ann@example.com", "Grüße", fresh_app, message_id]
    assert text[:3] == ["SMS", "+14255550199", "Hello"]
    assert [line.split("\t")[1:] for line in texts.stdout.splitlines()] == [text]
    lines = shown.stdout.splitlines()
    assert lines[:3] == ["From: news@example.com", "To: ann@example.com", "Subject: Grüße"]
    assert lines[5:] == ["", "-- text/plain", "Zeile 1", "Zeile 2", "", "-- text/html", "<p>über?[2J</p>"]
    assert "Subject: =?utf-8?" in whole.stdout.lower().replace("subject", "Subject")


def test_a_raw_email_is_shown_whatever_its_headers_say(running: Serve, fresh_app: str) -> None:
    client = running.client()
    email = {"FromAddress": "news@example.com", "Identity": "example.com"}
    client.update_email_channel(ApplicationId=fresh_app, EmailChannelRequest=email)
    head = b"From: a@example.com\nTo: =?utf-8?q?=?= <\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"
    data = head + b"Content-Type: text/plain; charset=none\n\nHi\n"
    request = {
        "Addresses": {"ann@example.com": {"ChannelType": "EMAIL"}},
        "MessageConfiguration": {"EmailMessage": {"RawEmail": {"Data": data}}},
    }
    answer = client.send_messages(ApplicationId=fresh_app, MessageRequest=request)["MessageResponse"]

    shown = running.repoint("mailbox", "show", answer["Result"]["ann@example.com"]["MessageId"], "--app", fresh_app)

    assert shown.returncode == 0
    assert "Subject: Grüße" in shown.stdout.splitlines()
    assert shown.stdout.splitlines()[-2:] == ["-- text/plain", "Hi"]


def test_a_message_that_is_not_there_is_told(running: Serve, fresh_app: str) -> None:
    answer = running.repoint("mailbox", "show", "none", "--app", fresh_app)

    assert answer.returncode == 1
    assert "Message not found" in answer.stderr


def test_addresses_are_suppressed_listed_and_released(running: Serve) -> None:
    added = running.repoint("suppressions", "add", "Bad@Example.com")
    listed = running.repoint("suppressions", "list")
    removed = running.repoint("suppressions", "remove", "bad@example.com")
    again = running.repoint("suppressions", "remove", "bad@example.com")
    wrong = running.repoint("suppressions", "add", "nothing", "--channel", "SMS")

    assert (added.returncode, removed.returncode) == (0, 0)
    assert [line.split("\t")[:2] for line in listed.stdout.splitlines()] == [["bad@example.com", "OPERATOR"]]
    assert "Address is not suppressed" in again.stderr
    assert "Invalid Address: nothing" in wrong.stderr

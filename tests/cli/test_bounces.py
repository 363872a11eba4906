"""`repoint bounces read`, as a mail server's alias runs it."""

from pathlib import Path

import pytest

from tests.delivery.bounces import mails
from tests.fixtures.processes import Serve


@pytest.fixture
def bounce(running: Serve, fresh_app: str) -> bytes:
    """A bounce of a message that was sent."""
    client = running.client()
    email = {"FromAddress": "news@example.com", "Identity": "example.com"}
    client.update_email_channel(ApplicationId=fresh_app, EmailChannelRequest=email)
    request = {
        "Addresses": {"gone@example.net": {"ChannelType": "EMAIL"}},
        "MessageConfiguration": {"EmailMessage": {"Body": "Hello"}},
    }
    answer = client.send_messages(ApplicationId=fresh_app, MessageRequest=request)["MessageResponse"]
    message_id: str = answer["Result"]["gone@example.net"]["MessageId"]
    return mails.POSTFIX.replace(mails.MESSAGE_ID.encode(), message_id.encode())


def test_a_mail_is_read_from_a_pipe_and_from_a_file(running: Serve, bounce: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bounce.eml"
    file.write_bytes(bounce)
    padded = bounce.replace(b"\r\nHi\r\n", b"\r\n" + b"x" * 5_000_000).decode()

    piped = running.repoint("bounces", "read", input=padded)
    again = running.repoint("bounces", "read", file)
    suppressed = running.repoint("suppressions", "list")
    running.repoint("suppressions", "remove", "gone@example.net")

    assert (piped.returncode, piped.stdout) == (0, "hardbounce: noted\n")
    assert (again.returncode, again.stdout) == (0, "hardbounce: nothing to note\n")
    assert "gone@example.net\tBOUNCE" in suppressed.stdout


def test_what_is_no_bounce_is_taken_all_the_same(running: Serve) -> None:
    answer = running.repoint("bounces", "read", input="From: ann@example.net\n\nHello\n")

    assert (answer.returncode, answer.stdout) == (0, "other: nothing to note\n")


def test_a_mail_has_to_come_again_when_the_server_is_away(running: Serve) -> None:
    answer = running.repoint("bounces", "read", "--endpoint-url", "http://127.0.0.1:1", input="x")

    assert answer.returncode == 75
    assert "does not answer" in answer.stderr

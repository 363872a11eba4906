"""What replies of SMTP servers mean, in the words that servers use."""

import pytest

from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.smtp.answer import refused, taken
from repoint.delivery.smtp.reply import Reply

LATER = Status.TEMPORARY_FAILURE
BUSY = Status.THROTTLED


@pytest.mark.parametrize(
    ("code", "text", "status", "status_code", "retry_after_s"),
    [
        (421, "4.3.2 Service shutting down", LATER, 500, None),
        (421, "4.7.0 Too many connections from your address", BUSY, 429, None),
        (421, "mail.example too many messages, slow down", BUSY, 429, None),
        (450, "4.2.1 The user is receiving mail too quickly", LATER, 500, None),
        (450, "4.7.1 Client host rejected: Greylisted, see http://g.example/help", BUSY, 429, None),
        (451, "4.7.1 Greylisting in action, please come back in 00:05:00 or 300 seconds", BUSY, 429, 300),
        (451, "4.3.0 Temporary lookup failure", LATER, 500, None),
        (451, "Requested action aborted, try again in 2 hours", LATER, 500, 7200),
        (452, "4.3.1 Insufficient system storage", LATER, 500, None),
        (454, "4.7.0 TLS not available", LATER, 500, None),
        (500, "what?", Status.PERMANENT_FAILURE, 400, None),
        (550, "5.1.1 no such user", Status.PERMANENT_FAILURE, 400, None),
        (554, "5.7.1 you are too many", Status.PERMANENT_FAILURE, 400, None),
        (354, "go on", Status.UNKNOWN_FAILURE, 500, None),
    ],
)
def test_a_refusal_says_whether_to_come_again(
    code: int, text: str, status: Status, status_code: int, retry_after_s: float | None
) -> None:
    outcome = refused(Reply(code, text))

    assert (outcome.status, outcome.status_code, outcome.retry_after_s) == (status, status_code, retry_after_s)
    assert outcome.detail.endswith(f"{code} {text}")
    assert not outcome.is_in_doubt


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ("2.0.0 Ok: queued as 4XyZ1k2Q3Fz", None),
        ("OK id=1rT0aB-0001Ab-2C", None),
        (
            "2.0.0 Ok: queued as <a1b2c3d4-0000-4000-8000-1234567890ab@smtp>",
            "a1b2c3d4-0000-4000-8000-1234567890ab@smtp",
        ),
        (
            "Ok 0100018c2a1b3c4d-12345678-9abc-def0-1234-56789abcdef0-000000",
            "0100018c2a1b3c4d-12345678-9abc-def0-1234-56789abcdef0-000000",
        ),
        ("2.0.0 Ok", None),
        ("2.0.0 OK 1700000000 d9443c01a7336-1d0 - gsmtp", None),
    ],
)
def test_the_id_that_the_server_gave_is_kept_and_no_place_in_its_queue(text: str, message_id: str | None) -> None:
    assert taken(Reply(250, text)) == Outcome(Status.SUCCESSFUL, 200, f"250 {text}", message_id)


def test_what_is_shown_is_short_and_printable() -> None:
    outcome = refused(Reply(550, "a\nb\x1b[31m\x00" + "c" * 1000))

    assert outcome.detail == "550 a b [31m " + "c" * 487

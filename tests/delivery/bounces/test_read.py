"""Mails that came back, as mail servers write them and as those do who mean harm."""

import random
import time
from datetime import UTC, datetime

import pytest

from repoint.delivery.bounces.read import read_bounce
from repoint.delivery.telling import record_of
from repoint.events.email_records import EmailRecords, Mail
from repoint.events.records import Origin, Subject
from tests.delivery.bounces import mails
from tests.delivery.bounces.mails import MESSAGE_ID

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KINDS = {"delivered", "hardbounce", "softbounce", "complaint", "other"}
ALL = {name: value for name, value in vars(mails).items() if isinstance(value, bytes)}


@pytest.mark.parametrize(
    ("mail", "kind"),
    [
        ("POSTFIX", "hardbounce"),
        ("POSTFIX_HEADERS_ONLY", "softbounce"),
        ("POSTFIX_DELAYED", "softbounce"),
        ("DELIVERED", "delivered"),
        ("RELAYED", "other"),
        ("EXCHANGE", "hardbounce"),
        ("EXIM", "hardbounce"),
        ("SENDMAIL", "hardbounce"),
        ("NO_STATUS", "softbounce"),
        ("GLOBAL", "hardbounce"),
        ("ENCODED", "hardbounce"),
        ("ABUSE", "complaint"),
        ("NOT_SPAM", "other"),
        ("AUTH_FAILURE", "other"),
        ("QMAIL", "hardbounce"),
        ("EXIM_PLAIN", "hardbounce"),
        ("WARNING", "softbounce"),
        ("MIXED", "hardbounce"),
        ("VACATION", "other"),
        ("ANSWER", "other"),
        ("READ_RECEIPT", "other"),
    ],
)
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_what_a_mail_tells(mail: str, kind: str, line_end: bytes) -> None:
    data = ALL[mail].replace(b"\r\n", b"\n").replace(b"\n", line_end)

    read = read_bounce(data, NOW)

    assert read.kind == kind
    if kind == "other":
        assert read.told is None
    else:
        assert read.told is not None
        assert read.told.message_ids[0] == MESSAGE_ID


def test_every_form_is_tried() -> None:
    assert len(ALL) == 21


def told(mail: bytes) -> str:
    """The record that is made of it."""
    sent = Mail(MESSAGE_ID, NOW, "news@shop.example", "ann@example.net", "Hello", [])
    read = read_bounce(mail, NOW)
    assert read.told is not None
    return record_of(read.told, EmailRecords(Origin("0" * 12, "a" * 32), Subject.unknown("c"), sent))


def test_the_record_has_what_the_server_said() -> None:
    record = told(mails.POSTFIX)

    assert '"status":"5.1.1"' in record
    assert '"reporting_mta":"mx.example.org"' in record
    assert "smtp; 550 5.1.1 <ann@example.net>: Recipient address rejected:" in record
    assert '"action":"failed"' in record
    assert '"timestamp":"2026-11-22T10:00:05.000Z"' in record
    assert '"bounce_sub_type":"MailboxFull"' in told(mails.SENDMAIL)
    assert '"diagnostic_code":"550 5.1.1 no such user here"' in told(mails.EXIM_PLAIN)
    assert '"user_agent":"SomeGenerator/1.0"' in told(mails.ABUSE)
    assert '"smtp_response":"smtp; 250 2.0.0 OK queued"' in told(mails.DELIVERED)


def test_a_bounce_that_returns_nothing_is_known_by_whom_it_was_written_to() -> None:
    digits = MESSAGE_ID.replace("-", "")[:48]
    data = mails.POSTFIX.replace(MESSAGE_ID.encode(), b"unknown")

    read = read_bounce(data.replace(b"To: news@shop", f"To: BOUNCES+{digits.upper()}@shop".encode(), 1), NOW)

    assert read.told is not None
    assert read.told.message_ids == (MESSAGE_ID, "unknown")


@pytest.mark.parametrize("date", ["Mon, 01 Jan 0001 00:00:00 +0000", "Fri, 31 Dec 9999 23:59:59 -1200", "soon"])
def test_a_time_that_cannot_be_is_now(date: str) -> None:
    read = read_bounce(mails.POSTFIX.replace(b"Sun, 22 Nov 2026 10:00:05 +0000", date.encode()), NOW)

    assert read.told is not None
    assert read.told.at == NOW


def test_a_bounce_that_returns_nothing_of_ours_is_known_by_the_envelope() -> None:
    data = mails.POSTFIX.replace(b"Message-ID: <0", b"Message-ID: <own@shop.example>\r\nX: <0")
    told = f"Original-Envelope-Id: {MESSAGE_ID}\r\nReporting-MTA:".encode()

    read = read_bounce(data.replace(b"Reporting-MTA:", told, 1), NOW)

    assert read.kind == "hardbounce"
    assert read.told is not None
    assert read.told.message_ids == (MESSAGE_ID, "own")


def test_a_mail_that_names_no_message_tells_nothing() -> None:
    read = read_bounce(mails.POSTFIX.replace(b"Message-ID: <0", b"X: <0"), NOW)

    assert (read.kind, read.told) == ("hardbounce", None)


def test_the_same_mail_has_the_same_key_and_another_has_another() -> None:
    first, again = read_bounce(mails.WARNING, NOW), read_bounce(mails.WARNING, NOW)
    other = read_bounce(mails.WARNING.replace(b"24", b"48"), NOW)

    assert first.told is not None
    assert again.told is not None
    assert other.told is not None
    assert first.told.key == again.told.key != other.told.key


DEEP = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
HOSTILE = {
    "empty": b"",
    "zeros": b"\0" * 100_000,
    "no header's end": b"From: " + b"a" * 2_000_000,
    "a line of bytes": bytes(range(256)) * 4000,
    "deep multiparts": b"".join(DEEP % (number, number) for number in range(20_000)),
    "deep messages": b"Content-Type: message/rfc822\r\n\r\n" * 20_000,
    "folded deep messages": b"Content-Type:\r\n message/rfc822\r\n\r\n" * 20_000,
    "many parts": b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 90_000,
    "many recipients": mails.report("delivery-status", "a: b\n\n" + "Action: failed\nStatus: 5.1.1\n\n" * 30_000),
    "many headers": b"X: y\r\n" * 170_000 + b"\r\n",
    "a boundary of nothing": b'Content-Type: multipart/report; boundary=""\r\n\r\n--\r\n\r\n--\r\n',
    "a charset that is none": mails.EXIM_PLAIN.replace(b"Subject:", b"Content-Type: text/plain; charset=rot13\nS:"),
    "a charset of zeros": mails.EXIM_PLAIN.replace(b"Subject:", b'Content-Type: text/plain; charset="a\0b"\nS:'),
    "encoded words": mails.POSTFIX.replace(b"To: news", b"To: =?utf-8?b?////?= =?x?q?=ff?= news", 1),
    "bytes in headers": mails.POSTFIX.replace(b"From: MAILER", b"From: \xff\xfe\x80 MAILER", 1),
    "a date of nowhere": mails.POSTFIX.replace(b"Sun, 22 Nov 2026 10:00:05 +0000", b"Sun, 99 Foo 99999 99:99:99 +9999"),
    "ids without end": mails.POSTFIX.replace(b"MIME", b"References: " + b"<a@b> " * 100_000 + b"\r\nMIME", 1),
    "pluses without end": mails.POSTFIX.replace(b"To: news", b"To: " + b"+a" * 200_000, 1),
    "digits without end": mails.EXIM_PLAIN.replace(b"550 5.1.1", b"5.1." * 100_000),
    "spaces without end": mails.EXIM_PLAIN.replace(b"550 5.1.1", b" " * 500_000),
    "quotes without end": mails.report("delivery-status", "Action: failed\n", returned="> " * 300_000),
    "dashes without end": mails.QMAIL.replace(b"--- Below", b"-" * 500_000),
    "qmails without end": mails.QMAIL.replace(b"Hi. This", b"Hi. This is the " * 30_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_comes_is_survived_in_good_time(name: str) -> None:
    begin = time.process_time()

    read_bounce(HOSTILE[name], NOW)

    assert time.process_time() - begin < 2


def test_a_mail_that_returns_ten_megabytes_tells_what_it_tells() -> None:
    read = read_bounce(mails.POSTFIX.replace(b"\r\nHi\r\n", b"\r\n" + b"x" * 76 * 140_000), NOW)

    assert read.kind == "hardbounce"
    assert read.told is not None
    assert read.told.message_ids == (MESSAGE_ID,)


def test_mails_that_were_damaged_are_survived() -> None:
    dice = random.Random(17)  # noqa: S311 - the same each time
    for data in ALL.values():
        for _ in range(30):
            at, length = dice.randrange(len(data)), dice.randrange(40)
            damaged = data[:at] + dice.randbytes(dice.randrange(20)) + data[at + length :]
            for each in (damaged, data[:at]):
                assert read_bounce(each, NOW).kind in KINDS

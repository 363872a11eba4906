"""Sending e-mail over SMTP: what arrives, and what is told of each recipient."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from repoint.delivery.message import Email, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.providers.email_smtp import EmailSmtpOptions
from tests.delivery.smtp.test_dkim import verify
from tests.fixtures.mail_server import END, GROUP, MailServer, Peer, played
from tests.fixtures.messages import CUSTOM, HEAD, PUSH, VOICE, email, sms
from tests.fixtures.sending import sending

SENT = Outcome(Status.SUCCESSFUL, 200, "250 2.0.0 Ok: queued as Q1")
SMTP_SINK = shutil.which("smtp-sink", path=f"{os.environ['PATH']}:/usr/sbin")


async def test_a_message_arrives_as_it_was(mail_server: MailServer) -> None:
    async with sending(mail_server.port) as provider:
        outcomes = await provider.send([email(mime=HEAD + b"\r\n.\r\n..\r\nHi\r\n.")])

    assert outcomes == [SENT]
    (mail,) = mail_server.received
    assert (mail.sender, mail.recipient) == ("bounces@example.com", "user1@example.com")
    assert mail.content == HEAD + b"\r\n.\r\n..\r\nHi\r\n.\r\n"


async def test_each_recipient_has_its_own_outcome(mail_server: MailServer) -> None:
    refused = {
        "user2@example.com": "550 5.1.1 no such user",
        "user4@example.com": "451 4.7.1 greylisted, try again in 5 minutes",
        "user5@example.com": "452 4.2.2 mailbox full",
    }
    mail_server.on_rcpt = refused.get
    mail_server.on_message = {"user7@example.com": "554 5.6.0 spam"}.get

    async with sending(mail_server.port, connections=1) as provider:
        outcomes = await provider.send([email(number) for number in range(1, 9)])

    assert [(outcome.status, outcome.status_code) for outcome in outcomes] == [
        (Status.SUCCESSFUL, 200),
        (Status.PERMANENT_FAILURE, 400),
        (Status.SUCCESSFUL, 200),
        (Status.THROTTLED, 429),
        (Status.TEMPORARY_FAILURE, 500),
        (Status.SUCCESSFUL, 200),
        (Status.PERMANENT_FAILURE, 400),
        (Status.SUCCESSFUL, 200),
    ]
    assert outcomes[1].detail == "550 5.1.1 no such user"
    assert outcomes[3].retry_after_s == 300
    assert [mail.recipient for mail in mail_server.received] == [f"user{n}@example.com" for n in (1, 3, 6, 8)]
    assert mail_server.connections == 1


async def test_a_refused_sender_costs_only_its_message(mail_server: MailServer) -> None:
    answers = ["553 5.1.8 not you", None]
    mail_server.on_mail = lambda _: answers.pop(0)

    async with sending(mail_server.port, connections=1) as provider:
        outcomes = await provider.send([email(1), email(2)])

    assert [outcome.status for outcome in outcomes] == [Status.PERMANENT_FAILURE, Status.SUCCESSFUL]
    assert outcomes[0].detail == "553 5.1.8 not you"


async def test_a_greylisted_message_is_taken_the_next_time(mail_server: MailServer) -> None:
    answers = ["451 4.7.1 greylisted, come again in 1 minute", None]
    mail_server.on_rcpt = lambda _: answers.pop(0)

    async with sending(mail_server.port) as provider:
        outcomes = [*await provider.send([email()]), *await provider.send([email()])]

    assert [(outcome.status, outcome.retry_after_s) for outcome in outcomes] == [
        (Status.THROTTLED, 60),
        (Status.SUCCESSFUL, None),
    ]


@pytest.mark.parametrize("message", [sms(), VOICE, PUSH, CUSTOM])
async def test_other_content_is_refused(mail_server: MailServer, message: Any) -> None:
    async with sending(mail_server.port) as provider:
        outcomes = await provider.send([message, email()])

    kind = type(message.content).__name__
    assert outcomes == [
        Outcome(Status.PERMANENT_FAILURE, 400, f"an SMTP server carries e-mail, and no {kind}"),
        SENT,
    ]


async def test_a_call_that_is_given_up_leaves_nothing_to_be_sent(mail_server: MailServer) -> None:
    async with sending(mail_server.port, connections=1) as provider:
        call = asyncio.create_task(provider.send([email(number) for number in range(50)]))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
        (outcome,) = await provider.send([email(99)])

    assert outcome.is_sent
    assert [mail.recipient for mail in mail_server.received] == ["user99@example.com"]


async def test_closing_tells_of_what_was_under_way() -> None:
    heard = asyncio.Event()

    async def play(peer: Peer) -> None:
        await peer.greet("PIPELINING")
        await peer.hear_until(GROUP)
        await peer.say("250 ok", "250 ok", "354 go on")
        await peer.hear_until(END)
        heard.set()
        await peer.wait_lost()

    async with played(play) as port:
        async with sending(port, connections=1) as provider:
            call = asyncio.create_task(provider.send([email(number) for number in range(3)]))
            await heard.wait()
        outcomes = await call

    assert [(outcome.status, outcome.is_in_doubt) for outcome in outcomes] == [
        (Status.UNKNOWN_FAILURE, True),
        (Status.TEMPORARY_FAILURE, False),
        (Status.TEMPORARY_FAILURE, False),
    ]


async def test_messages_are_signed_as_they_arrive(mail_server: MailServer, tmp_path: Path) -> None:
    private = Ed25519PrivateKey.generate()
    key_file = tmp_path / "key.pem"
    key_file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    options = {"dkim_domain": "shop.example", "dkim_selector": "s1", "dkim_key_file": key_file}

    async with sending(mail_server.port, **options) as provider:
        outcomes = await provider.send([email(number, mime=HEAD + b"\n.Hi\nthere") for number in range(20)])

    assert {outcome.status for outcome in outcomes} == {Status.SUCCESSFUL}
    assert len(mail_server.received) == 20
    for mail in mail_server.received:
        assert mail.content.endswith(HEAD + b"\r\n.Hi\r\nthere\r\n")
        assert verify(mail.content, private.public_key())["d"] == "shop.example"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"user": "shop"}, "user and password belong together"),
        ({"tls": "none", "user": "shop", "password": "x"}, "a password without TLS can be read on the way"),
        ({"dkim_domain": "example.com"}, "dkim_domain, dkim_selector and dkim_key_file belong together"),
        ({"ca_file": "missing.pem"}, "Path does not point to a file"),
        ({"helo_name": "a b"}, "String should match pattern"),
        ({"tls": "maybe"}, "Input should be 'starttls', 'implicit' or 'none'"),
    ],
)
def test_options_that_do_not_fit_are_told(options: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        EmailSmtpOptions(host="mail.example", **options)  # type: ignore[arg-type] # wrong on purpose


@pytest.fixture
def sink() -> Iterator[tuple[int, Path]]:
    """Postfix's own sink: its port, and the folder that it writes what it takes into."""
    if SMTP_SINK is None:
        pytest.skip("there is no smtp-sink here; it comes with Postfix, which need not run")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Started by root it wants to be somebody else, who must be able to write.
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        command = [SMTP_SINK, *user, "-d", "mail.", f"127.0.0.1:{port}", "100"]
        with subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL) as process:
            wait_for(port)
            yield port, Path(folder)
            process.kill()


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    pytest.fail("smtp-sink does not listen")


async def test_postfix_takes_what_is_sent(sink: tuple[int, Path]) -> None:
    port, folder = sink

    async with sending(port) as provider:
        outcomes = await provider.send([email(number, mime=HEAD + b"\r\n.\r\n.Hi\r\n") for number in range(50)])

    assert outcomes == [Outcome(Status.SUCCESSFUL, 200, "250 2.0.0 Ok")] * 50
    dumps = [path.read_text() for path in folder.glob("mail.*")]
    recipients = sorted(line for dump in dumps for line in dump.splitlines() if line.startswith("X-Rcpt-Args:"))
    assert recipients == sorted(f"X-Rcpt-Args: <user{number}@example.com>" for number in range(50))
    assert all(dump.endswith("Subject: Hello\nMessage-ID: <m@example.com>\n\n.\n.Hi\n\n") for dump in dumps)


@pytest.mark.parametrize(
    ("from_address", "sender", "told"),
    [
        ("news@example.com", "news@example.com", f"back+{'0' * 48}@mail.example"),
        ("News <news@example.com>", "news@example.com", f"back+{'0' * 48}@mail.example"),
        ("news@example.com (News)", "news@example.com", f"back+{'0' * 48}@mail.example"),
        # FeedbackForwardingAddress
        ("News <news@example.com>", "feedback@example.com", "feedback@example.com"),
        ("news@example.com", "s@example.com", "s@example.com"),
    ],
)
async def test_the_sender_of_the_envelope_names_the_message_unless_the_message_says_otherwise(
    mail_server: MailServer, from_address: str, sender: str, told: str
) -> None:
    message_id = f"{'0' * 16}-{'0' * 8}-0000-0000-0000-{'0' * 12}-000000"
    email = Email(sender, b"From: news@example.com\r\n\r\nx\r\n", from_address, "s")
    message = Message(message_id, "a", "EMAIL", "ann@example.com", email)

    async with sending(mail_server.port, bounces_to="back@mail.example") as provider:
        (outcome,) = await provider.send([message])

    assert outcome.is_sent
    assert [mail.sender for mail in mail_server.received] == [told]
    assert not outcome.tells_of_delivery


async def test_a_server_that_tells_of_delivery_is_believed_to_do_so_of_what_it_took(mail_server: MailServer) -> None:
    mail_server.on_rcpt = lambda address: "550 5.1.1 nobody" if address.startswith("bob") else None
    messages = [
        Message(f"m{number}", "a", "EMAIL", address, Email("a@example.com", b"From: a\r\n\r\nx\r\n", "a", "s"))
        for number, address in enumerate(("ann@example.com", "bob@example.com"))
    ]

    async with sending(mail_server.port, tells_of_delivery=True) as provider:
        outcomes = await provider.send(messages)

    assert [outcome.tells_of_delivery for outcome in outcomes] == [True, False]

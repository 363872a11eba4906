"""Entering a server: TLS, logins, and those that know neither."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from repoint.delivery.outcome import Outcome, Status
from tests.fixtures.certificates import serving
from tests.fixtures.mail_server import END, MailServer, Peer, played
from tests.fixtures.messages import HEAD, email
from tests.fixtures.sending import sending

SENT = Outcome(Status.SUCCESSFUL, 200, "250 2.0.0 Ok: queued as Q1")


@pytest.fixture(params=["starttls", "implicit"])
async def proved(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[MailServer, dict[str, Any]]]:
    """A server that speaks TLS for `localhost`, and the options for it."""
    context, ca_file = serving("localhost", tmp_path)
    server = MailServer(logins={"shop": "hidden-password"})
    kind = "tls" if request.param == "implicit" else "starttls"
    async with server.running(**{kind: context}, auth_require_tls=request.param != "implicit"):
        yield server, {"host": "localhost", "tls": request.param, "ca_file": ca_file}


async def test_messages_travel_over_tls(proved: tuple[MailServer, dict[str, Any]]) -> None:
    server, options = proved

    async with sending(server.port, **options) as provider:
        outcomes = await provider.send([email(number) for number in range(5)])

    assert [outcome.status for outcome in outcomes] == [Status.SUCCESSFUL] * 5
    assert [mail.is_encrypted for mail in server.received] == [True] * 5


async def test_long_messages_travel_over_tls(proved: tuple[MailServer, dict[str, Any]]) -> None:
    server, options = proved
    body = (b"x" * 78 + b"\r\n") * 20_000

    async with sending(server.port, connections=1, **options) as provider:
        outcomes = await provider.send([email(number, mime=HEAD + b"\r\n" + body) for number in range(2)])

    assert [outcome.is_sent for outcome in outcomes] == [True, True]
    assert [mail.content for mail in server.received] == [HEAD + b"\r\n" + body] * 2


async def test_a_server_that_nobody_vouches_for_gets_nothing(proved: tuple[MailServer, dict[str, Any]]) -> None:
    server, options = proved

    async with sending(server.port, **{**options, "ca_file": None, "user": "u", "password": "p"}) as provider:
        (outcome,) = await provider.send([email()])

    assert (outcome.status, outcome.status_code) == (Status.TEMPORARY_FAILURE, 500)
    assert "TLS failed: unable to get local issuer certificate" in outcome.detail
    assert server.received == []


async def test_a_server_with_another_name_gets_nothing(proved: tuple[MailServer, dict[str, Any]]) -> None:
    server, options = proved

    async with sending(server.port, **{**options, "host": "127.0.0.1"}) as provider:
        (outcome,) = await provider.send([email()])

    assert outcome.status == Status.TEMPORARY_FAILURE
    assert "TLS failed: IP address mismatch" in outcome.detail


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_we_log_in_over_tls(tmp_path: Path, mechanism: str) -> None:
    context, ca_file = serving("localhost", tmp_path)
    server = MailServer(logins={"shop": "hidden-password"})
    unused = {"PLAIN", "LOGIN"} - {mechanism}
    options = {"host": "localhost", "tls": "starttls", "ca_file": ca_file}

    async with (
        server.running(starttls=context, auth_required=True, auth_exclude_mechanism=unused),
        sending(server.port, **options, user="shop", password="hidden-password") as provider,
    ):
        outcomes = await provider.send([email()])

    assert outcomes == [SENT]


async def test_a_refused_login_is_told_without_the_password(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    context, ca_file = serving("localhost", tmp_path)
    server = MailServer(logins={"shop": "another"})
    options = {"host": "localhost", "tls": "starttls", "ca_file": ca_file}

    async with (
        server.running(starttls=context),
        sending(server.port, **options, user="shop", password="hidden-password") as provider,
    ):
        (outcome,) = await provider.send([email()])

    assert outcome.status == Status.TEMPORARY_FAILURE
    assert outcome.detail == f"localhost:{server.port}: the server refused our login with 535"
    assert "hidden" not in "".join(capsys.readouterr())


async def test_a_password_is_sent_in_the_clear_when_that_is_allowed_only() -> None:
    server = MailServer(logins={"shop": "hidden-password"})
    options = {"user": "shop", "password": "hidden-password", "allow_plain_auth": True}

    async with server.running(auth_require_tls=False), sending(server.port, **options) as provider:
        outcomes = await provider.send([email()])

    assert outcomes == [SENT]


async def test_a_server_that_knows_no_login_gets_no_password(mail_server: MailServer) -> None:
    options = {"user": "shop", "password": "hidden-password", "allow_plain_auth": True}

    async with sending(mail_server.port, **options) as provider:
        (outcome,) = await provider.send([email()])

    assert outcome.status == Status.TEMPORARY_FAILURE
    assert outcome.detail == f"127.0.0.1:{mail_server.port}: the server offers neither AUTH PLAIN nor AUTH LOGIN"


async def test_starttls_that_is_not_offered_is_missed(mail_server: MailServer) -> None:
    async with sending(mail_server.port, tls="starttls", host="localhost") as provider:
        (outcome,) = await provider.send([email()])

    assert outcome.status == Status.TEMPORARY_FAILURE
    assert outcome.detail == f"localhost:{mail_server.port}: the server does not offer STARTTLS"


async def test_what_was_said_before_tls_is_not_listened_to() -> None:
    async def play(peer: Peer) -> None:
        await peer.greet("STARTTLS")
        await peer.hear()
        await peer.say("220 go on", "250-mail.example", "250 AUTH PLAIN")
        await peer.wait_lost()

    async with played(play) as port, sending(port, tls="starttls") as provider:
        (outcome,) = await provider.send([email()])

    assert outcome.detail == f"127.0.0.1:{port}: the server, or somebody between, spoke on before TLS had begun"


async def test_a_server_that_knows_helo_only_gets_messages() -> None:
    heard: list[str] = []

    async def play(peer: Peer) -> None:
        await peer.say("220 mail.example")
        for answer in ("502 what?", "250 mail.example", "250 ok", "250 ok", "354 go on"):
            heard.append(await peer.hear())
            await peer.say(answer)
        await peer.hear_until(END)
        await peer.say("250 ok")
        await peer.wait_lost()

    async with played(play) as port, sending(port, helo_name="shop.example") as provider:
        (outcome,) = await provider.send([email()])

    assert outcome.is_sent
    assert heard == [
        "EHLO shop.example\r\n",
        "HELO shop.example\r\n",
        "MAIL FROM:<bounces@example.com>\r\n",
        "RCPT TO:<user1@example.com>\r\n",
        "DATA\r\n",
    ]

"""A message as SMTP carries it: addresses, extensions, and that nothing in it can end it."""

from typing import Any

import pytest

from repoint.delivery.outcome import Outcome, Status
from tests.fixtures.mail_server import END, GROUP, MailServer, Peer, played
from tests.fixtures.messages import HEAD, email
from tests.fixtures.sending import sending

OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8")


async def test_nothing_in_a_message_ends_it() -> None:
    smuggled = b"Hi\n.\nMAIL FROM:<a@b>\r.\rDATA\r\n.\r\nRCPT\n.\r\n\r.\nend"
    heard: list[bytes] = []

    async def play(peer: Peer) -> None:
        await peer.greet("PIPELINING")
        await peer.hear_until(GROUP)
        await peer.say("250 ok", "250 ok", "354 go on")
        heard.append(await peer.hear_until(END))
        await peer.say("250 ok")
        heard.append(await peer.hear_some(1 << 16))

    async with played(play) as port, sending(port) as provider:
        (outcome,) = await provider.send([email(mime=HEAD + b"\r\n" + smuggled)])

    assert outcome.is_sent
    assert heard == [
        HEAD + b"\r\nHi\r\n..\r\nMAIL FROM:<a@b>\r\n..\r\nDATA\r\n..\r\nRCPT\r\n..\r\n\r\n..\r\nend\r\n.\r\n",
        b"QUIT\r\n",
    ]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ana",
        "ana@",
        "@example.com",
        "a b@example.com",
        "ana@exa mple.com",
        "ana@example.com>\r\nRCPT TO:<b@c.d",
        "ana@example.com\n",
        "<ana@example.com>",
        'a"b@example.com',
        "ana@-example.com",
        f"{'a' * 250}@example.com",
        "ana\u2028@example.com",
        "a@b@c",
    ],
)
async def test_what_is_no_address_is_refused(mail_server: MailServer, address: str) -> None:
    async with sending(mail_server.port) as provider:
        outcomes = await provider.send([email(1, address=address or "\0"), email(2)])

    assert outcomes[0] == Outcome(Status.PERMANENT_FAILURE, 400, "not an e-mail address")
    assert outcomes[1].is_sent


@pytest.mark.parametrize(
    ("address", "path", "options"),
    [
        ("o'neil+x@example.com", "o'neil+x@example.com", ()),
        ('"a b"@example.com', '"a b"@example.com', ()),
        ("ana@[192.0.2.1]", "ana@[192.0.2.1]", ()),
        ("ana@b\u00fccher.example", "ana@xn--bcher-kva.example", ()),
        ("ana@stra\u00dfe.example", "ana@xn--strae-oqa.example", ()),
        ("j\u00f6rg@example.com", "j\u00f6rg@example.com", ("SMTPUTF8",)),
    ],
)
async def test_unusual_addresses_are_written_as_the_server_needs_them(
    address: str, path: str, options: tuple[str, ...]
) -> None:
    heard: list[str] = []

    async def play(peer: Peer) -> None:
        await peer.greet(*OFFERS)
        heard.extend([await peer.hear(), await peer.hear()])
        await peer.hear()
        await peer.say("250 ok", "250 ok", "354 go on")
        await peer.hear_until(END)
        await peer.say("250 ok")
        await peer.wait_lost()

    async with played(play) as port, sending(port) as provider:
        (outcome,) = await provider.send([email(address=address)])

    assert outcome.is_sent
    assert heard == [
        " ".join(["MAIL FROM:<bounces@example.com>", *options]) + "\r\n",
        f"RCPT TO:<{path}>\r\n",
    ]


@pytest.mark.parametrize(
    ("offers", "message", "told"),
    [
        (
            ("8BITMIME",),
            email(address="j\u00f6rg@example.com"),
            "the server does not offer SMTPUTF8, which is needed for",
        ),
        (("SMTPUTF8",), email(mime=HEAD + b"\r\n\xc3\xa4\r\n"), "the server does not offer 8BITMIME, which is needed"),
        (("SIZE 50",), email(), "the message has 103 bytes, and the server takes at most 50"),
    ],
)
async def test_what_the_server_cannot_do_is_said_aloud(offers: tuple[str, ...], message: Any, told: str) -> None:
    async def play(peer: Peer) -> None:
        await peer.greet(*offers)
        assert await peer.hear() == "QUIT\r\n"

    async with played(play) as port, sending(port) as provider:
        (outcome,) = await provider.send([message])

    assert outcome.status == Status.PERMANENT_FAILURE
    assert outcome.detail.startswith(told)


async def test_size_and_8bitmime_are_announced(mail_server: MailServer) -> None:
    async with sending(mail_server.port) as provider:
        await provider.send([email(mime=HEAD + b"\r\n\xc3\xa4\r\n")])

    (mail,) = mail_server.received
    assert mail.options == ("SIZE=103", "BODY=8BITMIME")


async def test_a_server_whose_bounces_can_name_it_is_told_the_messages_id() -> None:
    heard: list[str] = []

    async def play(peer: Peer) -> None:
        await peer.greet("DSN")
        heard.append(await peer.hear())
        await peer.say("250 ok")
        await peer.hear()
        await peer.say("250 ok")
        await peer.hear()
        await peer.say("354 go on")
        await peer.hear_until(END)
        await peer.say("250 ok")
        await peer.wait_lost()

    async with played(play) as port, sending(port) as provider:
        (outcome,) = await provider.send([email(7)])

    assert outcome.is_sent
    assert heard == [f"MAIL FROM:<bounces@example.com> ENVID={email(7).id}\r\n"]

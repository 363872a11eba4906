"""A message goes out through a mail server, comes back into a mailbox, and the worker of `repoint serve` notes it."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.delivery.bounces import mails
from tests.fixtures.imap import ImapServer
from tests.fixtures.processes import Serve, wait_until


class _Relay:
    """Takes mail, and has it come back to its sender without a word of what it was."""

    def __init__(self, imap: ImapServer) -> None:
        self._imap = imap
        self.senders: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the library's name
        self.senders.append(envelope.mail_from)
        bounce = mails.report("delivery-status", "Action: failed\nStatus: 5.1.1\n", returned="")
        self._imap.put(bounce.replace(b"To: news@shop.example", f"To: {envelope.mail_from}".encode()))
        return "250 2.0.0 Ok: queued as 4F1X2Y3Z"


@pytest.fixture
def imap() -> Iterator[ImapServer]:
    """The mailbox of bounces."""
    with ImapServer(password="secret").running() as server:
        yield server


@pytest.fixture
def relay(imap: ImapServer) -> Iterator[tuple[_Relay, int]]:
    """A mail server that bounces everything, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    relay = _Relay(imap)
    controller = Controller(relay, hostname="127.0.0.1", port=port)
    controller.start()
    yield relay, port
    controller.stop()


def test_what_comes_back_is_noted_though_it_names_no_message(
    stopped: Serve, imap: ImapServer, relay: tuple[_Relay, int]
) -> None:
    handler, port = relay
    box = {"host": "127.0.0.1", "port": imap.port, "tls": "none", "allow_plain_auth": True}
    box |= {"user": "bounces", "password": "secret", "done_folder": "Done mails", "interval_s": 1}
    smtp = {"kind": "email_smtp", "host": "127.0.0.1", "port": port, "tls": "none", "bounces_to": "back@shop.example"}
    environment = {
        "REPOINT_BOUNCE_MAILBOXES": json.dumps({"bounces": box}),
        "REPOINT_PROVIDERS": json.dumps({"relay": smtp}),
        "REPOINT_CHANNEL_PROVIDERS": json.dumps({"EMAIL": ["relay"]}),
    }
    stopped.start(env=environment)
    client = stopped.client()
    app = client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"]
    email = {"FromAddress": "News <news@shop.example>", "Identity": "shop.example"}
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=email)
    raw = b"From: News <news@shop.example>\nTo: ann@example.net\nSubject: Hi\nMessage-ID: <own@shop.example>\n\nHi\n"

    client.send_messages(
        ApplicationId=app,
        MessageRequest={
            "Addresses": {"ann@example.net": {"ChannelType": "EMAIL"}},
            "MessageConfiguration": {"EmailMessage": {"RawEmail": {"Data": raw}}},
        },
    )

    wait_until(lambda: "ann@example.net\tBOUNCE" in stopped.repoint("suppressions", "list").stdout)
    wait_until(lambda: len(imap.folders["Done mails"]) == 1)
    assert handler.senders[0].startswith("back+")
    assert stopped.stop() == 0

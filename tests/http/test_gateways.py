"""What SMS gateways tell by HTTP: the examples of the documents, over the wire."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from repoint.db.pool import Database
from repoint.queue.worker import Worker
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.server import Raw, Response, Serve, make_client

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gateways.md"
EXAMPLES = {
    name: example
    for text in re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for name, example in tomllib.loads(text)["providers"].items()
}
TOKEN = "the-end-of-the-url"
OURS, ANA = "+12065550142", "+12065550101"


class Shop:
    """A shop that sends through a gateway and publishes to the same receiver."""

    def __init__(self, serve: Serve, receiver: Receiver, name: str) -> None:
        options = json.loads(json.dumps(EXAMPLES[name]).replace(json.dumps("…"), '"hidden"'))
        options["url"] = re.sub("https://[^/]+", receiver.url, options["url"])
        options["callbacks"] = {**options["callbacks"], "token": TOKEN}
        server = serve(
            providers={name: options},
            channel_providers={"SMS": [name]},
            sms_numbers={OURS: {"destination": f"{receiver.url}/replies"}},
            allowed_private_networks=["127.0.0.0/8"],
        )
        self.settings, self.raw, self.receiver = server.settings, Raw(server), receiver
        self.client = make_client(server)
        self.path = f"/callbacks/gateways/{name}/{TOKEN}"
        answer = self.client.create_app(CreateApplicationRequest={"Name": "Shop"})
        self.app: str = answer["ApplicationResponse"]["Id"]
        self.client.update_sms_channel(ApplicationId=self.app, SMSChannelRequest={"Enabled": True})

    def send(self) -> None:
        """Send one message."""
        message = {"SMSMessage": {"Body": "Hi"}}
        request = {"Addresses": {ANA: {"ChannelType": "SMS"}}, "MessageConfiguration": message}
        answer = self.client.send_messages(ApplicationId=self.app, MessageRequest=request)["MessageResponse"]
        assert answer["Result"][ANA]["DeliveryStatus"] == "SUCCESSFUL", answer

    def ends(self) -> list[str]:
        """What is logged of the message."""
        items = self.raw.send("GET", f"/repoint/v1/apps/{self.app}/events").json["Item"]
        return [f"{each['Record']['event_type']} {each['Record']['attributes']['record_status']}" for each in items]

    def post_form(self, **fields: str) -> Response:
        """Call back with a form."""
        return self.raw.send_unsigned("POST", self.path, urlencode(fields).encode(), headers={"Content-Type": FORM})

    def post_json(self, document: Any) -> Response:
        """Call back with JSON."""
        return self.raw.send_unsigned("POST", self.path, json.dumps(document).encode())


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("name", "answer", "receipt", "inbound"),
    [
        pytest.param(
            "twilio",
            b'{"sid": "SM1", "status": "queued"}',
            lambda shop, word: shop.post_form(MessageSid="SM1", MessageStatus=word, To=ANA),
            lambda shop, body: shop.post_form(MessageSid="SM9", From=ANA, To=OURS, Body=body, SmsStatus="received"),
            id="form",
        ),
        pytest.param(
            "gateway",
            b'{"id": "SM1"}',
            lambda shop, word: shop.post_json({"event": "status", "message": {"id": "SM1", "status": word}}),
            lambda shop, body: shop.post_json(
                {"event": "received", "message": {"id": "SM9", "from": ANA[1:], "to": OURS[1:], "text": body}}
            ),
            id="json",
        ),
    ],
)
async def test_a_gateway_tells_of_receipts_and_messages(  # noqa: PLR0913, PLR0917 - the gateway's form
    serve: Serve,
    receiver: Receiver,
    database: Database,
    name: str,
    answer: bytes,
    receipt: Callable[[Shop, str], Response],
    inbound: Callable[[Shop, str], Response],
) -> None:
    receiver.answer = lambda got: Answer(200, b"" if got.path == "/replies" else answer)
    shop = Shop(serve, receiver, name)
    shop.send()

    answers = [receipt(shop, word) for word in ("sent", "delivered", "delivered", "undelivered")]
    answers += [inbound(shop, "line 1\nline 2 & ü"), inbound(shop, "again")]
    await Worker(database, shop.settings).drain()

    assert [(each.status, each.body) for each in answers] == [(200, b"")] * 6
    assert shop.ends() == ["_SMS.BUFFERED SUCCESSFUL", "_SMS.SUCCESS DELIVERED"]
    (told,) = [json.loads(each.body) for each in receiver.received if each.path == "/replies"]
    assert (told["originationNumber"], told["destinationNumber"]) == (ANA, OURS)
    assert told["messageBody"] == "line 1\nline 2 & ü"


def test_an_id_that_is_no_text_is_kept_as_well_as_it_can_be(serve: Serve, receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, b'{"id": "\\ud83d1\\u0000"}')
    shop = Shop(serve, receiver, "gateway")
    shop.send()

    receipt = shop.post_json({"message": {"id": "\ud83d1 ", "status": "delivered"}})
    odd = shop.post_json({"message": {"id": "a\0", "status": "delivered"}})
    inbound = shop.post_json({"message": {"id": "\0" * 90_000, "from": "a\0b", "to": "+abc", "text": "STOP\0"}})

    assert (receipt.status, odd.status, inbound.status) == (200, 200, 200)
    assert shop.ends() == ["_SMS.BUFFERED SUCCESSFUL", "_SMS.SUCCESS DELIVERED"]


def test_a_receipt_of_an_unknown_message_changes_nothing(serve: Serve, receiver: Receiver) -> None:
    shop = Shop(serve, receiver, "twilio")

    answer = shop.post_form(MessageSid="SM404", MessageStatus="delivered")

    assert answer.status == 200
    assert shop.ends() == []


def test_only_who_knows_the_token_is_listened_to(serve: Serve, receiver: Receiver) -> None:
    shop = Shop(serve, receiver, "twilio")

    for path in (
        f"/callbacks/gateways/twilio/{TOKEN[:-1]}",
        "/callbacks/gateways/twilio/",
        f"/callbacks/gateways/nobody/{TOKEN}",
        f"/callbacks/gateways/mailbox/{TOKEN}",
        "/callbacks/gateways/",
        "/callbacks/gateways/twilio/%FF%00",
    ):
        assert shop.raw.send_unsigned("POST", path, b"From=a&To=b&Body=c").status == 404
    assert shop.raw.send_unsigned("DELETE", shop.path).status == 405


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"{", b"[1]", b"a=" + b"&a=" * 5000, b'{"Body": 1}'])
def test_nonsense_is_no_error_of_ours(serve: Serve, receiver: Receiver, body: bytes) -> None:
    for name in ("twilio", "gateway"):
        shop = Shop(serve, receiver, name)

        assert shop.raw.send_unsigned("POST", shop.path, body).status in {200, 400}

"""Text messages through gateways: the examples of the documents, and what goes wrong with others."""

import json
import re
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from repoint.delivery.message import Message, Sms
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings
from repoint.delivery.providers.sms_http import SmsHttpOptions, open_sms_http
from repoint.delivery.routes import read_routes
from repoint.functions.call import Functions
from repoint.settings import Settings
from tests.fixtures.messages import sms
from tests.fixtures.receiver import Answer, Receiver

PAGE = Path(__file__).resolve().parents[3] / "docs" / "gateways.md"
EXAMPLES = {
    name: example
    for text in re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for name, example in tomllib.loads(text)["providers"].items()
}
URL = "https://sms.example/send"


@asynccontextmanager
async def sending(options: dict[str, Any]) -> AsyncIterator[Provider]:
    """A gateway with these options."""

    async def keep(_: object) -> None:
        raise AssertionError("text messages go out")

    async with open_sms_http(
        SmsHttpOptions.model_validate(options), Surroundings(Settings(), keep, Functions(Settings()))
    ) as provider:
        yield provider


def example(name: str, receiver: Receiver) -> dict[str, Any]:
    """The options of an example, leading to the test's own server; its secrets made whole."""
    # What gateways tell later is tried in tests/http/test_gateways.py.
    options = {key: value for key, value in EXAMPLES[name].items() if key not in {"kind", "callbacks"}}
    text = json.dumps(options).replace(json.dumps("…"), '"hidden"')
    return {**json.loads(text), "url": re.sub("https://[^/]+", receiver.url, options["url"])}


async def send(options: dict[str, Any], message: Message) -> Outcome:
    """Send one message."""
    async with sending(options) as provider:
        (outcome,) = await provider.send([message])
    return outcome


def test_the_examples_are_settings() -> None:
    for name, options in EXAMPLES.items():
        routes = read_routes(Settings(providers={name: options}, channel_providers={"SMS": (name,)}))
        assert routes.names("any", "SMS") == (name,)
    assert sorted(EXAMPLES) == ["gateway", "twilio", "vonage"]


async def test_twilio_gets_a_form(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(201, b'{"sid": "SM1", "status": "queued"}')

    outcome = await send(example("twilio", receiver), sms(body="1 & 2 = 3 % ü 🎉", sender_id="SHOP"))

    (received,) = receiver.received
    assert outcome == Outcome(Status.SUCCESSFUL, 200, "the gateway answered 201", "SM1")
    assert received.path == "/2010-04-01/Accounts/AC0123/Messages.json"
    assert received.headers["authorization"] == "Basic QUMwMTIzOmhpZGRlbg=="
    assert received.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(received.body.decode("ascii")) == [
        ("To", "+12065550001"),
        ("From", "SHOP"),
        ("Body", "1 & 2 = 3 % ü 🎉"),
    ]


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (
            400,
            '{"code": 21211, "message": "Invalid number"}',
            Outcome(Status.PERMANENT_FAILURE, 400, "the gateway answered 400: 21211: Invalid number"),
        ),
        (
            400,
            '{"code": 21610, "message": "Unsubscribed"}',
            Outcome(Status.OPT_OUT, 400, "the gateway answered 400: 21610: Unsubscribed"),
        ),
        (
            429,
            '{"code": 20429, "message": "Too many"}',
            Outcome(Status.THROTTLED, 429, "the gateway answered 429: 20429: Too many", retry_after_s=7),
        ),
        (
            401,
            '{"code": 20003, "message": "no hidden"}',
            Outcome(Status.TEMPORARY_FAILURE, 500, "the gateway answered 401: 20003: no ***", retry_after_s=7),
        ),
        (503, "<html>", Outcome(Status.TEMPORARY_FAILURE, 500, "the gateway answered 503", retry_after_s=7)),
        (
            504,
            "",
            Outcome(Status.UNKNOWN_FAILURE, 500, "the gateway answered 504", is_in_doubt=True),
        ),
        (201, "no json", Outcome(Status.SUCCESSFUL, 200, "the gateway answered 201")),
    ],
)
async def test_what_twilio_answers_is_understood(receiver: Receiver, status: int, body: str, outcome: Outcome) -> None:
    receiver.answer = lambda _: Answer(status, body.encode(), {"Retry-After": "7"})

    assert await send(example("twilio", receiver), sms()) == outcome


async def test_vonage_gets_json(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, b'{"messages": [{"status": "0", "message-id": "0C1"}]}')

    outcome = await send(example("vonage", receiver), sms(body='"}, {ж'))

    (received,) = receiver.received
    assert outcome == Outcome(Status.SUCCESSFUL, 200, "the gateway answered 200: 0", "0C1")
    assert json.loads(received.body) == {
        "api_key": "abcd1234",
        "api_secret": "hidden",
        "to": "12065550001",
        "text": '"}, {ж',
        "type": "unicode",
        "client-ref": "m-1",
    }


@pytest.mark.parametrize(
    ("word", "status", "is_in_doubt"),
    [
        ("1", Status.THROTTLED, False),
        ("5", Status.TEMPORARY_FAILURE, False),
        ("6", Status.PERMANENT_FAILURE, False),
        ("7", Status.OPT_OUT, False),
        ("77", Status.UNKNOWN_FAILURE, True),
        (None, Status.UNKNOWN_FAILURE, True),
    ],
)
async def test_what_vonage_answers_is_understood(
    receiver: Receiver,
    word: str | None,
    status: Status,
    is_in_doubt: bool,  # noqa: FBT001 - a column
) -> None:
    receiver.answer = lambda _: Answer(200, json.dumps({"messages": [{"status": word}]}).encode())

    outcome = await send(example("vonage", receiver), sms())

    assert (outcome.status, outcome.is_in_doubt) == (status, is_in_doubt)


async def test_a_gateway_with_a_token_is_told_of_repeats(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(202, b'{"id": 17}')
    message = replace(sms(), content=Sms("Hi", "PROMOTIONAL", origination_number="+12065550199"))

    outcome = await send(example("gateway", receiver), message)

    (received,) = receiver.received
    assert outcome == Outcome(Status.SUCCESSFUL, 200, "the gateway answered 202", "17")
    assert received.headers["authorization"] == "Bearer hidden"
    assert received.headers["idempotency-key"] == "m-1"
    assert json.loads(received.body) == {
        "to": "+12065550001",
        "text": "Hi",
        "sender": {"number": "+12065550199"},
        "labels": ["PROMOTIONAL"],
    }


async def test_values_are_encoded_in_a_url(receiver: Receiver) -> None:
    options = {
        "url": f"{receiver.url}/a%20b/{{body}}/send",
        "query": {"to": "{address}", "x": "{{y}}", "o": "{origin}"},
    }

    outcome = await send(options, sms(body="../1?2&3#4%5 ü"))

    (received,) = receiver.received
    assert outcome.is_sent
    assert received.path == "/a%20b/..%2F1%3F2%263%234%255%20%C3%BC/send?to=%2B12065550001&x=%7By%7D"


async def test_a_text_can_tell_the_outcome(receiver: Receiver) -> None:
    options = {
        "url": receiver.url,
        "form": {},
        "status_at": "^(OK|ERR)",
        "id_at": r"OK (\w+)",
        "sent": ["OK"],
        "permanent": ["ERR"],
    }
    receiver.answer = lambda _: Answer(200, b"OK 17\r\n" if receiver.received[1:] else b"ERR 4")

    outcomes = [await send(options, sms()), await send(options, sms())]

    assert outcomes[0].status == Status.PERMANENT_FAILURE
    assert (outcomes[1].status, outcomes[1].provider_message_id) == (Status.SUCCESSFUL, "17")


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(307, headers={"Location": f"{receiver.url}/elsewhere"})

    outcome = await send({"url": receiver.url}, sms())

    assert outcome == Outcome(Status.TEMPORARY_FAILURE, 500, "the gateway answered 307")
    assert len(receiver.received) == 1


async def test_an_endless_answer_is_not_read(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, b"x" * 5_000_000 + b"id=1")

    outcome = await send({"url": receiver.url, "id_at": r"id=(\d)"}, sms())

    assert (outcome.status, outcome.provider_message_id) == (Status.SUCCESSFUL, None)


async def test_a_host_that_nobody_knows_is_a_temporary_failure() -> None:
    outcome = await send({"url": "http://nobody.invalid/"}, sms())

    assert outcome == Outcome(Status.TEMPORARY_FAILURE, 500, "the gateway cannot be reached: its name has no address")


async def test_half_a_character_is_replaced(receiver: Receiver) -> None:
    await send({"url": receiver.url, "form": {"t": "{body}"}}, sms(body="a\ud83d"))
    await send({"url": receiver.url, "json_body": {"t": "{body}"}}, sms(body="a\ud83d"))

    assert [received.body for received in receiver.received] == [b"t=a%3F", b'{"t": "a?"}']


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"url": "ftp://sms.example"}, "String should match pattern"),
        ({"url": "https://{address}.example/"}, "String should match pattern"),
        ({"url": "https://user:password@sms.example/"}, "String should match pattern"),
        ({"url": "https://sms.example/{adress}"}, r"there is no {adress} here, but {address}, {address_digits}"),
        ({"url": URL, "form": {"a": "{body"}}, "a single { stands in '{body'"),
        ({"url": URL, "form": {"a": "{secret.key}"}}, "there is no {secret.key}: secrets does not have it"),
        ({"url": URL, "json_body": {"a": [{"b": "{Body}"}]}}, "a single { stands in '{Body}'"),
        ({"url": URL, "form": {}, "json_body": {}}, "a request has one body: form or json_body"),
        ({"url": URL, "method": "GET", "form": {}}, "a GET has no body: use query"),
        ({"url": URL, "headers": {"A": "{body}"}}, "there is no {body} here"),
        ({"url": URL, "headers": {"A": "a\r\nB: c"}}, "the header A holds what no header can"),
        ({"url": URL, "headers": {"A: b": "c"}}, "A: b is no name of a header"),
        ({"url": URL, "user": "a"}, "user and password belong together"),
        ({"url": URL, "id_at": "id=("}, "neither a JSON pointer"),
        ({"url": URL, "id_at": "id"}, "a regular expression needs a group"),
        ({"url": URL, "sent": ["1"], "permanent": ["1"]}, "1 cannot mean two things"),
        ({"url": URL, "alphabets": {"gsm": "x"}}, "gsm and ucs2 belong together"),
    ],
)
def test_options_that_do_not_fit_are_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        SmsHttpOptions.model_validate(options)


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [("120", 120), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None), ("", None), ("-1", None)],
)
async def test_retry_after_is_seconds_or_a_date(receiver: Receiver, header: str, wait_s: float | None) -> None:
    receiver.answer = lambda _: Answer(429, headers={"Retry-After": header})

    outcome = await send({"url": receiver.url}, sms())

    assert (outcome.status, outcome.retry_after_s) == (Status.THROTTLED, wait_s)

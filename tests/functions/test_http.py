"""Functions behind a URL, on a server of the test's own."""

import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest

from repoint.functions.http import HttpFunction, open_http
from repoint.functions.result import Failed, FailureKind, Result, Returned
from repoint.settings import Settings
from tests.fixtures.receiver import Answer, Receiver

HERE = Settings(allowed_private_networks=(ip_network("127.0.0.0/8"),))


@asynccontextmanager
async def opened(receiver: Receiver, settings: Settings = HERE) -> AsyncIterator[HttpFunction]:
    async with open_http(f"{receiver.url}/hook", settings, 5) as function:
        yield function


async def called(receiver: Receiver, answer: Answer) -> Result:
    receiver.answer = lambda _: answer
    async with opened(receiver) as function:
        return await function.call("arn", b'{"a": 1}')


async def test_the_payload_is_posted_as_json_and_the_answer_read(receiver: Receiver) -> None:
    result = await called(receiver, Answer(200, b'{"b": [2]}'))

    assert result == Returned({"b": [2]})
    (received,) = receiver.received
    assert (received.path, json.loads(received.body)) == ("/hook", {"a": 1})
    assert received.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_success_is_one(receiver: Receiver, status: int) -> None:
    assert await called(receiver, Answer(status)) == Returned(None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, FailureKind.THREW),
        (400, FailureKind.THREW),
        (401, FailureKind.NOT_ALLOWED),
        (403, FailureKind.NOT_ALLOWED),
        (404, FailureKind.NOT_FOUND),
        (408, FailureKind.TIMED_OUT),
        (410, FailureKind.NOT_FOUND),
        (413, FailureKind.TOO_LARGE),
        (422, FailureKind.THREW),
        (429, FailureKind.THROTTLED),
        (500, FailureKind.UNREACHABLE),
        (503, FailureKind.UNREACHABLE),
        (504, FailureKind.TIMED_OUT),
    ],
)
async def test_other_answers_are_failures(receiver: Receiver, status: int, kind: FailureKind) -> None:
    result = await called(receiver, Answer(status, b'{"someone": "private"}', {"Location": "/elsewhere"}))

    assert result == Failed(kind, f"127.0.0.1 answered {status}", status=status, may_have_run=status == 504)
    assert len(receiver.received) == 1


async def test_an_answer_that_is_no_json_is_told(receiver: Receiver) -> None:
    result = await called(receiver, Answer(200, b"OK"))

    assert result == Failed(FailureKind.NO_JSON, "the answer, 2 bytes, is not JSON", status=200)


async def test_an_answer_may_have_six_megabytes_and_no_more(receiver: Receiver) -> None:
    largest = b'"' + b"x" * 6_291_454 + b'"'

    assert isinstance(await called(receiver, Answer(200, largest)), Returned)
    assert await called(receiver, Answer(200, largest + b" ")) == Failed(
        FailureKind.TOO_LARGE, "the answer has more than 6291456 bytes", status=200
    )


async def test_a_private_address_is_not_called(receiver: Receiver) -> None:
    async with open_http(f"https://127.0.0.1:{receiver.port}/", Settings(), 5) as function:
        result, failed = await function.call("arn", b"{}"), await function.check()

    refusal = Failed(FailureKind.NOT_ALLOWED, "127.0.0.1 is not on the public internet, see allowed_private_networks")
    assert (result, failed) == (refusal, refusal)
    assert receiver.received == []


async def test_a_server_that_is_not_there_is_told() -> None:
    async with open_http("http://127.0.0.1:9/", HERE, 5) as function:
        result = await function.call("arn", b"{}")

    assert isinstance(result, Failed)
    assert result.kind is FailureKind.UNREACHABLE
    assert result.detail.startswith("127.0.0.1 could not be called")
    assert not result.may_have_run


async def test_a_connection_that_breaks_after_the_payload_leaves_it_open_whether_it_ran(receiver: Receiver) -> None:
    result = await called(receiver, Answer(is_dropped=True))

    assert isinstance(result, Failed)
    assert (result.kind, result.may_have_run) == (FailureKind.UNREACHABLE, True)


async def test_a_server_that_takes_too_long_is_given_up(receiver: Receiver) -> None:
    goes_on = threading.Event()
    receiver.answer = lambda _: Answer(200) if goes_on.wait(5) else Answer(500)

    async with open_http(receiver.url, HERE, 0.1) as function:
        result = await function.call("arn", b"{}")
    goes_on.set()

    assert result == Failed(FailureKind.TIMED_OUT, "127.0.0.1 did not answer in time", may_have_run=True)


async def test_a_check_calls_nobody(receiver: Receiver) -> None:
    async with opened(receiver) as function:
        assert await function.check() is None

    assert receiver.received == []

"""One call, whoever runs the function: who it is, whether it may be called, and how often it is tried."""

import json
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from repoint.functions import call as module
from repoint.functions.call import Callee, Functions, open_functions
from repoint.functions.result import Failed, FailureKind, Result, Returned
from repoint.settings import Settings
from repoint.tables import AwsService
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.streamed import CREDENTIALS, ROLE, service

HANDLERS = Path(__file__).with_name("handlers.py")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "functions.md"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:greet"
CAMPAIGN = "arn:aws:mobiletargeting:us-east-1:000000000000:apps/a1/campaigns/c1"


def settings(receiver: Receiver | None = None, **functions: Any) -> Settings:
    """Settings with these functions, and the receiver as Lambda API."""
    return Settings(
        functions=functions,
        lambda_api=None if receiver is None else service(receiver.url),
        allowed_private_networks=(ip_network("127.0.0.0/8"),),
    )


async def called(settings: Settings, function: str = "greet", payload: Any = None, **options: Any) -> Result:
    async with open_functions(settings) as functions:
        return await functions.call(function, {"a": 1} if payload is None else payload, **options)


@pytest.mark.parametrize("place", ["file", "url", "lambda"])
async def test_the_same_payload_goes_everywhere(receiver: Receiver, place: str) -> None:
    receiver.answer = lambda received: Answer(200, received.body)
    places = {"file": f"{HANDLERS}:echo", "url": receiver.url, "lambda": "elsewhere"}
    payload = {"Endpoints": {"e1": {"Address": "é\u2028\U0001f600", "Metrics": {"n": 1.5}}}, "Message": {}}

    result = await called(settings(receiver, greet={place: places[place]}), payload=payload)

    assert result == Returned(payload)
    assert [json.loads(each.body) for each in receiver.received] == [payload] * (place != "file")


@pytest.mark.parametrize("name", ["greet", "greet:live", ARN, f"{ARN}:7", "123456789012:function:greet"])
async def test_a_configured_name_goes_first_however_it_is_written(receiver: Receiver, name: str) -> None:
    result = await called(settings(receiver, greet={"file": f"{HANDLERS}:echo"}), name)

    assert result == Returned({"a": 1})
    assert receiver.received == []


@pytest.mark.parametrize(
    ("configured", "name", "path"),
    [
        (None, f"{ARN}:live", f"{ARN}:live"),
        (None, "greet", "greet"),
        ("other", f"{ARN}:live", "other:live"),
        ("other:7", "greet:live", "other:7"),
        (ARN.replace("greet", "other"), "greet", ARN.replace("greet", "other")),
    ],
)
async def test_the_lambda_api_is_asked_for_what_it_knows(
    receiver: Receiver, configured: str | None, name: str, path: str
) -> None:
    receiver.answer = lambda _: Answer(200, b"{}")

    result = await called(settings(receiver, **({} if configured is None else {"greet": {"lambda": configured}})), name)

    assert result == Returned({})
    assert unquote(receiver.received[0].path) == f"/2015-03-31/functions/{path}/invocations"


async def test_the_hook_of_the_page_filters(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python\n(def .*?)\n\n\nevent = ", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "hooks.py").write_text(example)
    endpoints = {"a": {"Attributes": {"plan": ["pro"]}}, "b": {"Attributes": {"plan": ["trial"]}}}

    result = await called(settings(greet=f"{tmp_path}/hooks.py:greet"), payload={"Endpoints": endpoints})

    assert result == Returned({"a": {"Attributes": {"plan": ["pro"], "Offer": ["20 %"]}}})


async def test_a_function_of_another_region_is_not_called(receiver: Receiver) -> None:
    result = await called(settings(receiver), ARN.replace("us-east-1", "eu-west-1"))

    assert result == Failed(FailureKind.NOT_FOUND, "functions in eu-west-1 are not called, see the setting regions")
    assert receiver.received == []


async def test_what_is_no_name_is_told() -> None:
    result = await called(settings(), "https://example.com/\n")

    assert result == Failed(FailureKind.NOT_FOUND, "'https://example.com/\\n' is no name and no ARN of a function")


@pytest.mark.parametrize("source_arn", [CAMPAIGN.replace("a1", "a2"), None])
async def test_who_is_not_allowed_makes_no_call(receiver: Receiver, source_arn: str | None) -> None:
    greet = {"url": receiver.url, "allow": ["arn:aws:mobiletargeting:us-east-1:*:apps/a1/*"]}

    result = await called(settings(greet=greet), source_arn=source_arn)

    assert result == Failed(FailureKind.NOT_ALLOWED, f"functions.greet.allow does not fit {source_arn}")
    assert receiver.received == []


async def test_who_is_allowed_makes_one(receiver: Receiver) -> None:
    greet = {"url": receiver.url, "allow": ["arn:aws:mobiletargeting:us-east-1:*:apps/a1/*"]}

    assert await called(settings(greet=greet), source_arn=CAMPAIGN) == Returned(None)


async def test_a_payload_may_have_six_megabytes_and_no_more(receiver: Receiver) -> None:
    largest = b'"' + b"x" * 6_291_454 + b'"'

    assert await called(settings(greet={"url": receiver.url}), payload=largest) == Returned(None)
    assert await called(settings(greet={"url": receiver.url}), payload=largest + b" ") == Failed(
        FailureKind.TOO_LARGE, "the payload, 6291457 bytes, has more than 6291456"
    )
    assert len(receiver.received) == 1


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(module, "WAITS_S", (0.0, 0.0))


def answering(receiver: Receiver, *statuses: int) -> None:
    """One status after the other."""
    left = list(statuses)
    receiver.answer = lambda _: Answer(left.pop(0), b"{}")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_failures_that_may_pass_are_tried_again(receiver: Receiver, status: int) -> None:
    answering(receiver, status, status, 200)

    assert await called(settings(greet={"url": receiver.url}), attempts=3) == Returned({})
    assert len(receiver.received) == 3


@pytest.mark.usefixtures("hasty")
async def test_the_last_failure_is_told(receiver: Receiver) -> None:
    answering(receiver, 500, 503, 502)

    result = await called(settings(greet={"url": receiver.url}), attempts=3)

    assert result == Failed(FailureKind.UNREACHABLE, "127.0.0.1 answered 502", status=502, may_have_run=True)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("status", [301, 400, 403, 404, 413])
async def test_others_are_not(receiver: Receiver, status: int) -> None:
    answering(receiver, status, 200)

    result = await called(settings(greet={"url": receiver.url}), attempts=3)

    assert isinstance(result, Failed)
    assert result.status == status
    assert len(receiver.received) == 1


@pytest.mark.usefixtures("hasty")
async def test_a_handler_that_threw_is_not_called_again(receiver: Receiver) -> None:
    body = b'{"errorType": "KeyError", "errorMessage": "x"}'
    receiver.answer = lambda _: Answer(200, body, {"X-Amz-Function-Error": "Unhandled"})

    result = await called(settings(receiver), attempts=3)

    assert result == Failed(FailureKind.THREW, "the function failed: Unhandled", "KeyError", "x")
    assert len(receiver.received) == 1


async def test_attempts_follow_after_one_second_and_two() -> None:
    assert module.WAITS_S == (1.0, 2.0)


async def test_a_url_of_a_campaign_is_called_as_a_function_is(receiver: Receiver) -> None:
    receiver.answer = lambda received: Answer(200, received.body)

    async with open_functions(settings()) as functions, functions.at_url(f"{receiver.url}/hook") as function:
        assert isinstance(function, Callee)
        assert await function.check() is None
        result = await function.call({"a": 1})

    assert result == Returned({"a": 1})
    assert receiver.received[0].path == "/hook"


async def test_a_url_that_is_called_again_is_called_over_the_same_connection(receiver: Receiver) -> None:
    async with open_functions(settings()) as functions:
        for _ in range(3):
            async with functions.at_url(f"{receiver.url}/hook") as function:
                assert isinstance(function, Callee)
                assert await function.call({}) == Returned(None)

        assert receiver.connections == 1


async def test_a_url_that_cannot_be_called_is_told() -> None:
    async with open_functions(settings()) as functions, functions.at_url("https://me:secret@example.com/") as function:
        pass

    assert function == Failed(
        FailureKind.NOT_ALLOWED, "a URL with a password in it is shown to everybody who may read the configuration"
    )


async def test_functions_that_were_closed_begin_anew() -> None:
    functions = Functions(settings(greet={"file": f"{HANDLERS}:about"}))

    first = await functions.call("greet", {})
    await functions.close()
    second = await functions.call("greet", {})
    await functions.close()

    assert isinstance(first, Returned)
    assert isinstance(second, Returned)
    assert first.value["process"] != second.value["process"]


async def test_ways_are_opened_once(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, b"{}")

    async with open_functions(settings(receiver)) as functions:
        first = await functions.find("greet")
        second = await functions.find("wave:7")

    assert not isinstance(first, Failed)
    assert not isinstance(second, Failed)
    assert first.way._client is second.way._client  # type: ignore[attr-defined] # noqa: SLF001 - what is to be shared


@pytest.mark.parametrize(
    ("role_arn", "is_known"), [(None, True), (ROLE, True), ("arn:aws:iam::000000000000:role/other", False)]
)
async def test_the_lambda_api_is_called_in_a_role_if_one_is_named(
    receiver: Receiver, role_arn: str | None, *, is_known: bool
) -> None:
    receiver.answer = lambda _: Answer(200, b"{}")
    api = AwsService(endpoint_url=receiver.url, credentials=CREDENTIALS, roles={ROLE: CREDENTIALS})

    async with open_functions(Settings(lambda_api=api), role_arn=role_arn) as functions:
        result = await functions.call("greet", {})

    refusal = Failed(FailureKind.NOT_ALLOWED, f"AccessDenied: no credentials are set for {role_arn}")
    assert result == (Returned({}) if is_known else refusal)

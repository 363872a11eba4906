"""Calls of functions through the Lambda API, on a server of the test's own."""

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

import pytest

from repoint.aws import AwsError
from repoint.functions.lambda_api import LambdaFunction, open_lambda, refused
from repoint.functions.result import Failed, FailureKind, Returned
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.streamed import PERSONAL, ROLE, service

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:greet"


@asynccontextmanager
async def opened(receiver: Receiver, name: str = ARN, timeout_s: float = 5) -> AsyncIterator[LambdaFunction]:
    async with open_lambda("eu-west-1", service(receiver.url), role_arn=ROLE) as client:
        yield LambdaFunction(client, name, timeout_s)


@pytest.mark.parametrize("name", [f"{ARN}:live", "greet:7"])
async def test_a_call_answers_what_the_function_does(receiver: Receiver, name: str) -> None:
    receiver.answer = lambda received: Answer(200, b'{"hello": ' + received.body + b"}")

    async with opened(receiver, name) as function:
        result = await function.call(name, b'"you"')

    assert result == Returned({"hello": "you"})
    assert unquote(receiver.received[0].path) == f"/2015-03-31/functions/{name}/invocations"
    assert "/eu-west-1/lambda/" in receiver.received[0].headers["authorization"]


async def test_what_a_function_said_is_kept_apart_from_what_is_told(receiver: Receiver) -> None:
    body = f'{{"errorType": "KeyError", "errorMessage": "{PERSONAL}"}}'.encode()
    receiver.answer = lambda _: Answer(200, body, {"X-Amz-Function-Error": "Unhandled"})

    async with opened(receiver) as function:
        result = await function.call(ARN, b"{}")

    assert isinstance(result, Failed)
    assert (result.error_type, result.error_message) == ("KeyError", PERSONAL)
    assert str(result) == "threw: the function failed: Unhandled"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(403, "", FailureKind.NOT_ALLOWED), (429, "TooManyRequestsException", FailureKind.THROTTLED)],
)
async def test_a_call_that_is_refused_tells_why(receiver: Receiver, status: int, code: str, kind: FailureKind) -> None:
    body = f'{{"Message": "{PERSONAL}"}}'.encode()
    receiver.answer = lambda _: Answer(status, body, {"x-amzn-ErrorType": code} if code else {})

    async with opened(receiver) as function:
        result = await function.call(ARN, b"{}")

    assert isinstance(result, Failed)
    assert (result.kind, result.detail) == (kind, code or str(status))
    # Once, whatever comes of it: whoever calls knows whether it may run twice.
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", FailureKind.NOT_ALLOWED),
        ("NoCredentials", FailureKind.NOT_ALLOWED),
        ("ResourceNotFoundException", FailureKind.NOT_FOUND),
        ("404", FailureKind.NOT_FOUND),
        ("RequestTooLargeException", FailureKind.TOO_LARGE),
        ("429", FailureKind.THROTTLED),
        ("ServiceException", FailureKind.UNREACHABLE),
        ("EndpointUnreachable", FailureKind.UNREACHABLE),
        ("502", FailureKind.UNREACHABLE),
    ],
)
def test_words_of_the_service_are_told_in_ours(code: str, kind: FailureKind) -> None:
    assert refused(AwsError(code, PERSONAL, is_ours=False)) == Failed(kind, code)


async def test_a_function_that_takes_too_long_is_given_up(receiver: Receiver) -> None:
    goes_on = threading.Event()
    receiver.answer = lambda _: Answer(200) if goes_on.wait(5) else Answer(500)

    async with opened(receiver, timeout_s=0.1) as function:
        result = await function.call(ARN, b"{}")
    goes_on.set()

    assert result == Failed(FailureKind.TIMED_OUT, "no answer within 0.1 s", may_have_run=True)


async def test_a_server_that_is_not_there_is_told() -> None:
    async with open_lambda("eu-west-1", service("http://127.0.0.1:9"), role_arn=None) as client:
        result = await LambdaFunction(client, ARN, 5).call(ARN, b"{}")

    assert isinstance(result, Failed)
    assert (result.kind, result.may_have_run) == (FailureKind.UNREACHABLE, False)


async def test_a_connection_that_breaks_after_the_payload_leaves_it_open_whether_it_ran(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(is_dropped=True)

    async with opened(receiver) as function:
        result = await function.call(ARN, b"{}")

    assert isinstance(result, Failed)
    assert (result.kind, result.may_have_run) == (FailureKind.UNREACHABLE, True)


async def test_a_check_tells_all_that_the_service_says(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(
        404, b'{"Message": "no greet"}', {"x-amzn-ErrorType": "ResourceNotFoundException"}
    )

    async with opened(receiver) as function:
        failed = await function.check()

    assert failed == Failed(FailureKind.NOT_FOUND, "ResourceNotFoundException: no greet")
    assert receiver.received[0].headers["x-amz-invocation-type"] == "DryRun"

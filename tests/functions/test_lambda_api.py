"""Calls of functions through the Lambda API, on a server of the test's own."""

import pytest

from repoint.aws import AwsError
from repoint.functions.lambda_api import FunctionError, open_function
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.streamed import ROLE, service

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:greet"


async def test_a_call_answers_what_the_function_does(receiver: Receiver) -> None:
    receiver.answer = lambda received: Answer(200, b'"hello " + ' + received.body)

    async with open_function(ARN, service(receiver.url), role_arn=ROLE) as function:
        answer = await function.call(b'"you"')

    assert answer == b'"hello " + "you"'
    assert "/eu-west-1/lambda/" in receiver.received[0].headers["authorization"]


async def test_a_function_that_fails_tells_how_and_no_more(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(200, b'{"errorMessage": "private"}', {"X-Amz-Function-Error": "Handled"})

    async with open_function(ARN, service(receiver.url), role_arn=ROLE) as function:
        with pytest.raises(FunctionError) as caught:
            await function.call(b"{}")

    assert str(caught.value) == "the function failed: Handled"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_call_is_sent_once_whatever_comes_of_it(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _: Answer(status)

    async with open_function(ARN, service(receiver.url), role_arn=ROLE) as function:
        with pytest.raises(AwsError):
            await function.call(b"{}")

    assert len(receiver.received) == 1


async def test_other_arns_name_no_function() -> None:
    with pytest.raises(ValueError, match="names no function"):
        async with open_function("arn:aws:lambda:eu-west-1:123456789012:layer:greet", None, role_arn=ROLE):
            pass

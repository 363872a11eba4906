"""Functions behind the Lambda API, at Amazon or at a server that speaks it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from repoint.aws import AwsError, aws_errors, open_client
from repoint.functions.result import Failed, FailureKind, Result, returned, thrown
from repoint.tables import AwsService

FUNCTION_ARN = (
    r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):\d{12}:function:[a-zA-Z0-9_-]{1,64}(:[$a-zA-Z0-9_-]{1,128})?"
)
# No function runs for longer; each call has a limit of its own.
_LONGEST_S = 900
# docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, and what every service of Amazon's may answer. Other words are
# those of a server in trouble, or not known: FailureKind.UNREACHABLE.
_KINDS = {
    "AccessDenied": FailureKind.NOT_ALLOWED,
    "AccessDeniedException": FailureKind.NOT_ALLOWED,
    "ExpiredTokenException": FailureKind.NOT_ALLOWED,
    "InvalidSignatureException": FailureKind.NOT_ALLOWED,
    "NoCredentials": FailureKind.NOT_ALLOWED,
    "UnrecognizedClientException": FailureKind.NOT_ALLOWED,
    "InvalidParameterValueException": FailureKind.NOT_FOUND,
    "ResourceNotFoundException": FailureKind.NOT_FOUND,
    "ValidationException": FailureKind.NOT_FOUND,
    "RequestEntityTooLargeException": FailureKind.TOO_LARGE,
    "RequestTooLargeException": FailureKind.TOO_LARGE,
    "EC2ThrottledException": FailureKind.THROTTLED,
    "ThrottlingException": FailureKind.THROTTLED,
    "TooManyRequests": FailureKind.THROTTLED,
    "TooManyRequestsException": FailureKind.THROTTLED,
    # A status stands for the word where a server sends none.
    "403": FailureKind.NOT_ALLOWED,
    "404": FailureKind.NOT_FOUND,
    "413": FailureKind.TOO_LARGE,
    "429": FailureKind.THROTTLED,
}


@asynccontextmanager
async def open_lambda(region: str, service: AwsService | None, *, role_arn: str | None) -> AsyncIterator[Any]:
    """A client for the functions of a region; raises AwsError for a role without credentials."""
    # A call is sent once: whoever calls knows whether the function may run twice.
    opened = open_client("lambda", service, region=region, role_arn=role_arn, read_timeout_s=_LONGEST_S, attempts=1)
    async with opened as client:
        yield client


class LambdaFunction:
    """A function that the Lambda API knows by this name or ARN, with a version or alias if it has one."""

    def __init__(self, client: Any, name: str, timeout_s: float) -> None:
        self._client = client
        self._name = name
        self._timeout_s = timeout_s

    async def check(self) -> Failed | None:
        """See that it is there and that we may call it, without running it."""
        try:
            with aws_errors():
                await self._client.invoke(FunctionName=self._name, InvocationType="DryRun")
        except AwsError as error:
            # There was no payload to quote.
            return replace(refused(error), detail=str(error))
        return None

    async def call(self, _arn: str, payload: bytes) -> Result:
        """Run it and wait for its answer."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._call(payload)
        except TimeoutError:
            return Failed(FailureKind.TIMED_OUT, f"no answer within {self._timeout_s:g} s", may_have_run=True)
        except AwsError as error:
            return replace(refused(error), may_have_run=error.may_have_arrived)

    async def _call(self, payload: bytes) -> Result:
        with aws_errors():
            answer = await self._client.invoke(FunctionName=self._name, Payload=payload)
            async with answer["Payload"] as body:
                content: bytes = await body.read()
        failure = answer.get("FunctionError")
        return returned(content) if failure is None else thrown(content, how=failure)


def refused(error: AwsError) -> Failed:
    """Why a function was not called; what the service says to it can quote the payload."""
    return Failed(_KINDS.get(error.code, FailureKind.UNREACHABLE), str(error) if error.is_ours else error.code)

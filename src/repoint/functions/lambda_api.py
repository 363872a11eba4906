"""Functions behind the Lambda API, at Amazon or at a server that speaks it."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from repoint.aws import aws_errors, open_client
from repoint.settings import AwsService

# Of a request, its envelope included: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 6 << 20
ANSWER_TIMEOUT_S = 15
FUNCTION_ARN = (
    r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):\d{12}:function:[a-zA-Z0-9_-]{1,64}(:[$a-zA-Z0-9_-]{1,128})?"
)


class FunctionError(Exception):
    """The function was called and failed. `kind` is Lambda's word for how: `Handled`, `Unhandled`, …; no data."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the function failed: {kind}")
        self.kind = kind


@asynccontextmanager
async def open_function(arn: str, service: AwsService | None, *, role_arn: str) -> AsyncIterator["Function"]:
    """The function of this ARN, which is of the form FUNCTION_ARN; raises AwsError for a role without credentials."""
    match = re.fullmatch(FUNCTION_ARN, arn)
    if match is None:
        raise ValueError(f"{arn} names no function")
    # A call is sent once: whoever calls knows whether the function may run twice.
    opened = open_client(
        "lambda", service, region=match["region"], role_arn=role_arn, read_timeout_s=ANSWER_TIMEOUT_S, attempts=1
    )
    async with opened as client:
        yield Function(client, arn)


class Function:
    """A function that may be called. Every method raises AwsError."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    async def check(self) -> None:
        """See that it is there and that we may call it, without running it."""
        with aws_errors():
            await self._client.invoke(FunctionName=self._arn, InvocationType="DryRun")

    async def call(self, payload: bytes) -> bytes:
        """Run it and wait for its answer; raises FunctionError when it fails."""
        with aws_errors():
            answer = await self._client.invoke(FunctionName=self._arn, Payload=payload)
            async with answer["Payload"] as body:
                content: bytes = await body.read()
        if kind := answer.get("FunctionError"):
            raise FunctionError(kind)
        return content

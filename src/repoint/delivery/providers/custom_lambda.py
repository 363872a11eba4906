"""Custom channels whose messages go to functions, by name or ARN: to a Python file, a URL, or AWS Lambda.

Where a function runs is said by the setting `functions`. A function gets at most 50 endpoints in a call. That it
returns is success, whatever it returns; that it throws is a failure of all of them. A call that ended without an answer
leaves them in doubt.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import BaseModel, Field

from repoint.delivery.custom import CustomChannel, failed_outcome
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.functions.call import Callee
from repoint.functions.name import read_name
from repoint.functions.result import Failed

_NO_NAME = Outcome(
    Status.PERMANENT_FAILURE,
    400,
    "DeliveryUri is no name and no ARN of a function, and a URL is called by a provider of the kind custom_webhook",
)


class CustomLambdaOptions(BaseModel, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "custom_lambda"`."""

    attempts: int = Field(
        default=3, ge=1, le=3, description="How often a call is made that fails for a reason that may pass."
    )
    calls: int = Field(default=16, ge=1, le=1000, description="Most calls of one process at a time.")


@provider("custom_lambda", "CUSTOM", options=CustomLambdaOptions)
@asynccontextmanager
async def open_custom_lambda(options: CustomLambdaOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Nothing is to be opened: the functions are the process's."""
    settings, functions = surroundings.settings, surroundings.functions

    @asynccontextmanager
    async def find(target: str, source_arn: str | None) -> AsyncIterator[Callee | Outcome]:
        if read_name(target, settings) is None:
            yield _NO_NAME
            return
        found = await functions.find(target, source_arn=source_arn)
        yield failed_outcome(found) if isinstance(found, Failed) else found

    yield CustomChannel(find, attempts=options.attempts, calls=options.calls)

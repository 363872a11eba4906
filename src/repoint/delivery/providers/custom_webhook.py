"""Custom channels whose messages are POSTed to the URLs that campaigns and journeys name.

A request carries at most 50 endpoints as JSON; any 2xx is success, whatever else is answered. `https://` leads to the
public internet, and to `allowed_private_networks`, where `http://` may go, too. Redirects are not followed. A request
that was sent and not answered leaves its endpoints in doubt.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import BaseModel, Field

from repoint.delivery.custom import CustomChannel, failed_outcome
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider
from repoint.functions.call import TIMEOUT_S, Callee
from repoint.functions.custom_url import is_custom_url
from repoint.functions.result import Failed

_NO_URL = Outcome(
    Status.PERMANENT_FAILURE,
    400,
    "DeliveryUri is no https:// URL of letters, digits and - . _ ~ ? / # : ; only, and a function is called by a "
    "provider of the kind custom_lambda",
)


class CustomWebhookOptions(BaseModel, frozen=True, extra="forbid"):
    """What `[providers.<name>]` may say with `kind = "custom_webhook"`."""

    attempts: int = Field(
        default=3, ge=1, le=3, description="How often a call is made that fails for a reason that may pass."
    )
    calls: int = Field(default=16, ge=1, le=1000, description="Most calls of one process at a time.")
    timeout_s: float = Field(default=TIMEOUT_S, gt=0, le=900, description="Seconds that a call may take.")


@provider("custom_webhook", "CUSTOM", options=CustomWebhookOptions)
@asynccontextmanager
async def open_custom_webhook(options: CustomWebhookOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Connect when there is something to send."""

    @asynccontextmanager
    async def find(target: str, _source_arn: str | None) -> AsyncIterator[Callee | Outcome]:
        if not is_custom_url(target):
            yield _NO_URL
            return
        async with surroundings.functions.at_url(target, timeout_s=options.timeout_s) as found:
            yield failed_outcome(found) if isinstance(found, Failed) else found

    yield CustomChannel(find, attempts=options.attempts, calls=options.calls)

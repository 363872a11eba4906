"""Functions behind a URL: the payload is POSTed as JSON, and the answer is the function's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from repoint.functions.result import MOST_BYTES, Failed, FailureKind, Result, returned
from repoint.functions.webhook import LateAnswerError, NoAnswerError, RefusedUrlError, Webhook, open_webhook
from repoint.settings import Settings

# An answer that is compressed could grow to any size.
_HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "repoint"}
_KINDS = {
    401: FailureKind.NOT_ALLOWED,
    403: FailureKind.NOT_ALLOWED,
    404: FailureKind.NOT_FOUND,
    408: FailureKind.TIMED_OUT,
    410: FailureKind.NOT_FOUND,
    413: FailureKind.TOO_LARGE,
    429: FailureKind.THROTTLED,
    504: FailureKind.TIMED_OUT,
}
# Somebody between has lost the function, perhaps after it had the payload.
_LOST = frozenset({502, 504})


@asynccontextmanager
async def open_http(url: str, settings: Settings, timeout_s: float) -> AsyncIterator["HttpFunction"]:
    """A function behind a URL; raises RefusedUrlError and NoAnswerError as `open_webhook` does."""
    opened = open_webhook(
        url, allowed=settings.allowed_private_networks, ca_file=settings.webhook_ca_file, timeout_s=timeout_s
    )
    async with opened as webhook:
        yield HttpFunction(webhook)


class HttpFunction:
    """A function behind a URL."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook

    async def check(self) -> Failed | None:
        """See where the URL leads, without calling it."""
        try:
            await self._webhook.check()
        except (RefusedUrlError, NoAnswerError) as error:
            return uncalled(error)
        return None

    async def call(self, _arn: str, payload: bytes) -> Result:
        """POST the payload; any status that is not 2xx is a failure, redirects too."""
        try:
            answer = await self._webhook.post(payload, _HEADERS, answer_bytes=MOST_BYTES)
        except (RefusedUrlError, NoAnswerError) as error:
            return uncalled(error)
        if answer.status // 100 != 2:  # noqa: PLR2004 - any of the class
            return Failed(
                _kind(answer.status),
                f"{self._webhook.host} answered {answer.status}",
                status=answer.status,
                retry_after_s=answer.wait_s or None,
                may_have_run=answer.status in _LOST,
            )
        if answer.body is None:
            return Failed(FailureKind.TOO_LARGE, f"the answer has more than {MOST_BYTES} bytes", status=answer.status)
        result = returned(answer.body)
        return replace(result, status=answer.status) if isinstance(result, Failed) else result


def uncalled(error: RefusedUrlError | NoAnswerError) -> Failed:
    """Why there is no answer."""
    match error:
        case RefusedUrlError():
            kind = FailureKind.NOT_ALLOWED
        case LateAnswerError():
            kind = FailureKind.TIMED_OUT
        case _:
            kind = FailureKind.UNREACHABLE
    return Failed(kind, str(error), may_have_run=isinstance(error, NoAnswerError) and error.had_left)


def _kind(status: int) -> FailureKind:
    return _KINDS.get(status, FailureKind.UNREACHABLE if status >= 500 else FailureKind.THREW)  # noqa: PLR2004 - 5xx

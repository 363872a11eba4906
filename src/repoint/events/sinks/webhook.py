"""`https://…`: batches are POSTed as NDJSON and signed, so that the receiver knows whom they come from.

A request is `Repoint-Application-Id`, `Repoint-Timestamp` (Unix seconds), `Repoint-Signature: v1=<hex>` and one event a
line. The signature is HMAC-SHA256 of `<timestamp>.<body>` under the application's key, itself HMAC-SHA256 of the
application's id under `event_webhook_secret`: so who receives one application's events cannot forge another's, and the
operator can tell each receiver its key without another thing to keep (docs/operations.md).
"""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from repoint.events.log import Gathering, LoggedEvent, SetAside, UnreachableError
from repoint.events.sinks.pieces import Limits, pieces
from repoint.events.sinks.sink import Destination, DestinationError, Sink, leads
from repoint.functions.webhook import Answer, NoAnswerError, RefusedUrlError, Webhook, open_webhook

LIMITS = Limits(items=500, size_bytes=1 << 20)
_PAYLOAD_TOO_LARGE = 413
# Too Many Requests, Service Unavailable: these may tell how long to wait.
_LATER = {429, 503}


@leads(r"https?://.+")
@asynccontextmanager
async def open_event_webhook(destination: Destination) -> AsyncIterator[Sink]:
    """A URL that the rules of `functions/webhook.py` let us call."""
    settings = destination.settings
    if settings.event_webhook_secret is None:
        raise DestinationError("set event_webhook_secret, which the requests are signed with")
    key = application_key(settings.event_webhook_secret.get_secret_value(), destination.application_id)
    opened = open_webhook(
        destination.address, allowed=settings.allowed_private_networks, ca_file=settings.webhook_ca_file
    )
    with _checking():
        async with opened as webhook:
            yield WebhookSink(webhook, destination.application_id, key)


class WebhookSink:
    """A receiver, of whose answers the status counts, and `Retry-After` with a 429 or 503."""

    # A request, without its newlines: a slow receiver gets one at a time, and each is noted as read.
    gathering = Gathering(LIMITS.items, LIMITS.size_bytes - LIMITS.items)

    def __init__(self, webhook: Webhook, application_id: str, key: str) -> None:
        self._webhook = webhook
        self._application_id = application_id
        self._key = key

    async def check(self) -> None:
        """See `Sink.check`: where the URL leads; the receiver is not called."""
        with _checking():
            await self._webhook.check()

    async def put(self, events: Sequence[LoggedEvent]) -> list[SetAside]:
        """See `Sink.put`: whatever is not 2xx comes again, 4xx too, so that a receiver set up wrongly loses nothing."""
        lines = [(event, f"{event.record}\n".encode()) for event in events]
        refused: list[SetAside] = []
        for piece in pieces([(line, len(line[1])) for line in lines], LIMITS):
            refused += await self._send(piece)
        return refused

    async def _send(self, lines: list[tuple[LoggedEvent, bytes]]) -> list[SetAside]:
        """Send one request, or smaller ones where it is too large for the receiver."""
        answer = await self._post(b"".join([line for _, line in lines]))
        status = answer.status
        if status // 100 == 2:  # noqa: PLR2004 - any of the class
            return []
        if status != _PAYLOAD_TOO_LARGE:
            wait_s = answer.wait_s if status in _LATER else 0
            raise UnreachableError(f"{self._webhook.host} answered {status}", wait_s=wait_s)
        if len(lines) == 1:
            event, line = lines[0]
            return [SetAside(event.position, f"{len(line)} bytes; {self._webhook.host} answered {status}")]
        middle = len(lines) // 2
        return [*await self._send(lines[:middle]), *await self._send(lines[middle:])]

    async def _post(self, body: bytes) -> Answer:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/x-ndjson",
            "User-Agent": "repoint",
            "Repoint-Application-Id": self._application_id,
            "Repoint-Timestamp": timestamp,
            "Repoint-Signature": f"v1={signature(self._key, timestamp, body)}",
        }
        try:
            return await self._webhook.post(body, headers)
        except (RefusedUrlError, NoAnswerError) as error:
            raise UnreachableError(str(error)) from error


@contextmanager
def _checking() -> Iterator[None]:
    try:
        yield
    except (RefusedUrlError, NoAnswerError) as error:
        raise DestinationError(str(error)) from error


def application_key(secret: str, application_id: str) -> str:
    """What this application's requests are signed with: 64 hex digits, used as they stand."""
    return hmac.new(secret.encode(), application_id.encode(), hashlib.sha256).hexdigest()


def signature(key: str, timestamp: str, body: bytes) -> str:
    """What proves that a request is ours, and when it was made."""
    return hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()

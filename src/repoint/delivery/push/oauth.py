"""Access tokens of OAuth 2: asked for once for all who need one, and kept until shortly before they end."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import structlog

from repoint.delivery.gateway.answer import retry_after_s
from repoint.delivery.http2.exchange import Answer, NoAnswer
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.caller import Http1Client
from repoint.delivery.push.failure import read_object

log = structlog.get_logger()

# So long before it ends a token is renewed; of one that holds for less than twice that, after half of its life.
_EARLY_S = 60.0
# A refusal is not asked for again for so long, nor a token renewed that is no older.
_PATIENCE_S = 5.0
_FORM = ((b"content-type", b"application/x-www-form-urlencoded"), (b"accept", b"application/json"))
# RFC 6750 section 2.1.
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/|]+=*")
_WORD = re.compile(r"[a-z_]{1,50}")


class Tokens:
    """The access token of one account."""

    def __init__(self, client: Http1Client, url: str, form: Callable[[], Mapping[str, str]]) -> None:
        self._client = client
        self._url = url
        # What is POSTed to get one.
        self._form = form
        self._lock = asyncio.Lock()
        self._token = ""
        self._got_at = self._renew_at = self._ends_at = 0.0
        self._refusal: RefusedError | None = None

    async def get(self) -> str:
        """A token that holds; raises RefusedError."""
        async with self._lock:
            now = time.monotonic()
            if self._token and now < self._renew_at:
                return self._token
            if self._refusal is not None and now < self._got_at + _PATIENCE_S:
                raise self._refusal
            self._got_at, self._refusal = now, None
            try:
                self._token, lifetime_s = await self._fetch()
            except RefusedError as error:
                log.warning("A push service gives no access token", reason=str(error))
                if self._token and now < self._ends_at:
                    # The one that there is holds a little longer.
                    self._renew_at = min(now + _PATIENCE_S, self._ends_at)
                    return self._token
                self._token, self._refusal = "", error
                raise
            self._renew_at, self._ends_at = now + max(lifetime_s - _EARLY_S, lifetime_s / 2), now + lifetime_s
            return self._token

    def drop(self) -> None:
        """The token is no longer accepted."""
        if time.monotonic() >= self._got_at + _PATIENCE_S:
            self._token = ""

    async def _fetch(self) -> tuple[str, float]:
        answer = await self._client.post(self._url, _FORM, urlencode(self._form()).encode())
        if isinstance(answer, NoAnswer):
            status_code = 504 if answer.is_late else 500
            # A token that was given and did not arrive is no message that was sent.
            raise RefusedError(Outcome(Status.TEMPORARY_FAILURE, status_code, f"no access token: {answer.detail}"))
        found = read_object(answer.body)
        token, lifetime_s = found.get("access_token"), found.get("expires_in", 3600)
        if answer.status == 200 and isinstance(token, str) and _TOKEN.fullmatch(token):  # noqa: PLR2004 - RFC 6749
            return token, float(lifetime_s) if isinstance(lifetime_s, int | float) else 3600.0
        raise RefusedError(_refusal(answer, found.get("error")))


def _refusal(answer: Answer, error: object) -> Outcome:
    word = f" {error}" if isinstance(error, str) and _WORD.fullmatch(error) else ""
    detail = f"no access token: the service answered {answer.status}{word}"
    wait_s = retry_after_s(answer.header(b"retry-after"))
    if answer.status == 429:  # noqa: PLR2004 - RFC 6585
        return Outcome(Status.THROTTLED, 429, detail, retry_after_s=wait_s)
    if answer.status in {400, 401, 403}:
        return Outcome(Status.PERMANENT_FAILURE, 403, detail)
    return Outcome(Status.TEMPORARY_FAILURE, 500, detail, retry_after_s=wait_s)

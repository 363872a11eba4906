"""The one way to call a user's function, wherever it runs: a local file, a URL, or the Lambda API.

A name that the setting `functions` has is that function, also where it stands in an ARN, whoever's; any other is for
the Lambda API to know. Payload and answer are the same in all three.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import msgspec

from repoint.aws import AwsError
from repoint.functions.allow import may_call
from repoint.functions.http import open_http, uncalled
from repoint.functions.kept import KeptWays
from repoint.functions.lambda_api import LambdaFunction, open_lambda, refused
from repoint.functions.local.pool import open_local
from repoint.functions.name import Named, read_name
from repoint.functions.result import MOST_BYTES, PASSING, Failed, FailureKind, Result
from repoint.functions.webhook import NoAnswerError, RefusedUrlError
from repoint.settings import Settings
from repoint.tables import Function

# Of functions that are not configured, and of URLs: what Pinpoint gives them.
TIMEOUT_S = 15
# Between one attempt and the next (campaigns.md section 9).
WAITS_S = (1.0, 2.0)

Payload = bytes | Mapping[str, Any]


class _Way(Protocol):
    """The way to a function, which may lead to others under other ARNs, too."""

    async def check(self) -> Failed | None:
        """Why it could not be called, as far as that can be told without running it; None when it could."""

    async def call(self, arn: str, payload: bytes) -> Result:
        """Call it once."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A function that was found and may be called."""

    arn: str
    way: _Way

    async def check(self) -> Failed | None:
        """Why it could not be called, as far as that can be told without running it; None when it could."""
        return await self.way.check()

    async def call(self, payload: Payload, *, attempts: int = 1) -> Result:
        """Call it; with more `attempts` again after failures that may pass, so that it may run twice on one payload."""
        body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        if len(body) > MOST_BYTES:
            return Failed(FailureKind.TOO_LARGE, f"the payload, {len(body)} bytes, has more than {MOST_BYTES}")
        result = await self.way.call(self.arn, body)
        for attempt in range(attempts - 1):
            if not isinstance(result, Failed) or result.kind not in PASSING:
                return result
            may_have_run = result.may_have_run
            await asyncio.sleep(WAITS_S[min(attempt, len(WAITS_S) - 1)])
            result = await self.way.call(self.arn, body)
            # Of an earlier attempt that is not known later, either.
            if isinstance(result, Failed) and may_have_run:
                result = replace(result, may_have_run=True)
        return result


@asynccontextmanager
async def open_functions(
    settings: Settings, *, role_arn: str | None = None, region: str | None = None
) -> AsyncIterator["Functions"]:
    """The functions that may be called; processes of local ones start at the first call and live as long as this.

    `role_arn` says as whom the Lambda API is called, where that is not its own credentials; functions of `region` are
    called beside those of our own regions.
    """
    functions = Functions(settings, role_arn=role_arn, region=region)
    try:
        yield functions
    finally:
        await functions.close()


class Functions:
    """The user's functions. That one fails is a value; no method raises for it."""

    def __init__(self, settings: Settings, *, role_arn: str | None = None, region: str | None = None) -> None:
        self._settings = settings
        self._stack = AsyncExitStack()
        self._role_arn = role_arn
        self._regions = {*settings.regions, region}
        # What calls go through, made when first needed: one a configured function, and one a region of Lambda's.
        self._opened: dict[str, Any] = {}
        self._opening = asyncio.Lock()
        self._urls = KeptWays()

    async def close(self) -> None:
        """End processes and connections; a later call begins anew."""
        await self._urls.close()
        self._opened.clear()
        await self._stack.aclose()

    async def call(
        self, function: str, payload: Payload, *, source_arn: str | None = None, attempts: int = 1
    ) -> Result:
        """Call a function by name or ARN, on behalf of the campaign, journey, application or recommender `source_arn`.

        `attempts` as for `Callee.call`.
        """
        found = await self.find(function, source_arn=source_arn)
        return found if isinstance(found, Failed) else await found.call(payload, attempts=attempts)

    @asynccontextmanager
    async def at_url(self, url: str, *, timeout_s: float = TIMEOUT_S) -> AsyncIterator[Callee | Failed]:
        """The function behind a URL that stands in a campaign or journey, for as many calls as there are."""
        opens = open_http(url, self._settings, timeout_s)
        async with AsyncExitStack() as stack:
            try:
                way = await stack.enter_async_context(self._urls.use((url, timeout_s), opens))
            except (RefusedUrlError, NoAnswerError) as error:
                yield uncalled(error)
            else:
                yield Callee(url, way)

    async def find(self, function: str, *, source_arn: str | None = None) -> Callee | Failed:
        """The function of this name or ARN, if `source_arn` may have it called."""
        named = read_name(function, self._settings)
        if named is None:
            return Failed(FailureKind.NOT_FOUND, f"{function[:200]!r} is no name and no ARN of a function")
        configured = self._settings.functions.get(named.name)
        if configured is None and named.region not in self._regions:
            return Failed(FailureKind.NOT_FOUND, f"functions in {named.region} are not called, see the setting regions")
        if configured is not None and not may_call(configured.allow, source_arn):
            return Failed(FailureKind.NOT_ALLOWED, f"functions.{named.name}.allow does not fit {source_arn}")
        try:
            return Callee(named.arn, await self._way(named, configured))
        except (RefusedUrlError, NoAnswerError) as error:
            return uncalled(error)
        except AwsError as error:
            return refused(error)

    async def _way(self, named: Named, configured: Function | None) -> _Way:
        if configured is None:
            return await self._lambda(named, named.text, TIMEOUT_S)
        if configured.lambda_ is not None:
            target = read_name(configured.lambda_, self._settings)
            assert target is not None  # noqa: S101 - the setting is of this form
            text = target.text if target.qualifier else target.text + named.qualifier
            return await self._lambda(target, text, configured.timeout_s)
        if configured.url is not None:
            http: _Way = await self._open(named.name, open_http(configured.url, self._settings, configured.timeout_s))
            return http
        local: _Way = await self._open(named.name, open_local(named.name, configured, self._settings.regions[0]))
        return local

    async def _lambda(self, named: Named, text: str, timeout_s: float) -> LambdaFunction:
        service = self._settings.lambda_api
        region = service.region if service is not None and service.region is not None else named.region
        # No function's name has a colon.
        client = await self._open(f":{region}", open_lambda(region, service, role_arn=self._role_arn))
        return LambdaFunction(client, text, timeout_s)

    async def _open(self, key: str, opens: AbstractAsyncContextManager[Any]) -> Any:
        """What is open under this key, until the end; opened only if it is not yet."""
        if key not in self._opened:
            async with self._opening:
                if key not in self._opened:
                    self._opened[key] = await self._stack.enter_async_context(opens)
        return self._opened[key]

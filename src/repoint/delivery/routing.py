"""Sending: each message goes to the provider of its application and channel, and to the next one where that is allowed.

The next one is asked only after a failure that leaves no doubt and may pass: never for a message that may have been
taken, nor for one that nobody would take.
"""

import asyncio
import traceback
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import replace

import structlog

from repoint.delivery.message import Custom, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings
from repoint.delivery.routes import Configured, Routes, read_routes

log = structlog.get_logger()

_NOT_OPENED = Outcome(Status.TEMPORARY_FAILURE, 500, "the provider is not available")
_BROKEN = Outcome(Status.UNKNOWN_FAILURE, 500, "the provider failed; the message may have been taken", is_in_doubt=True)


@asynccontextmanager
async def open_providers(surroundings: Surroundings) -> AsyncIterator["Providers"]:
    """The process's providers, each opened when it is first needed and closed at the end; raises RouteError."""
    providers = Providers(read_routes(surroundings.settings), surroundings)
    try:
        yield providers
    finally:
        await providers.close()


class Providers:
    """The ways out of this process."""

    def __init__(self, routes: Routes, surroundings: Surroundings) -> None:
        self._routes = routes
        self._surroundings = surroundings
        self._opened: dict[str, _Opened] = {}

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send messages of any application and channel; one outcome each, in their order. Nothing is raised."""
        groups: dict[tuple[str, ...], list[int]] = {}
        for number, message in enumerate(messages):
            target = message.content.target if isinstance(message.content, Custom) else None
            names = self._routes.names(message.application_id, message.channel_type, target)
            groups.setdefault(names, []).append(number)
        outcomes = [_NOT_OPENED] * len(messages)
        await asyncio.gather(*(self._send_group(names, group, messages, outcomes) for names, group in groups.items()))
        return outcomes

    async def open_receiving(self) -> None:
        """Open those that are told things unasked; one that cannot be opened is so the next time, perhaps."""
        names = [name for name, each in self._routes.providers.items() if each.kind.receives(each.options)]
        await asyncio.gather(*map(self._provider, names))

    async def close(self) -> None:
        """Close every provider."""
        await asyncio.gather(*(opened.close() for opened in self._opened.values()))

    async def _send_group(
        self, names: tuple[str, ...], numbers: list[int], messages: Sequence[Message], outcomes: list[Outcome]
    ) -> None:
        """Ask one provider after another; `outcomes` holds what the last one said of each message."""
        for name in names:
            answers = await self._send_through(name, [messages[number] for number in numbers])
            for number, answer in zip(numbers, answers, strict=True):
                outcomes[number] = answer
            numbers = [number for number in numbers if outcomes[number].may_try_another]
            if not numbers:
                return

    async def _send_through(self, name: str, messages: Sequence[Message]) -> list[Outcome]:
        provider = await self._provider(name)
        if provider is None:
            return [_NOT_OPENED] * len(messages)
        try:
            outcomes = await provider.send(messages)
        except Exception as error:  # noqa: BLE001 - a mistake in one provider must not cost others their outcomes
            _report("A provider failed", name, error)
            return [_BROKEN] * len(messages)
        if len(outcomes) != len(messages):
            log.error("A provider has lost count", provider=name, messages=len(messages), outcomes=len(outcomes))
            return [_BROKEN] * len(messages)
        return outcomes

    async def _provider(self, name: str) -> Provider | None:
        """The open provider of that name; None when it cannot be opened now. The next call tries again."""
        opened = self._opened.get(name)
        if opened is None:
            opened = self._opened[name] = _Opened(self._routes.providers[name], self._surroundings)
        provider = await opened.provider()
        if provider is None and self._opened.get(name) is opened:
            del self._opened[name]
        return provider


class _Opened:
    """A provider, held open by a task of its own: what opens it may have to be closed by the task that opened it."""

    def __init__(self, configured: Configured, surroundings: Surroundings) -> None:
        self._configured = configured
        self._surroundings = replace(surroundings, name=configured.name)
        self._ready: asyncio.Future[Provider | None] = asyncio.get_running_loop().create_future()
        self._stop = asyncio.Event()
        # Of the call that happens to come first it knows nothing, not even for its logs.
        self._task = asyncio.get_running_loop().create_task(self._hold(), context=Context())

    async def provider(self) -> Provider | None:
        """The provider, None when it could not be opened."""
        return await asyncio.shield(self._ready)

    async def close(self) -> None:
        """Close it, and wait until that is done."""
        self._stop.set()
        await self._task

    async def _hold(self) -> None:
        name, kind = self._configured.name, self._configured.kind
        try:
            async with kind.opens(self._configured.options, self._surroundings) as provider:
                self._ready.set_result(provider)
                await self._stop.wait()
        except Exception as error:  # noqa: BLE001 - told in the log and by outcomes
            _report("A provider could not be opened or closed", name, error)
        finally:
            if not self._ready.done():
                self._ready.set_result(None)


def _report(what: str, name: str, error: Exception) -> None:
    # The text of an error that nobody has foreseen could quote a message or a password.
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error(what, provider=name, error=type(error).__name__, where=where)

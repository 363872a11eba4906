"""Ways to URLs that were used lately, kept open: a new connection with TLS takes longer than the call itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from repoint.functions.http import HttpFunction

# Users may name any number of URLs; of those that nobody uses now, so many stay open, for so long.
MOST_KEPT = 32
KEPT_S = 60.0

Key = tuple[str, float]
Opens = AbstractAsyncContextManager[HttpFunction]


@dataclass(slots=True)
class _Kept:
    opened: Opens
    function: HttpFunction
    users: int = 0
    used_at_s: float = 0.0


class KeptWays:
    """Ways by what they were opened with, those that were used longest ago first."""

    def __init__(self, most: int = MOST_KEPT, kept_s: float = KEPT_S) -> None:
        self._most = most
        self._kept_s = kept_s
        self._ways: dict[Key, _Kept] = {}
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def use(self, key: Key, opens: Opens) -> AsyncIterator[HttpFunction]:
        """What is open under this key, opened now if it is not; what opening raises is raised here."""
        kept = self._ways.get(key) or await self._open(key, opens)
        kept.users += 1
        try:
            yield kept.function
        finally:
            kept.users -= 1
            kept.used_at_s = time.monotonic()
            # Behind all others.
            if self._ways.pop(key, None) is not None:
                self._ways[key] = kept
            await self._forget()

    async def close(self) -> None:
        """Close them all; a later use opens anew."""
        await self._close(list(self._ways))

    async def _open(self, key: Key, opens: Opens) -> _Kept:
        async with self._opening:
            if key not in self._ways:
                self._ways[key] = _Kept(opens, await opens.__aenter__())
            return self._ways[key]

    async def _forget(self) -> None:
        """Close what nobody uses and is too old, or one too many."""
        oldest = time.monotonic() - self._kept_s
        unused = [(key, kept) for key, kept in self._ways.items() if not kept.users]
        surplus = len(unused) - self._most
        await self._close([key for n, (key, kept) in enumerate(unused) if n < surplus or kept.used_at_s < oldest])

    async def _close(self, keys: list[Key]) -> None:
        for kept in [self._ways.pop(key) for key in keys]:
            await kept.opened.__aexit__(None, None, None)

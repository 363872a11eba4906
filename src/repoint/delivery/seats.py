"""How many calls of one worker may be under way: what a killed worker leaves in doubt is never more.

A message is a call, but for custom channels, where fifty endpoints travel together.
"""

import asyncio
from collections.abc import Hashable

SEATS = 100
# What one holder has at most.
MOST = 50

# Whose seats these are: one taking of a batch of a campaign, or of a lane of a journey.
Holder = Hashable


class Seats:
    """The seats of one worker, shared by all that it works on at the same time."""

    def __init__(self, seats: int = SEATS, most: int = MOST) -> None:
        self._seats = seats
        self._most = most
        self._held: dict[Holder, int] = {}
        self._freed = asyncio.Condition()
        # Nothing new is to be sent.
        self.are_closed = False

    async def take(self, holder: Holder) -> int:
        """How many calls this holder may make at once now; waits until there is a seat for it.

        What it held before it keeps until `release`: those calls are in doubt until the next ones are reserved.
        """
        self._held.setdefault(holder, 0)
        async with self._freed:
            await self._freed.wait_for(lambda: self._held[holder] > 0 or self._free() > 0)
            share = max(1, min(self._most, self._seats // len(self._held)))
            self._held[holder] += max(0, min(share - self._held[holder], self._free()))
            return min(share, self._held[holder])

    async def release(self, holder: Holder, *, all_but: int = 0) -> None:
        """Give seats back that the holder does not need any more; with none left it does not share any longer."""
        async with self._freed:
            if self._held.get(holder, 0) > all_but:
                self._held[holder] = all_but
            if all_but == 0:
                self._held.pop(holder, None)
            self._freed.notify_all()

    def _free(self) -> int:
        return self._seats - sum(self._held.values())

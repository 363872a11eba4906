"""Concurrent calls of one process share a transaction, and each keeps its own answer.

A lone call runs at once; calls that arrive while one is under way wait for it and go together in the next. Thirty
callers then pay for one commit instead of thirty, and no call waits for others to come.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from repoint.db.pool import Database

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[Item, Answer]):
    item: Item
    answer: asyncio.Future[Answer]


@dataclass(slots=True)
class _Line(Generic[Item, Answer]):
    """Those of one application who wait, and how many groups of it are under way."""

    waiting: list[_Waiting[Item, Answer]] = field(default_factory=list)
    groups: int = 0


class Together(Generic[Item, Answer]):
    """What is done together, one group after the other for each database and application, or `at_once` side by side.

    `run` gets a database, an application's id and the items of a group, commits, and returns an answer for each; what
    it raises is raised to every caller of the group. A group ends before the item that would make the sum of `size`
    greater than `max_size`, so that one transaction stays short: others wait for its locks.
    """

    def __init__(
        self,
        run: Callable[[Database, str, list[Item]], Awaitable[Sequence[Answer]]],
        *,
        size: Callable[[Item], int],
        max_size: int,
        at_once: int = 1,
    ) -> None:
        self._run = run
        self._size = size
        self._max_size = max_size
        self._at_once = at_once
        # By application, which is listed only while a group of it is under way: ids are a stranger's to choose.
        self._lines: WeakKeyDictionary[Database, dict[str, _Line[Item, Answer]]] = WeakKeyDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, database: Database, application_id: str, item: Item) -> Answer:
        """The answer to one item, when it is committed."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        line = self._lines.setdefault(database, {}).setdefault(application_id, _Line())
        line.waiting.append(_Waiting(item, future))
        if line.groups < self._at_once:
            line.groups += 1
            task = asyncio.create_task(self._run_groups(database, application_id, line))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _run_groups(self, database: Database, application_id: str, line: _Line[Item, Answer]) -> None:
        try:
            while group := self._next(line.waiting):
                await self._run_group(database, application_id, group)
        finally:
            line.groups -= 1
            if not line.groups:
                del self._lines[database][application_id]

    def _next(self, waiting: list[_Waiting[Item, Answer]]) -> list[_Waiting[Item, Answer]]:
        """Take the next group out of those who wait."""
        size, count = 0, 0
        for count, each in enumerate(waiting):
            size += self._size(each.item)
            if count and size > self._max_size:
                break
        else:
            count = len(waiting)
        group = waiting[:count]
        del waiting[:count]
        return group

    async def _run_group(self, database: Database, application_id: str, group: list[_Waiting[Item, Answer]]) -> None:
        try:
            answers = await self._run(database, application_id, [waiting.item for waiting in group])
        except Exception as error:  # noqa: BLE001 - every caller that waits is told, whatever it was
            for waiting in group:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        for waiting, answer in zip(group, answers, strict=True):
            # Done already: its caller hung up.
            if not waiting.answer.done():
                waiting.answer.set_result(answer)

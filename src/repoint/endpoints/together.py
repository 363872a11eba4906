"""Concurrent writes to one application share a transaction, and each keeps its own answer.

A lone call is written at once; calls that arrive while a write is under way wait for it and go together in the next.
Since writers of an application come one after the other anyway (upsert.py), this costs no call any time, and thirty
callers pay for one commit instead of thirty.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from repoint.db.pool import Database
from repoint.endpoints.patch import Patch
from repoint.endpoints.plan import Stamp, microseconds
from repoint.endpoints.upsert import Refusal, Rules, apply_groups

# So that one transaction stays short: others wait for its lock.
MAX_PATCHES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    patches: list[Patch]
    at: datetime
    answer: asyncio.Future[Refusal | None]


class _Writer:
    """The writes of one process to one application."""

    def __init__(self, database: Database, application_id: str, rules: Rules, writers: "dict[str, _Writer]") -> None:
        self._database = database
        self._application_id = application_id
        self._rules = rules
        self._writers = writers
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def write(self, patches: list[Patch], at: datetime) -> Refusal | None:
        waiting = _Waiting(patches, at, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await waiting.answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._write_some(self._next())
        finally:
            self._task = None
            # Ids of applications are a stranger's to choose, so an idle writer is not kept.
            self._writers.pop(self._application_id, None)

    def _next(self) -> list[_Waiting]:
        size = 0
        for count, waiting in enumerate(self._waiting):
            size += len(waiting.patches)
            if count and size > MAX_PATCHES:
                break
        else:
            count = len(self._waiting)
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    async def _write_some(self, taken: list[_Waiting]) -> None:
        stamp = Stamp(microseconds(max(waiting.at for waiting in taken)), "")
        groups = [waiting.patches for waiting in taken]
        try:
            async with self._database.transaction() as db:
                refusals = await apply_groups(db, self._application_id, groups, stamp, self._rules)
        except Exception as error:  # noqa: BLE001 - every caller that waits is told, whatever it was
            for waiting in taken:
                _answer(waiting.answer, error)
            return
        for waiting, refusal in zip(taken, refusals, strict=True):
            _answer(waiting.answer, refusal)


def _answer(future: asyncio.Future[Refusal | None], answer: Refusal | Exception | None) -> None:
    if future.done():
        # Its caller hung up.
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)


_writers: WeakKeyDictionary[Database, dict[str, _Writer]] = WeakKeyDictionary()


async def write_together(
    database: Database, application_id: str, patches: list[Patch], at: datetime, rules: Rules
) -> Refusal | None:
    """Apply `patches` wholly or not at all and commit; None, or the position and error of the first refused one.

    Raises NotFoundException when the application does not exist.
    """
    writers = _writers.setdefault(database, {})
    writer = writers.get(application_id)
    if writer is None:
        writer = writers[application_id] = _Writer(database, application_id, rules, writers)
    return await writer.write(patches, at)

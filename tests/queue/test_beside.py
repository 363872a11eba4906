"""What runs beside the tasks ends when the worker is stopped, and is not cut off while it ends."""

import asyncio

import pytest

from repoint.db.pool import Database
from repoint.queue import TaskContext
from repoint.queue import beside as room
from repoint.settings import Settings


async def test_what_runs_beside_may_end_what_it_has_begun(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_stopped, is_ending, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()
    told = []

    async def run(_: TaskContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_ending.set()
            await may_end.wait()
            told.append("ended")

    monkeypatch.setattr(room, "_runs", [run])

    async with room.beside(TaskContext(database, settings, "worker"), is_stopped):
        await asyncio.sleep(0)
        is_stopped.set()
        # While tasks still end.
        await asyncio.wait_for(is_ending.wait(), 5)
        asyncio.get_running_loop().call_later(0.05, may_end.set)

    assert told == ["ended"]

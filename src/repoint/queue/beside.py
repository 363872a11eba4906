"""What a worker does all the time beside its tasks, such as reading the event log."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from repoint.queue.tasks import TaskContext

log = structlog.get_logger()

Run = Callable[[TaskContext], Coroutine[Any, Any, None]]

_runs: list[Run] = []


def runs_beside(function: Run) -> Run:
    """Have every worker run this once, until it ends or is cancelled; it must live through whatever fails."""
    _runs.append(function)
    return function


@asynccontextmanager
async def beside(context: TaskContext) -> AsyncIterator[None]:
    """Run all of them as long as the block lasts."""
    tasks = [asyncio.create_task(_told(run, context), name=run.__name__) for run in _runs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _told(run: Run, context: TaskContext) -> None:
    try:
        await run(context)
    except Exception:
        log.exception("What runs beside the tasks has ended", name=run.__name__)

"""What a worker does all the time beside its tasks, such as reading the event log."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from repoint.queue.tasks import TaskContext

log = structlog.get_logger()

Run = Callable[[TaskContext], Coroutine[Any, Any, None]]

_runs: list[Run] = []


def runs_beside(function: Run) -> Run:
    """Have every worker run this once, until it ends or is cancelled; it must live through whatever fails.

    Cancelled it takes nothing new, and may take `worker_stop_s` to end what it has begun.
    """
    _runs.append(function)
    return function


@asynccontextmanager
async def beside(context: TaskContext, is_stopped: asyncio.Event) -> AsyncIterator[None]:
    """Run all of them as long as the block lasts, or until the worker is stopped: they end beside its tasks."""
    tasks = [asyncio.create_task(_told(run, context), name=run.__name__) for run in _runs]
    stopping = asyncio.create_task(_cancel_when(is_stopped, tasks), name="stop what runs beside")
    try:
        yield
    finally:
        stopping.cancel()
        _cancel(tasks)
        await asyncio.gather(stopping, *tasks, return_exceptions=True)


async def _cancel_when(is_stopped: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    await is_stopped.wait()
    _cancel(tasks)


def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        # Twice would be to cut it off.
        if not task.cancelling():
            task.cancel()


async def _told(run: Run, context: TaskContext) -> None:
    try:
        await run(context)
    except Exception:
        log.exception("What runs beside the tasks has ended", name=run.__name__)

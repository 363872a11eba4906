"""One run of a task: its context, its retries, its words in the log."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job

from repoint.queue.claims import backoff_s
from repoint.queue.lease import LostClaimError
from repoint.queue.tasks import TASKS, Task, TaskContext

log = structlog.get_logger()

Running = set["asyncio.Task[Any]"]


def register_tasks(app: App, context: TaskContext, running: Running, *, scheduled: bool) -> None:
    """Make every task of ours known to the library's app, and with `scheduled` those that run by themselves."""
    for task in TASKS.values():
        known = app.task(name=task.name, queue=task.queue, pass_context=True, retry=_Retries(task))(
            _runner(task, context, running)
        )
        if task.cron is not None and scheduled:
            # One lock keeps it from waiting twice, the other from running twice.
            app.periodic(cron=task.cron, queue=task.queue, queueing_lock=task.name, lock=task.name)(known)


class _Retries(BaseRetryStrategy):
    """Says whether; when is decided where it is noted (`claims.retry_job`), a missing time meaning an interruption."""

    def __init__(self, task: Task[Any]) -> None:
        self._task = task

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        if self._task.may_try_again(job.attempts):
            return RetryDecision(retry_at=datetime.now(UTC))
        return None


def _runner(task: Task[Any], context: TaskContext, running: Running) -> Callable[..., Awaitable[None]]:
    async def run(job_context: JobContext, **arguments: object) -> None:
        if task.cron is not None:
            # The library's note of the time the run was due.
            arguments.pop("timestamp", None)
        current = asyncio.current_task()
        if current is not None:
            running.add(current)
            current.add_done_callback(running.discard)
        await _run(task, context, job_context.job, arguments)

    return run


async def _run(task: Task[Any], context: TaskContext, job: Job, arguments: dict[str, object]) -> None:
    about = {"task": task.name, "task_id": job.id, "failures": job.attempts + 1}
    try:
        await task.run(context, **arguments)
    except LostClaimError as lost:
        log.info("A task is left to the worker that has taken it over", task=task.name, task_id=job.id, why=str(lost))
    except Exception:
        if task.may_try_again(job.attempts):
            delay_s = backoff_s(context.settings, job.attempts)
            log.warning("A task failed and will be tried again", **about, delay_s=delay_s, exc_info=True)
        else:
            log.exception("A task failed for good", **about)
        raise

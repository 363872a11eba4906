"""Whose task it is: every note of a result names the worker's number, and is refused once that number is gone."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

import psycopg
import structlog
from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.queue.tasks import ALONE, DEFAULT, TASKS
from repoint.settings import Settings

log = structlog.get_logger()

# A task that this program does not know was queued by a newer one; its worker is about to come.
UNKNOWN_TASK_DELAY_S = 10.0
LONGEST_DELAY_S = 600.0
_AGAIN_S = 0.5

_queries = load_queries("repoint.queue")


class LostWorkerError(Exception):
    """This worker gave no sign of life for too long: another has taken over its tasks."""


class TaskClaims(JobManager):
    """The library's bookkeeping of tasks, with every note bound to the worker's number."""

    def __init__(self, connector: BaseConnector, database: Database, settings: Settings) -> None:
        super().__init__(connector)
        self._database = database
        self._settings = settings
        self._worker: int | None = None
        # The task that runs alone, by its id.
        self._alone: int | None = None
        # Once the worker stops, a note that the database does not take is left to the next worker.
        self.is_closing = False

    async def prune_stalled_workers(self, seconds_since_heartbeat: float) -> list[int]:  # noqa: ARG002 - the library's
        """Nothing: the library would drop the rows and let frozen sessions live; `take_over` does it in our way."""
        return []

    async def register_worker(self) -> int:
        """Begin under a new number, and look after the others at once."""
        async with self._database.connection() as db:
            worker = int(await db.value(_queries.register, {"name": self._database.name}))
        self._worker = worker
        await self.take_over(also_dead=True)
        return worker

    async def beat(self) -> None:
        """Give a sign of life, and take over from those that give none; raises LostWorkerError if we gave none."""
        parameters = {"worker": self._worker, "lease_s": self._settings.worker_lease_s}
        async with self._database.connection() as db:
            row = await db.row(_queries.beat, parameters)
        if row is None:
            raise LostWorkerError(f"worker {self._worker} has been taken over")
        if row["others_stalled"]:
            await self.take_over()

    async def take_over(self, *, also_dead: bool = False) -> None:
        """End the sessions of workers whose lease has ended and give their tasks back, both or neither.

        With `also_dead` those go first whose lease still runs but whose sessions have all ended: they were killed.
        """
        parameters = {"worker": self._worker, "lease_s": self._settings.worker_lease_s, "also_dead": also_dead}
        async with self._database.transaction() as db:
            stalled = await db.rows(_queries.stalled, parameters)
            if not stalled:
                return
            names = [row["name"] for row in stalled]
            await db.rows(_queries.end_sessions, {"names": names})
            given_back = await self._give_back(db, [row["id"] for row in stalled])
        log.warning("Took over from workers that gave no sign of life", workers=names, tasks=given_back)

    async def unregister_worker(self, worker_id: int) -> None:
        """End; what still runs, which is nothing unless a note could not be made, is given back."""
        async with self._database.transaction() as db:
            await self._give_back(db, [worker_id])

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:  # noqa: ARG002 - the library's
        """Take the next task; while one that runs alone is running, none of its kind."""
        job = await super().fetch_job([DEFAULT] if self._alone is not None else [DEFAULT, ALONE], worker_id)
        if job is not None and job.queue == ALONE:
            self._alone = job.id
        return job

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: ARG002, FBT001 - the library's
        """Note that a task is done, or has failed for good."""
        if status == Status.SUCCEEDED:
            await self._note(job, lambda db: db.execute(_queries.finish, self._key(job)))
        elif job.task_name not in TASKS:
            log.warning("A task of a newer program waits for its worker", task=job.task_name, task_id=job.id)
            await self._postpone(job, UNKNOWN_TASK_DELAY_S, failures=0)
        else:
            await self._note(job, lambda db: db.execute(_queries.fail, self._key(job)))

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,  # noqa: ARG002 - the library's
        queue: str | None = None,  # noqa: ARG002 - the library's
        lock: str | None = None,  # noqa: ARG002 - the library's
    ) -> None:
        """Note that a task failed and waits to be tried again; without `retry_at` it was interrupted and is due now."""
        if retry_at is None:
            await self._postpone(job, 0, failures=0)
        else:
            await self._postpone(job, backoff_s(self._settings, job.attempts), failures=1)

    async def _postpone(self, job: Job, delay_s: float, *, failures: int) -> None:
        parameters = {**self._key(job), "delay_s": delay_s, "failures": failures}

        async def postpone(db: Db) -> int:
            touched = await db.execute(_queries.postpone, parameters)
            if delay_s == 0:
                await db.execute(_queries.wake)
            return touched

        await self._note(job, postpone)

    async def _note(self, job: Job, note: Callable[[Db], Awaitable[int]]) -> None:
        """Make a note for as long as it takes: the database may be away, and the task is ours until it is noted."""
        while True:
            try:
                async with self._database.connection() as db:
                    if await note(db) == 0:
                        log.warning("A task has been taken over", task=job.task_name, task_id=job.id)
                    if job.id == self._alone:
                        self._alone = None
                        await db.execute(_queries.wake)
                    return
            except psycopg.OperationalError:
                if self.is_closing:
                    log.warning("A task's end could not be noted", task=job.task_name, task_id=job.id)
                    return
                await asyncio.sleep(_AGAIN_S)

    async def _give_back(self, db: Db, workers: Iterable[int]) -> int:
        given_back = await db.rows(_queries.give_back, {"workers": list(workers)})
        await db.execute(_queries.unregister, {"workers": list(workers)})
        if given_back:
            await db.execute(_queries.wake)
        return len(given_back)

    def _key(self, job: Job) -> dict[str, object]:
        return {"id": job.id, "worker": job.worker_id}


def backoff_s(settings: Settings, failures: int) -> float:
    """Seconds to wait after a failure that had `failures` before it: 1, 4, 16 … times the base, ten minutes at most."""
    return float(min(settings.task_backoff_s * 4**failures, LONGEST_DELAY_S))

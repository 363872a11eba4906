"""The worker: runs queued tasks, and takes over those of workers that have stopped giving signs of life.

The library fetches, runs and schedules; what is ours is who may note a result. A worker has a row with a number that is
never used again, and beats it. Whoever finds a row unbeaten for a lease ends that worker's sessions, gives its tasks
back and deletes the row. A worker that was frozen finds its row gone, drops what it runs and begins anew; nothing that
it notes under its old number is accepted.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker as LibraryWorker

from repoint.db.pool import Database
from repoint.db.queries import load_queries
from repoint.queue.beside import beside
from repoint.queue.claims import LostWorkerError, TaskClaims
from repoint.queue.running import Running, register_tasks
from repoint.queue.tasks import TaskContext, every
from repoint.settings import Settings

log = structlog.get_logger()

# How long to wait before beginning anew when the database is away.
RETRY_S = 1.0
# A worker that stops has this long to say so to a database that may be away.
LAST_WORDS_S = 2.0

_queries = load_queries("repoint.queue")


async def run_worker(database: Database, settings: Settings) -> None:
    """Run tasks until SIGTERM or SIGINT; what runs then has `worker_stop_s` to end and is given back after that."""
    worker = Worker(database, settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Windows has no such thing: there the process just ends, and the lease does the rest.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, worker.stop)
    await worker.run()


class Worker:
    """One worker on an open database, whose connections the tasks use; its own bookkeeping has a few of its own."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._settings = settings
        self._context = TaskContext(database, settings, worker_id=database.name)
        self._database = database
        self._running: Running = set()
        self._is_stopped = asyncio.Event()
        self._library: LibraryWorker | None = None
        self._claims: TaskClaims | None = None

    async def run(self) -> None:
        """Run tasks until `stop`; a database that goes away is waited for."""
        async with self._open(), beside(self._context, self._is_stopped):
            while not self._is_stopped.is_set():
                try:
                    await self._run_once(listens=True)
                except (ConnectorException, psycopg.OperationalError) as error:
                    log.warning("The worker lost its database and begins anew", reason=str(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_stopped.wait(), RETRY_S)

    def stop(self) -> None:
        """Take no more tasks, and let `run` return when the running ones have ended or are given back."""
        self._is_stopped.set()
        if self._claims is not None:
            self._claims.is_closing = True
        if self._library is not None:
            self._library.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped

    async def drain(self) -> None:
        """Run tasks until none is left that could run now, those included that they queue themselves (for tests)."""
        async with self._open():
            while await self._waiting() > 0:
                await self._run_once(listens=False)
                # Another worker may be at a task still.
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        # We tell ourselves what happens to tasks, once and in our words.
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
        tasks_database = self._context.database
        # Tasks may use up their pool; a sign of life must not wait for them.
        self._database = Database(tasks_database.url, name=tasks_database.name, max_size=2)
        await self._database.open()
        cut_off = asyncio.create_task(self._cut_off_when_stopped(), name="worker's last words")
        try:
            yield
        finally:
            cut_off.cancel()
            await self._database.close()

    async def _cut_off_when_stopped(self) -> None:
        """Let a worker that stops not wait for a database that is away: a closed pool refuses at once."""
        await self._is_stopped.wait()
        if self._running:
            await asyncio.wait(set(self._running), timeout=self._settings.worker_stop_s)
        await asyncio.sleep(LAST_WORDS_S)
        await self._database.close()

    async def _waiting(self) -> int:
        async with self._database.connection() as db:
            return int(await db.value(_queries.waiting))

    async def _run_once(self, *, listens: bool) -> None:
        """Be one worker, with one number, until stopped, taken over or cut off; or, unless it listens, out of tasks."""
        self._library = library = await self._library_worker(listens=listens)
        beats = asyncio.create_task(self._beat(library), name="worker's signs of life")
        try:
            await library.run()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        finally:
            beats.cancel()
            self._library = None
            await self._end_tasks()

    async def _library_worker(self, *, listens: bool) -> LibraryWorker:
        connector = PsycopgConnector()
        # The library asks for rows as it needs them.
        await connector.open_async(self._database.pool)  # type: ignore[arg-type]
        app = App(connector=connector)
        app.job_manager = self._claims = TaskClaims(connector, self._database, self._settings)
        register_tasks(app, self._context, self._running, scheduled=listens)
        return LibraryWorker(
            app,
            name=self._context.worker_id,
            concurrency=self._settings.worker_concurrency,
            wait=listens,
            listen_notify=listens,
            fetch_job_polling_interval=self._settings.worker_poll_s,
            # Without listening the library stops at once, and what it has begun must end however long it takes.
            shutdown_graceful_timeout=self._settings.worker_stop_s if listens else None,
            install_signal_handlers=False,
            # Never: we beat ourselves, and nobody asks for a task to be aborted.
            update_heartbeat_interval=_NEVER_S,
            abort_job_polling_interval=_NEVER_S,
        )

    async def _beat(self, library: LibraryWorker) -> None:
        while True:
            await asyncio.sleep(self._settings.worker_heartbeat_s)
            if library.worker_id is None or self._claims is None:
                continue
            try:
                await self._claims.beat()
            except LostWorkerError:
                log.warning("This worker was frozen and has been taken over; it begins anew")
                await self._end_tasks()
                library.stop()  # type: ignore[no-untyped-call]  # the library leaves it untyped
                return
            except psycopg.OperationalError as error:
                log.warning("A sign of life could not be given", reason=str(error))

    async def _end_tasks(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


_NEVER_S = 1e9


@every(seconds=3600)
async def forget_failed_tasks(context: TaskContext) -> None:
    """Delete tasks that failed for good `failed_task_days` ago; the others are deleted as they end."""
    async with context.database.connection() as db:
        await db.execute(_queries.forget, {"days": context.settings.failed_task_days})

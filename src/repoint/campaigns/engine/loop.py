"""What every worker does for campaigns: starts what is due, and works on some batches at a time."""

import asyncio
import time
from collections import Counter

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.campaigns.engine.batch import Batch, cut, next_cut, renew, take_batches
from repoint.campaigns.engine.ending import drop_batch, end_days, fail_run
from repoint.campaigns.engine.recipients import Recipients
from repoint.campaigns.engine.run import CancelledRunError, CannotRunError, load_run, run_to_cut
from repoint.campaigns.engine.start import start_due
from repoint.campaigns.engine.work import LaterError, Work
from repoint.campaigns.hooks import open_hook
from repoint.db.queries import load_queries
from repoint.delivery.recommending import open_recommending
from repoint.delivery.seats import Seats
from repoint.functions.opened import functions_of
from repoint.queue.beside import runs_beside
from repoint.queue.lease import LostClaimError
from repoint.queue.tasks import TaskContext
from repoint.segments.sources import EvaluationError

log = structlog.get_logger()
Q = load_queries("repoint.campaigns.engine")

POLL_S = 0.1
IDLE_POLL_S = 1.0
KEEP_TIME_S = 1.0
# Batches that one worker works on at the same time, and those of one run among them: while one waits for a server or
# the database, another can be made ready.
MOST_BATCHES = 8
MOST_OF_RUN = 2
# A batch that fails for a reason that nobody has foreseen is tried again after this long.
FAILED_WAIT_S = 10.0
# And so often by one worker; then its run ends, as nothing else would ever end it.
MOST_FAILURES = 5


@runs_beside
async def run_campaigns(context: TaskContext) -> None:
    """Run campaigns until cancelled."""
    await Engine(context).run()


class Engine:
    """One worker's part in running campaigns."""

    def __init__(self, context: TaskContext) -> None:
        self._context = context
        self._lease_s = context.settings.worker_lease_s
        self._seats = Seats()
        # Of batches, by their numbers, for reasons that nobody has foreseen.
        self._failures: Counter[int] = Counter()
        self._working: dict[asyncio.Task[None], Batch] = {}
        self._has_changed = asyncio.Event()
        self._kept_time_at = -KEEP_TIME_S

    @property
    def stops(self) -> bool:
        """Whether nothing new is sent any more."""
        return self._seats.are_closed

    async def run(self) -> None:
        """Run campaigns for ever, through failures of the database."""
        renewing = asyncio.create_task(self._renew())
        try:
            while True:
                try:
                    pause_s = await self._look()
                except (psycopg.Error, PoolTimeout) as error:
                    log.warning("Campaigns could not be looked at", reason=str(error))
                    pause_s = IDLE_POLL_S
                except Exception:
                    # Of one campaign, perhaps; the others are to go on.
                    log.exception("Campaigns could not be looked at")
                    pause_s = IDLE_POLL_S
                self._has_changed.clear()
                try:
                    await asyncio.wait_for(self._has_changed.wait(), pause_s)
                except TimeoutError:
                    continue
        finally:
            await self._stop()
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)

    async def _stop(self) -> None:
        """Let what is on its way end and be written, and give the batches back; what takes too long is cut off."""
        self._seats.are_closed = True
        if self._working:
            await asyncio.wait(set(self._working), timeout=self._context.settings.worker_stop_s)
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def drain(self) -> None:
        """Run campaigns until nothing is left that could be done now (for tests)."""
        while True:
            self._kept_time_at = -KEEP_TIME_S
            await self._look()
            if self._working:
                await asyncio.wait(set(self._working), return_when=asyncio.FIRST_COMPLETED)
            elif not await start_due(self._context) and not await self._claim():
                return

    async def _look(self) -> float:
        """Start and claim what there is; how long to wait before the next look."""
        await self._keep_time()
        await self._claim()
        if self._working:
            return POLL_S
        async with self._context.database.connection() as db:
            is_busy = await db.value(Q.state)
        return POLL_S if is_busy else IDLE_POLL_S

    async def _keep_time(self) -> None:
        """Start what is due and end what events trigger no more: once in a second, however often batches end."""
        now = time.monotonic()
        if now < self._kept_time_at + KEEP_TIME_S:
            return
        self._kept_time_at = now
        await start_due(self._context)
        await end_days(self._context.database, self._context.now())

    async def _claim(self) -> bool:
        """Take as many batches as there is room for; whether there were any."""
        room = MOST_BATCHES - len(self._working)
        if room <= 0:
            return True
        async with self._context.database.connection() as db:
            batches = await take_batches(
                db, self._context.worker_id, self._lease_s, room, held=[each.number for each in self._working.values()]
            )
        for batch in batches:
            self._begin(batch)
        count = len(batches)
        while count < room and (fresh := await self._cut()) is not None:
            self._begin(fresh)
            count += 1
        return count > 0

    async def _cut(self) -> Batch | None:
        """Cut a range off a run that has one left, and fewer batches here than it may."""
        of_run = Counter(batch.run_id for batch in self._working.values())
        busy = [run_id for run_id, batches in of_run.items() if batches >= MOST_OF_RUN]
        context = self._context
        async with context.database.transaction() as db:
            place = await next_cut(db, busy, context.now())
            if place is None:
                return None
            try:
                audience, rows = await run_to_cut(context.database, place.run, context.now())
                return await cut(
                    db, context.database, place, audience, rows, context.worker_id, context.settings.worker_lease_s
                )
            except (CannotRunError, EvaluationError) as error:
                await fail_run(db, place.run, str(error), context.now())
            except CancelledRunError:
                await fail_run(db, place.run, "its campaign is gone", context.now())
        return None

    def _begin(self, batch: Batch) -> None:
        task = asyncio.create_task(self._work(batch), name=f"batch {batch.number}")
        self._working[task] = batch
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._working[task]
        self._has_changed.set()

    async def _work(self, batch: Batch) -> None:
        try:
            await self._work_on(batch)
        except LostClaimError as lost:
            log.info("A part of a campaign is left to the worker that has taken it over", why=str(lost))
        except LaterError as later:
            await self._give_back(batch, later.wait_s)
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("A part of a campaign lost the database", run_id=batch.run_id, reason=str(error))
            await self._give_back(batch, IDLE_POLL_S)
        except Exception:
            log.exception("A part of a campaign failed", run_id=batch.run_id, batch=batch.number)
            await self._note_failure(batch)
        else:
            self._failures.pop(batch.number, None)
        finally:
            await self._seats.release(batch.holder)

    async def _note_failure(self, batch: Batch) -> None:
        self._failures[batch.number] += 1
        try:
            if self._failures[batch.number] >= MOST_FAILURES:
                async with self._context.database.transaction() as db:
                    await drop_batch(db, batch, self._context.now())
                    reason = "A part of it failed again and again; the log tells why."
                    await fail_run(db, batch.run, reason, self._context.now())
            else:
                await self._give_back(batch, FAILED_WAIT_S)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("A part of a campaign could not be given up", run_id=batch.run_id, reason=str(error))

    async def _work_on(self, batch: Batch) -> None:
        context = self._context
        try:
            run = await load_run(context.database, context.settings, batch, context.now())
            functions = functions_of(context.database, context.settings)
            opened = open_hook(
                functions,
                run.campaign.hook,
                most_endpoints=context.settings.hook_endpoints,
                source_arn=run.arn,
            )
            recommends = open_recommending(run.recommenders, functions, context.settings, run_id=run.id)
            async with opened as hook, recommends as recommending:
                recipients = Recipients(context.database, run, hook, recommending)
                has_failed = batch.number in self._failures
                await Work(context, run, batch, self._seats, recipients, may_repeat=not has_failed).do()
        except (CannotRunError, EvaluationError) as error:
            async with context.database.transaction() as db:
                await drop_batch(db, batch, context.now())
                await fail_run(db, batch.run, str(error), context.now())
        except CancelledRunError:
            async with context.database.transaction() as db:
                await drop_batch(db, batch, context.now())

    async def _give_back(self, batch: Batch, wait_s: float) -> None:
        try:
            async with self._context.database.connection() as db:
                await db.execute(Q.give_back, batch.key | {"epoch": batch.epoch, "wait_s": wait_s})
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("A part of a campaign could not be given back", run_id=batch.run_id, reason=str(error))

    async def _renew(self) -> None:
        """Hold on to what is worked on, a call to a slow server included."""
        while True:
            await asyncio.sleep(self._lease_s / 3)
            batches = list(self._working.values())
            if not batches:
                continue
            try:
                async with self._context.database.connection() as db:
                    await renew(db, self._context.worker_id, self._lease_s, batches)
            except (psycopg.Error, PoolTimeout) as error:
                log.warning("A claim could not be renewed", reason=str(error))

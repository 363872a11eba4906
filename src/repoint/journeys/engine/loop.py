"""What every worker does for journeys: starts what is due, lets people in, and moves those of some lanes at a time."""

import asyncio
import time
from collections import Counter

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.db.queries import load_queries
from repoint.delivery.seats import Seats
from repoint.journeys.engine.arrivals import take_arrivals
from repoint.journeys.engine.entry import enter_some
from repoint.journeys.engine.keeper import keep_due
from repoint.journeys.engine.lane import Lane, give_back, renew, take_lane
from repoint.journeys.engine.published import load_published
from repoint.journeys.engine.session import LaterError, Session
from repoint.journeys.engine.work import take_out, work
from repoint.queue.beside import runs_beside
from repoint.queue.lease import LostClaimError
from repoint.queue.tasks import TaskContext

log = structlog.get_logger()
Q = load_queries("repoint.journeys.engine")

POLL_S = 0.1
IDLE_POLL_S = 1.0
KEEP_TIME_S = 1.0
# Lanes whose participants one worker moves at the same time, and those of one journey among them: while one waits for a
# server or the database, another can be made ready. More would have fewer messages each under way.
MOST_LANES = 8
MOST_OF_JOURNEY = 2
# A lane that fails for a reason that nobody has foreseen is tried again after this long.
FAILED_WAIT_S = 10.0


@runs_beside
async def run_journeys(context: TaskContext) -> None:
    """Run journeys until cancelled."""
    await Engine(context).run()


class Engine:
    """One worker's part in running journeys."""

    def __init__(self, context: TaskContext) -> None:
        self._context = context
        self._lease_s = context.settings.worker_lease_s
        self._seats = Seats()
        # Of lanes, for reasons that nobody has foreseen.
        self._failures: Counter[tuple[str, int]] = Counter()
        self._working: dict[asyncio.Task[None], Lane] = {}
        self._has_changed = asyncio.Event()
        self._kept_time_at = -KEEP_TIME_S

    async def run(self) -> None:
        """Run journeys for ever, through failures of the database."""
        renewing = asyncio.create_task(self._renew())
        try:
            while True:
                try:
                    pause_s = await self._look()
                except (psycopg.Error, PoolTimeout) as error:
                    log.warning("Journeys could not be looked at", reason=str(error))
                    pause_s = IDLE_POLL_S
                except Exception:
                    # Of one journey, perhaps; the others are to go on.
                    log.exception("Journeys could not be looked at")
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
        """Let what is on its way end and be written, and give the lanes back; what takes too long is cut off."""
        self._seats.are_closed = True
        if self._working:
            await asyncio.wait(set(self._working), timeout=self._context.settings.worker_stop_s)
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    async def drain(self) -> None:
        """Run journeys until nothing is left that could be done now (for tests)."""
        while True:
            kept = await keep_due(self._context)
            entered = await self._enter()
            was_working = bool(self._working)
            claimed = await self._claim()
            if self._working:
                await asyncio.wait(set(self._working), return_when=asyncio.FIRST_COMPLETED)
            elif not (kept or entered or was_working or claimed):
                return

    async def _look(self) -> float:
        """Start, let in and take what there is; how long to wait before the next look."""
        await self._keep_time()
        await self._claim()
        if await self._enter():
            return 0
        if self._working:
            return POLL_S
        async with self._context.database.connection() as db:
            is_busy = await db.value(Q.state, {"now": self._context.now()})
        return POLL_S if is_busy else IDLE_POLL_S

    async def _keep_time(self) -> None:
        """Look at the journeys that are due: once in a second, however often lanes end."""
        now = time.monotonic()
        if now >= self._kept_time_at + KEEP_TIME_S:
            self._kept_time_at = now
            await keep_due(self._context)

    async def _enter(self) -> bool:
        """Let some people in; whether there were any."""
        of_segments = await enter_some(self._context)
        return await take_arrivals(self._context) or of_segments

    async def _claim(self) -> bool:
        """Take as many lanes as there is room for; whether there were any."""
        if len(self._working) >= MOST_LANES:
            return True
        has_taken = False
        while len(self._working) < MOST_LANES and (lane := await self._take_lane()) is not None:
            task = asyncio.create_task(self._work(lane), name=f"lane {lane.number} of {lane.journey_id}")
            self._working[task] = lane
            task.add_done_callback(self._done)
            has_taken = True
        return has_taken

    async def _take_lane(self) -> Lane | None:
        """A lane of a journey of which this worker has fewer than it may."""
        context, held = self._context, list(self._working.values())
        of_journey = Counter(lane.journey_id for lane in held)
        busy = [journey_id for journey_id, lanes in of_journey.items() if lanes >= MOST_OF_JOURNEY]
        async with context.database.connection() as db:
            return await take_lane(db, context.worker_id, self._lease_s, held=held, busy=busy, now=context.now())

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._working[task]
        self._has_changed.set()

    async def _work(self, lane: Lane) -> None:
        wait_s = 0.0
        try:
            await self._work_on(lane)
        except LostClaimError as lost:
            log.info("A part of a journey is left to the worker that has taken it over", why=str(lost))
            return
        except LaterError as later:
            wait_s = later.wait_s
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("A part of a journey lost the database", journey_id=lane.journey_id, reason=str(error))
            wait_s = IDLE_POLL_S
        except Exception:
            log.exception("A part of a journey failed", journey_id=lane.journey_id, lane=lane.number)
            self._failures[lane.journey_id, lane.number] += 1
            wait_s = FAILED_WAIT_S
        else:
            self._failures.pop((lane.journey_id, lane.number), None)
        finally:
            await self._seats.release(lane.holder)
        await self._give_back(lane, wait_s)

    async def _work_on(self, lane: Lane) -> None:
        context = self._context
        async with context.database.transaction() as db:
            published = await load_published(db, lane.application_id, lane.journey_id)
        if published is None:
            return
        session = Session(context, published, lane, self._seats)
        try:
            if published.state in {"CANCELLED", "COMPLETED"} or not published.is_there:
                await take_out(session)
            else:
                has_failed = (lane.journey_id, lane.number) in self._failures
                await work(session, may_repeat=not has_failed)
        finally:
            # Also when the rest is left for later: nobody may be due in this lane then who would have it looked at.
            lane.has_ended_some = session.walk.have_left or published.state == "CANCELLED"

    async def _give_back(self, lane: Lane, wait_s: float) -> None:
        context = self._context
        try:
            async with context.database.transaction() as db:
                await give_back(db, lane, wait_s, context.now())
            if lane.has_ended_some:
                # In a transaction of its own: who lets somebody in holds the journey, and then wakes its lanes.
                async with context.database.connection() as db:
                    await db.execute(Q.look_now, lane.journey | {"now": context.now()})
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("A part of a journey could not be given back", journey_id=lane.journey_id, reason=str(error))

    async def _renew(self) -> None:
        """Hold on to what is worked on, a call to a slow server included."""
        while True:
            await asyncio.sleep(self._lease_s / 3)
            lanes = list(self._working.values())
            if not lanes:
                continue
            try:
                async with self._context.database.connection() as db:
                    await renew(db, self._context.worker_id, self._lease_s, lanes)
            except (psycopg.Error, PoolTimeout) as error:
                log.warning("A claim could not be renewed", reason=str(error))

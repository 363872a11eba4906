"""Working on one lane: those who are due walk on, and those of a journey that is over are taken out."""

from collections import Counter
from collections.abc import Sequence

from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.journeys.activities.kind import Visit
from repoint.journeys.engine.changes import OF_RUN, Changes
from repoint.journeys.engine.lane import Sending
from repoint.journeys.engine.messaging import send_to
from repoint.journeys.engine.session import Session
from repoint.journeys.engine.settling import note_unknown, settle
from repoint.journeys.engine.step import StoppedError
from repoint.journeys.engine.visits import due_visits
from repoint.queue.lease import LostClaimError

Q = load_queries("repoint.journeys.engine")

# Participants that are read and moved together.
VISITS = 250
# Then others who wait for a worker have their turn.
ROUNDS = 20
# Participants who are taken out in one transaction.
DROPPED_ROWS = 2000


async def work(session: Session, *, may_repeat: bool = True) -> None:
    """Move those who are due, until nobody is or others are to have their turn.

    Raises LostClaimError when another worker has taken the lane over, and LaterError. Whatever is raised, what became
    of messages is written before: nobody else knows of it.
    """
    try:
        await settle(session, may_repeat=may_repeat)
        await session.write()
        for _ in range(ROUNDS):
            visits = await _due(session)
            if not visits:
                break
            await _move(session, visits)
            await session.write()
    except StoppedError:
        # What was to be reserved is not sent; what was sent is still to be written.
        pass
    except LostClaimError:
        raise
    except Exception:
        await session.write()
        raise
    await session.write()


async def take_out(session: Session) -> None:
    """Take everybody in the lane out of a journey that was cancelled. Raises LostClaimError.

    What was on its way when the lane was taken over is not sent again.
    """
    note_unknown(session, session.lane.sending)
    session.away = []
    await session.write()
    is_empty = False
    while not is_empty:
        dropped: Counter[str] = Counter()

        async def drop(db: Db, written: Changes, dropped: Counter[str] = dropped) -> list[Sending]:
            dropped.clear()
            rows = await db.rows(Q.drop_visits, session.lane.key | {"rows": DROPPED_ROWS})
            dropped.update({row["run_id"].hex: row["visits"] for row in rows})
            for run_id, visits in dropped.items():
                written.count(run_id, OF_RUN, "CANCELLED", visits)
            return []

        await session.take_step(drop, sends=False)
        is_empty = dropped.total() == 0


async def _due(session: Session) -> list[Visit]:
    rows = session.most_ahead(VISITS)
    async with session.context.database.transaction() as db:
        return await due_visits(db, session.published, session.lane, session.context.now(), rows)


async def _move(session: Session, visits: Sequence[Visit]) -> None:
    """Have these go on as far as they come."""
    waiting = session.walk.before_messages
    waiting.clear()
    await session.walk.go(session.changes, visits)
    while waiting:
        stand = next(iter(waiting))
        await send_to(session, stand, waiting.pop(stand))

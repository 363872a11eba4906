"""Looking at journeys whose time has come, each by whichever worker locks it first."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.endpoints.timezone import zone_names
from repoint.journeys.engine.look import Look
from repoint.journeys.engine.published import Published, load_published, read_published
from repoint.queue import TaskContext
from repoint.segments.audience import Audience, load_audience
from repoint.segments.members import zones_of_members
from repoint.segments.sources import EvaluationError

log = structlog.get_logger()
Q = load_queries("repoint.journeys.engine")

# Journeys that are looked at together.
AT_ONCE = 20
# Until one is looked at again that could not be.
_LATER = timedelta(minutes=1)


async def keep_due(context: TaskContext) -> int:
    """Look at what is due; how many journeys were looked at. One that fails keeps no other from being looked at."""
    async with context.database.connection() as db:
        rows = await db.rows(Q.due_journeys, {"now": context.now(), "rows": AT_ONCE})
    looked_at = 0
    for row in rows:
        try:
            await _look_at(context, row["application_id"].hex, row["journey_id"].hex)
        except (psycopg.Error, PoolTimeout):
            raise
        except Exception:
            log.exception("A journey could not be looked at", journey_id=row["journey_id"].hex)
            async with context.database.connection() as db:
                await db.execute(Q.look_later, row | {"later": context.now() + _LATER})
        else:
            looked_at += 1
    return looked_at


async def _look_at(context: TaskContext, application_id: str, journey_id: str) -> None:
    key = {"application_id": application_id, "journey_id": journey_id}
    async with context.database.transaction() as db:
        known = await load_published(db, application_id, journey_id)
        audience = None if known is None else await _audience(db, known, context.now())
    zones = [] if known is None or audience is None else await _zones(context, known, audience)
    async with context.database.transaction() as db:
        row = await db.row(Q.lock_journey, key | {"now": context.now()})
        if row is None:
            return
        published = await read_published(db, application_id, journey_id, row)
        await Look(db, published, audience, zones, context.now()).do()


async def _audience(db: Db, published: Published, now: datetime) -> Audience | None:
    """The segment whose members would enter now; None when there is none, or nobody enters any more."""
    if not published.is_there or published.state not in {"ACTIVE", "PAUSED"}:
        return None
    journey = published.journey
    if journey.is_of_events or journey.segment_id is None:
        return None
    version = None if journey.refreshes_on_update else published.segment_version
    try:
        return await load_audience(db, published.application_id, journey.segment_id, version, at=now)
    except NotFoundException:
        return None


async def _zones(context: TaskContext, published: Published, audience: Audience) -> Sequence[str]:
    """In local time the names of the zones in which members may be."""
    journey = published.journey
    if not journey.schedule.is_local:
        return ()
    if journey.hours.estimation_methods:
        return sorted(zone_names())
    async with context.database.transaction() as db:
        try:
            return await zones_of_members(db, audience)
        except EvaluationError:
            return ()

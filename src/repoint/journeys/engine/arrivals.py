"""Letting endpoints in whose events a journey waits for (journeys.md section 5).

Who reads the event log has noted them, of those only who are members of the journey's segment
(`listening/arrivals.py`). An event and what it brings about change together, so each counts once.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.journeys.engine.entry import Entering, let_in, refusal
from repoint.journeys.engine.published import Published, read_published
from repoint.queue.tasks import TaskContext
from repoint.segments.members import Batch as SomeMembers
from repoint.segments.members import member_documents

Q = load_queries("repoint.journeys.engine")

# Events that are dealt with in one transaction.
_ROWS = 500


async def take_arrivals(context: TaskContext) -> bool:
    """Let the next endpoints into some journey; whether there were any."""
    now = context.now()
    async with context.database.transaction() as db:
        row = await db.row(Q.next_arrivals)
        if row is None:
            return False
        published = await read_published(db, row["application_id"].hex, row["journey_id"].hex, row)
        arrivals = await db.rows(Q.take_arrivals, published.key | {"rows": _ROWS})
        if published.is_there:
            keys = [each["endpoint_key"] for each in sorted(arrivals, key=lambda each: each["position"])]
            await _let_in(db, published, row["run_id"].hex, keys, now)
    return True


async def _let_in(db: Db, published: Published, run_id: str, keys: Sequence[str], now: datetime) -> None:
    """Judge these as they are now, in the order of their events: whoever comes twice comes to a journey it is in."""
    documents = await member_documents(db, published.application_id, SomeMembers(sorted(set(keys))))
    first, again, counts = Entering(run_id), Counter[str](), Counter[str]()
    for key in keys:
        if (document := documents.get(key)) is None:
            continue
        counts["ENDPOINT_PRODUCED"] += 1
        if (metric := refusal(document)) is not None:
            counts[metric] += 1
        elif key in first.asked:
            again[key] += 1
        else:
            first.asked[key] = None
    first.counts.update(counts)
    await let_in(db, published, first, now)
    if again:
        await let_in(db, published, Entering(run_id, dict.fromkeys(again), times=again), now)

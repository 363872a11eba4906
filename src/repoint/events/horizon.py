"""How far the log is settled: up to there no event can appear any more between those that are visible.

Positions are given out before the commit, so an event may become visible behind one with a higher position. Whoever
adds events has announced itself (emit.py) with the last position before its own. So: first ask how many positions have
been given out, then who is announced, then read, each in a statement of its own. Who was announced in between gets
later positions than those asked for, and who is no longer announced has committed and is seen by the reading.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from repoint.db.pool import Db, Parameters
from repoint.db.queries import Query, load_queries

Q = load_queries("repoint.events")

# How much earlier than one position another, later one may be logged.
MARGIN = timedelta(hours=1)

# An announcement has room for this many of a position's bits.
_BITS = 1 << 31


@dataclass(frozen=True, slots=True)
class Settled:
    """Up to where the log is settled, and when that was, by the server's clock."""

    # 0 for a log without events.
    position: int
    at: datetime

    @property
    def oldest(self) -> datetime:
        """No event at a later position is logged before this: positions and clocks go together but for small steps."""
        return self.at - MARGIN


async def settled(db: Db) -> Settled:
    """How far the log is settled now. `db` is no transaction whose statements share a view."""
    ((last, now),), announced = await db.together((Q.last_position, {}), (Q.announced, {}))
    return Settled(min([last, *(before(last, low) for (low,) in announced)]), now)


def ask_to_keep_places() -> tuple[Query, Parameters]:
    """The statement that goes before one that looks for events and must find all there are, in one transaction."""
    return Q.keep_places, {}


def before(last: int, low: int) -> int:
    """The position whose lowest bits are `low` and which is nearest to `last`; later than `last` when it just is."""
    behind = (last - low) % _BITS
    return last - behind if behind < _BITS // 2 else last + _BITS - behind

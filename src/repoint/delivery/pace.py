"""MessagesPerSecond: messages of one campaign or journey, from however many workers, leave no faster than it says."""

from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.resources.clearing import clears

Q = load_queries("repoint.delivery")

clears(Q.clear_paces)

# Messages of so long a time leave together.
_TOGETHER_S = 0.1
# Endpoints of so long a time are read ahead: what is read early may be out of date when it is sent to.
_AHEAD_S = 2.0
# Who would have to wait longer leaves it to whoever comes then.
PATIENCE_S = 0.5


class Pace:
    """The pace of one campaign or journey; without a limit everything may go at once."""

    def __init__(self, database: Database, application_id: str, scope_id: str, per_second: int | None) -> None:
        self._database = database
        self._rate = per_second
        self._key = {"application_id": application_id, "scope_id": scope_id}

    def most_at_once(self, messages: int) -> int:
        """How many of these may leave together."""
        return messages if self._rate is None else max(1, min(messages, int(self._rate * _TOGETHER_S)))

    def most_ahead(self, endpoints: int) -> int:
        """How many of these are read ahead."""
        return endpoints if self._rate is None else max(1, min(endpoints, int(self._rate * _AHEAD_S)))

    async def take(self, messages: int) -> float:
        """Make room for some messages; how long from now they have to wait, in seconds."""
        if self._rate is None or not messages:
            return 0
        async with self._database.connection() as db:
            return max(0.0, float(await db.value(Q.take_pace, self._key | {"needs_s": messages / self._rate})))

    async def give_back(self, messages: int) -> None:
        """Room for these was not needed."""
        if self._rate is not None and messages:
            async with self._database.connection() as db:
                await db.execute(Q.give_back_pace, self._key | {"unused_s": messages / self._rate})


async def drop_pace(db: Db, application_id: str, scope_id: str) -> None:
    """Forget the pace of a campaign or journey that is gone."""
    await db.execute(Q.delete_pace, {"application_id": application_id, "scope_id": scope_id})

"""Whether this process can answer calls, for `/readyz`."""

import asyncio
import time

import psycopg

from repoint.db.migrate import status
from repoint.db.pool import Database

# A good answer is good for this long: strangers may ask, and each question costs a connection.
GOOD_FOR_S = 1.0
ASK_TIMEOUT_S = 3.0


class Readiness:
    """Asks the database, one question at a time, however many wait for the answer."""

    def __init__(self, database: Database) -> None:
        self._url = database.url
        self._asking = asyncio.Lock()
        self._good_until_s = 0.0

    async def problem(self) -> str | None:
        """Why calls cannot be answered now; None when the database answers and has every migration."""
        async with self._asking:
            if time.monotonic() < self._good_until_s:
                return None
            found = await self._ask()
            if found is None:
                self._good_until_s = time.monotonic() + GOOD_FOR_S
            return found

    async def _ask(self) -> str | None:
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                migrations = await asyncio.to_thread(status, self._url)
        except (psycopg.OperationalError, TimeoutError):
            return "The database does not answer"
        missing = [migration.name for migration in migrations if migration.applied_at is None]
        return f"{len(missing)} migrations are missing, run: repoint db migrate" if missing else None

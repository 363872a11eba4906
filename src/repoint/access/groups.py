"""Rows of the audit record that wait for others, to be written together."""

import asyncio
from contextlib import suppress
from weakref import WeakKeyDictionary, ref

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.db.pool import Database
from repoint.db.queries import load_queries

log = structlog.get_logger()
_queries = load_queries("repoint.access")

# How long a row waits for others.
GROUP_S = 0.5
# While the database is away rows gather, some 50 MB of them; what is more is given up, and that is told.
MAX_ROWS = 50_000
# How long a clean stop waits for the last ones.
LAST_S = 5.0


class _Group:
    """The rows of one process for one database."""

    def __init__(self, database: Database) -> None:
        # The group must not keep the database from being forgotten.
        self._database = ref(database)
        self._rows: list[bytes] = []
        self._given_up = 0
        self._task: asyncio.Task[None] | None = None
        database.before_close(self._write_last)

    def add(self, row: bytes) -> None:
        if len(self._rows) < MAX_ROWS:
            self._rows.append(row)
        else:
            self._given_up += 1
        if self._task is None:
            self._task = asyncio.create_task(self._write_soon(), name="audit records")

    async def _write_soon(self) -> None:
        try:
            while self._rows:
                await asyncio.sleep(GROUP_S)
                try:
                    await self._write()
                except (psycopg.Error, PoolTimeout) as error:
                    log.warning("Audit records wait for the database", reason=str(error))
        finally:
            self._task = None

    async def _write_last(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if not self._rows:
            return
        try:
            async with asyncio.timeout(LAST_S):
                await self._write()
        except (psycopg.Error, PoolTimeout, TimeoutError) as error:
            log.error("The last audit records are lost", records=len(self._rows), reason=str(error))  # noqa: TRY400 - told

    async def _write(self) -> None:
        if self._given_up:
            log.error("The database was away for too long: audit records were given up", records=self._given_up)
            self._given_up = 0
        database, rows = self._database(), self._rows
        if database is None or not rows:
            return
        self._rows = []
        try:
            async with database.transaction() as db:
                await db.execute(_queries.be_alone)
                async with db.copy(_queries.add_records) as copy:
                    await copy.write(b"".join(rows))
        except BaseException:
            self._rows = rows + self._rows
            raise


_groups: WeakKeyDictionary[Database, _Group] = WeakKeyDictionary()


def add_line(database: Database, row: bytes) -> None:
    """Write a row of audit_records, in the text form of COPY, within a second."""
    group = _groups.get(database)
    if group is None:
        group = _groups[database] = _Group(database)
    group.add(row)

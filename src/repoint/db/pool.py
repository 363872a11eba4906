"""Connections: a `Database` is the pool of one process, a `Db` one connection in use."""

import secrets
import select
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection, AsyncCopy, AsyncPipeline
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row, tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from repoint.db.queries import Query

Row = dict[str, Any]
Parameters = Mapping[str, object]

# A client frozen inside a transaction must not hold its locks for ever: the server ends its session after this time.
IDLE_IN_TRANSACTION_S = 15
# How long a call waits for a connection: longer than the embedded server takes to come back from a crash.
WAIT_S = 15.0

OLDEST_SERVER = 15


class DatabaseError(Exception):
    """The database cannot be used as it is; the text tells the user why."""


class Db:
    """One connection. Inside `Database.transaction()` everything it does commits or vanishes together.

    Rows are dicts by column name. Statements are prepared after their first uses by psycopg itself.
    """

    __slots__ = ("connection",)

    def __init__(self, connection: AsyncConnection[Row]) -> None:
        self.connection = connection

    async def rows(self, query: Query, parameters: Parameters | None = None) -> list[Row]:
        """All rows of the answer."""
        cursor = await self.connection.execute(_sql(query), parameters)
        return await cursor.fetchall()

    async def tuples(self, query: Query, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        """All rows of the answer as tuples, for many at once."""
        async with self.connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(_sql(query), parameters)
            return await cursor.fetchall()

    async def row(self, query: Query, parameters: Parameters | None = None) -> Row | None:
        """The first row, None when there is none."""
        cursor = await self.connection.execute(_sql(query), parameters)
        return await cursor.fetchone()

    async def value(self, query: Query, parameters: Parameters | None = None) -> Any:
        """The first column of the first row, None when there is no row."""
        row = await self.row(query, parameters)
        return next(iter(row.values())) if row else None

    async def execute(self, query: Query, parameters: Parameters | None = None) -> int:
        """Run a statement; the number of rows it touched."""
        cursor = await self.connection.execute(_sql(query), parameters)
        return cursor.rowcount

    async def execute_many(self, query: Query, parameters: Sequence[Parameters]) -> None:
        """Run a statement once for each set of parameters, in one pipeline."""
        async with self.connection.cursor() as cursor:
            await cursor.executemany(_sql(query), parameters)

    async def together(self, *statements: tuple[Query, Parameters]) -> list[list[tuple[Any, ...]]]:
        """Several statements in one round trip; the rows of each as tuples, none for one that has no rows."""
        cursors = []
        async with self.connection.pipeline():
            for query, parameters in statements:
                cursor = self.connection.cursor(row_factory=tuple_row)
                await cursor.execute(_sql(query), parameters)
                cursors.append(cursor)
        return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]

    def copy(self, query: Query, parameters: Parameters | None = None) -> AbstractAsyncContextManager[AsyncCopy]:
        """A COPY, in or out."""
        return self.connection.cursor().copy(_sql(query), parameters)

    def pipeline(self) -> AbstractAsyncContextManager[AsyncPipeline]:
        """Several statements in one round trip."""
        return self.connection.pipeline()


class Database:
    """The pool of one process; opened once, closed once.

    A connection that the server has closed, being restarted for example, is noticed and replaced before it is handed
    out. A call that is cut off in the middle gets psycopg.OperationalError; the next one works.
    """

    def __init__(self, url: str, *, name: str | None = None, min_size: int = 1, max_size: int = 20) -> None:
        self.url = url
        # What the server lists our sessions as; no other process has it.
        self.name = name or f"repoint-{secrets.token_hex(4)}"
        self.pool: AsyncConnectionPool[AsyncConnection[Row]] = AsyncConnectionPool(
            url,
            min_size=min_size,
            max_size=max_size,
            timeout=WAIT_S,
            open=False,
            kwargs={"row_factory": dict_row, "application_name": self.name, "options": _options(url)},
            configure=_configure,
        )
        self._before_close: list[Callable[[], Awaitable[None]]] = []

    async def open(self) -> None:
        """Connect; raises DatabaseError when the server does not answer or is too old."""
        try:
            # A connection of its own: the pool would hide why it cannot connect, and try for long.
            async with await AsyncConnection.connect(self.url, connect_timeout=10) as connection:
                version = connection.info.server_version // 10000
        except psycopg.OperationalError as error:
            raise DatabaseError(f"the database does not answer: {error}") from error
        if version < OLDEST_SERVER:
            raise DatabaseError(f"the database is PostgreSQL {version}; {OLDEST_SERVER} or later is needed")
        try:
            await self.pool.open(wait=True, timeout=WAIT_S)
        except PoolTimeout as error:
            raise DatabaseError(f"the database does not answer: {error}") from error

    def before_close(self, finish: Callable[[], Awaitable[None]]) -> None:
        """Have `finish` awaited while there still are connections, each time that they are to be given back."""
        self._before_close.append(finish)

    async def close(self) -> None:
        """Give every connection back to the server."""
        for finish in self._before_close:
            await finish()
        await self.pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Db]:
        """A connection on which each statement is a transaction of its own."""
        async with self._checked_out() as connection:
            yield Db(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Db]:
        """A connection inside one transaction: committed at the end, rolled back by an exception."""
        async with self._checked_out() as connection, connection.transaction():
            yield Db(connection)

    @asynccontextmanager
    async def _checked_out(self) -> AsyncIterator[AsyncConnection[Row]]:
        connection = await self._sound_connection()
        try:
            async with connection:
                yield connection
        finally:
            await self.pool.putconn(connection)

    async def _sound_connection(self) -> AsyncConnection[Row]:
        # The pool can check connections itself, but waits for seconds after each that fails, and after a restart of the
        # server all of them do.
        while True:
            connection = await self.pool.getconn()
            is_sound = False
            try:
                is_sound = not await _is_cut_off(connection)
            finally:
                if not is_sound:
                    await self.pool.putconn(connection)
            if is_sound:
                return connection
            await self.pool.check()


def _sql(query: Query) -> LiteralString:
    # Queries come from our own files only.
    return query.sql


def _options(url: str) -> str:
    # Sent along with the connection's first message, so they cost no round trip of their own. Compiling a plan takes
    # longer than any of our statements, and PostgreSQL 15 to 17 do it for each that has a disabled step in its plan.
    ours = f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_S}s -c timezone=UTC -c jit=off"
    return f"{conninfo_to_dict(url).get('options') or ''} {ours}".strip()


async def _configure(connection: AsyncConnection[Row]) -> None:
    await connection.set_autocommit(True)


async def _is_cut_off(connection: AsyncConnection[Row]) -> bool:
    """Whether the server has closed this connection; the server itself is asked only when there are signs of that."""
    # Nobody answers an idle connection: what is there to read is most likely the news that it has ended.
    if not _is_readable(connection.fileno()):
        return False
    try:
        await connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


def _is_readable(socket: int) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(socket, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([socket], [], [], 0)[0])

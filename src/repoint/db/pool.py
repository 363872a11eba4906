"""Connections: a `Database` is the pool of one process, a `Db` one connection in use."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, LiteralString, cast

from psycopg import AsyncConnection, AsyncCopy, AsyncPipeline
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from repoint.db.queries import Query

Row = dict[str, Any]
Parameters = Mapping[str, object]

# A client frozen inside a transaction must not hold its locks for ever: the server ends its session after this time.
IDLE_IN_TRANSACTION_S = 15


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

    def copy(self, query: Query, parameters: Parameters | None = None) -> AbstractAsyncContextManager[AsyncCopy]:
        """A COPY, in or out."""
        return self.connection.cursor().copy(_sql(query), parameters)

    def pipeline(self) -> AbstractAsyncContextManager[AsyncPipeline]:
        """Several statements in one round trip."""
        return self.connection.pipeline()


class Database:
    """The pool of one process; opened once, closed once."""

    def __init__(self, url: str, *, min_size: int = 1, max_size: int = 20) -> None:
        self.url = url
        self._pool = AsyncConnectionPool(
            url,
            min_size=min_size,
            max_size=max_size,
            open=False,
            kwargs={"autocommit": True, "row_factory": dict_row},
            configure=_configure,
        )

    async def open(self) -> None:
        """Connect; raises psycopg.OperationalError-derived PoolTimeout when the server does not answer."""
        await self._pool.open(wait=True, timeout=30)

    async def close(self) -> None:
        """Give every connection back to the server."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Db]:
        """A connection on which each statement is a transaction of its own."""
        async with self._pool.connection() as connection:
            yield Db(cast("AsyncConnection[Row]", connection))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Db]:
        """A connection inside one transaction: committed at the end, rolled back by an exception."""
        async with self._pool.connection() as connection, connection.transaction():
            yield Db(cast("AsyncConnection[Row]", connection))


def _sql(query: Query) -> LiteralString:
    # Queries come from our own files only; the cast is what lets psycopg's injection guard see that.
    return cast("LiteralString", query.sql)


async def _configure(connection: AsyncConnection[Any]) -> None:
    await connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION_S}s'")
    await connection.execute("SET timezone = 'UTC'")

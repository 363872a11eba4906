"""The pool, on a server that ends its sessions."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from repoint.db import pool
from repoint.db.embedded import Embedded
from repoint.db.pool import Database, DatabaseError
from repoint.db.queries import Query

ONE = Query("one", "SELECT 1 AS one")
END_ALL = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s"
CREATE = Query("create", "CREATE TABLE things (x int)")
INSERT = Query("insert", "INSERT INTO things VALUES (%(x)s)")
COUNT = Query("count", "SELECT count(*) FROM things")


async def test_a_transaction_rolls_back_what_it_did_before_an_exception(database: Database) -> None:
    async with database.connection() as db:
        await db.execute(CREATE)

    async with database.transaction() as db:
        await db.execute(INSERT, {"x": 1})
        raise psycopg.Rollback

    async with database.connection() as db:
        assert await db.value(COUNT) == 0


async def test_each_statement_of_a_connection_is_committed_at_once(database: Database) -> None:
    async with database.connection() as db:
        await db.execute(CREATE)
        await db.execute(INSERT, {"x": 1})

        async with database.connection() as other:
            assert await other.value(COUNT) == 1


async def test_execute_many_runs_a_statement_for_each_set(database: Database) -> None:
    async with database.transaction() as db:
        await db.execute(CREATE)
        await db.execute_many(INSERT, [{"x": number} for number in range(100)])

        assert await db.value(COUNT) == 100


async def test_connections_that_were_ended_while_idle_are_replaced_unseen(database: Database) -> None:
    await _use(database, connections=5)
    await _end_sessions(database)

    for _ in range(10):
        async with database.connection() as db:
            assert await db.value(ONE) == 1


async def test_a_call_cut_off_in_the_middle_fails_and_the_next_one_works(database: Database) -> None:
    with pytest.raises(psycopg.OperationalError):
        await _be_cut_off(database)

    async with database.connection() as db:
        assert await db.value(ONE) == 1


async def test_calls_during_a_restart_wait_for_it(own_server: Embedded) -> None:
    database = Database(own_server.start())
    await database.open()
    await _use(database, connections=3)
    await asyncio.to_thread(_restart, own_server)

    async with database.connection() as db:
        answer = await db.value(ONE)
    await database.close()

    assert answer == 1


async def test_sessions_carry_the_pools_name_and_its_limits(database: Database) -> None:
    async with database.connection() as db:
        assert await db.value(Query("q", "SHOW application_name")) == database.name
        assert await db.value(Query("q", "SHOW idle_in_transaction_session_timeout")) == "15s"
        assert await db.value(Query("q", "SHOW timezone")) == "UTC"
        assert await db.value(Query("q", "SHOW jit")) == "off"


async def test_options_of_the_url_are_kept(database_url: str) -> None:
    database = Database(f"{database_url}&options=-c%20work_mem%3D5MB")
    await database.open()
    async with database.connection() as db:
        shown = await db.value(Query("q", "SHOW work_mem"))
    await database.close()

    assert shown == "5MB"


async def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(DatabaseError, match="the database does not answer"):
        await Database("postgresql://nobody@127.0.0.1:1/none").open()


async def test_a_server_that_is_too_old_is_told(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "OLDEST_SERVER", 99)

    with pytest.raises(DatabaseError, match=r"the database is PostgreSQL \d\d; 99 or later is needed"):
        await Database(database_url).open()


@pytest.fixture
def own_server() -> Iterator[Embedded]:
    with TemporaryDirectory(prefix="repoint-pool-") as folder:
        server = Embedded(Path(folder))
        yield server
        server.stop()


def _restart(server: Embedded) -> None:
    server.stop()
    server.start()


async def _use(database: Database, *, connections: int) -> None:
    entered = [database.connection() for _ in range(connections)]
    for connection in entered:
        db = await connection.__aenter__()
        await db.value(ONE)
    for connection in entered:
        await connection.__aexit__(None, None, None)


async def _be_cut_off(database: Database) -> None:
    async with database.transaction() as db:
        await db.value(ONE)
        await _end_sessions(database)
        await db.value(ONE)


async def _end_sessions(database: Database) -> None:
    async with await psycopg.AsyncConnection.connect(database.url, autocommit=True) as connection:
        await connection.execute(END_ALL, [database.name])

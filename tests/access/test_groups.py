"""Records that wait: written together, kept while the database is away, and not without bounds."""

import asyncio
import gc
import weakref

import psycopg
import pytest
from structlog.testing import capture_logs

from repoint.access import groups
from repoint.access.groups import add_line
from repoint.db.pool import Database


def row(number: int) -> bytes:
    return f'2026-11-21T00:00:00Z\tana\tEvent\t{{"number":{number}}}\n'.encode()


def written(database_url: str) -> list[str]:
    with psycopg.connect(database_url) as connection:
        return [record for (record,) in connection.execute("SELECT record FROM audit_records ORDER BY id")]


async def open_database(url: str) -> Database:
    database = Database(url, max_size=2)
    await database.open()
    return database


async def test_rows_are_written_in_their_order(database_url: str) -> None:
    database = await open_database(database_url)
    for number in range(1000):
        add_line(database, row(number))

    await database.close()

    assert written(database_url) == [f'{{"number":{number}}}' for number in range(1000)]


async def test_rows_that_cannot_be_written_are_kept(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "GROUP_S", 0.05)
    database = await open_database(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection, capture_logs() as logs:
        connection.execute("ALTER TABLE audit_records RENAME TO hidden")
        add_line(database, row(1))
        await asyncio.sleep(0.2)
        connection.execute("ALTER TABLE hidden RENAME TO audit_records")
        add_line(database, row(2))
        await database.close()

    assert written(database_url) == ['{"number":1}', '{"number":2}']
    assert logs[0]["event"] == "Audit records wait for the database"


async def test_more_than_may_wait_are_given_up_and_that_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MAX_ROWS", 3)
    database = await open_database(database_url)
    for number in range(5):
        add_line(database, row(number))

    with capture_logs() as logs:
        await database.close()

    assert written(database_url) == ['{"number":0}', '{"number":1}', '{"number":2}']
    told = "The database was away for too long: audit records were given up"
    assert logs == [{"event": told, "records": 2, "log_level": "error"}]


async def test_last_rows_do_not_hold_up_a_stop(database_url: str) -> None:
    database = await open_database(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection, capture_logs() as logs:
        connection.execute("ALTER TABLE audit_records RENAME TO hidden")
        add_line(database, row(1))
        await database.close()
        connection.execute("ALTER TABLE hidden RENAME TO audit_records")

    assert [(entry["event"], entry["records"]) for entry in logs] == [("The last audit records are lost", 1)]


async def test_database_is_not_kept_by_its_records(database_url: str) -> None:
    database = await open_database(database_url)
    add_line(database, row(1))
    await database.close()
    forgotten = weakref.ref(database)

    del database
    await asyncio.sleep(0)
    gc.collect()

    assert forgotten() is None

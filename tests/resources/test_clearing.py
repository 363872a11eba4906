from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.discover import discover
from repoint.queue import TaskContext
from repoint.queue.worker import Worker
from repoint.resources import clearing
from repoint.settings import Settings

CLEAR = Query(
    "clear",
    "DELETE FROM points WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM points WHERE application_id = %(application_id)s LIMIT %(rows)s))",
)
FILL = Query("fill", "INSERT INTO points SELECT %(application_id)s, n FROM generate_series(1, %(rows)s) AS n")
COUNT = Query("count", "SELECT count(*) FROM points WHERE application_id = %(application_id)s")


@pytest.fixture
async def points(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A table of volume, cleared with the application its rows belong to."""
    # A room read only now would register its statements in the list that is put away afterwards.
    discover()
    monkeypatch.setattr(clearing, "_statements", [])
    clearing.clears(CLEAR)
    await execute(database, Query("make", "CREATE TABLE points (application_id uuid NOT NULL, n integer NOT NULL)"))
    yield
    await execute(database, Query("drop", "DROP TABLE points"))


async def execute(database: Database, query: Query, **parameters: object) -> None:
    async with database.connection() as db:
        await db.execute(query, parameters)


async def count(database: Database, application_id: str) -> Any:
    async with database.connection() as db:
        return await db.value(COUNT, {"application_id": application_id})


def create(client: Any) -> str:
    return str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])


@pytest.mark.usefixtures("points")
async def test_worker_clears_the_rows_of_a_deleted_application_only(
    client: Any, database: Database, worker: Worker
) -> None:
    gone, kept = create(client), create(client)
    # Two and a half batches.
    await execute(database, FILL, application_id=gone, rows=12_500)
    await execute(database, FILL, application_id=kept, rows=7)

    client.delete_app(ApplicationId=gone)
    before = await count(database, gone)
    await worker.drain()

    assert before == 12_500
    assert await count(database, gone) == 0
    assert await count(database, kept) == 7


@pytest.mark.usefixtures("points")
async def test_clearing_goes_on_where_it_was_broken_off(database: Database, settings: Settings) -> None:
    broken = Query("broken", "DELETE FROM lines WHERE application_id = %(application_id)s OR %(rows)s = 0")
    clearing.clears(broken)
    application_id = "0123456789abcdef0123456789abcdef"
    context = TaskContext(database, settings, "worker")
    await execute(database, FILL, application_id=application_id, rows=12_500)

    with pytest.raises(psycopg.errors.UndefinedTable):
        await clearing.clear_application.run(context, application_id=application_id)
    await execute(database, Query("make", "CREATE TABLE lines AS SELECT * FROM points"))
    await execute(database, FILL, application_id=application_id, rows=7)
    await clearing.clear_application.run(context, application_id=application_id)

    assert await count(database, application_id) == 0
    async with database.connection() as db:
        assert await db.rows(Query("left", "SELECT * FROM lines")) == []

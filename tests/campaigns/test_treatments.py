"""Rows that the operations and the engine write at one time."""

import asyncio
from datetime import UTC, datetime, timedelta

from repoint.campaigns.treatments import Standing, lock_standings, write_standings
from repoint.db.pool import Database
from repoint.db.queries import Query

KEY = {"application_id": "a" * 32, "campaign_id": "b" * 32}
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
FIRST = Standing("SCHEDULED", "DAILY", AT, "c" * 32, AT)
SECOND = Standing("PAUSED", "ONCE")

END = Query("end", "UPDATE campaign_treatments SET status = 'COMPLETED' WHERE treatment_id = 0")


async def test_what_is_written_takes_the_place_of_what_was(database: Database) -> None:
    later = Standing("EXECUTING", "EVENT", AT + timedelta(days=1))
    async with database.transaction() as db:
        await write_standings(db, KEY, [FIRST, SECOND, FIRST])

    async with database.transaction() as db:
        before = await lock_standings(db, KEY)
        await write_standings(db, KEY, [later, FIRST])
        after = await lock_standings(db, KEY)

    assert before == [FIRST, SECOND, FIRST]
    assert after == [later, FIRST]


async def test_who_waits_for_a_treatment_finds_it_changed_and_not_gone(database: Database) -> None:
    async with database.transaction() as db:
        await write_standings(db, KEY, [FIRST])

    async def end() -> int:
        async with database.transaction() as db:
            return await db.execute(END)

    async with database.transaction() as db:
        await write_standings(db, KEY, [FIRST])
        waiting = asyncio.create_task(end())
        done, _ = await asyncio.wait([waiting], timeout=0.2)

    assert done == set()
    assert await waiting == 1

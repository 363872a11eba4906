"""Claims: whoever took the row last may commit."""

import pytest

from repoint.db.pool import Database
from repoint.queue import Claim, LostClaimError
from tests.queue.program import CONFIRM, TABLES, TAKE


@pytest.fixture
async def counted(database: Database) -> Database:
    async with database.connection() as db:
        await db.connection.execute(TABLES)
    return database


async def test_the_one_that_took_it_last_may_commit(counted: Database) -> None:
    async with counted.transaction() as db:
        await Claim.take(db, TAKE, CONFIRM, {"id": "a"})
        second = await Claim.take(db, TAKE, CONFIRM, {"id": "a"})

        await second.confirm(db)

    assert second.epoch == 2


async def test_the_one_before_may_not(counted: Database) -> None:
    async with counted.transaction() as db:
        first = await Claim.take(db, TAKE, CONFIRM, {"id": "a"})
        await Claim.take(db, TAKE, CONFIRM, {"id": "a"})

        with pytest.raises(LostClaimError, match="epoch 1 is over"):
            await first.confirm(db)


async def test_a_row_that_is_not_there_cannot_be_taken(counted: Database) -> None:
    async with counted.transaction() as db:
        with pytest.raises(LostClaimError, match="nothing to take"):
            await Claim.take(db, TAKE, CONFIRM, {"id": "b"})

from repoint.db.pool import Database
from repoint.db.queries import Query


async def test_a_transaction_rolls_back_what_it_did_before_an_exception(database: Database) -> None:
    async with database.connection() as db:
        assert await db.value(Query("one", "SELECT 1")) == 1

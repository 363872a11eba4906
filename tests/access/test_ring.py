import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from pydantic import SecretStr

from repoint.access.ring import Key, KeyRing, check_master_key
from repoint.access.seal import MasterKeyError
from repoint.db.pool import Database, Db, Parameters, Row
from repoint.db.queries import Query
from repoint.discover import discover
from repoint.dispatch import dispatch_local
from repoint.settings import Settings


class CountingDb(Db):
    """Counts its statements."""

    asked = 0
    is_asked = asyncio.Event()

    async def rows(self, query: Query, parameters: Parameters | None = None) -> list[Row]:
        """As ever, and counted."""
        CountingDb.asked += 1
        CountingDb.is_asked.set()
        return await super().rows(query, parameters)


class CountingDatabase(Database):
    """Hands out connections that count."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Db]:
        """As ever, but counting."""
        async with super().connection() as db:
            yield CountingDb(db.connection)


class SlowDatabase(Database):
    """Takes its time to take a connection back."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Db]:
        """As ever, but slow at the end."""
        async with super().connection() as db:
            yield db
            await asyncio.sleep(0.1)


@pytest.fixture
async def counting(database_url: str) -> AsyncIterator[CountingDatabase]:
    database = CountingDatabase(database_url, max_size=2)
    await database.open()
    CountingDb.is_asked = asyncio.Event()
    yield database
    await database.close()


async def make(settings: Settings, database: Database, name: str = "ana") -> tuple[str, str]:
    discover()
    made = await dispatch_local(settings, database, "CreateKey", {"Name": name})
    return made["AccessKeyId"], made["SecretAccessKey"]


def found(key: Key | None) -> Key:
    assert key is not None
    return key


async def test_key_is_found_with_its_secret_and_user(settings: Settings, database: Database) -> None:
    access_key_id, secret = await make(settings, database)

    key = found(await KeyRing(settings, database).find(access_key_id))

    assert key.secret == secret
    assert key.principal.access_key_id == access_key_id
    assert key.principal.name == "ana"
    assert key.principal.arn == "arn:aws:iam::000000000000:user/ana"


async def test_unknown_key_is_none(settings: Settings, database: Database) -> None:
    assert await KeyRing(settings, database).find("AKIANONE") is None


async def test_revoked_key_is_none_at_the_next_look(settings: Settings, database: Database) -> None:
    access_key_id, _ = await make(settings, database)
    ring = KeyRing(settings, database)
    found(await ring.find(access_key_id))

    await dispatch_local(settings, database, "RevokeKey", {"AccessKeyId": access_key_id})

    assert await ring.find(access_key_id) is None


async def test_calls_that_wait_share_a_statement(settings: Settings, counting: CountingDatabase) -> None:
    keys = [(await make(settings, counting))[0] for _ in range(3)]
    ring = KeyRing(settings, counting)
    CountingDb.asked = 0

    answers = await asyncio.gather(*(ring.find(keys[number % 3]) for number in range(99)))

    assert CountingDb.asked == 1
    assert [found(key).principal.access_key_id for key in answers] == keys * 33


async def test_call_that_comes_during_a_statement_waits_for_the_next(
    settings: Settings, counting: CountingDatabase
) -> None:
    access_key_id, _ = await make(settings, counting)
    ring = KeyRing(settings, counting)
    CountingDb.asked = 0
    first = asyncio.create_task(ring.find(access_key_id))
    CountingDb.is_asked.clear()
    await CountingDb.is_asked.wait()

    second = await ring.find(access_key_id)

    assert (await first, CountingDb.asked) == (second, 2)


async def test_call_that_comes_while_the_connection_is_given_back_is_answered(
    settings: Settings, database_url: str
) -> None:
    database = SlowDatabase(database_url, max_size=2)
    await database.open()
    access_key_id, _ = await make(settings, database)
    ring = KeyRing(settings, database)

    await ring.find(access_key_id)
    await asyncio.sleep(0.01)
    key = await asyncio.wait_for(ring.find(access_key_id), 30)

    assert found(key).principal.access_key_id == access_key_id
    await database.close()


async def test_call_that_is_given_up_disturbs_no_other(settings: Settings, database: Database) -> None:
    access_key_id, _ = await make(settings, database)
    ring = KeyRing(settings, database)
    given_up = asyncio.create_task(ring.find(access_key_id))
    other = asyncio.create_task(ring.find(access_key_id))
    await asyncio.sleep(0)

    given_up.cancel()

    assert found(await other).principal.access_key_id == access_key_id


async def test_statement_that_fails_fails_those_who_wait_and_no_later_one(
    settings: Settings, database: Database, database_url: str
) -> None:
    access_key_id, _ = await make(settings, database)
    ring = KeyRing(settings, database)

    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE access_keys RENAME TO hidden")
        failed = await asyncio.gather(*(ring.find(access_key_id) for _ in range(3)), return_exceptions=True)
        connection.execute("ALTER TABLE hidden RENAME TO access_keys")

    assert [type(error) for error in failed] == [psycopg.errors.UndefinedTable] * 3
    assert found(await ring.find(access_key_id)).principal.access_key_id == access_key_id


async def test_other_master_key_is_noticed(settings: Settings, database: Database) -> None:
    access_key_id, _ = await make(settings, database)
    other = settings.model_copy(update={"master_key": SecretStr("ab" * 32)})

    with pytest.raises(MasterKeyError):
        await KeyRing(other, database).find(access_key_id)
    async with database.connection() as db:
        await check_master_key(settings, db)
        with pytest.raises(MasterKeyError):
            await check_master_key(other, db)

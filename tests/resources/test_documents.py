"""Versions of documents, of a kind that is made up here."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime

import pytest

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.operation import Call, Principal
from repoint.resources.documents import Resource
from repoint.resources.pages import read_page
from repoint.settings import Settings

POEMS = Resource("poem", check=lambda _: None, versioned=True)

APP, OTHER = "a" * 32, "b" * 32

At = Callable[[int], AbstractAsyncContextManager[Call]]


@pytest.fixture
def at(settings: Settings, database: Database) -> At:
    """Opens a call at a second of a day."""

    @asynccontextmanager
    async def open_call(second: int) -> AsyncIterator[Call]:
        now = datetime(2026, 11, 21, 12, 0, second, tzinfo=UTC)
        call = Call("Test", "request", now, Principal("k", "n", "a"), "us-east-1", settings, database)
        async with call.step():
            yield call

    return open_call


async def write(at: At, versions: int = 3) -> None:
    async with at(0) as call:
        await POEMS.create(call, {"Line": "1", "tags": {"a": "b"}}, document_id="p", application_id=APP)
    for number in range(2, versions + 1):
        async with at(number) as call:
            await POEMS.add_version(call, "p", {"Line": f"{number}", "tags": {"c": "d"}})


async def test_each_change_adds_a_version(at: At) -> None:
    await write(at)

    async with at(9) as call:
        latest, first = await POEMS.get(call.db, "p"), await POEMS.get_version(call.db, "p", 1)

    assert (latest.version, latest.content) == (3, {"Line": "3"})
    assert (first.version, first.content) == (1, {"Line": "1"})
    assert (first.created_at.second, first.modified_at.second) == (0, 0)
    assert (latest.created_at.second, latest.modified_at.second) == (0, 3)
    assert latest.tags == first.tags == {"a": "b"}


async def test_versions_come_highest_first(at: At) -> None:
    await write(at, 5)
    found = []
    token = None

    while True:
        async with at(9) as call:
            page, token = await POEMS.versions(call.db, read_page("List", "p", "2", token), "p", APP)
        found.append([each.version for each in page])
        if token is None:
            break

    assert found == [[5, 4], [3, 2], [1]]


async def test_a_version_can_be_amended(at: At) -> None:
    await write(at)
    async with at(9) as call:
        await POEMS.amend_version(call.db, "p", 2, {"Size": 2})
        await POEMS.amend_version(call.db, "p", 3, {"Size": 3})
        found = [await POEMS.get_version(call.db, "p", number) for number in (1, 2, 3)]
        latest = await POEMS.get(call.db, "p")

    assert [each.content.get("Size") for each in found] == [None, 2, 3]
    assert (latest.content, latest.version, latest.modified_at.second) == ({"Line": "3", "Size": 3}, 3, 3)


async def test_what_is_of_another_application_is_not_there(at: At) -> None:
    await write(at)

    async with at(9) as call:
        for look in (
            POEMS.get(call.db, "p", OTHER),
            POEMS.lock(call.db, "p", OTHER),
            POEMS.get_version(call.db, "p", 1, OTHER),
            POEMS.versions(call.db, read_page("List", "p", None, None), "p", OTHER),
            POEMS.delete(call, "p", OTHER),
        ):
            with pytest.raises(NotFoundException):
                await look
        assert not await POEMS.hold(call.db, "p", OTHER)
        assert await POEMS.hold(call.db, "p", APP)


async def test_a_deleted_document_takes_its_versions(at: At, database: Database) -> None:
    await write(at)

    async with at(9) as call:
        gone = await POEMS.delete(call, "p", APP)

    async with database.connection() as db:
        left = await db.value(Query("left", "SELECT count(*) FROM document_versions"))
    assert (gone.version, left) == (3, 0)


async def test_a_token_of_another_kind_of_list_is_refused(at: At) -> None:
    await write(at)
    page = read_page("List", "p", "1", None)
    foreign = page.token(("x", "y"))

    async with at(9) as call:
        with pytest.raises(BadRequestException, match="Invalid token"):
            await POEMS.versions(call.db, read_page("List", "p", "1", foreign), "p")

"""DeleteApp against those who write below the application at the same moment."""

import asyncio
from typing import Any

import pytest

from repoint.contract.errors import NotFoundException
from repoint.db.pool import Database
from repoint.resources.lock import hold_application, lock_application
from tests.fixtures.refusal import refusal

# Long enough for a call that does not wait, also on a busy machine.
A_WHILE_S = 1.0


def create(client: Any) -> str:
    return str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])


@pytest.mark.parametrize("take", [lock_application, hold_application])
async def test_delete_app_waits_for_a_writer_below_it(client: Any, database: Database, take: Any) -> None:
    application_id = create(client)

    async with database.transaction() as db:
        await take(db, application_id)
        deletion = asyncio.create_task(asyncio.to_thread(client.delete_app, ApplicationId=application_id))
        await asyncio.wait([deletion], timeout=A_WHILE_S)
        waited = not deletion.done()
    answer = await deletion

    assert waited
    assert answer["ApplicationResponse"]["Id"] == application_id


async def test_application_cannot_be_held_once_it_is_deleted(client: Any, database: Database) -> None:
    application_id = create(client)
    client.delete_app(ApplicationId=application_id)

    async with database.transaction() as db:
        with pytest.raises(NotFoundException, match=r"^Application not found$"):
            await hold_application(db, application_id)


async def test_held_application_can_be_held_tagged_and_configured_by_others(client: Any, database: Database) -> None:
    app = client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]

    async with database.transaction() as db, database.transaction() as other:
        await hold_application(db, app["Id"])
        await hold_application(other, app["Id"])
        await asyncio.to_thread(client.tag_resource, ResourceArn=app["Arn"], TagsModel={"tags": {"a": "1"}})
        await asyncio.to_thread(
            client.update_application_settings, ApplicationId=app["Id"], WriteApplicationSettingsRequest={}
        )

    assert client.get_app(ApplicationId=app["Id"])["ApplicationResponse"]["tags"] == {"a": "1"}


async def test_writers_wait_for_those_of_their_own_application_only(database: Database) -> None:
    shop, other_shop = "0123456789abcdef0123456789abcdef", "123456789abcdef0123456789abcdef0"
    async with database.transaction() as db, database.transaction() as same, database.transaction() as other:
        await lock_application(db, shop)
        waiting = asyncio.create_task(lock_application(same, shop))
        going = asyncio.create_task(lock_application(other, other_shop))
        done, _ = await asyncio.wait([waiting, going], timeout=A_WHILE_S)
        waiting.cancel()
        await asyncio.wait([waiting])

    assert done == {going}


async def test_one_of_two_deletions_finds_nothing(client: Any, database: Database) -> None:
    application_id = create(client)

    async with database.transaction() as db:
        await hold_application(db, application_id)
        deletions = [
            asyncio.create_task(asyncio.to_thread(client.delete_app, ApplicationId=application_id)),
            asyncio.create_task(asyncio.to_thread(client.delete_app, ApplicationId=application_id)),
        ]
        await asyncio.wait(deletions, timeout=A_WHILE_S)
    outcomes = await asyncio.gather(*deletions, return_exceptions=True)

    assert sum(isinstance(outcome, dict) for outcome in outcomes) == 1
    assert refusal(client.get_app, ApplicationId=application_id).status == 404

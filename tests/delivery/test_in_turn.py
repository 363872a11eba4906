"""Text messages to one number go a second apart, whoever sends them; those to others are not held up."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.heard import Inbound
from repoint.delivery.hearing import hears
from repoint.delivery.in_turn import forget_turns, send_in_turn
from repoint.delivery.two_way.reply import send_replies
from repoint.discover import discover
from repoint.queue import TaskContext
from repoint.queue.worker import Worker
from repoint.settings import Settings
from tests.fixtures.messages import email, sms
from tests.fixtures.server import Serve, make_client

discover()

ANA = "+12065550001"
OTHERS = [f"+1206555{number:04}" for number in range(1000, 1099)]


class Shop:
    """An application whose text messages are in the mailbox."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.id = client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"]
        client.update_sms_channel(ApplicationId=self.id, SMSChannelRequest={"Enabled": True})

    def send(self, *numbers: str, client: Any = None) -> dict[str, str]:
        """Send to these; DeliveryStatus by number."""
        request = {
            "Addresses": {number: {"ChannelType": "SMS"} for number in numbers},
            "MessageConfiguration": {"SMSMessage": {"Body": "Hi"}},
        }
        answer = (client or self.client).send_messages(ApplicationId=self.id, MessageRequest=request)
        return {number: each["DeliveryStatus"] for number, each in answer["MessageResponse"]["Result"].items()}


async def times(database: Database, number: str) -> list[datetime]:
    """When messages to a number were kept."""
    query = Query("times", "SELECT kept_at FROM mailbox WHERE address = %(number)s ORDER BY kept_at")
    async with database.connection() as db:
        return [row["kept_at"] for row in await db.rows(query, {"number": number})]


async def execute(database: Database, sql: str) -> None:
    """Change the database."""
    async with database.connection() as db:
        await db.execute(Query("test", sql))


async def test_calls_to_several_processes_take_turns(serve: Serve, database: Database) -> None:
    one, other = serve(), serve()
    shop = Shop(make_client(one))
    clients = [make_client(server) for server in (one, other, one, other)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda client: shop.send(ANA, client=client), clients))

    assert found == [{ANA: "SUCCESSFUL"}] * 4
    at = await times(database, ANA)
    assert len(at) == 4
    assert all(later - earlier > timedelta(seconds=0.8) for earlier, later in pairwise(at))


async def test_nobody_else_is_held_up(client: Any, database: Database) -> None:
    shop = Shop(client)
    shop.send(ANA)

    found = shop.send(*OTHERS, ANA)

    assert set(found.values()) == {"SUCCESSFUL"}
    (first, second) = await times(database, ANA)
    assert second - first > timedelta(seconds=0.8)
    for number in (OTHERS[0], OTHERS[-1]):
        (at,) = await times(database, number)
        assert at < second - timedelta(seconds=0.3)


async def test_a_direct_message_does_not_wait_for_long(client: Any, database: Database) -> None:
    shop = Shop(client)
    shop.send(ANA)
    await execute(database, "UPDATE sms_turns SET free_at = now() + interval '40 seconds'")

    found = shop.send(ANA, OTHERS[0])

    assert found == {ANA: "THROTTLED", OTHERS[0]: "SUCCESSFUL"}
    assert len(await times(database, ANA)) == 1
    free_in_s = "SELECT extract(epoch FROM free_at - now()) FROM sms_turns WHERE number = %(number)s"
    async with database.connection() as db:
        assert await db.value(Query("left", free_in_s), {"number": ANA}) < 41


async def test_several_to_one_number_at_once_go_one_after_the_other(database: Database, settings: Settings) -> None:
    given = settings.model_copy(update={"sms_interval_s": 0.3})
    messages = [sms(1), email(1), sms(2), sms(1), sms(1)]

    outcomes = await send_in_turn(
        database, given, [replace(each, id=f"m-{place}") for place, each in enumerate(messages)]
    )

    assert [outcome.is_sent for outcome in outcomes] == [True] * 5
    at = await times(database, ANA)
    assert all(later - earlier > timedelta(seconds=0.2) for earlier, later in pairwise(at))
    assert len(at) == 3


async def test_of_many_to_one_number_only_those_go_that_may_in_time(database: Database, settings: Settings) -> None:
    given = settings.model_copy(update={"sms_interval_s": 0.3})

    outcomes = await send_in_turn(database, given, [replace(sms(1), id=f"m-{n}", within_s=1.0) for n in range(50)])

    assert [outcome.status_code for outcome in outcomes] == [200] * 4 + [429] * 46
    assert len(await times(database, ANA)) == 4


async def test_who_writes_much_holds_up_no_answer_to_others(database: Database, settings: Settings) -> None:
    await hears(database, settings)([Inbound(ANA, "+12065550142", "HELP")] * 200)
    await hears(database, settings)([Inbound("+12065550109", "+12065550142", "STOP")])
    answering = asyncio.ensure_future(send_replies(TaskContext(database, settings, "worker")))
    await asyncio.sleep(2.5)

    answers = [len(await times(database, number)) for number in (ANA, "+12065550109")]

    answering.cancel()
    await execute(database, "UPDATE inbound_messages SET reply = NULL")
    await Worker(database, settings).drain()
    assert 1 <= answers[0] <= 4
    assert answers[1] == 1


@pytest.mark.parametrize("why", ["there is no limit", "the database cannot tell"])
async def test_messages_go_at_once_when(database: Database, settings: Settings, why: str) -> None:
    given = settings.model_copy(update={"sms_interval_s": 0 if why == "there is no limit" else 100})
    if why == "the database cannot tell":
        await execute(database, "ALTER TABLE sms_turns RENAME TO away")

    outcomes = [*await send_in_turn(database, given, [sms(1)]), *await send_in_turn(database, given, [sms(1)])]

    assert [outcome.is_sent for outcome in outcomes] == [True, True]


async def test_answers_to_people_take_turns(database: Database, settings: Settings) -> None:
    await hears(database, settings)([Inbound(ANA, "+12065550142", "HELP"), Inbound(ANA, "+12065550142", "STOP")])

    await Worker(database, settings).drain()

    (first, second) = await times(database, ANA)
    assert second - first > timedelta(seconds=0.8)


async def test_turns_that_have_passed_are_forgotten(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await send_in_turn(database, settings, [sms(1), sms(2)])
    await execute(database, "UPDATE sms_turns SET free_at = now() + interval '9 seconds' WHERE number = '+12065550001'")
    now = datetime.now(UTC)
    monkeypatch.setattr(TaskContext, "now", lambda _: now + timedelta(seconds=5))

    await forget_turns.run(TaskContext(database, settings, "worker"))

    async with database.connection() as db:
        assert await db.tuples(Query("left", "SELECT number FROM sms_turns")) == [(ANA,)]

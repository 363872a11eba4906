"""Places where messages are published do not wait for one another, nor do answers for any of them."""

import asyncio
import json
import time
from typing import Any

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.heard import Inbound
from repoint.delivery.hearing import hears
from repoint.delivery.two_way.destination import batches
from repoint.delivery.two_way.publish import publish_inbound
from repoint.queue import TaskContext
from repoint.queue.worker import Worker
from repoint.settings import Settings
from tests.delivery.two_way.test_inbound import ANA, OURS, left
from tests.fixtures.receiver import Answer, Receiver

SLOW = "+12065550143"


def with_places(settings: Settings, receiver: Receiver, **numbers: dict[str, Any]) -> Settings:
    """Settings whose numbers publish to paths of the receiver."""
    places = {
        number: {**given, "destination": receiver.url + given["destination"]} for number, given in numbers.items()
    }
    more = {"sms_numbers": places, "allowed_private_networks": ["127.0.0.0/8"]}
    return Settings(**{**settings.model_dump(), **more})


async def test_a_place_that_takes_its_time_holds_up_no_other(
    database: Database, settings: Settings, receiver: Receiver
) -> None:
    numbers = {OURS: {"destination": "/fast"}, "*": {"destination": "/slow"}}
    given = with_places(settings, receiver, **numbers)
    arrived: list[str] = []

    def answer(got: Any) -> Answer:
        if got.path == "/slow":
            time.sleep(1)
        arrived.append(json.loads(got.body)["messageBody"])
        return Answer()

    receiver.answer = answer
    hear = hears(database, given)
    await hear([Inbound(ANA, SLOW, f"slow {number}") for number in range(64)])
    await hear([Inbound(ANA, OURS, "first")])
    publishing = asyncio.ensure_future(publish_inbound.run(TaskContext(database, given, "worker")))
    await asyncio.sleep(1.5)
    await hear([Inbound(ANA, OURS, "second"), Inbound("+12065550109", OURS, "HELP")])
    await publish_inbound.run(TaskContext(database, given, "other"))
    async with database.connection() as db:
        answers = await db.value(Query("answers", "SELECT count(*) FROM mailbox"))
    is_slow = not publishing.done()
    await publishing
    await Worker(database, given).drain()

    assert len(arrived) == 66
    assert arrived.index("first") < 32
    assert arrived.index("second") < 64
    assert answers == 1
    assert is_slow


def test_what_is_too_large_for_one_call_of_sns_goes_in_several() -> None:
    messages = {f"m{number}": {"messageBody": "д" * 39_015} for number in range(7)} | {"x": {"messageBody": "x"}}

    found = list(batches(messages))

    assert [[each["Id"] for each in batch] for batch in found] == [["m0", "m1", "m2"], ["m3", "m4", "m5"], ["m6", "x"]]
    assert all(sum(len(each["Message"].encode()) for each in batch) <= 262_144 for batch in found)
    assert len(list(batches({f"m{number}": {} for number in range(25)}))) == 3


async def test_a_place_that_is_set_no_more_gets_nothing(
    database: Database, settings: Settings, receiver: Receiver
) -> None:
    given = with_places(settings, receiver, **{OURS: {"destination": "/x"}})
    await hears(database, given)([Inbound(ANA, OURS, "hello")])

    await Worker(database, settings).drain()
    await Worker(database, given).drain()

    assert receiver.received == []
    assert await left(database) == 0

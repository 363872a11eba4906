"""What others tell is kept whatever they write, and nobody's mistake holds up what is told beside it."""

import json

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.heard import Heard, Inbound, Part, Receipt, named
from repoint.delivery.hearing import hears
from repoint.discover import discover
from repoint.queue.worker import Worker
from repoint.settings import Settings
from repoint.tables import SmsNumber
from tests.fixtures.receiver import Receiver

discover()

OURS, ANA = "+12065550142", "+12065550101"
APPLICATION = "0" * 31 + "1"
LONG = "x" * 60_000


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(Receipt(named("carrier", "\0"), "DELIVERED"), id="receipt of NUL"),
        pytest.param(Receipt(named("carrier", "\ud83d"), "DELIVERED"), id="receipt of half a letter"),
        pytest.param(
            Receipt(named("carrier", "".join(map(chr, range(0x10000, 0x20000)))), "DELIVERED"), id="long receipt"
        ),
        pytest.param(Inbound(LONG, LONG, LONG, id=named("carrier", LONG)), id="long message"),
        pytest.param(Inbound("".join(map(chr, range(256, 9000))), LONG, "x", part=Part(1, 1, 2)), id="long part"),
        pytest.param(Inbound("+abc", OURS, "STOP"), id="stop of no number"),
        pytest.param(Inbound("+1" + "2" * 30, OURS, "STOP"), id="stop of too many digits"),
        pytest.param(Inbound("", OURS, "STOP"), id="stop of nobody"),
    ],
)
async def test_what_is_odd_is_kept_and_costs_no_other(database: Database, settings: Settings, odd: Heard) -> None:
    number = SmsNumber(destination="https://shop.example/sms", application_id=APPLICATION)
    given = settings.model_copy(update={"sms_numbers": {OURS: number, "*": number}})

    await hears(database, given)([odd, Inbound(ANA, OURS, "fine")])

    async with database.connection() as db:
        bodies = await db.tuples(Query("bodies", "SELECT body FROM inbound_messages WHERE body IS NOT NULL"))
    assert ("fine",) in bodies


async def test_a_message_is_no_longer_than_all_parts_that_there_can_be(
    database: Database, settings: Settings, receiver: Receiver
) -> None:
    given = Settings(
        **{
            **settings.model_dump(),
            "sms_numbers": {OURS: {"destination": f"{receiver.url}/x"}},
            "allowed_private_networks": ["127.0.0.0/8"],
        }
    )
    parts = [Inbound(ANA, OURS, "y" * 30_000, part=Part(7, number, 2)) for number in (1, 2)]

    await hears(database, given)([Inbound(ANA, OURS, LONG), *parts])
    await Worker(database, given).drain()

    bodies = [json.loads(each.body)["messageBody"] for each in receiver.received]
    assert sorted(bodies) == ["x" * 39_015, "y" * 39_015]

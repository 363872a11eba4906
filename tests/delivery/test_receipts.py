"""Receipts of text messages, told by an SMSC to the process that has sent them, in every order."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.heard import Receipt
from repoint.delivery.hearing import hears
from repoint.delivery.receipts import forget_receipts, give_up_receipts, look_for_early_receipts
from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.fixtures.processes import wait_until
from tests.fixtures.server import Raw, Serve, make_client
from tests.fixtures.smsc import Smsc, running_smsc

ANA = "+12065550101"
TLV_ID, TLV_STATE = 0x1E, 0x427


class Shop:
    """An application that sends text messages through an SMSC."""

    def __init__(self, serve: Serve, smsc: Smsc, *, sms_numbers: Any = None, **options: Any) -> None:
        carrier = {"kind": "sms_smpp", "host": "127.0.0.1", "port": smsc.port, "source": "+12065550142", **options}
        server = serve(
            providers={"carrier": carrier}, channel_providers={"SMS": ["carrier"]}, sms_numbers=sms_numbers or {}
        )
        self.settings = server.settings
        self.client, self.raw = make_client(server), Raw(server)
        answer = self.client.create_app(CreateApplicationRequest={"Name": "Shop"})
        self.app: str = answer["ApplicationResponse"]["Id"]
        self.client.update_sms_channel(ApplicationId=self.app, SMSChannelRequest={"Enabled": True})

    def send(self, body: str = "Hi", number: str = ANA) -> str:
        """Send one message; its id."""
        result = self.try_to_send(number, body)
        assert result["DeliveryStatus"] == "SUCCESSFUL", result
        return str(result["MessageId"])

    def try_to_send(self, number: str, body: str = "Hi") -> dict[str, Any]:
        """What becomes of one message."""
        request = {
            "Addresses": {number: {"ChannelType": "SMS"}},
            "MessageConfiguration": {"SMSMessage": {"Body": body}},
        }
        answer = self.client.send_messages(ApplicationId=self.app, MessageRequest=request)["MessageResponse"]
        result: dict[str, Any] = answer["Result"][number]
        return result

    def records(self) -> list[dict[str, Any]]:
        """What is logged, oldest first."""
        return [each["Record"] for each in self.raw.send("GET", f"/repoint/v1/apps/{self.app}/events").json["Item"]]

    def ends(self) -> list[tuple[str, str]]:
        """What is logged beside what it was handed over."""
        found = [(each["event_type"], each["attributes"]["record_status"]) for each in self.records()]
        return [each for each in found if each[0] != "_SMS.BUFFERED"]


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    """An SMSC that sends receipts when it is told to."""
    with running_smsc() as smsc:
        yield smsc


@pytest.fixture
def context(database: Database, settings: Settings) -> TaskContext:
    """What tasks work with."""
    return TaskContext(database, settings, "worker")


def tell(smsc: Smsc, text: str, **fields: Any) -> None:
    """Send a receipt, and wait until it is answered."""
    before = len(smsc.told)
    smsc.deliver(text=text.encode(), esm_class=4, **fields)
    wait_until(lambda: len(smsc.told) > before)


def test_a_receipt_tells_how_a_message_ended(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    message_id = shop.send()

    before = shop.records()
    tell(smsc, "id:1001 sub:001 dlvrd:001 submit date:2605021000 done date:2605021000 stat:DELIVRD err:000 text:Hi")

    assert [each["event_type"] for each in before] == ["_SMS.BUFFERED"]
    last = shop.records()[-1]
    assert last["event_type"] == "_SMS.SUCCESS"
    assert last["attributes"]["record_status"] == "DELIVERED"
    assert last["attributes"]["message_id"] == message_id
    assert last["attributes"]["destination_phone_number"] == ANA
    assert last["attributes"]["origination_phone_number"] == "+12065550142"
    assert last["client"] == before[0]["client"]
    assert smsc.told == [0]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("EXPIRED", ("_SMS.FAILURE", "TTL_EXPIRED")),
        ("UNDELIV", ("_SMS.FAILURE", "UNREACHABLE")),
        ("REJECTD", ("_SMS.FAILURE", "BLOCKED")),
        ("DELETED", ("_SMS.FAILURE", "UNKNOWN")),
        ("NONSENS", ("_SMS.FAILURE", "UNKNOWN")),
    ],
)
def test_each_word_has_its_status(serve: Serve, smsc: Smsc, state: str, expected: tuple[str, str]) -> None:
    shop = Shop(serve, smsc)
    shop.send()

    tell(smsc, f"id:1001 stat:{state}")

    assert shop.ends() == [expected]


def test_receipts_may_be_tlvs_alone(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc, receipt_ids="hex to decimal")
    shop.send()

    tell(smsc, "", tlvs={TLV_ID: b"1001\0", TLV_STATE: b"\x02"})

    assert shop.ends() == [("_SMS.SUCCESS", "DELIVERED")]


def test_what_is_not_final_says_nothing(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    shop.send()

    tell(smsc, "id:1001 stat:ENROUTE")
    tell(smsc, "id:1001 stat:ACCEPTD")

    assert shop.ends() == []
    tell(smsc, "id:1001 stat:DELIVRD")
    assert shop.ends() == [("_SMS.SUCCESS", "DELIVERED")]


def test_the_first_of_several_receipts_counts(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    shop.send()

    for state in ("DELIVRD", "DELIVRD", "UNDELIV"):
        tell(smsc, f"id:1001 stat:{state}")

    assert shop.ends() == [("_SMS.SUCCESS", "DELIVERED")]
    assert smsc.told == [0, 0, 0]


def test_a_receipt_of_an_unknown_message_is_answered_and_forgotten(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    shop.send()

    tell(smsc, "id:4711 stat:DELIVRD")
    tell(smsc, "what is this")

    assert smsc.told == [0, 0]
    assert shop.ends() == []


@pytest.mark.parametrize("when", ["before", "after", "twice"])
async def test_receipts_around_the_answer_are_counted_once(serve: Serve, context: TaskContext, when: str) -> None:
    with running_smsc(receipts=when) as smsc:
        shop = Shop(serve, smsc)
        for number in range(20):
            shop.send(number=f"+120655502{number:02}")
        wait_until(lambda: len(smsc.told) == (40 if when == "twice" else 20))

        await look_for_early_receipts.run(context)

    assert shop.ends() == [("_SMS.SUCCESS", "DELIVERED")] * 20
    ended = [each["attributes"]["message_id"] for each in shop.records() if each["event_type"] == "_SMS.SUCCESS"]
    assert len(set(ended)) == 20


@pytest.mark.parametrize("days", [0, 3])
async def test_a_receipt_counts_however_long_before_its_message_it_was_told(
    serve: Serve, smsc: Smsc, database: Database, context: TaskContext, days: int
) -> None:
    shop = Shop(serve, smsc)
    await hears(database, context.settings)([Receipt(f"carrier/{number}", "DELIVERED") for number in (1001, 4711)])
    async with database.connection() as db:
        age = Query("age", "UPDATE receipts SET received_at = now() - make_interval(days => %(days)s)")
        await db.execute(age, {"days": days})

    shop.send()
    await look_for_early_receipts.run(context)

    assert shop.ends() == [("_SMS.SUCCESS", "DELIVERED")]


def test_ids_may_be_hexadecimal_in_answers_and_decimal_in_receipts(serve: Serve) -> None:
    with running_smsc(ids="hex", receipts="after") as smsc:
        shop = Shop(serve, smsc, receipt_ids="hex to decimal")
        shop.send()
        tell(smsc, "id:0000001001 stat:DELIVRD")

    assert shop.ends() == [("_SMS.SUCCESS", "DELIVERED")]


def test_a_message_of_several_parts_has_arrived_with_the_last_one(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    shop.send("a" * 400)

    for part in (1003, 1001):
        tell(smsc, f"id:{part} stat:DELIVRD")
    before = shop.ends()
    tell(smsc, "id:1002 stat:DELIVRD")

    assert before == []
    assert shop.ends() == [("_SMS.SUCCESS", "DELIVERED")]


def test_one_lost_part_is_a_lost_message(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    shop.send("a" * 400)

    for part, state in ((1001, "DELIVRD"), (1002, "UNDELIV"), (1003, "EXPIRED")):
        tell(smsc, f"id:{part} stat:{state}")

    assert shop.ends() == [("_SMS.FAILURE", "UNREACHABLE")]


async def test_what_no_carrier_tells_of_for_72_hours_is_unknown(
    serve: Serve, smsc: Smsc, context: TaskContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(serve, smsc)
    shop.send()
    now = datetime.now(UTC)

    for hours in (71, 73, 74):
        monkeypatch.setattr(TaskContext, "now", lambda _, hours=hours: now + timedelta(hours=hours))
        await give_up_receipts.run(context)
        assert shop.ends() == ([] if hours == 71 else [("_SMS.FAILURE", "UNKNOWN")])
    tell(smsc, "id:1001 stat:DELIVRD")

    assert shop.ends() == [("_SMS.FAILURE", "UNKNOWN")]


def test_a_message_that_names_no_sender_is_from_the_first_number(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc, source=None, sms_numbers={"*": {}, "12345": {}, "+12065550143": {}})

    shop.send()

    assert [(each["source"], each["source_ton_npi"]) for each in smsc.submits] == [("12345", [3, 0])]
    assert shop.records()[0]["attributes"]["origination_phone_number"] == "12345"


def test_without_receipts_what_was_taken_has_arrived(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc, receipts=False)

    shop.send()

    assert shop.ends() == [("_SMS.SUCCESS", "SUCCESSFUL")]
    assert [each["registered"] for each in smsc.submits] == [0]


def test_an_id_that_is_given_anew_is_the_later_message(serve: Serve, smsc: Smsc) -> None:
    shop = Shop(serve, smsc)
    shop.send()
    tell(smsc, "id:1001 stat:UNDELIV")
    smsc.ask("forget")

    later = shop.send()
    tell(smsc, "id:1001 stat:DELIVRD")

    assert shop.ends() == [("_SMS.FAILURE", "UNREACHABLE"), ("_SMS.SUCCESS", "DELIVERED")]
    assert shop.records()[-1]["attributes"]["message_id"] == later


async def test_receipts_are_forgotten(
    database: Database, context: TaskContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hears(database, context.settings)([Receipt("carrier/1", "DELIVERED")])

    await forget_receipts.run(context)
    kept = await _count(database)
    now = datetime.now(UTC)
    monkeypatch.setattr(TaskContext, "now", lambda _: now + timedelta(days=5))
    await forget_receipts.run(context)

    assert (kept, await _count(database)) == (1, 0)


async def _count(database: Database) -> int:
    async with database.connection() as db:
        return int(await db.value(Query("count", "SELECT count(*) FROM receipts")))

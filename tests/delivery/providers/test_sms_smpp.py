"""Text messages by SMPP, over real sockets to an SMSC in a process of its own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from repoint.delivery.heard import Heard, Inbound, Part, Receipt
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.providers.sms_smpp import SmsSmppOptions
from tests.fixtures.carrier import FIRST, Ear, bound, message, send, until
from tests.fixtures.certificates import serving
from tests.fixtures.messages import sms
from tests.fixtures.smsc import Smsc, running_smsc

GSM_EXTENSION = "€^"


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    """An SMSC that takes everything."""
    with running_smsc() as smsc:
        yield smsc


@pytest.fixture
def ear() -> Ear:
    """Who hears what the provider is told."""
    return Ear()


async def test_a_plain_text_is_one_submit_of_the_default_alphabet(smsc: Smsc) -> None:
    (outcome,) = await send(smsc, message(f"Hi @ {GSM_EXTENSION}", origination_number="+12065550142"))

    assert outcome == Outcome(Status.SUCCESSFUL, 200, "", "1001", receipt_ids=("carrier/1001",))
    (submit,) = smsc.submits
    assert submit == {
        "service": "",
        "source": "12065550142",
        "source_ton_npi": [1, 1],
        "destination": "12065550001",
        "destination_ton_npi": [1, 1],
        "esm_class": 0,
        "registered": 1,
        "data_coding": 0,
        "text": "4869 2000 20 1b65 1b14".replace(" ", ""),
        "tlvs": {},
    }


async def test_letters_beyond_it_are_ucs2(smsc: Smsc) -> None:
    await send(smsc, message("дa🎉"))

    (submit,) = smsc.submits
    assert (submit["data_coding"], submit["text"]) == (8, "04340061d83cdf89")


@pytest.mark.parametrize(
    ("content", "options", "source", "ton_npi"),
    [
        ({"sender_id": "SHOP"}, {}, "SHOP", [5, 0]),
        ({"origination_number": "12345"}, {}, "12345", [3, 0]),
        ({}, {"source": "+12065550142"}, "12065550142", [1, 1]),
        ({}, {}, "", [0, 0]),
        ({"sender_id": "SHOP"}, {"ton_npi": {"name": [5, 1]}}, "SHOP", [5, 1]),
    ],
)
async def test_senders_have_their_types(
    smsc: Smsc, content: dict[str, str], options: dict[str, Any], source: str, ton_npi: list[int]
) -> None:
    await send(smsc, message("Hi", **content), **options)

    (submit,) = smsc.submits
    assert (submit["source"], submit["source_ton_npi"]) == (source, ton_npi)


async def test_long_texts_go_in_parts_with_headers(smsc: Smsc) -> None:
    (outcome,) = await send(smsc, message("a" * 152 + "€" + "b" * 100))

    first, second = smsc.submits
    assert (first["esm_class"], second["esm_class"]) == (0x40, 0x40)
    assert first["text"][:6] == second["text"][:6] == "050003"
    assert first["text"][6:8] == second["text"][6:8]
    assert (first["text"][8:12], second["text"][8:12]) == ("0201", "0202")
    # The euro takes two places, so it goes with the second part as a whole.
    assert bytes.fromhex(first["text"][12:]) == b"a" * 152
    assert bytes.fromhex(second["text"][12:]) == b"\x1be" + b"b" * 100
    assert outcome.receipt_ids == ("carrier/1001", "carrier/1002")


async def test_parts_may_be_joined_by_tlvs(smsc: Smsc) -> None:
    await send(smsc, message("д" * 100), joins="sar")

    first, second = smsc.submits
    assert first["esm_class"] == second["esm_class"] == 0
    assert (len(first["text"]), len(second["text"])) == (67 * 4, 33 * 4)
    assert (first["tlvs"]["0x020e"], first["tlvs"]["0x020f"], second["tlvs"]["0x020f"]) == ("02", "01", "02")
    assert first["tlvs"]["0x020c"] == second["tlvs"]["0x020c"]


async def test_long_texts_may_go_whole(smsc: Smsc) -> None:
    (outcome,) = await send(smsc, message("a" * 500), joins="payload")

    (submit,) = smsc.submits
    assert (submit["text"], submit["tlvs"]) == ("", {"0x0424": b"a".hex() * 500})
    assert outcome.receipt_ids == ("carrier/1001",)


async def test_the_default_alphabet_may_be_latin1(smsc: Smsc) -> None:
    await send(smsc, message("ü"), message("€"), alphabet="latin1")

    assert sorted((each["data_coding"], each["text"]) for each in smsc.submits) == [(0, "fc"), (8, "20ac")]


@pytest.mark.parametrize(
    ("status", "options", "expected"),
    [
        ("0x58", {}, Outcome(Status.THROTTLED, 429, "the SMSC refused it with 0x00000058", retry_after_s=1)),
        ("0x14", {}, Outcome(Status.THROTTLED, 429, "the SMSC refused it with 0x00000014", retry_after_s=1)),
        ("0x0b", {}, Outcome(Status.PERMANENT_FAILURE, 400, "the SMSC refused it with 0x0000000b")),
        ("0x08", {}, Outcome(Status.TEMPORARY_FAILURE, 500, "the SMSC refused it with 0x00000008")),
        ("0x400", {}, Outcome(Status.UNKNOWN_FAILURE, 500, "the SMSC refused it with 0x00000400")),
        ("0x400", {"opted_out": [0x400]}, Outcome(Status.OPT_OUT, 400, "the SMSC refused it with 0x00000400")),
    ],
)
async def test_refusals_are_told_as_what_they_are(
    smsc: Smsc, status: str, options: dict[str, Any], expected: Outcome
) -> None:
    smsc.does(FIRST, status)

    assert await send(smsc, sms(), **options) == [expected]


async def test_an_end_in_mid_window_leaves_in_doubt_what_was_sent_and_nothing_else(smsc: Smsc) -> None:
    smsc.does("+12065550003", "hang")
    smsc.does("+12065550005", "drop")

    outcomes = await send(smsc, *(sms(number) for number in range(1, 21)), window=3, binds=1)

    in_doubt = {number for number, outcome in enumerate(outcomes, 1) if outcome.is_in_doubt}
    arrived = [int(each["destination"][-4:]) for each in smsc.submits]
    assert {3, 5} <= in_doubt <= {3, 4, 5, 6, 7}
    assert sorted(arrived) == sorted(set(arrived))
    assert {number for number, outcome in enumerate(outcomes, 1) if outcome.is_sent} == set(range(1, 21)) - in_doubt


@pytest.mark.parametrize("refusal", ["0x0b", "drop"])
async def test_a_message_of_which_a_part_is_missing_is_in_doubt(smsc: Smsc, refusal: str) -> None:
    smsc.does(FIRST, f"take take {refusal} take")

    (outcome,) = await send(smsc, message("a" * 400))

    assert outcome.is_in_doubt
    assert outcome.status is Status.UNKNOWN_FAILURE


async def test_later_parts_that_are_throttled_are_tried_again(smsc: Smsc) -> None:
    smsc.does(FIRST, "take 0x58 0x14 0x58 take")

    (outcome,) = await send(smsc, message("a" * 400), throttled_s=0.05)

    assert outcome.is_sent
    assert sorted(submit["text"][10:12] for submit in smsc.submits) == ["01", "02", "03"]


async def test_a_wrong_password_is_told_and_no_message_lost() -> None:
    with running_smsc(password="right") as smsc:
        (outcome,) = await send(smsc, sms(), password="wrong")

    assert outcome == Outcome(Status.TEMPORARY_FAILURE, 500, "the SMSC refuses the bind with 0x0000000e")


async def test_a_lost_bind_is_made_again(smsc: Smsc) -> None:
    async with bound(smsc.port) as provider:
        await provider.send([sms(1)])
        smsc.ask("drop")
        await until(lambda: len(smsc.ask("about")["binds"]) == 2)
        (outcome,) = await provider.send([sms(2)])

    assert outcome.is_sent


async def test_a_link_without_signs_of_life_is_given_up() -> None:
    with running_smsc(is_deaf=True) as smsc:
        async with bound(smsc.port, enquire_link_s=0.1, answer_timeout_s=0.2):
            assert await until(lambda: len(smsc.ask("about")["binds"]) >= 2)


async def test_enquiries_and_farewells_are_answered(smsc: Smsc) -> None:
    async with bound(smsc.port, enquire_link_s=0.1):
        await until(lambda: smsc.ask("about")["enquiries"] >= 2)
        smsc.ask("enquire")
        smsc.ask("unbind")
        await until(lambda: len(smsc.ask("about")["binds"]) == 2)
    assert await until(lambda: smsc.ask("about")["links"] == 0)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0\0\0\x04" * 4,
        b"\xff" * 64,
        b"\0\0\0\x10\0\0\x01\x03\0\0\0\0\0\0\0\1",
        b"\0\0\0\x11\0\0\0\x05\0\0\0\0\0\0\0\2\0",
        b"\0\0\0\x10\x80\0\0\x04\0\0\0\0\0\0\xff\xff",
        b"\0\0\0\x10\x80\0\0\0\0\0\0\0\0\0\0\0",
    ],
)
async def test_nonsense_costs_a_bind_at_most(smsc: Smsc, nonsense: bytes) -> None:
    async with bound(smsc.port) as provider:
        await provider.send([sms(1)])
        smsc.ask("bytes", data=nonsense.hex())
        await asyncio.sleep(0.05)
        (outcome,) = await provider.send([sms(2)])

    assert outcome.is_sent


async def test_tls_needs_the_certificate_of_the_host(tmp_path: Path) -> None:
    _, ca_file = serving("localhost", tmp_path)
    with running_smsc(certificate=tmp_path / "server.pem") as smsc:
        (sent,) = await send(smsc, sms(), host="localhost", tls=True, ca_file=ca_file)
        (unknown,) = await send(smsc, sms(), host="localhost", tls=True)
        (other,) = await send(smsc, sms(), host="127.0.0.1", tls=True, ca_file=ca_file)

    assert sent.is_sent
    for outcome in (unknown, other):
        assert (outcome.status, outcome.is_in_doubt) == (Status.TEMPORARY_FAILURE, False)
        assert outcome.detail == "TLS with the SMSC failed: CERTIFICATE_VERIFY_FAILED"


async def test_what_is_told_is_answered_when_it_is_kept(smsc: Smsc, ear: Ear) -> None:
    ear.room = asyncio.Event()
    async with bound(smsc.port, ear) as provider:
        await provider.send([sms()])
        smsc.deliver(text=b"hello")
        await asyncio.sleep(0.1)
        before = smsc.told
        ear.room.set()
        await until(lambda: smsc.told == [0])

    assert before == []
    assert ear.heard == [Inbound("+12065550001", "+12065550142", "hello")]


async def test_what_cannot_be_kept_is_asked_for_again(smsc: Smsc, ear: Ear) -> None:
    ear.fails = True
    async with bound(smsc.port, ear) as provider:
        await provider.send([sms()])
        smsc.deliver(text=b"hello")
        assert await until(lambda: smsc.told == [0x64])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"text": b"a\x1be\0"}, Inbound("+12065550001", "+12065550142", "a€@")),
        ({"text": "дa".encode("utf-16-be"), "data_coding": 8}, Inbound("+12065550001", "+12065550142", "дa")),
        ({"text": b"\xfc", "data_coding": 3}, Inbound("+12065550001", "+12065550142", "ü")),
        ({"text": b"\xbf\xe0", "data_coding": 6}, Inbound("+12065550001", "+12065550142", "Пр")),
        ({"text": b"\xf9\xec", "data_coding": 7}, Inbound("+12065550001", "+12065550142", "של")),
        ({"text": b"\x82\xa0", "data_coding": 5}, Inbound("+12065550001", "+12065550142", "あ")),
        ({"text": b"\xb0\xa1\xff", "data_coding": 14}, Inbound("+12065550001", "+12065550142", "가\ufffd")),
        ({"destination": "12345", "source_ton": 0}, Inbound("+12065550001", "12345", "")),
        ({"source": "BANK", "source_ton": 5, "text": b"x"}, Inbound("BANK", "+12065550142", "x")),
        ({"tlvs": {0x424: b"long"}}, Inbound("+12065550001", "+12065550142", "long")),
        (
            {"text": b"\5\0\3\7\2\1hello", "esm_class": 0x40},
            Inbound("+12065550001", "+12065550142", "hello", part=Part(7, 1, 2)),
        ),
        (
            {"text": b"\6\x08\4\1\2\3\2x", "esm_class": 0x40},
            Inbound("+12065550001", "+12065550142", "x", part=Part(0x102, 2, 3)),
        ),
        (
            {"text": b"x", "tlvs": {0x20C: b"\0\5", 0x20E: b"\2", 0x20F: b"\1"}},
            Inbound("+12065550001", "+12065550142", "x", part=Part(5, 1, 2)),
        ),
        ({"text": b"\x09\0\3", "esm_class": 0x40, "data_coding": 3}, Inbound("+12065550001", "+12065550142", "\t\0\3")),
        (
            {"text": b"\5\0\3\7\2\1\0a\xd8\x3c", "esm_class": 0x40, "data_coding": 8},
            Inbound("+12065550001", "+12065550142", "a\ud83c", part=Part(7, 1, 2)),
        ),
        ({"text": b"\0a\0", "data_coding": 8}, Inbound("+12065550001", "+12065550142", "a\ufffd")),
        ({"text": b"id:00AB stat:DELIVRD", "esm_class": 4}, Receipt("carrier/AB", "DELIVERED")),
        ({"tlvs": {0x1E: b"ab\0", 0x427: b"\5"}}, Receipt("carrier/AB", "UNREACHABLE")),
    ],
)
async def test_each_form_is_read(smsc: Smsc, ear: Ear, told: dict[str, Any], expected: Heard) -> None:
    async with bound(smsc.port, ear) as provider:
        await provider.send([sms()])
        smsc.deliver(**told)
        await until(lambda: smsc.told == [0])

    assert ear.heard == [expected]


async def test_a_transmitter_says_so(smsc: Smsc) -> None:
    await send(smsc, sms(), bind="transmitter", system_id="shop", system_type="VMA")

    assert smsc.ask("about")["binds"] == [{"as": "transmitter", "system_id": "shop", "system_type": "VMA"}]


async def test_a_pair_sends_over_one_bind_and_hears_over_the_other(smsc: Smsc, ear: Ear) -> None:
    async with bound(smsc.port, ear, bind="pair") as provider:
        await until(lambda: smsc.ask("about")["links"] == 2)
        (outcome,) = await provider.send([sms()])
        smsc.deliver(text=b"id:1001 stat:DELIVRD", esm_class=4)
        await until(lambda: smsc.told == [0])

    assert sorted(each["as"] for each in smsc.ask("about")["binds"]) == ["receiver", "transmitter"]
    assert outcome.receipt_ids == ("carrier/1001",)
    assert ear.heard == [Receipt("carrier/1001", "DELIVERED")]


async def test_members_that_a_country_wants_go_in_tlvs_of_the_vendor(smsc: Smsc) -> None:
    tlvs = {"entity_id": 0x1400, "template_id": 0x1401}

    await send(smsc, message("Hi", entity_id="1101"), message("a" * 200, entity_id="1", template_id="2"), tlvs=tlvs)

    assert sorted(str(submit["tlvs"]) for submit in smsc.submits) == [
        "{'0x1400': '31', '0x1401': '32'}",
        "{'0x1400': '31', '0x1401': '32'}",
        "{'0x1400': '31313031'}",
    ]


async def test_addresses_that_do_not_fit_are_refused(smsc: Smsc) -> None:
    outcomes = await send(smsc, message("Hi", origination_number="1" * 300), message("Hi", sender_id="a\0b"), sms(2))

    assert [outcome.status_code for outcome in outcomes] == [400, 400, 200]


async def test_too_long_a_text_is_refused(smsc: Smsc) -> None:
    assert await send(smsc, message("a" * 1601)) == [Outcome(Status.PERMANENT_FAILURE, 400, "Invalid Message")]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"host": "x", "surprise": 1},
        {"host": "x", "throttled": [1], "permanent": [1]},
        {"host": "x", "ton_npi": {"name": [256, 0]}},
        {"host": "x", "password": "pä"},
        {"host": "x", "window": 0},
        {"host": "x", "rate": 0},
        {"host": "x", "tlvs": {"entity_id": 0x0204}},
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SmsSmppOptions.model_validate(options)

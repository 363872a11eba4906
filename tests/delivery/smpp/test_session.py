"""A bind from its beginning to its end, with an SMSC that does what it should not."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from repoint.delivery.outcome import Outcome, Status
from tests.fixtures.carrier import FIRST, Ear, bound, message, send, until
from tests.fixtures.messages import sms
from tests.fixtures.smsc import Smsc, running_smsc


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    """An SMSC that takes everything."""
    with running_smsc() as smsc:
        yield smsc


async def test_an_smsc_that_answers_no_bind_is_waited_for_once_for_all_messages() -> None:
    with running_smsc(is_mute=True) as smsc:
        began_s = time.monotonic()
        outcomes = await send(smsc, *(sms(number) for number in range(20)), answer_timeout_s=0.5)
        took_s = time.monotonic() - began_s

    assert outcomes == [Outcome(Status.TEMPORARY_FAILURE, 500, "the SMSC does not answer the bind")] * 20
    assert took_s < 4


async def test_an_answer_to_another_request_leaves_in_doubt(smsc: Smsc) -> None:
    smsc.does(FIRST, "mistake")

    (mistaken, sent) = await send(smsc, sms(1), sms(2))

    assert mistaken.is_in_doubt
    assert sent.is_sent


async def test_what_waits_when_the_smsc_lets_go_is_sent_over_the_next_bind(smsc: Smsc) -> None:
    smsc.does(FIRST, "unbind")

    outcomes = await send(smsc, *(sms(number) for number in range(1, 11)), window=1)

    assert [outcome.is_sent for outcome in outcomes] == [True] * 10
    assert sorted(each["destination"] for each in smsc.submits) == [f"120655500{number:02}" for number in range(1, 11)]


async def test_an_smsc_that_lets_go_is_given_its_answers_before(smsc: Smsc) -> None:
    ear = Ear()
    ear.room = asyncio.Event()
    async with bound(smsc.port, ear):
        await until(lambda: smsc.ask("about")["links"] == 1)
        smsc.deliver(text=b"hello")
        smsc.ask("unbind")
        await asyncio.sleep(0.1)
        smsc.deliver(text=b"too late")
        await until(lambda: smsc.told == [0x64])
        ear.room.set()
        await until(lambda: smsc.told == [0x64, 0])
        await until(lambda: len(smsc.ask("about")["binds"]) == 2)

    assert len(ear.heard) == 1


async def test_a_bind_that_is_ended_at_once_is_tried_more_and_more_seldom() -> None:
    with running_smsc(ends_binds_s=0) as smsc:
        async with bound(smsc.port):
            await asyncio.sleep(4)
            count = len(smsc.ask("about")["binds"])

    # After 0, 0.5, 1.5 and 3.5 s.
    assert 2 <= count <= 4


async def test_a_rate_holds_and_nothing_is_lost(smsc: Smsc) -> None:
    outcomes = await send(smsc, *(sms(number) for number in range(30)), rate=20, window=100)

    times = smsc.times
    assert [outcome.is_sent for outcome in outcomes] == [True] * 30
    assert times[-1] - times[0] >= 29 / 20 - 0.1
    for start in range(10):
        assert times[start + 20] - times[start] > 0.9


async def test_each_bind_has_the_rate(smsc: Smsc) -> None:
    async with bound(smsc.port, rate=10, binds=2, window=100) as provider:
        await until(lambda: smsc.ask("about")["links"] == 2)
        await provider.send([sms(number) for number in range(20)])

    assert 0.7 < smsc.times[-1] - smsc.times[0] < 1.5


async def test_a_message_whose_turn_would_come_too_late_is_not_sent(smsc: Smsc) -> None:
    messages = [replace(sms(number), within_s=1) for number in range(20)]
    long_one = replace(message("a" * 400), within_s=1)

    outcomes = await send(smsc, *messages, long_one, rate=10, window=100)

    late = Outcome(Status.THROTTLED, 429, "by the rate of its provider its turn would come too late")
    assert len([outcome for outcome in outcomes if outcome.is_sent]) == len(smsc.submits)
    assert 9 <= len(smsc.submits) <= 12
    assert outcomes[-2:] == [late, late]

"""What holds of every provider. A new one adds its way to ways.py; passing here is what makes it one."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog
from msgspec.structs import replace

from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import KINDS
from repoint.discover import discover
from tests.delivery.providers import push_ways, ways
from tests.delivery.providers.ways import PASSWORD, Does, Way

discover()

WAYS = ways.WAYS | push_ways.WAYS


@pytest.fixture(params=WAYS)
async def way(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Way]:
    """Each provider with its counterpart."""
    async with WAYS[request.param](tmp_path) as way:
        yield way


async def send(way: Way, *numbers: int) -> list[Outcome]:
    """Send a message to each of these recipients, in one batch."""
    async with asyncio.timeout(10), way.opens() as provider:
        return await provider.send([way.message(number) for number in numbers])


def must_do(way: Way, does: Does) -> None:
    """Skip what the counterpart never does."""
    if does not in way.can:
        pytest.skip(f"it never does {does.name}")


def test_every_kind_is_tried_here() -> None:
    ours = {name for name, kind in KINDS.items() if kind.opens.__module__.startswith("repoint.")}

    assert ours == set(WAYS)


async def test_what_is_sent_arrives(way: Way) -> None:
    outcomes = await send(way, *range(1, 21))

    assert [(outcome.status, outcome.status_code) for outcome in outcomes] == [(Status.SUCCESSFUL, 200)] * 20
    assert not any(outcome.is_in_doubt for outcome in outcomes)
    assert sorted(number for _, number in way.received()) == list(range(1, 21))


async def test_nothing_to_send_is_nothing_to_do(way: Way) -> None:
    assert await send(way) == []


@pytest.mark.parametrize(
    ("does", "expected"),
    [
        (Does.REFUSE, Outcome(Status.PERMANENT_FAILURE, 400)),
        (Does.FAIL, Outcome(Status.TEMPORARY_FAILURE, 500)),
        (Does.THROTTLE, Outcome(Status.THROTTLED, 429, retry_after_s=120)),
    ],
)
async def test_each_failure_is_told_as_what_it_is(way: Way, does: Does, expected: Outcome) -> None:
    must_do(way, does)
    way.does[1] = does

    (outcome,) = await send(way, 1)

    assert replace(outcome, detail="") == expected
    assert outcome.detail
    assert outcome.may_try_another == (does is not Does.REFUSE)
    assert way.received() == []


@pytest.mark.parametrize("does", [Does.REFUSE, Does.FAIL, Does.THROTTLE, Does.HANG, Does.DROP])
async def test_one_that_fails_costs_no_other(way: Way, does: Does) -> None:
    must_do(way, does)
    way.does[3] = way.does[6] = does

    outcomes = await send(way, *range(1, 11))

    assert [number for number, outcome in enumerate(outcomes, 1) if not outcome.is_sent] == [3, 6]
    assert sorted(number for _, number in way.received()) == [1, 2, 4, 5, 7, 8, 9, 10]


@pytest.mark.parametrize("does", [Does.HANG, Does.DROP])
async def test_what_had_left_without_an_answer_is_in_doubt(way: Way, does: Does) -> None:
    must_do(way, does)
    way.does[1] = does

    (outcome,) = await send(way, 1)

    assert (outcome.status, outcome.is_in_doubt) == (Status.UNKNOWN_FAILURE, True)
    assert not outcome.may_try_another


async def test_nobody_there_is_a_temporary_failure(way: Way) -> None:
    if way.stop is None:
        pytest.skip("it needs no connection")
    await way.stop()

    outcomes = await send(way, 1, 2)

    assert {outcome.status for outcome in outcomes} == {Status.TEMPORARY_FAILURE}
    assert not any(outcome.is_in_doubt for outcome in outcomes)


async def test_a_service_that_goes_away_in_between_leaves_nothing_untold(way: Way) -> None:
    if way.stop is None:
        pytest.skip("it needs no connection")
    async with asyncio.timeout(10), way.opens() as provider:
        sending = asyncio.create_task(provider.send([way.message(number) for number in range(1, 101)]))
        while len(way.received()) < 5 and not sending.done():  # noqa: ASYNC110 - what has arrived tells nobody
            await asyncio.sleep(0)
        await way.stop()
        outcomes = await sending

    arrived = {number for _, number in way.received()}
    told = {number for number, outcome in enumerate(outcomes, 1) if outcome.is_sent}
    in_doubt = {number for number, outcome in enumerate(outcomes, 1) if outcome.is_in_doubt}
    assert len(outcomes) == 100
    assert told <= arrived <= told | in_doubt


async def test_what_it_cannot_carry_is_refused_aloud(way: Way) -> None:
    if not way.others:
        pytest.skip("it carries everything")
    async with way.opens() as provider:
        outcomes = await provider.send([*way.others, way.message(1)])

    for message, outcome in zip(way.others, outcomes[:-1], strict=True):
        assert (outcome.status, outcome.status_code) == (Status.PERMANENT_FAILURE, 400)
        assert outcome.detail.endswith(f"and no {type(message.content).__name__}")
    assert outcomes[-1].is_sent
    assert [number for _, number in way.received()] == [1]


async def test_the_same_message_is_known_as_the_same(way: Way) -> None:
    await send(way, 1)
    await send(way, 1)

    (first, _), (second, _) = way.received()
    assert first == second


async def test_neither_logs_nor_outcomes_tell_secrets_or_people(
    way: Way, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    for number, does in enumerate(sorted(way.can, key=lambda does: does.value), 1):
        way.does[number] = does

    with structlog.testing.capture_logs() as logs:
        outcomes = await send(way, *range(1, len(way.can) + 1))
        if way.stop is not None:
            await way.stop()
            outcomes += await send(way, 1)

    told = (
        f"{logs} {[record.getMessage() for record in caplog.records if record.name != 'mail.log']} {capfd.readouterr()}"
    )
    people = [way.message(number).address for number in range(1, len(way.can) + 1)]
    assert [secret for secret in (PASSWORD, *people) if secret in told] == []
    assert [outcome for outcome in outcomes if PASSWORD in outcome.detail] == []

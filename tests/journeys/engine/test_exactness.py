"""Nobody is lost and nobody is sent to twice, whatever fails and whoever stops."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from repoint.delivery import opened
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.routing import Providers
from repoint.journeys.activities.kind import kind_named
from repoint.journeys.engine import loop, work
from repoint.journeys.engine.loop import Engine
from repoint.journeys.engine.session import Session
from repoint.journeys.engine.settling import settle
from repoint.queue import TaskContext
from tests.campaigns.engine.test_exactness import Way, execute, put_many
from tests.journeys.engine.conftest import Tour, mail, wait

FAST = {"Limits": {"MessagesPerSecond": 20_000}}
WITH_MAIL = {"m1": mail("w1"), "w1": wait("PT1H")}


@pytest.fixture
def way(tour: Tour, monkeypatch: pytest.MonkeyPatch) -> Way:
    """Where the journeys' messages go."""
    way = Way()
    monkeypatch.setitem(opened._opened, tour.database, cast("Providers", way))  # noqa: SLF001 - the fake has no settings
    return way


async def free(tour: Tour) -> None:
    """Whoever holds a lane has held it for too long."""
    await execute(tour, "UPDATE journey_lanes SET leased_until = now() - interval '1 second'")


def doubts(tour: Tour, journey: str) -> list[str]:
    """Who is listed as in doubt, a page after the other."""
    path, found, token = f"/repoint/v1/apps/{tour.id}/journeys/{journey}/doubts?page-size=20", [], ""
    while token is not None:
        answer = tour.raw.send("GET", f"{path}&token={token}" if token else path)
        assert answer.status == 200, answer.body
        found += [each["EndpointId"] for each in answer.json["Item"]]
        token = answer.json.get("NextToken")
    return found


async def keys_on_their_way(tour: Tour) -> list[str]:
    """Whose messages went out as far as the database knows, which does not know what became of them."""
    rows = await tour.rows("SELECT e->>'key' AS key FROM journey_lanes, jsonb_array_elements(sending) AS e")
    return sorted(row["key"] for row in rows)


async def on_their_way(tour: Tour) -> int:
    """How many those are."""
    return len(await keys_on_their_way(tour))


async def break_off(tour: Tour, way: Way, at_least: int = 1) -> None:
    """A worker dies while messages are on their way."""
    is_out = asyncio.Event()

    async def hang(_: Sequence[Message]) -> None:
        if len(way.sent) >= at_least:
            is_out.set()
        await asyncio.Event().wait()

    way.during = hang
    engine = Engine(tour.context)
    running = asyncio.create_task(engine.drain())
    await is_out.wait()
    # As a killed process does: nothing is given back.
    running.cancel()
    for task in engine._working:  # noqa: SLF001 - nobody else could kill it
        task.remove_done_callback(engine._done)  # noqa: SLF001 - as above
        task.cancel()
    await asyncio.gather(running, *engine._working, return_exceptions=True)  # noqa: SLF001 - as above
    way.during = nothing


async def nothing(_: Sequence[Message]) -> None:
    """Send at once."""


async def test_everybody_gets_one_message(tour: Tour, way: Way) -> None:
    addresses = await put_many(tour, 1200)
    journey = tour.publish(WITH_MAIL, **FAST)

    await tour.go()

    assert sorted(way.sent) == addresses
    assert set((await tour.inside(journey)).values()) == {"w1"}
    assert (await tour.counts(journey))["m1"] == {"ENDPOINT_ENTERED": 1200, "SUCCESS": 1200}


async def test_what_was_on_its_way_when_a_worker_died_is_in_doubt_and_sent_again(tour: Tour, way: Way) -> None:
    addresses = await put_many(tour, 600)
    journey = tour.publish(WITH_MAIL, **FAST)
    await break_off(tour, way)
    lost = await keys_on_their_way(tour)
    assert 0 < len(way.sent) <= len(lost) <= 100

    await free(tour)
    async with tour.other_worker() as engine:
        opened._opened[engine._context.database] = cast("Providers", way)  # noqa: SLF001 - the same way out
        await engine.drain()

    assert sorted(set(way.sent)) == addresses
    twice = {address for address in set(way.sent) if way.sent.count(address) > 1}
    assert twice <= {f"{key}@example.com" for key in lost}
    assert doubts(tour, journey) == lost
    assert len(await tour.inside(journey)) == 600
    assert (await tour.counts(journey))["m1"]["SUCCESS"] == 600


async def test_what_may_not_go_twice_is_written_as_unknown(tour: Tour, way: Way) -> None:
    addresses = await put_many(tour, 20)
    journey = tour.publish(WITH_MAIL, **FAST)
    await break_off(tour, way)
    lost = await on_their_way(tour)

    await free(tour)
    context = tour.context
    settings = context.settings.model_copy(update={"at_most_once_channels": frozenset({"EMAIL"})})
    await Engine(TaskContext(context.database, settings, "careful")).drain()

    assert set(way.sent) <= set(addresses)
    assert len(way.sent) == len(set(way.sent))
    assert len(doubts(tour, journey)) == lost
    counts = (await tour.counts(journey))["m1"]
    assert (counts["SUCCESS"], counts["UNKNOWN"]) == (20 - lost, lost)
    assert len(await tour.inside(journey)) == 20


async def test_who_was_deleted_while_in_doubt_leaves(tour: Tour, way: Way) -> None:
    await put_many(tour, 1)
    journey = tour.publish(WITH_MAIL, **FAST)
    await break_off(tour, way)
    tour.client.delete_endpoint(ApplicationId=tour.id, EndpointId="e00001")

    await free(tour)
    await tour.go()

    assert len(way.sent) == 1
    assert await tour.rows("SELECT endpoint_key, status, was_in_doubt FROM deliveries") == [
        {"endpoint_key": "e00001", "status": "UNKNOWN", "was_in_doubt": True}
    ]
    assert await tour.inside(journey) == {}


async def test_a_worker_that_lost_its_lanes_writes_nothing(tour: Tour, way: Way) -> None:
    await put_many(tour, 30)
    journey = tour.publish(WITH_MAIL, **FAST)
    may_end, is_out = asyncio.Event(), asyncio.Event()

    async def wait_for_it(_: Sequence[Message]) -> None:
        is_out.set()
        await may_end.wait()

    way.during = wait_for_it
    frozen = asyncio.create_task(Engine(tour.context).drain())
    await is_out.wait()
    await asyncio.sleep(0.2)
    way.during = nothing
    lost = await on_their_way(tour)
    await free(tour)
    async with tour.other_worker() as engine:
        opened._opened[engine._context.database] = cast("Providers", way)  # noqa: SLF001 - the same way out
        await engine.drain()
    may_end.set()
    await frozen

    assert len(doubts(tour, journey)) == lost
    assert (await tour.counts(journey))["m1"]["SUCCESS"] == 30
    assert set(map(len, (await tour.ledger()).values())) == {1}


async def test_a_worker_that_is_stopped_leaves_nothing_in_doubt(tour: Tour, way: Way) -> None:
    addresses = await put_many(tour, 300)
    journey = tour.publish(WITH_MAIL, **FAST)
    is_out, may_end = asyncio.Event(), asyncio.Event()

    async def wait_for_it(_: Sequence[Message]) -> None:
        is_out.set()
        await may_end.wait()

    way.during = wait_for_it
    engine = Engine(tour.context)
    running = asyncio.create_task(engine.run())
    await is_out.wait()
    running.cancel()
    await asyncio.sleep(0.3)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert await on_their_way(tour) == 0
    assert 0 < len(way.sent) < 300
    await tour.go()
    assert sorted(way.sent) == addresses
    assert doubts(tour, journey) == []


async def test_a_pause_lets_what_is_on_its_way_end(tour: Tour, way: Way) -> None:
    await put_many(tour, 300)
    journey = tour.publish(WITH_MAIL, RefreshFrequency="P1D", **FAST)

    async def pause(_: Sequence[Message]) -> None:
        if tour.state(journey) == "ACTIVE":
            tour.set_state(journey, "PAUSED")

    way.during = pause
    await tour.go()

    assert await on_their_way(tour) == 0
    sent = len(way.sent)
    assert 0 < sent < 300
    inside = list((await tour.inside(journey)).values())
    assert (inside.count("w1"), inside.count("m1")) == (sent, 300 - sent)
    way.during = nothing
    tour.set_state(journey, "ACTIVE")
    await tour.go()
    assert len(way.sent) == len(set(way.sent)) == 300


async def test_a_cancelled_journey_lists_what_was_on_its_way(tour: Tour, way: Way) -> None:
    await put_many(tour, 3)
    journey = tour.publish(WITH_MAIL, **FAST)
    await break_off(tour, way)
    lost, sent = await on_their_way(tour), len(way.sent)

    tour.set_state(journey, "CANCELLED")
    await free(tour)
    await tour.go(minutes=1)

    assert len(way.sent) == sent
    assert len(doubts(tour, journey)) == lost
    assert await tour.inside(journey) == {}
    assert (await tour.counts(journey))[""]["CANCELLED"] == 3


async def test_what_fails_while_it_is_sent_is_in_doubt_and_not_sent_again(
    tour: Tour, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a slow machine it takes long to tell of a mistake.
    monkeypatch.setattr(loop, "FAILED_WAIT_S", 3600)
    addresses = await put_many(tour, 1)
    journey = tour.publish(WITH_MAIL, **FAST)

    async def fail(_: Sequence[Message]) -> None:
        raise ValueError

    way.during = fail
    engine = Engine(tour.context)
    await engine.drain()
    assert await on_their_way(tour) == 1
    await free(tour)
    await engine.drain()

    assert sorted(way.sent) == addresses
    assert doubts(tour, journey) == ["e00001"]
    assert set((await tour.inside(journey)).values()) == {"w1"}


async def test_a_pace_is_kept_and_nobody_is_forgotten(tour: Tour, way: Way) -> None:
    await put_many(tour, 12)
    tour.publish(WITH_MAIL, Limits={"MessagesPerSecond": 1})

    await tour.go()
    assert 0 < len(way.sent) < 12
    for _ in range(15):
        await tour.rows("UPDATE paces SET free_at = now() RETURNING 1")
        await free(tour)
        await tour.go()

    assert len(way.sent) == len(set(way.sent)) == 12


async def test_what_providers_say_is_told(tour: Tour, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    await put_many(tour, 1)
    monkeypatch.setattr(way, "answer", Outcome(Status.PERMANENT_FAILURE, 400, "no\0 \udc80"))
    journey = tour.publish({"m1": mail("w1"), "w1": wait("PT1H")})

    await tour.go()

    assert await tour.rows("SELECT status, detail, activity_id FROM deliveries") == [
        {"status": "FAILURE_PERMANENT", "detail": "no\ufffd ?", "activity_id": "m1"}
    ]
    assert await tour.inside(journey) == {"e00001": "w1"}


async def test_who_enters_while_a_lane_is_given_back_is_not_forgotten(tour: Tour, way: Way) -> None:
    addresses = await put_many(tour, 400)
    tour.publish({"m1": mail()}, RefreshFrequency="PT1H", **FAST)
    # Entry and walking at once, by two workers.
    async with tour.other_worker() as engine:
        opened._opened[engine._context.database] = cast("Providers", way)  # noqa: SLF001 - the same way out
        await asyncio.gather(engine.drain(), Engine(tour.context).drain())
    await tour.go(seconds=5)

    assert sorted(way.sent) == addresses
    late = tour.began_at + timedelta(seconds=5)
    lanes = await tour.rows("SELECT lane FROM journey_lanes WHERE wake_at <= %(late)s", late=late)
    assert lanes == []


async def test_an_activity_that_fails_keeps_nobody_else(tour: Tour, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = await put_many(tour, 40)
    branches = [{"Percentage": 50, "NextActivity": "h1"}, {"Percentage": 50, "NextActivity": "m1"}]
    holdout = {"Holdout": {"Percentage": 0, "NextActivity": "m1"}}
    journey = tour.publish({"split": {"RandomSplit": {"Branches": branches}}, "h1": holdout, "m1": mail()}, **FAST)

    async def fail(_: object) -> None:
        raise ValueError

    with monkeypatch.context() as patched:
        patched.setattr(kind_named("Holdout"), "perform", fail)
        await tour.go()
    inside = await tour.inside(journey)
    assert 0 < len(way.sent) < 40
    assert set(inside.values()) == {"h1"}
    assert len(way.sent) + len(inside) == 40

    await tour.go(minutes=3)

    assert sorted(way.sent) == addresses


async def test_what_is_in_doubt_stays_so_in_a_pause(tour: Tour, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = await put_many(tour, 10)
    journey = tour.publish(WITH_MAIL, RefreshFrequency="P1D", **FAST)
    await break_off(tour, way)
    lost = await keys_on_their_way(tour)

    async def pause_first(session: Session, **options: bool) -> None:
        if tour.state(journey) == "ACTIVE":
            tour.set_state(journey, "PAUSED")
        await settle(session, **options)

    monkeypatch.setattr(work, "settle", pause_first)
    await free(tour)
    await tour.go()
    assert await keys_on_their_way(tour) == lost

    monkeypatch.undo()
    tour.set_state(journey, "ACTIVE")
    opened._opened[tour.database] = cast("Providers", way)  # noqa: SLF001 - as above
    await free(tour)
    await tour.go()

    assert doubts(tour, journey) == lost
    assert set(way.sent) == set(addresses)

"""Nobody is lost and nobody is sent to twice, whatever fails and whoever stops."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import pytest

from repoint.campaigns.engine.ending import end_days
from repoint.campaigns.engine.loop import Engine
from repoint.campaigns.engine.start import start_due
from repoint.db.queries import Query
from repoint.delivery import opened
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.routing import Providers
from tests.campaigns.engine.conftest import Shop

TAKEN = Outcome(Status.SUCCESSFUL, 200, "taken")


async def nothing(_: Sequence[Message]) -> None:
    """Send at once."""


@dataclass
class Way:
    """A way out that a test holds in its hands."""

    # Awaited while messages are on their way.
    during: Callable[[Sequence[Message]], Awaitable[None]] = nothing
    sent: list[str] = field(default_factory=list)
    answer: Outcome = TAKEN

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Take all."""
        self.sent += [message.address for message in messages]
        await self.during(messages)
        return [self.answer] * len(messages)


@pytest.fixture
def way(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Way:
    """Where the shop's messages go."""
    way = Way()
    monkeypatch.setitem(opened._opened, shop.database, cast("Providers", way))  # noqa: SLF001 - the fake has no settings
    return way


async def put_many(shop: Shop, count: int) -> list[str]:
    """So many endpoints; their addresses in order."""
    rows = await shop.rows(
        """
        INSERT INTO endpoints (application_id, endpoint_key, endpoint_id, cohort, created_at, effective_at,
            channel_type, address, endpoint_status, opt_out, opt_out_is_explicit, attributes, metrics,
            own_user_attributes, request_id, size_bound)
        SELECT %(app)s, id, id, 0, now(), now(), 'EMAIL', id || '@example.com', 'ACTIVE', 'NONE',
            true, '{"City": ["Rome"]}', '{}', '{"Name": ["N"]}', 'r', 900
        FROM generate_series(1, %(count)s) AS n, to_char(n, 'FM"e"00000') AS id RETURNING address
        """,
        app=shop.id,
        count=count,
    )
    return sorted(row["address"] for row in rows)


async def execute(shop: Shop, sql: str) -> None:
    """Change the database."""
    async with shop.database.connection() as db:
        await db.execute(Query("test", sql))


async def free(shop: Shop) -> None:
    """Whoever holds a batch has held it for too long."""
    await execute(shop, "UPDATE campaign_batches SET leased_until = now() - interval '1 second'")


async def doubts(shop: Shop) -> list[str]:
    """Who is listed as in doubt."""
    rows = await shop.rows("SELECT endpoint_key FROM deliveries WHERE was_in_doubt ORDER BY endpoint_key")
    return [row["endpoint_key"] for row in rows]


async def on_their_way(shop: Shop) -> int:
    """Messages of which the database knows that they went out, and not what became of them."""
    [row] = await shop.rows(
        "SELECT coalesce(sum(jsonb_array_length(sending)), 0)::integer AS count FROM campaign_batches"
    )
    return int(row["count"])


async def test_what_went_out_is_written_when_the_next_group_fails(shop: Shop, way: Way) -> None:
    addresses = await put_many(shop, 120)
    campaign = shop.create()

    async def break_down(_: Sequence[Message]) -> None:
        if len(way.sent) == 50:
            await execute(shop, "ALTER TABLE suppressions RENAME TO elsewhere")

    way.during = break_down
    await shop.run()

    # The second group may have been made while the first went out; the third was not.
    assert (await on_their_way(shop), len(way.sent) in {50, 100}) == (0, True)
    await execute(shop, "ALTER TABLE elsewhere RENAME TO suppressions")
    await free(shop)
    await shop.run()
    assert sorted(way.sent) == addresses
    assert await doubts(shop) == []
    [activity] = shop.activities(campaign)
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (120, 120)


async def test_a_worker_that_is_stopped_leaves_nothing_in_doubt(shop: Shop, way: Way) -> None:
    addresses = await put_many(shop, 120)
    shop.create()
    is_out, may_end = asyncio.Event(), asyncio.Event()

    async def wait(_: Sequence[Message]) -> None:
        is_out.set()
        await may_end.wait()

    way.during = wait
    engine = Engine(shop.context)
    running = asyncio.create_task(engine.run())
    await is_out.wait()
    running.cancel()
    # What it is at may have to end first, as a look at the database.
    while not engine.stops:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.01)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert (await on_their_way(shop), len(way.sent)) == (0, 50)
    [batch] = await shop.rows("SELECT worker, after_key, leased_until <= now() AS is_free FROM campaign_batches")
    assert batch == {"worker": None, "after_key": "e00050", "is_free": True}
    await shop.run()
    assert sorted(way.sent) == addresses
    assert await doubts(shop) == []


async def test_a_worker_that_is_stopped_waits_no_longer_than_it_may(shop: Shop, way: Way) -> None:
    await put_many(shop, 3)
    shop.create()
    is_out = asyncio.Event()

    async def hang(_: Sequence[Message]) -> None:
        is_out.set()
        await asyncio.Event().wait()

    way.during = hang
    running = asyncio.create_task(Engine(shop.context).run())
    await is_out.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, shop.context.settings.worker_stop_s + 3)

    assert await on_their_way(shop) == 3


async def test_what_fails_while_it_is_sent_is_in_doubt_and_not_sent_again(shop: Shop, way: Way) -> None:
    addresses = await put_many(shop, 3)
    campaign = shop.create()

    async def fail(_: Sequence[Message]) -> None:
        raise ValueError

    way.during = fail
    engine = Engine(shop.context)
    await engine.drain()
    assert await on_their_way(shop) == 3
    await free(shop)
    await engine.drain()

    assert sorted(way.sent) == addresses
    assert await doubts(shop) == ["e00001", "e00002", "e00003"]
    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["Result"], activity["TotalEndpointCount"]) == ("COMPLETED", "FAIL", 3)


async def test_a_batch_that_always_fails_ends_its_run(shop: Shop, way: Way) -> None:
    await put_many(shop, 3)
    campaign = shop.create()
    await execute(shop, "ALTER TABLE suppressions RENAME TO elsewhere")
    engine = Engine(shop.context)
    for _ in range(5):
        assert shop.state(campaign) in {"SCHEDULED", "EXECUTING"}
        await engine.drain()
        await free(shop)

    assert shop.state(campaign) == "INVALID"
    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["Result"]) == ("COMPLETED", "FAIL")
    assert await shop.rows("SELECT 1 FROM campaign_batches") == []
    assert way.sent == []


async def test_what_providers_say_is_written_whatever_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    await put_many(shop, 1)
    monkeypatch.setattr(way, "answer", Outcome(Status.PERMANENT_FAILURE, 400, "no\0 \udc80"))
    shop.create()

    await shop.run()

    assert await shop.rows("SELECT status, detail FROM deliveries") == [
        {"status": "FAILURE_PERMANENT", "detail": "no\ufffd ?"}
    ]


async def test_a_cancelled_run_lists_what_was_on_its_way(shop: Shop, way: Way) -> None:
    await put_many(shop, 3)
    campaign = shop.create()
    await start_due(shop.context)
    await shop.rows(
        """
        INSERT INTO campaign_batches (application_id, run_id, sweep, after_key, counts, sending)
        SELECT application_id, run_id, 0, 'e00002', '{"TOTAL": 2, "SUCCESSFUL": 1}',
            '[{"key": "e00002", "occurrence": 0, "message_id": "m-2", "channel": "EMAIL"}]'
        FROM campaign_runs RETURNING 1
        """
    )
    shop.client.delete_campaign(ApplicationId=shop.id, CampaignId=campaign)

    await shop.run()

    assert await shop.rows("SELECT endpoint_key, status, was_in_doubt, message_id FROM deliveries") == [
        {"endpoint_key": "e00002", "status": "UNKNOWN", "was_in_doubt": True, "message_id": "m-2"}
    ]
    [run] = await shop.rows("SELECT state, counts FROM campaign_runs")
    assert run == {"state": "CANCELLED", "counts": {"TOTAL": 2, "SUCCESSFUL": 1, "UNKNOWN": 1, "FAILED": 1}}
    assert await shop.rows("SELECT 1 FROM campaign_batches") == []
    assert way.sent == []


async def test_a_day_does_not_end_while_something_is_triggered(shop: Shop) -> None:
    shop.create()
    now = datetime.now(UTC)
    await start_due(shop.context)
    await execute(shop, "UPDATE campaign_runs SET is_triggered = true, scheduled_at = now() - interval '3 days'")
    async with shop.database.transaction() as db:
        # As the reader of events does.
        await db.execute(Query("test", "UPDATE campaign_runs SET version = version"))
        ending = asyncio.create_task(end_days(shop.database, now))
        await asyncio.wait({ending}, timeout=0.5)
        insert = "INSERT INTO campaign_batches (application_id, run_id, triggers) SELECT application_id, run_id, '[]'"
        await db.execute(Query("test", f"{insert} FROM campaign_runs"))
    await ending

    assert await shop.rows("SELECT state FROM campaign_runs") == [{"state": "RUNNING"}]
    await execute(shop, "DELETE FROM campaign_batches")
    await end_days(shop.database, now)
    assert await shop.rows("SELECT state FROM campaign_runs") == [{"state": "COMPLETED"}]


async def test_a_slow_campaign_does_not_fill_the_table_of_batches(shop: Shop, way: Way) -> None:
    await put_many(shop, 600)
    shop.create(Limits={"MessagesPerSecond": 1})

    await shop.run()

    [row] = await shop.rows("SELECT count(*) FROM campaign_batches")
    assert row["count"] <= 2
    assert len(way.sent) >= 1


async def test_a_worker_does_not_take_over_from_itself(shop: Shop, way: Way) -> None:
    addresses = await put_many(shop, 3)
    shop.create()
    engine = Engine(shop.context)

    async def look(_: Sequence[Message]) -> None:
        # The database was away for longer than a lease.
        await free(shop)
        await engine._claim()  # noqa: SLF001 - what it does ten times a second

    way.during = look
    await engine.drain()

    assert sorted(way.sent) == addresses
    assert await doubts(shop) == []


async def test_messages_that_waited_for_their_pace_have_seats(shop: Shop, way: Way) -> None:
    await put_many(shop, 150)
    shop.create(Limits={"MessagesPerSecond": 500})
    engine = Engine(shop.context)
    seats: list[tuple[int, int]] = []

    async def count(messages: Sequence[Message]) -> None:
        seats.append((sum(engine._seats._held.values()), len(messages)))  # noqa: SLF001 - nobody else knows

    way.during = count
    await engine.drain()

    assert seats == [(50, 50)] * 3

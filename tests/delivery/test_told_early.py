"""What is told of e-mails before they are noted: kept, and noted once when they are."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.sent import Sent, note_sent
from repoint.delivery.telling import Click, Delivery, Rejection, Told, Unrendered
from repoint.delivery.told import note_told
from repoint.delivery.told_early import look_for_told_early
from repoint.discover import discover
from repoint.dispatch import dispatch_local
from repoint.events.email_records import Bounce, Complaint, Mail, Visit
from repoint.queue import TaskContext
from repoint.settings import Settings

NOW = datetime.now(UTC)
OURS, THEIRS = "0123456789abcdef-01234567-89ab-4def-a123-456789abcdef-000000", "their-id"
BOUNCE = Told((THEIRS,), "hardbounce", NOW, Bounce("Permanent", "General", "failed", "5.1.1"), "k")
VISIT = Visit("192.0.2.1", "Mozilla/5.0")
TYPES = Query("types", "SELECT event_type FROM events ORDER BY position")
KEPT = Query("kept", "SELECT count(*) FROM told_early")
LOOK_AT = Query("look_at", "SELECT look_at FROM told_early")
SUPPRESSED = Query("suppressed", "SELECT address FROM suppressions")


class Clock:
    """The worker's, which a test may put forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = NOW
        monkeypatch.setattr(TaskContext, "now", lambda _: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """At first it is NOW."""
    return Clock(monkeypatch)


@pytest.fixture
def context(database: Database, settings: Settings) -> TaskContext:
    """A worker's."""
    discover()
    return TaskContext(database, settings, "worker")


async def new_application(context: TaskContext) -> str:
    request = {"CreateApplicationRequest": {"Name": "Shop"}}
    made: dict[str, Any] = await dispatch_local(context.settings, context.database, "CreateApp", request)
    return str(made["Id"])


async def tell(context: TaskContext, *told: Told, application_id: str | None = None) -> int:
    """How much of it was noted at once."""
    async with context.database.transaction() as db:
        return (await note_told(db, context.settings, NOW, told, application_id=application_id)).count


async def note(context: TaskContext, application_id: str) -> None:
    """Note the message as one that went out."""
    mail = Mail(OURS, NOW, "news@shop.example", "ann@example.net", "Hello", [], awaits_delivery=True)
    async with context.database.transaction() as db:
        sent = Sent(OURS, NOW, "EMAIL", "c", None, mail, provider_message_id=THEIRS)
        await note_sent(db, application_id, NOW, [sent])


async def types(context: TaskContext) -> list[str]:
    async with context.database.connection() as db:
        return [row["event_type"] for row in await db.rows(TYPES)]


async def value(context: TaskContext, query: Query) -> Any:
    async with context.database.connection() as db:
        return await db.value(query)


async def test_a_bounce_that_comes_first_is_noted_when_its_message_is(context: TaskContext, clock: Clock) -> None:
    app = await new_application(context)

    first = await tell(context, BOUNCE)
    again = await tell(context, BOUNCE)
    await look_for_told_early.run(context)
    before = await types(context)
    await note(context, app)
    clock.now += timedelta(seconds=6)
    await look_for_told_early.run(context)
    await look_for_told_early.run(context)

    assert (first, again, before) == (0, 0, [])
    assert await types(context) == ["_email.hardbounce"]
    assert await value(context, SUPPRESSED) == "ann@example.net"
    assert await value(context, KEPT) == 0


async def test_every_kind_is_kept_as_it_was_told(context: TaskContext) -> None:
    app = await new_application(context)
    told = [
        Told((OURS,), "open", NOW, VISIT),
        Told((OURS,), "click", NOW, Click(VISIT, "https://shop.example/\0")),
        Told((OURS,), "unsubscribe", NOW, Click(VISIT, "https://shop.example/")),
        Told((OURS,), "delivered", NOW, Delivery("250 ok\ud800", "mx.example")),
        Told((OURS,), "softbounce", NOW, Bounce("Transient", "MailboxFull"), "f\0"),
        Told((OURS,), "complaint", NOW, Complaint("f", "abuse", "Mail")),
        Told((OURS,), "rejected", NOW, Rejection("Bad content")),
        Told((OURS,), "rendering_failure", NOW, Unrendered("t", "no a")),
    ]

    await tell(context, *told)
    await note(context, app)
    await look_for_told_early.run(context)

    assert sorted(await types(context)) == sorted(f"_email.{each.kind}" for each in told)


async def test_it_is_looked_for_ever_more_seldom_and_given_up_after_an_hour(context: TaskContext, clock: Clock) -> None:
    app = await new_application(context)
    await tell(context, BOUNCE)
    waits = []

    while await value(context, KEPT):
        await look_for_told_early.run(context)
        look_at = await value(context, LOOK_AT)
        if look_at is not None:
            waits.append((look_at - clock.now).total_seconds())
            clock.now = look_at
    await note(context, app)
    await look_for_told_early.run(context)

    assert waits == [5, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560]
    assert await types(context) == []


async def test_what_is_told_of_one_application_is_not_noted_in_another(context: TaskContext) -> None:
    app, other = await new_application(context), await new_application(context)
    await tell(context, BOUNCE, application_id=other)

    await note(context, app)
    await look_for_told_early.run(context)

    assert await types(context) == []


async def test_what_is_told_of_one_message_on_and_on_is_kept_for_a_while_only(context: TaskContext) -> None:
    for _ in range(110):
        await tell(context, Told((OURS,), "open", NOW, VISIT))
    await tell(context, BOUNCE)

    assert await value(context, KEPT) == 101


@pytest.mark.parametrize("ids", [(), ("",), ("a\0b",), ("\ud800",), ("x" * 301,)])
async def test_what_can_never_be_known_is_not_kept(context: TaskContext, ids: tuple[str, ...]) -> None:
    await tell(context, Told(ids, "open", NOW, VISIT))

    assert await value(context, KEPT) == 0

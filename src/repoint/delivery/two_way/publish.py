"""Messages from people on their way to who wants them.

One process at a time publishes, and one answers, whatever there is: a task as soon as something has come, and a look
every few seconds for what was not taken. A message is published at least once, whatever dies; nobody promises an order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog

from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.delivery.two_way.destination import destination_of
from repoint.delivery.two_way.reply import send_replies
from repoint.delivery.two_way.words import number_of
from repoint.queue import TaskContext, every, task
from repoint.queue.forget import forget_old
from repoint.settings import Settings

log = structlog.get_logger()
Q = load_queries("repoint.delivery.two_way")

# After which nobody is tried any more, and how long ids are known by which a provider tells of a message again.
GIVEN_UP_AFTER = timedelta(days=3)
KEPT_DAYS = 4
AT_ONCE = 500
# How often it is looked for more while a slow place is still given what there was.
LOOK_S = 1.0
_EPOCH, _NO_ID = datetime.fromtimestamp(0, UTC), "00000000-0000-0000-0000-000000000000"


@task(retries=0)
async def publish_inbound(context: TaskContext) -> None:
    """Answer and publish what is not yet; what somebody does not take now is left to the next look."""
    await asyncio.gather(
        _alone(context, "repoint replies", send_replies), _alone(context, "repoint inbound messages", _publish_all)
    )


@every(seconds=5)
async def publish_again(context: TaskContext) -> None:
    """Answer and publish what was not taken, and what has come while another process was just done."""
    await publish_inbound.run(context)


@every(seconds=3600)
async def forget_inbound(context: TaskContext) -> None:
    """Delete messages that are done with, and parts of longer ones that never came whole."""
    await forget_old(context, Q.forget_inbound, KEPT_DAYS)
    await forget_old(context, Q.forget_inbound_parts, KEPT_DAYS)


async def _alone(context: TaskContext, what: str, do: Callable[[TaskContext], Awaitable[None]]) -> None:
    """Do it, unless another process does it now: that one looks again before it is done."""
    async with context.database.connection() as db:
        if await db.value(Q.be_alone, {"what": what}):
            try:
                await do(context)
            finally:
                await db.value(Q.be_done, {"what": what})


async def _publish_all(context: TaskContext) -> None:
    """Publish to all places side by side, until none has anything left that it takes."""
    places = _places(context.settings)
    busy = set(places)

    async def keep_publishing(destination: str) -> None:
        while await _publish_to(context, destination, places[destination]):
            busy.discard(destination)
            if not busy:
                return
            await asyncio.sleep(LOOK_S)
        busy.discard(destination)

    await asyncio.gather(*map(keep_publishing, places))


def _places(settings: Settings) -> dict[str, dict[str, Any]]:
    """By destination, which of our numbers publish there; an empty one for those whose setting has gone since."""
    numbers = [number for number in settings.sms_numbers if number != "*"]
    places: dict[str, dict[str, Any]] = {}
    for number in [*numbers, "*"]:
        destination = number_of(settings, number).destination or ""
        place = places.setdefault(destination, {"numbers": [], "others_than": None})
        if number == "*":
            place["others_than"] = numbers
        else:
            place["numbers"].append(number)
    return places


async def _publish_to(context: TaskContext, destination: str, numbers: Mapping[str, object]) -> bool:
    """Publish what there is for a place; whether it is worth looking again now: it took some of what it was given."""
    behind: dict[str, object] = {"after": _EPOCH, "after_id": _NO_ID, "rows": AT_ONCE}
    while True:
        async with context.database.connection() as db:
            rows = await db.rows(Q.to_publish, {**behind, **numbers})
        if not rows:
            return True
        if await _publish_some(context, destination, rows) == 0:
            return False
        behind |= {"after": rows[-1]["received_at"], "after_id": rows[-1]["id"]}


async def _publish_some(context: TaskContext, destination: str, rows: Sequence[Row]) -> int:
    """Publish these; how many of them are done with."""
    taken: set[str] = set()

    async def done(ids: Sequence[str]) -> None:
        async with context.database.connection() as db:
            await db.execute(Q.published, {"ids": list(ids)})
        taken.update(ids)

    if not destination:
        await done([str(row["id"]) for row in rows])
        return len(rows)
    messages = {str(row["id"]): _message(context.settings, row) for row in rows}
    why = await destination_of(context, destination).publish(messages, done)
    left = [row for row in rows if str(row["id"]) not in taken]
    if left:
        shown = _shown(destination)
        log.warning("Messages from people could not be published", destination=shown, count=len(left), why=why)
        given_up = [str(row["id"]) for row in left if context.now() - row["received_at"] > GIVEN_UP_AFTER]
        if given_up:
            log.error("Messages from people are given up", destination=shown, inbound_message_ids=given_up)
            await done(given_up)
    return len(taken)


def _shown(destination: str) -> str:
    """As it may be logged: the rest of a URL can be a secret."""
    return urlsplit(destination).hostname or destination


def _message(settings: Settings, row: Row) -> dict[str, str]:
    """What is published (channels.md section 5)."""
    number = number_of(settings, row["destination_number"])
    told = {
        "originationNumber": row["origination_number"],
        "destinationNumber": row["destination_number"],
        "messageKeyword": number.keyword or f"KEYWORD_{settings.account_id}",
        "messageBody": row["body"],
        "inboundMessageId": str(row["id"]),
    }
    previous = row["previous_message_id"]
    return told if previous is None else told | {"previousPublishedMessageId": previous}

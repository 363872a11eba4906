"""Messages from people on their way to who wants them, and what is answered to them.

One process at a time publishes, whatever there is: a task as soon as something has come, and a look every few seconds
for what was not taken. A message is published at least once, whatever dies; an answer is sent at most once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import structlog

from repoint.db.parameters import as_json
from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.delivery.in_turn import send_in_turn
from repoint.delivery.message import Message, Sms
from repoint.delivery.two_way.destination import destination_of
from repoint.delivery.two_way.words import number_of
from repoint.queue import TaskContext, every, task
from repoint.queue.forget import forget_old
from repoint.settings import Settings

log = structlog.get_logger()
Q = load_queries("repoint.delivery.two_way")

# After which nobody is tried any more, and how long ids are known by which a provider tells of a message again.
GIVEN_UP_AFTER = timedelta(days=3)
KEPT_DAYS = 4
# What is answered to somebody whom no application has written to.
NO_APPLICATION = "0" * 32
AT_ONCE, REPLIES_AT_ONCE = 500, 100
# How long an answer waits for its turn before others are sent; then it is looked at again.
WITHIN_S = 10.0
_EPOCH, _NO_ID = datetime.fromtimestamp(0, UTC), "00000000-0000-0000-0000-000000000000"


@task(retries=0)
async def publish_inbound(context: TaskContext) -> None:
    """Answer and publish what is not yet; what somebody does not take now is left to the next look."""
    async with context.database.connection() as db:
        if not await db.value(Q.be_alone):
            # Whoever publishes now looks again before it is done.
            return
        try:
            await asyncio.gather(_answer_all(context), _publish_all(context))
        finally:
            await db.value(Q.be_done)


@every(seconds=5)
async def publish_again(context: TaskContext) -> None:
    """Answer and publish what was not taken, and what has come while another process was just done."""
    await publish_inbound.run(context)


@every(seconds=3600)
async def forget_inbound(context: TaskContext) -> None:
    """Delete messages that are done with, and parts of longer ones that never came whole."""
    await forget_old(context, Q.forget_inbound, KEPT_DAYS)
    await forget_old(context, Q.forget_inbound_parts, KEPT_DAYS)


async def _publish_all(context: TaskContext) -> None:
    place: dict[str, object] = {"after": _EPOCH, "after_id": _NO_ID, "rows": AT_ONCE}
    # Those that took nothing of what they were given last.
    away: set[str] = set()
    while True:
        async with context.database.connection() as db:
            rows = await db.rows(Q.to_publish, place)
        if not rows:
            return
        place |= {"after": rows[-1]["received_at"], "after_id": rows[-1]["id"]}
        groups: dict[str, list[Row]] = {}
        for row in rows:
            destination = number_of(context.settings, row["destination_number"]).destination
            groups.setdefault(destination or "", []).append(row)
        for destination, group in groups.items():
            if destination not in away and await _publish_to(context, destination, group) == len(group):
                away.add(destination)


async def _publish_to(context: TaskContext, destination: str, rows: Sequence[Row]) -> int:
    async def done(ids: Sequence[str]) -> None:
        async with context.database.connection() as db:
            await db.execute(Q.published, {"ids": list(ids)})

    if not destination:
        # The setting has gone since.
        await done([str(row["id"]) for row in rows])
        return 0
    messages = {str(row["id"]): _message(context.settings, row) for row in rows}
    why = await destination_of(context, destination).publish(messages, done)
    if not why:
        return 0
    log.warning(
        "Messages from people could not be published",
        destination=_shown(destination),
        count=len(why),
        why=next(iter(why.values())),
    )
    given_up = [
        str(row["id"]) for row in rows if str(row["id"]) in why and context.now() - row["received_at"] > GIVEN_UP_AFTER
    ]
    if given_up:
        log.error("Messages from people are given up", destination=_shown(destination), inbound_message_ids=given_up)
        await done(given_up)
    return len(why) - len(given_up)


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


async def _answer_all(context: TaskContext) -> None:
    while await _answer(context):
        pass


async def _answer(context: TaskContext) -> bool:
    """Answer some messages; whether it is worth looking for more now."""
    async with context.database.connection() as db:
        rows = await db.rows(Q.take_replies, {"rows": REPLIES_AT_ONCE})
    if not rows:
        return False
    applications = await _applications(context, rows)
    messages = [_reply(row, applications) for row in rows]
    outcomes = await send_in_turn(context.database, context.settings, messages)
    latest = context.now() - GIVEN_UP_AFTER
    again = [
        row
        for row, outcome in zip(rows, outcomes, strict=True)
        if outcome.may_try_another and row["received_at"] > latest
    ]
    for outcome in outcomes:
        if not outcome.is_sent:
            log.warning("An answer to somebody was not sent", status=outcome.status, detail=outcome.detail)
    if again:
        told = {"ids": as_json(str(row["id"]) for row in again), "replies": as_json(row["reply"] for row in again)}
        async with context.database.connection() as db:
            await db.execute(Q.give_back_replies, told)
    return not again


async def _applications(context: TaskContext, rows: Sequence[Row]) -> Mapping[str, str]:
    """By number, which application answers it: the one that has written last, or the one of our number."""
    numbers = sorted({row["origination_number"] for row in rows})
    async with context.database.connection() as db:
        found = await db.rows(Q.last_sent, {"numbers": as_json(numbers)})
    known = {row["detail"]["destination_phone_number"]: row["application_id"].hex for row in found}
    ours = {
        row["origination_number"]: number_of(context.settings, row["destination_number"]).application_id for row in rows
    }
    return {number: known.get(number) or ours[number] or NO_APPLICATION for number in numbers}


def _reply(row: Row, applications: Mapping[str, str]) -> Message:
    number = row["origination_number"]
    content = Sms(row["reply"], "TRANSACTIONAL", row["destination_number"])
    return Message(f"reply-{row['id']}", applications[number], "SMS", number, content, WITHIN_S)

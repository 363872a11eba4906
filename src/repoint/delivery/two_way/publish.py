"""Messages from people on their way to who wants them, and what is answered to them.

A message is published at least once, whatever dies; an answer is sent at most once. What a destination does not take is
tried again for three days.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from repoint.db.parameters import as_json
from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.delivery.message import Message, Sms
from repoint.delivery.opened import providers_of
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


class UnpublishedError(Exception):
    """Some messages were not taken; the task is tried again."""


@task(retries=None)
async def publish_inbound(context: TaskContext, *, ids: list[str]) -> None:
    """Answer and publish those of these messages that are not yet."""
    unanswered = await _answer(context, ids)
    unpublished = await _publish(context, ids)
    if unanswered or unpublished:
        raise UnpublishedError(f"{unanswered} not answered, {unpublished} not published")


@every(seconds=3600)
async def forget_inbound(context: TaskContext) -> None:
    """Delete messages that are done with, and parts of longer ones that never came whole."""
    await forget_old(context, Q.forget_inbound, KEPT_DAYS)
    await forget_old(context, Q.forget_inbound_parts, KEPT_DAYS)


async def _publish(context: TaskContext, ids: Sequence[str]) -> int:
    """How many could not be published."""
    async with context.database.connection() as db:
        rows = await db.rows(Q.to_publish, {"ids": ids})
    groups: dict[str, list[Row]] = {}
    for row in rows:
        destination = number_of(context.settings, row["destination_number"]).destination
        groups.setdefault(destination or "", []).append(row)
    failed = 0
    for destination, group in groups.items():
        failed += await _publish_to(context, destination, group)
    return failed


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
        destination=destination,
        count=len(why),
        why=next(iter(why.values())),
    )
    given_up = [
        str(row["id"]) for row in rows if str(row["id"]) in why and context.now() - row["received_at"] > GIVEN_UP_AFTER
    ]
    if given_up:
        log.error("Messages from people are given up", destination=destination, inbound_message_ids=given_up)
        await done(given_up)
    return len(why) - len(given_up)


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


async def _answer(context: TaskContext, ids: Sequence[str]) -> int:
    """How many could not be answered and may be later."""
    async with context.database.connection() as db:
        rows = await db.rows(Q.take_replies, {"ids": list(ids)})
    if not rows:
        return 0
    applications = await _applications(context, rows)
    messages = [_reply(row, applications) for row in rows]
    outcomes = await providers_of(context.database, context.settings).send(messages)
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
    return len(again)


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
    return Message(f"reply-{row['id']}", applications[number], "SMS", number, content)

"""Answers to people who have written: each is sent at most once, whatever dies."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from repoint.db.parameters import as_json
from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.delivery.in_turn import send_in_turn
from repoint.delivery.message import Message, Sms
from repoint.delivery.two_way.words import number_of
from repoint.queue import TaskContext

log = structlog.get_logger()
Q = load_queries("repoint.delivery.two_way")

AT_ONCE = 100
# After which nobody is answered any more.
GIVEN_UP_AFTER = timedelta(days=3)
# How long an answer waits for its turn before others are sent; then it is looked at again.
WITHIN_S = 10.0
# What is answered to somebody whom no application has written to.
NO_APPLICATION = "0" * 32


async def send_replies(context: TaskContext) -> None:
    """Answer whom an answer waits for; what nobody takes now is left to the next look, for as long as messages are."""
    while await _answer(context):
        pass


async def _answer(context: TaskContext) -> bool:
    """Answer some messages; whether it is worth looking for more now."""
    async with context.database.connection() as db:
        rows = await db.rows(Q.take_replies, {"rows": AT_ONCE})
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

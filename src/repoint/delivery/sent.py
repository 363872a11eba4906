"""Messages that have gone out, kept as long as somebody may tell of them: opens, clicks, bounces, receipts."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from repoint.contract.shapes import ChannelType
from repoint.db.parameters import as_json
from repoint.db.pool import Db, Row
from repoint.db.queries import Query, load_queries
from repoint.events.email_records import Mail
from repoint.events.sms_records import Sms
from repoint.queue import TaskContext, every
from repoint.queue.forget import forget_old
from repoint.resources.clearing import clears

Q = load_queries("repoint.delivery")

# As long as carriers are waited for (events.md section 8).
RECEIPT_WITHIN = timedelta(hours=72)

clears(Q.clear_sent)


class Sent(msgspec.Struct, frozen=True):
    """A message as its records tell of it."""

    message_id: str
    sent_at: datetime
    channel_type: ChannelType
    # Whom the records are about.
    client_id: str
    # The endpoint's folded id; None for a bare address.
    endpoint_key: str | None
    # What its later records tell of it.
    told: Mail | Sms
    provider_message_id: str | None = None
    # Under which ids receipts will tell of its parts.
    receipt_ids: tuple[str, ...] = ()
    # What became of it is still to be logged: told by receipts, or given up after a while.
    awaits_receipt: bool = False


async def note_sent(db: Db, application_id: str, sent_at: datetime, messages: Sequence[Sent]) -> None:
    """Keep these in mind, in one statement."""
    if messages:
        await db.execute(*ask_note_sent(application_id, sent_at, messages))


def ask_note_sent(application_id: str, sent_at: datetime, messages: Sequence[Sent]) -> tuple[Query, dict[str, object]]:
    """The statement of `note_sent`, for those who send it together with others."""
    has_parts = any(each.receipt_ids for each in messages)
    parts = [(receipt_id, each.message_id) for each in messages for receipt_id in each.receipt_ids]
    told_of = {"receipt_ids": as_json(each[0] for each in parts), "of_messages": as_json(each[1] for each in parts)}
    return Q.note_sent_in_parts if has_parts else Q.note_sent, (told_of if has_parts else {}) | {
        "application_id": application_id,
        "sent_at": sent_at,
        "message_ids": as_json(each.message_id for each in messages),
        "channel_types": as_json(each.channel_type for each in messages),
        "client_ids": as_json(each.client_id for each in messages),
        "endpoint_keys": as_json(each.endpoint_key for each in messages),
        "waits": as_json(each.awaits_receipt for each in messages),
        "receipt_due_at": sent_at + RECEIPT_WITHIN,
        "provider_message_ids": as_json(each.provider_message_id for each in messages),
        # JSON that we write has no line's end in it.
        "told": "\n".join([msgspec.json.encode(each.told).decode() for each in messages]),
    }


async def find_sent(db: Db, application_id: str, message_ids: Sequence[str]) -> dict[str, Sent]:
    """Those of these messages that are known, by id; others never were, or are forgotten."""
    # Ids come from outside, and the database takes no NUL.
    asked = [each for each in message_ids if "\0" not in each]
    rows = await db.rows(Q.find_sent, {"application_id": application_id, "message_ids": asked})
    return {row["message_id"]: read_sent(row) for row in rows}


def read_sent(row: Row) -> Sent:
    """A row as the queries of this room answer it, with or without its application."""
    told: type[Mail | Sms] = Mail if row["channel_type"] == "EMAIL" else Sms
    names = ("message_id", "sent_at", "channel_type", "client_id", "endpoint_key")
    return Sent(**{name: row[name] for name in names}, told=msgspec.convert(row["detail"], told))


@every(seconds=3600)
async def forget_sent(context: TaskContext) -> None:
    """Delete messages older than the event log, some at a time: what is told of them could be logged nowhere."""
    await forget_old(context, Q.forget_sent, context.settings.event_days)

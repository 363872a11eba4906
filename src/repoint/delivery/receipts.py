"""What receipts say of text messages that went out, in whichever order they come (events.md section 8).

A receipt is kept before it is answered. It may come before its message is noted, more than once, or of a message that
nobody knows; of each message one event is logged all the same. A message of several parts has arrived when all have.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from repoint.db.parameters import as_json
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.delivery.heard import Receipt
from repoint.delivery.sent import RECEIPT_WITHIN, Sent, read_sent
from repoint.endpoints.documents import documents_by_key
from repoint.events.emit import Event, emit
from repoint.events.records import Origin, Subject
from repoint.events.sms_records import Outcome, Sms, Status, sms_record
from repoint.queue import TaskContext, every
from repoint.queue.forget import forget_old
from repoint.resources.clearing import clears

Q = load_queries("repoint.delivery")
AT_ONCE = 500
_KEPT_DAYS = RECEIPT_WITHIN // timedelta(days=1) + 1

clears(Q.clear_parts)

# By application's and message's id.
Key = tuple[str, str]
# How a message, or a part of one, ended, and its price in thousandths of a US cent where that is known.
End = tuple[Status, float | None]
Ended = Mapping[Key, tuple[Sent, End]]
_ARRIVED = frozenset({"DELIVERED", "SUCCESSFUL"})


async def note_receipts(db: Db, account_id: str, receipts: Sequence[Receipt], now: datetime) -> None:
    """Keep receipts, and log what became of messages whose last one has come; in the open transaction."""
    ids = [receipt.receipt_id for receipt in receipts]
    statuses = [receipt.status for receipt in receipts]
    prices = [receipt.price_millicents for receipt in receipts]
    told = {"receipt_ids": as_json(ids), "statuses": as_json(statuses), "prices": as_json(prices), "now": now}
    await db.execute(Q.note_receipts, told)
    await _settle_told_of(db, account_id, ids, now)


@every(seconds=5)
async def look_for_early_receipts(context: TaskContext) -> None:
    """Log what receipts told that came before their message was noted."""
    while True:
        async with context.database.transaction() as db:
            ids = [row["receipt_id"] for row in await db.rows(Q.early_receipts, {"rows": AT_ONCE})]
            if ids:
                await _settle_told_of(db, context.settings.account_id, ids, context.now())
        if len(ids) < AT_ONCE:
            return


@every(seconds=60)
async def give_up_receipts(context: TaskContext) -> None:
    """Log messages of which no carrier has told anything within 72 hours."""
    while True:
        now = context.now()
        async with context.database.transaction() as db:
            rows = await db.rows(Q.hold_overdue, {"now": now, "rows": AT_ONCE})
            found: Ended = {_key(row): (read_sent(row), ("UNKNOWN", None)) for row in rows}
            await _log(db, context.settings.account_id, found, now)
        if len(rows) < AT_ONCE:
            return


@every(seconds=3600)
async def forget_receipts(context: TaskContext) -> None:
    """Delete parts and receipts that nobody waits for any more."""
    await forget_old(context, Q.forget_parts, _KEPT_DAYS)
    await forget_old(context, Q.forget_receipts, _KEPT_DAYS)


async def _settle_told_of(db: Db, account_id: str, receipt_ids: Sequence[str], now: datetime) -> None:
    told_of = {"receipt_ids": list(receipt_ids)}
    # Before the messages are looked for: a part that is noted in between is left to who looks for early receipts.
    if await db.execute(Q.match_receipts, told_of) == 0:
        return
    held = {_key(row): read_sent(row) for row in await db.rows(Q.hold_told_of, told_of)}
    # With the lock held: what another transaction told of other parts is visible now.
    told: dict[Key, list[End | None]] = {}
    for row in await db.rows(Q.parts_told, _keys(held)):
        part = None if row["status"] is None else (row["status"], row["price_millicents"])
        told.setdefault(_key(row), []).append(part)
    ended = {key: (sent, end) for key, sent in held.items() if (end := _end(told.get(key, []))) is not None}
    await _log(db, account_id, ended, now)


def _end(parts: Sequence[End | None]) -> End | None:
    """How a message ended whose parts did so; None while that is open. One that failed decides."""
    told = [part for part in parts if part is not None]
    decisive = next((status for status, _ in told if status not in _ARRIVED), None)
    if decisive is None and len(told) == len(parts):
        decisive = next((status for status, _ in told if status != "DELIVERED"), "DELIVERED" if told else None)
    if decisive is None:
        return None
    prices = [price for _, price in told if price is not None]
    return decisive, sum(prices) if len(prices) == len(parts) else None


async def _log(db: Db, account_id: str, ended: Ended, now: datetime) -> None:
    """Log how messages ended, which are held, and wait for them no longer."""
    if not ended:
        return
    await db.execute(Q.settle, _keys(ended))
    events = []
    for application_id in dict.fromkeys(key[0] for key in ended):
        some = [found for key, found in ended.items() if key[0] == application_id]
        subjects = await _subjects(db, application_id, [sent for sent, _ in some])
        origin = Origin(account_id, application_id)
        events += [_event(origin, subjects, sent, end, now) for sent, end in some]
    await emit(db, events)


async def _subjects(db: Db, application_id: str, sent: Sequence[Sent]) -> dict[str, Subject]:
    keys = {each.endpoint_key for each in sent if each.endpoint_key is not None}
    documents = await documents_by_key(db, application_id, list(keys)) if keys else {}
    return {key: Subject.of(document) for key, document in documents.items()}


def _event(origin: Origin, subjects: Mapping[str, Subject], sent: Sent, end: End, now: datetime) -> Event:
    assert isinstance(sent.told, Sms)  # noqa: S101 - nothing else waits for receipts
    subject = subjects.get(sent.endpoint_key or "") or Subject.unknown(sent.client_id)
    status, price = end
    outcome: Outcome = "SUCCESS" if status in _ARRIVED else "FAILURE"
    record = sms_record(origin, subject, (now, now), sent.told, outcome=outcome, status=status, price_millicents=price)
    return Event(origin.application_id, f"_SMS.{outcome}", now, record, sent.endpoint_key)


def _key(row: Row) -> Key:
    return row["application_id"].hex, row["message_id"]


def _keys(keys: Mapping[Key, object]) -> dict[str, str]:
    return {"application_ids": as_json(key[0] for key in keys), "message_ids": as_json(key[1] for key in keys)}

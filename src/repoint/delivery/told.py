"""What is told of e-mails after they went out, by whomever: noted in the log, and what never arrives suppressed.

A message has one recipient, so it is delivered, bounces for good, is complained of, rejected or fails to render once:
whoever tells it again, be it by another way, tells nothing new. What can happen more than once is told apart by a key.
What is told of a message that nobody knows is kept for a while, since messages are noted after they went out
(told_early.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from repoint.contract.shapes import ChannelType
from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.delivery.sent import Sent, read_sent
from repoint.delivery.suppression import Reason, suppress
from repoint.delivery.telling import Told, as_stored, readable_ids, readable_key, record_of
from repoint.endpoints.documents import documents_by_key
from repoint.events.email_records import EmailRecords, Mail
from repoint.events.emit import Event, emit
from repoint.events.records import Origin, Subject
from repoint.queue import TaskContext, every
from repoint.queue.forget import forget_old
from repoint.resources.clearing import clears
from repoint.settings import Settings

Q = load_queries("repoint.delivery")

clears(Q.clear_told)

_ONCE = frozenset({"delivered", "hardbounce", "complaint", "rejected", "rendering_failure"})
# Things told of a message before it is known.
_MOST_EARLY = 100
_SUPPRESSES: Mapping[str, Reason] = {"hardbounce": "BOUNCE", "complaint": "COMPLAINT"}


@dataclass(frozen=True, slots=True)
class Noted:
    """What became of a list of things told."""

    # Logged, and not told before.
    count: int
    # Those of messages that nobody knows: not yet, or no longer.
    unknown: list[Told]


# An e-mail with its application.
Known = tuple[str, Sent]


async def note_told(
    db: Db, settings: Settings, now: datetime, told: Sequence[Told], *, application_id: str | None = None
) -> Noted:
    """Note what is told of e-mails of this application, or of any, in the transaction that is open.

    What is told of messages that nobody knows is kept, and noted when they are known.
    """
    noted = await note_of_known(db, settings, now, told, application_id)
    await _keep(db, now, noted.unknown, application_id)
    return noted


async def note_of_known(
    db: Db, settings: Settings, now: datetime, told: Sequence[Told], application_id: str | None
) -> Noted:
    """As `note_told`, but what is told of messages that nobody knows is left to the caller."""
    known = await _known(db, told, application_id)
    pairs = [(each, found) for each in told if (found := _first(known, each)) is not None]
    new = await _new(db, now, pairs)
    makers = await _makers(db, settings, new)
    await emit(db, [_event(each, *found, makers[_id(found)]) for each, found in new])
    if settings.suppress_bounced:
        await suppress(db, [found for each in new for found in _bounced(*each)], now)
    return Noted(len(new), [each for each in told if _first(known, each) is None])


async def _known(db: Db, told: Sequence[Told], application_id: str | None) -> dict[str, Known]:
    """Those of the e-mails that are known, by each id that they have."""
    asked = {each for one in told for each in readable_ids(one)}
    if not asked:
        return {}
    rows = await db.rows(Q.find_emails, {"application_id": application_id, "ids": list(asked)})
    known: dict[str, Known] = {}
    for row in rows:
        found = row["application_id"].hex, read_sent(row)
        known[row["message_id"]] = found
        if row["provider_message_id"] is not None:
            known[row["provider_message_id"]] = found
    return known


def _first(known: Mapping[str, Known], told: Told) -> Known | None:
    return next((known[each] for each in told.message_ids if each in known), None)


async def _new(db: Db, now: datetime, pairs: Sequence[tuple[Told, Known]]) -> list[tuple[Told, Known]]:
    """Those that nobody has told before."""
    whats = [_what(told, sent) for told, (_, sent) in pairs]
    asked = [
        (application_id, sent.message_id, what)
        for (_, (application_id, sent)), what in zip(pairs, whats, strict=True)
        if what
    ]
    parameters = {
        "now": now,
        "application_ids": as_json(each[0] for each in asked),
        "message_ids": as_json(each[1] for each in asked),
        "whats": as_json(each[2] for each in asked),
    }
    rows: list[tuple[Any, ...]] = await db.tuples(Q.note_told, parameters) if asked else []
    fresh = {(application.hex, message_id, what) for application, message_id, what in rows}
    new = []
    for (told, found), what in zip(pairs, whats, strict=True):
        place = (found[0], found[1].message_id, what)
        if what == "" or place in fresh:
            fresh.discard(place)
            new.append((told, found))
    return new


def _what(told: Told, sent: Sent) -> str | None:
    """How it is remembered; empty when it need not be, None when it was logged as the message was sent."""
    if told.kind == "delivered" and isinstance(sent.told, Mail) and not sent.told.awaits_delivery:
        return None
    if told.kind in _ONCE:
        return told.kind
    return f"{told.kind} {readable_key(told)}" if told.key else ""


async def _keep(db: Db, now: datetime, told: Sequence[Told], application_id: str | None) -> None:
    kept = [(each, ids) for each in told if (ids := readable_ids(each))]
    if not kept:
        return
    documents = [
        {
            "message_ids": ids,
            "kind": each.kind,
            "happened_at": each.at,
            "key": readable_key(each),
            "what": as_stored(each),
        }
        for each, ids in kept
    ]
    parameters = {"application_id": application_id, "now": now, "told": as_json(documents), "most": _MOST_EARLY}
    await db.execute(Q.keep_told, parameters)


async def _makers(db: Db, settings: Settings, new: Sequence[tuple[Told, Known]]) -> dict[tuple[str, str], EmailRecords]:
    """What makes the records of each message."""
    makers: dict[tuple[str, str], EmailRecords] = {}
    for application_id in sorted({application_id for _, (application_id, _) in new}):
        messages = [found[1] for _, found in new if found[0] == application_id]
        keys = {sent.endpoint_key for sent in messages if sent.endpoint_key is not None}
        documents = await documents_by_key(db, application_id, list(keys))
        origin = Origin(settings.account_id, application_id)
        for sent in messages:
            document = documents.get(sent.endpoint_key or "")
            subject = Subject.unknown(sent.client_id) if document is None else Subject.of(document)
            if isinstance(sent.told, Mail):
                makers[_id((application_id, sent))] = EmailRecords(origin, subject, sent.told)
    return makers


def _id(known: Known) -> tuple[str, str]:
    return known[0], known[1].message_id


def _event(told: Told, application_id: str, sent: Sent, records: EmailRecords) -> Event:
    # As in its record, the event's time is that of the message.
    return Event(application_id, f"_email.{told.kind}", sent.sent_at, record_of(told, records), sent.endpoint_key)


def _bounced(told: Told, known: Known) -> list[tuple[ChannelType, str, Reason]]:
    """The address, if nothing should be sent there any more."""
    sent = known[1]
    if told.kind not in _SUPPRESSES or not isinstance(sent.told, Mail):
        return []
    return [("EMAIL", sent.told.destination, _SUPPRESSES[told.kind])]


@every(seconds=3600)
async def forget_told(context: TaskContext) -> None:
    """Forget what was told when its messages are forgotten, too."""
    await forget_old(context, Q.forget_told, context.settings.event_days)

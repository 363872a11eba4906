"""Messages from people as they arrive: kept, read for what they ask, and left to a task that publishes them.

All of it happens in the transaction after which the provider is told that we have the message.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from repoint.db.parameters import as_json, storable
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.delivery.heard import MOST_BODY, MOST_NUMBER, Inbound
from repoint.delivery.phone_number import InvalidNumberError, country, e164
from repoint.delivery.sent import read_sent
from repoint.delivery.suppression import suppress
from repoint.delivery.two_way.publish import publish_inbound
from repoint.delivery.two_way.words import Asks, Read, number_of, read
from repoint.endpoints.documents import documents_by_key
from repoint.events.emit import Event, emit
from repoint.events.records import Origin, Subject
from repoint.events.sms_records import Sms, sms_record
from repoint.queue import enqueue
from repoint.settings import Settings

Q = load_queries("repoint.delivery.two_way")

# Halves of letters, which the database does not take, as letters for private use, which nobody writes.
_HALVES = {half: 0xF0000 + half - 0xD800 for half in range(0xD800, 0xE000)}
_AGAIN = {kept: half for half, kept in _HALVES.items()}


@dataclass(frozen=True, slots=True)
class _Arrived:
    id: str
    inbound: Inbound
    read: Read
    # The row of the last message to this number.
    last: Row | None


async def note_inbound(db: Db, settings: Settings, inbounds: Sequence[Inbound], now: datetime) -> None:
    """Take messages in, in the open transaction; those that their provider has told of before change nothing."""
    whole = await _whole(db, [_storable(each) for each in inbounds], now)
    if not whole:
        return
    last = await _last_sent(db, {each.origination_number for each in whole})
    arrived = [_arrived(settings, each, last.get(each.origination_number)) for each in whole]
    rows = await db.rows(Q.note_inbound, _parameters(arrived, now))
    new_ids = {str(row["id"]) for row in rows}
    new = [each for each in arrived if each.id in new_ids]
    await _heed(db, settings, new, now)
    if any(each.read.is_published or each.read.reply is not None for each in new):
        await enqueue(db, publish_inbound)


def _arrived(settings: Settings, inbound: Inbound, last: Row | None) -> _Arrived:
    number = inbound.destination_number
    found = read(inbound.body, number, number_of(settings, number))
    if not inbound.origination_number.removeprefix("+").isdecimal():
        # A name: nobody is there who could be answered.
        found = replace(found, reply=None)
    return _Arrived(str(uuid.uuid4()), inbound, found, last)


def _parameters(arrived: Sequence[_Arrived], now: datetime) -> dict[str, object]:
    return {
        "now": now,
        "ids": as_json(each.id for each in arrived),
        "provider_ids": as_json(each.inbound.id for each in arrived),
        "origination_numbers": as_json(each.inbound.origination_number for each in arrived),
        "destination_numbers": as_json(each.inbound.destination_number for each in arrived),
        "bodies": as_json(each.inbound.body if each.read.is_published else None for each in arrived),
        "previous_message_ids": as_json(None if each.last is None else each.last["message_id"] for each in arrived),
        "replies": as_json(each.read.reply for each in arrived),
    }


async def _whole(db: Db, inbounds: Sequence[Inbound], now: datetime) -> list[Inbound]:
    """Those that are whole, and those that have become so."""
    found = [each for each in inbounds if each.part is None]
    parts: dict[tuple[str, str, int, int], list[Inbound]] = {}
    for each in inbounds:
        if each.part is not None:
            key = (each.origination_number, each.destination_number, each.part.reference, each.part.total)
            parts.setdefault(key, []).append(each)
    # In one order for all who do this at once.
    for key in sorted(parts):
        origination_number, destination_number, reference, total = key
        parameters = {
            "origination_number": origination_number,
            "destination_number": destination_number,
            "reference": reference,
            "total": total,
        }
        await db.execute(Q.hold_whole, {"key": "\t".join(map(str, key))})
        for each in parts[key]:
            assert each.part is not None  # noqa: S101 - that is why it is here
            own = {"number": each.part.number, "body": each.body, "now": now}
            await db.execute(Q.note_part, parameters | own)
        body = await db.value(Q.take_whole, parameters)
        if body is not None:
            found.append(Inbound(origination_number, destination_number, _joined(body)[:MOST_BODY]))
    return found


def _storable(inbound: Inbound) -> Inbound:
    body = inbound.body if inbound.part is None else inbound.body.translate(_HALVES)
    return Inbound(
        storable(inbound.origination_number[:MOST_NUMBER]),
        storable(inbound.destination_number[:MOST_NUMBER]),
        storable(body[:MOST_BODY]),
        inbound.id,
        inbound.part,
    )


def _joined(body: str) -> str:
    """The text of all parts, letters made whole that were cut in two between them."""
    return body.translate(_AGAIN).encode("utf-16-be", "surrogatepass").decode("utf-16-be", "replace")


async def _last_sent(db: Db, numbers: Iterable[str]) -> dict[str, Row]:
    rows = await db.rows(Q.last_sent, {"numbers": as_json(sorted(numbers))})
    return {row["detail"]["destination_phone_number"]: row for row in rows}


async def _heed(db: Db, settings: Settings, arrived: Sequence[_Arrived], now: datetime) -> None:
    """Do what was asked: of one number the last word counts."""
    asked = {
        each.inbound.origination_number: each.read.asks
        for each in arrived
        if each.read.asks in {Asks.TO_STOP, Asks.TO_START}
    }
    stopped = [number for number, asks in asked.items() if asks is Asks.TO_STOP]
    started = [number for number, asks in asked.items() if asks is Asks.TO_START]
    if stopped:
        await suppress(db, [("SMS", number, "OPT_OUT") for number in stopped], now)
    if started:
        await db.execute(Q.release_opted_out, {"numbers": sorted(started)})
    opted_out = [each for each in arrived if each.read.asks is Asks.TO_STOP]
    await emit(db, [event for each in opted_out if (event := await _opt_out(db, settings, each, now)) is not None])


async def _opt_out(db: Db, settings: Settings, arrived: _Arrived, now: datetime) -> Event | None:
    """The event of the application that has written to this number last; None when nobody has."""
    last = arrived.last
    if last is not None:
        application_id, sent = last["application_id"].hex, read_sent(last)
        assert isinstance(sent.told, Sms)  # noqa: S101 - it was asked for by its channel
        key, told = sent.endpoint_key, sent.told
        documents = await documents_by_key(db, application_id, [] if key is None else [key])
        subject = Subject.of(documents[key]) if key in documents else Subject.unknown(sent.client_id)
    else:
        own = number_of(settings, arrived.inbound.destination_number).application_id
        if own is None:
            return None
        application_id, key, told = own, None, _unsent(arrived)
        subject = Subject.unknown(str(uuid.uuid4()))
    origin = Origin(settings.account_id, application_id)
    record = sms_record(origin, subject, (now, now), told, outcome="OPTOUT", status="OPTED_OUT")
    return Event(application_id, "_SMS.OPTOUT", now, record, key)


def _unsent(arrived: _Arrived) -> Sms:
    """What records tell of a message of theirs, there being none of ours."""
    number = arrived.inbound.origination_number
    return Sms(
        arrived.id,
        arrived.id,
        number,
        "Transactional",
        1,
        arrived.inbound.destination_number,
        _country(number),
    )


def _country(number: str) -> str | None:
    """None for short codes and names, and for what only looks like a number."""
    try:
        return country(e164(number)) if number.startswith("+") else None
    except InvalidNumberError:
        return None

"""PutEvents: endpoints brought up to date and events taken down, each judged by itself (events.md section 1).

Endpoints are written first, by the same code as UpdateEndpoint; the events follow in a transaction of their own, so
that they see what was written and wait for no other writer of endpoints. A crash between the two leaves endpoints
updated and nothing answered; the client sends all of it again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException, ContractError, NotFoundException
from repoint.contract.shapes import EndpointItemResponse, Event, EventsResponse, ItemResponse
from repoint.db.parameters import as_json
from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.db.together import Together
from repoint.endpoints.item import check_id
from repoint.endpoints.key import endpoint_key
from repoint.endpoints.patch import Patch, patch_of_request
from repoint.endpoints.project import check_application_id, require_project
from repoint.endpoints.together import write_together
from repoint.endpoints.upsert import Rules
from repoint.events.emit import Event as LogEvent
from repoint.events.emit import ask_announce, ask_append, event_hash
from repoint.events.records import JsonObject, Origin, Subject, app_record, app_session
from repoint.events.repeats import ask_for_place, ask_to_be_alone, ask_which_are_known
from repoint.events.reserved import RESERVED
from repoint.operation import Call, Input, operation
from repoint.resources.clearing import clears
from repoint.resources.lock import ask_hold

Q = load_queries("repoint.endpoints")

MAX_EVENTS = 100
MAX_ITEMS = 100
MAX_EVENT_BYTES = 1_024_000
MAX_KEYS = 40
MAX_NAME_CHARACTERS = 50
MAX_VALUE_CHARACTERS = 200
TOO_MANY_KEYS = f"Number of attributes per event submitted should be less than {MAX_KEYS}."

# How far a client's clock may be off before the time of arrival counts instead.
_CREDIBLE_PAST, _CREDIBLE_FUTURE = timedelta(days=90), timedelta(hours=24)

# Events of one transaction; the locks of their endpoints are held for that long.
_MAX_TOGETHER = 2000

clears(Q.clear_activity)


@dataclass(slots=True)
class _Taken:
    """An event that is accepted."""

    event: Event
    event_id: str
    at: datetime
    session: JsonObject


@dataclass(slots=True)
class _Item:
    """One endpoint of the request, with what is answered about it."""

    endpoint_id: str
    # "" for an id that no endpoint can have.
    key: str
    patch: Patch | None
    refusal: ContractError | None
    taken: list[_Taken] = field(default_factory=list)
    # By event id; None for an event that is accepted.
    verdicts: dict[str, ContractError | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Report:
    """What one call has to log."""

    origin: Origin
    items: list[_Item]
    at: datetime


@operation(in_steps=True, checks_project=True)
async def put_events(call: Call, arguments: Input) -> EventsResponse:
    """Write the endpoints and log the events, each of which is accepted or refused by itself."""
    batch: dict[str, dict[str, Any]] = arguments["EventsRequest"]["BatchItem"]
    if (wrong := _whole(batch)) is not None:
        await require_project(call, arguments)
        raise BadRequestException(wrong)
    items = [_item(call, endpoint_id, given) for endpoint_id, given in batch.items()]
    await _write_endpoints(call, arguments["ApplicationId"], items)
    report = _Report(Origin(call.settings.account_id, arguments["ApplicationId"]), items, call.now)
    await _reports.answer(call.database, arguments["ApplicationId"], report)
    return {"Results": {item.endpoint_id: _answer(item) for item in items}}


def _whole(batch: dict[str, dict[str, Any]]) -> str | None:
    """What is wrong with the request as a whole."""
    if not batch:
        return "Missing BatchItem"
    # Pinpoint named no limit; one that writes more endpoints than a batch may would hold up all other writers.
    if len(batch) > MAX_ITEMS:
        return f"Exceeded maximum number of endpoints: {MAX_ITEMS}"
    events = sum(len(events) for item in batch.values() if isinstance(events := item["Events"], dict))
    return f"Exceeded maximum number of events: {MAX_EVENTS}" if events > MAX_EVENTS else None


def _item(call: Call, endpoint_id: str, given: dict[str, Any]) -> _Item:
    """What is asked of one endpoint; a member at fault comes as the fault (contract/walk.py)."""
    item = _Item(endpoint_id, "", None, None)
    try:
        check_id(endpoint_id)
        item.key = endpoint_key(endpoint_id)
        item.patch = _patch(call, endpoint_id, given["Endpoint"])
    except BadRequestException as error:
        item.refusal = error
    events = given["Events"]
    if isinstance(events, ContractError):
        item.patch, item.refusal = None, item.refusal or events
        return item
    for event_id, event in events.items():
        item.verdicts[event_id] = _judge(item, event_id, event)
    return item


def _patch(call: Call, endpoint_id: str, endpoint: dict[str, Any] | ContractError) -> Patch | None:
    """What is to be written; None for an endpoint that is left alone."""
    if isinstance(endpoint, ContractError):
        raise endpoint
    if not endpoint:
        return None
    return patch_of_request(endpoint_id, endpoint, call.request_id)


def _judge(item: _Item, event_id: str, event: Event | ContractError) -> ContractError | None:
    """Take one event, or tell why not."""
    if not isinstance(event, dict):
        return event
    if not item.key:
        return item.refusal
    try:
        _check(event)
        item.taken.append(_Taken(event, event_id, _instant(event["Timestamp"], "Timestamp"), _session(event)))
    except BadRequestException as error:
        return error
    return None


def _check(event: Event) -> None:
    event_type = event["EventType"]
    if event_type in RESERVED:
        raise BadRequestException("Reserved event type")
    if len(event_type) > MAX_NAME_CHARACTERS:
        raise BadRequestException("Invalid EventType")
    attributes, metrics = event.get("Attributes", {}), event.get("Metrics", {})
    if len(attributes) + len(metrics) > MAX_KEYS:
        raise BadRequestException(TOO_MANY_KEYS)
    if max(map(len, (*attributes, *metrics)), default=0) > MAX_NAME_CHARACTERS:
        raise BadRequestException("Attribute name too long")
    if max(map(len, attributes.values()), default=0) > MAX_VALUE_CHARACTERS:
        raise BadRequestException("Attribute value too long")
    # What is left to be long are a few free texts; counting bytes costs more than counting characters.
    if _characters(event) * 6 > MAX_EVENT_BYTES and len(msgspec.json.encode(event)) > MAX_EVENT_BYTES:
        raise BadRequestException("Event size exceeds the maximum of 1,000 KB")


def _characters(event: Event) -> int:
    """Of all texts but the attributes and the session's."""
    return sum([len(value) for value in event.values() if isinstance(value, str)])


def _session(event: Event) -> JsonObject:
    session = event.get("Session")
    if session is None:
        return {}
    stop = session.get("StopTimestamp")
    started_at = _instant(session["StartTimestamp"], "Session")
    return app_session(session["Id"], started_at, _instant(stop, "Session") if stop else None)


def _instant(text: str, member: str) -> datetime:
    at = parse_instant(text)
    if at is None:
        raise BadRequestException(f"Invalid {member}")
    return at


async def _write_endpoints(call: Call, application_id: str, items: list[_Item]) -> None:
    writing = [(item, item.patch) for item in items if item.patch is not None]
    if not writing:
        return
    groups = [[patch] for _, patch in writing]
    refusals = await write_together(call.database, application_id, groups, call.now, Rules.of(call.settings))
    for (item, _), refusal in zip(writing, refusals, strict=True):
        item.refusal = refusal and refusal[1]


async def _log(database: Database, application_id: str, reports: list[_Report]) -> list[None]:
    """Log what these calls report, in one transaction of three round trips."""
    check_application_id(application_id)
    items = [item for report in reports for item in report.items if item.taken]
    keys = sorted({item.key for item in items})
    hashes = {id(taken): event_hash(application_id, item.key, taken.event_id) for item in items for taken in item.taken}
    async with database.transaction() as db:
        documents, known = await _look_up(db, application_id, keys, list(hashes.values()), reports[-1].at)
        if events := list(_events(reports, documents, hashes, known)):
            await db.execute(*ask_append(events))
    return [None] * len(reports)


async def _look_up(
    db: Db, application_id: str, keys: list[str], hashes: list[str], at: datetime
) -> tuple[dict[str, JsonObject], set[str]]:
    """The endpoints as they are stored, and the events that are known; notes that the endpoints are active."""
    key = {"application_id": application_id, "keys": as_json(keys)}
    _, application, _, _, documents, _, _, known = await db.together(
        (Q.go_by_index, {}),
        ask_hold(application_id),
        ask_announce(),
        ask_to_be_alone(application_id, keys),
        (Q.documents_with_users, key),
        (Q.note_activity, key | {"at": at}),
        ask_for_place(),
        ask_which_are_known(hashes),
    )
    if not application:
        raise NotFoundException("Application not found")
    return {each: msgspec.json.decode(document) for each, document in documents}, {row[0] for row in known}


def _events(
    reports: list[_Report], documents: dict[str, JsonObject], hashes: dict[int, str], known: set[str]
) -> Iterator[LogEvent]:
    subjects: dict[str, Subject] = {}
    for report in reports:
        for item in report.items:
            for taken in item.taken:
                subject = subjects.get(item.key) or _subject(item, documents.get(item.key))
                subjects[item.key] = subject
                found = hashes[id(taken)]
                record = app_record(report.origin, subject, taken.event, (taken.at, report.at), taken.session)
                yield LogEvent(
                    report.origin.application_id,
                    taken.event["EventType"],
                    _credible(taken.at, report.at),
                    record,
                    item.key,
                    found,
                    found in known,
                    may_name_journey="journey_id" in taken.event.get("Attributes", {}),
                )
                known.add(found)


def _subject(item: _Item, document: JsonObject | None) -> Subject:
    return Subject.unknown(item.endpoint_id) if document is None else Subject.of(cast("Any", document))


def _credible(at: datetime, arrived_at: datetime) -> datetime:
    """When an event counts as having happened (events.md section 1.2)."""
    return at if arrived_at - _CREDIBLE_PAST <= at <= arrived_at + _CREDIBLE_FUTURE else arrived_at


def _answer(item: _Item) -> ItemResponse:
    return {
        "EndpointItemResponse": _verdict(item.refusal),
        "EventsItemResponse": {event_id: _verdict(error) for event_id, error in item.verdicts.items()},
    }


def _verdict(error: ContractError | None) -> EndpointItemResponse:
    return (
        {"StatusCode": 202, "Message": "Accepted"} if error is None else {"StatusCode": 400, "Message": error.message}
    )


_reports = Together(
    _log, size=lambda report: sum(len(item.taken) for item in report.items), max_size=_MAX_TOGETHER, at_once=2
)

"""What Amazon has no operation for: who belongs to a segment, how many, and why."""

from collections.abc import Sequence

import msgspec

from repoint.contract.errors import BadRequestException, ConflictException, NotFoundException
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.endpoints.key import endpoint_key
from repoint.operation import Call, Input, Output, extension
from repoint.resources.pages import Page, read_page
from repoint.segments.audience import Audience, load_audience
from repoint.segments.members import Batch, count_members, read_batch, span_end
from repoint.segments.segment import read_version
from repoint.segments.sources import EvaluationError
from repoint.segments.why import explain

Q = load_queries("repoint.segments")

PATH = "/repoint/v1/apps/{ApplicationId}/segments/{SegmentId}"
RESOURCE = "apps/{ApplicationId}/segments/{SegmentId}"

# Rows judged for a page, in steps: a segment of few members is read in few steps, one of many not beyond its page.
_FIRST_ROWS = 4
_MORE_ROWS = 4
_MOST_ROWS = 100_000


@extension("GET", f"{PATH}/count", resource=RESOURCE)
async def count_segment(call: Call, arguments: Input) -> Output:
    """How many members a segment has at this moment, exactly, and how many of them would be sent to."""
    audience = await _audience(call.db, call, arguments)
    try:
        count = await count_members(call.db, audience)
    except EvaluationError as error:
        raise ConflictException(str(error)) from error
    return {**_named(audience), "Members": count.members, "Eligible": count.eligible}


@extension("GET", f"{PATH}/members", resource=RESOURCE, in_steps=True)
async def get_segment_members(call: Call, arguments: Input) -> Output:
    """A page of a segment's members in the order of their keys; with `eligible=true` of those that would be sent to."""
    only_eligible = _flag(arguments, "eligible")
    async with call.database.connection() as db:
        audience = await _audience(db, call, arguments)
    root, scope = audience.root, f"{audience.application_id}/{arguments['SegmentId']}"
    page = read_page(
        call.operation,
        f"{scope}/{root.number}/{only_eligible}",
        arguments.get("page-size"),
        arguments.get("token"),
    )
    try:
        batch = await _page(call, audience, page, only_eligible=only_eligible)
    except EvaluationError as error:
        raise ConflictException(str(error)) from error
    keys, token = page.cut(batch.keys, lambda last: (last,))
    async with call.database.connection() as db:
        ids = await _ids(db, audience, keys, batch)
    items = [_member(key, ids, batch) for key in keys]
    return {"Item": items} if token is None else {"Item": items, "NextToken": token}


@extension("GET", f"{PATH}/members/{{EndpointId}}", resource=RESOURCE, does=("GetSegment", "GetEndpoint"))
async def explain_segment_member(call: Call, arguments: Input) -> Output:
    """Whether one endpoint is a member of a segment, and why: part by part of the definition."""
    audience = await _audience(call.db, call, arguments)
    try:
        found = await explain(call.db, audience, endpoint_key(arguments["EndpointId"]))
    except EvaluationError as error:
        raise ConflictException(str(error)) from error
    if found is None:
        raise NotFoundException("Endpoint not found")
    return found


async def _audience(db: Db, call: Call, arguments: Input) -> Audience:
    version = read_version(arguments["version"]) if "version" in arguments else None
    return await load_audience(db, arguments["ApplicationId"], arguments["SegmentId"], version, at=call.now)


async def _page(call: Call, audience: Audience, page: Page, *, only_eligible: bool) -> Batch:
    """One member more than the page holds, if there are so many."""
    ranges = audience.ranges(only_eligible=only_eligible)
    begin: str | None = page.after[0] if page.after else ""
    rows, found = _FIRST_ROWS * page.size, Batch([])
    while begin is not None and len(found.keys) <= page.size:
        end = await span_end(call.database, ranges, begin, rows=rows)
        more = await read_batch(call.database, ranges, begin, end)
        found = Batch(found.keys + more.keys, found.snapshots | more.snapshots)
        begin, rows = end, min(_MORE_ROWS * rows, _MOST_ROWS)
    return found


async def _ids(db: Db, audience: Audience, keys: Sequence[str], batch: Batch) -> dict[str, str]:
    """Ids as they were first written, by their keys; those of snapshots are the snapshots' own."""
    registered = [key for key in keys if key not in batch.snapshots]
    ids = dict(await db.tuples(Q.endpoint_ids, _keys(audience, registered)))
    for version in {batch.snapshots[key] for key in keys if key in batch.snapshots}:
        theirs = [key for key in keys if batch.snapshots.get(key) is version]
        place = {"segment_id": version.segment_id, "version": version.number}
        ids |= dict(await db.tuples(Q.snapshot_ids, _keys(audience, theirs) | place))
    return ids


def _member(key: str, ids: dict[str, str], batch: Batch) -> dict[str, object]:
    # One that was deleted a moment ago is told by its key.
    member: dict[str, object] = {"EndpointId": ids.get(key, key)}
    snapshot_of = batch.snapshots.get(key)
    if snapshot_of is None:
        return member
    return member | {"SnapshotOf": {"SegmentId": snapshot_of.segment_id, "Version": snapshot_of.number}}


def _keys(audience: Audience, keys: object) -> dict[str, object]:
    return {"application_id": audience.application_id, "keys": msgspec.json.encode(keys).decode()}


def _named(audience: Audience) -> dict[str, object]:
    return {
        "ApplicationId": audience.application_id,
        "SegmentId": audience.root.segment_id,
        "Version": audience.root.number,
    }


def _flag(arguments: Input, name: str) -> bool:
    value = arguments.get(name, "false")
    if value not in ("true", "false"):
        raise BadRequestException(f"Invalid {name}: {value}")
    return bool(value == "true")

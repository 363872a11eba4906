"""The seven operations on segments (segments.md)."""

from collections.abc import Sequence
from typing import Any

from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import SegmentResponse, SegmentsResponse
from repoint.db.queries import load_queries
from repoint.operation import Call, Input, operation
from repoint.queue import enqueue
from repoint.resources.documents import Document
from repoint.resources.lock import hold_application
from repoint.resources.pages import read_page
from repoint.segments.clearing import clear_segment
from repoint.segments.dimensions import normal_form
from repoint.segments.segment import SEGMENTS, answer, is_imported, read_version
from repoint.segments.sources import check_sources

Q = load_queries("repoint.segments")

_DEFINITION = ("Dimensions", "SegmentGroups")


@operation()
async def create_segment(call: Call, arguments: Input) -> SegmentResponse:
    """Create a dynamic segment."""
    application_id, request = arguments["ApplicationId"], arguments["WriteSegmentRequest"]
    content: dict[str, Any] = normal_form(request)
    if request.get("Name"):
        content["Name"] = request["Name"]
    await hold_application(call.db, application_id)
    await check_sources(call.db, application_id, content)
    tagged = content | {"tags": request.get("tags", {})}
    segment = await SEGMENTS.create(call, tagged, document_id=call.new_id(), application_id=application_id)
    return answer(call, segment)


async def _find(call: Call, arguments: Input) -> None:
    await SEGMENTS.get(call.db, arguments["SegmentId"], arguments["ApplicationId"])


@operation(target=_find)
async def update_segment(call: Call, arguments: Input) -> SegmentResponse:
    """Make the next version of a dynamic segment; its tags stay as they are."""
    application_id, segment_id = arguments["ApplicationId"], arguments["SegmentId"]
    request = arguments["WriteSegmentRequest"]
    await call.db.execute(Q.lock_segments, {"application_id": application_id})
    before = await SEGMENTS.lock(call.db, segment_id, application_id)
    if is_imported(before.content):
        raise BadRequestException("Imported segments can't be modified")
    content = before.content
    if any(member in request for member in _DEFINITION):
        content = {member: value for member, value in content.items() if member not in _DEFINITION}
        content |= normal_form(request)
        await check_sources(call.db, application_id, content, segment_id)
    if "Name" in request:
        content = content | {"Name": request["Name"]}
    return answer(call, await SEGMENTS.add_version(call, segment_id, content))


@operation(target=_find)
async def delete_segment(call: Call, arguments: Input) -> SegmentResponse:
    """Delete a segment with all its versions; what it listed goes in the background, endpoints stay."""
    application_id, segment_id = arguments["ApplicationId"], arguments["SegmentId"]
    segment = await SEGMENTS.delete(call, segment_id, application_id)
    if is_imported(segment.content):
        await enqueue(call.db, clear_segment, application_id=application_id, segment_id=segment_id)
    return answer(call, segment)


@operation()
async def get_segment(call: Call, arguments: Input) -> SegmentResponse:
    """The latest version of a segment."""
    return answer(call, await SEGMENTS.get(call.db, arguments["SegmentId"], arguments["ApplicationId"]))


@operation()
async def get_segments(call: Call, arguments: Input) -> SegmentsResponse:
    """The application's segments in their latest versions, newest first."""
    application_id = arguments["ApplicationId"]
    page = read_page(call.operation, application_id, arguments.get("PageSize"), arguments.get("Token"))
    return _page(call, *await SEGMENTS.newest(call.db, page, application_id))


@operation()
async def get_segment_version(call: Call, arguments: Input) -> SegmentResponse:
    """One version of a segment."""
    version = read_version(arguments["Version"])
    segment_id, application_id = arguments["SegmentId"], arguments["ApplicationId"]
    return answer(call, await SEGMENTS.get_version(call.db, segment_id, version, application_id))


@operation()
async def get_segment_versions(call: Call, arguments: Input) -> SegmentsResponse:
    """All versions of a segment, highest first."""
    segment_id, application_id = arguments["SegmentId"], arguments["ApplicationId"]
    scope = f"{application_id}/{segment_id}"
    page = read_page(call.operation, scope, arguments.get("PageSize"), arguments.get("Token"))
    return _page(call, *await SEGMENTS.versions(call.db, page, segment_id, application_id))


def _page(call: Call, segments: Sequence[Document], token: str | None) -> SegmentsResponse:
    shown: SegmentsResponse = {"Item": [answer(call, segment) for segment in segments]}
    return shown | {"NextToken": token} if token else shown

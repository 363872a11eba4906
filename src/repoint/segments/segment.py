"""A segment as a document: how it is stored, and how answers show it (segments.md section 2)."""

from collections.abc import Mapping
from typing import Any

from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import SegmentResponse
from repoint.operation import Call
from repoint.resources.documents import Document, Resource

MAX_NAME_LENGTH = 128

_LARGEST = 2**31 - 1
# Longer numbers are not read at all: that takes the longer, the longer they are.
_MAX_DIGITS = 100


def check_segment(request: Mapping[str, Any]) -> None:
    """Raises BadRequestException for a name that no segment can have."""
    if len(request.get("Name", "")) > MAX_NAME_LENGTH:
        raise BadRequestException(f"Name exceeds {MAX_NAME_LENGTH} characters")


# A member of an imported version that answers do not show: its import has not ended, or has FAILED.
IS_INCOMPLETE = "IsIncomplete"

# A version holds Name, and ImportDefinition or the definition of a dynamic segment: SegmentGroups in normal form, and
# Dimensions beside it as they were sent.
SEGMENTS = Resource("segment", check=check_segment, versioned=True)


def is_imported(content: Mapping[str, Any]) -> bool:
    """Whether the segment is a list made by an import, not a definition that is evaluated."""
    return "ImportDefinition" in content


def answer(call: Call, segment: Document) -> SegmentResponse:
    """One version of a segment as the contract shows it."""
    # The definition is stored under the contract's names; what is not set is not there.
    content = {member: value for member, value in segment.content.items() if member != IS_INCOMPLETE}
    shown: dict[str, Any] = {
        "Arn": call.arn(f"apps/{segment.application_id}/segments/{segment.id}"),
        "ApplicationId": segment.application_id,
        "CreationDate": format_instant(segment.created_at),
        "Id": segment.id,
        "LastModifiedDate": format_instant(segment.modified_at),
        "SegmentType": "IMPORT" if is_imported(segment.content) else "DIMENSIONAL",
        "Version": segment.version,
        "tags": segment.tags,
        **content,
    }
    return shown  # type: ignore[return-value]  # made of the members that SegmentResponse has


def read_version(text: str) -> int:
    """A version in a path or a query. Raises BadRequestException unless it is a positive integer."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else 0
    if number < 1:
        raise BadRequestException("Invalid version")
    # No segment has more versions than the column can count.
    return min(number, _LARGEST)

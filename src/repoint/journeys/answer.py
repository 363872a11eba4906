"""A journey as answers show it (journeys.md section 1)."""

from typing import Any

from repoint.contract.dates import format_instant
from repoint.contract.shapes import JourneyResponse, State
from repoint.resources.documents import Document


def answer(journey: Document, state: State) -> JourneyResponse:
    """What was stored, with what the server says of it; tags are told by ListTagsForResource only."""
    shown: dict[str, Any] = {
        "LocalTime": False,
        **journey.content,
        "ApplicationId": journey.application_id,
        "CreationDate": format_instant(journey.created_at),
        "Id": journey.id,
        "LastModifiedDate": format_instant(journey.modified_at),
        "State": state,
        "tags": {},
    }
    return shown  # type: ignore[return-value]  # made of the members that JourneyResponse has

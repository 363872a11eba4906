"""What the user's code is told of a journey's messages (journeys.md section 8, templates.md section 9).

Custom channels get the form that was captured of a real journey, which is not that of campaigns.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from repoint.contract.dates import format_instant
from repoint.events.records import JourneyStep

Members = Mapping[str, Any]

# In the order of the capture, and where it has none of a member, in that of campaigns.
_MEMBERS = (
    "ChannelType",
    "Address",
    "EndpointStatus",
    "OptOut",
    "Location",
    "Demographic",
    "EffectiveDate",
    "Attributes",
    "Metrics",
    "CreationDate",
    "User",
)
# Those are there even when they are empty.
_ALWAYS = frozenset({"Location", "User"})


def custom_envelope(application_id: str, step: JourneyStep, at: datetime, data: str) -> dict[str, Any]:
    """What goes around the endpoints of a custom channel; `data` is not read, whatever is written in it."""
    told = {"Data": data} if data else {}
    scheduled = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"Message": {}, **told, **_occasion(application_id, step), "ScheduledTime": scheduled}


def custom_definition(endpoint: Members) -> dict[str, Any]:
    """An endpoint, as answers show it, for a custom channel; nothing is told of its cohort."""
    return {member: endpoint.get(member) or {} for member in _MEMBERS if member in _ALWAYS or endpoint.get(member)}


def transformer_envelope(application_id: str, step: JourneyStep, at: datetime, message: Members) -> dict[str, Any]:
    """What goes around the endpoints that a recommender's transformer is asked about."""
    scheduled = format_instant(at)
    return {"MessageConfiguration": message, **_occasion(application_id, step), "ScheduledTime": scheduled}


def _occasion(application_id: str, step: JourneyStep) -> dict[str, str]:
    return {
        "ApplicationId": application_id,
        "JourneyId": step.journey_id,
        "JourneyRunId": step.run_id,
        "ActivityId": step.activity_id,
    }

"""What was counted of journeys, their runs and their activities (journeys.md section 12).

Every name is there, and every value is a text. Participants are counted where they are moved, so the numbers are those
of this moment.
"""

from collections.abc import Iterable
from typing import Any

from repoint.contract.dates import format_instant
from repoint.contract.errors import NotFoundException
from repoint.contract.shapes import (
    JourneyExecutionActivityMetricsResponse,
    JourneyExecutionMetricsResponse,
    JourneyRunExecutionActivityMetricsResponse,
    JourneyRunExecutionMetricsResponse,
)
from repoint.db.queries import load_queries
from repoint.journeys.activities.kind import kind_named
from repoint.journeys.graph import kinds_of
from repoint.journeys.journey import JOURNEYS, Members
from repoint.journeys.references import activities_of
from repoint.journeys.standing import key_of
from repoint.operation import Call, Input, operation
from repoint.resources.documents import Document

Q = load_queries("repoint.journeys")

_ENTERED, _LEFT, _CANCELLED, _ACTIVE = "ENDPOINT_ENTERED", "ENDPOINT_LEFT", "CANCELLED", "ENDPOINT_ACTIVE"
_OF_JOURNEY = (_ENTERED, _ACTIVE, _LEFT, _CANCELLED, "REENTRY_CAP_EXCEEDED", "ACTIVE_ENDPOINT_REJECTED")
_OF_RUN = (
    "ENDPOINT_PRODUCED",
    "ENDPOINTS_FROM_USER",
    "ENDPOINT_OPT_OUT",
    "ENDPOINT_INACTIVE",
    "FILTERED_OUT_BY_SEGMENT",
    "ENDPOINT_MISSING_ADDRESS",
    "ENDPOINT_MISSING_CHANNEL",
    "ENDPOINT_MISSING_TIMEZONE",
    "ENDPOINT_TIMEZONE_MISMATCH",
    "DUPLICATE_ENDPOINT",
    "DUPLICATE_USER",
    "PAUSED",
    "ENDED",
    *_OF_JOURNEY,
)
# What a draft has not decided yet.
_UNDECIDED = "UNKNOWN"


@operation()
async def get_journey_execution_metrics(call: Call, arguments: Input) -> JourneyExecutionMetricsResponse:
    """What was counted of a journey, all of its runs together."""
    journey = await _journey(call, arguments)
    return {
        "ApplicationId": journey.application_id,
        "JourneyId": journey.id,
        "LastEvaluatedTime": format_instant(call.now),
        "Metrics": _metrics(_OF_JOURNEY, await _counts(call, journey)),
    }


@operation()
async def get_journey_run_execution_metrics(call: Call, arguments: Input) -> JourneyRunExecutionMetricsResponse:
    """What was counted of one run."""
    journey = await _journey(call, arguments)
    run_id = await _run(call, journey, arguments)
    return {
        "ApplicationId": journey.application_id,
        "JourneyId": journey.id,
        "LastEvaluatedTime": format_instant(call.now),
        "Metrics": _metrics(_OF_RUN, await _counts(call, journey, run_id=run_id)),
        "RunId": run_id,
    }


@operation()
async def get_journey_execution_activity_metrics(
    call: Call, arguments: Input
) -> JourneyExecutionActivityMetricsResponse:
    """What was counted at one activity, in all runs together."""
    journey = await _journey(call, arguments)
    activity_id, activity = _activity(journey, arguments)
    return {
        "ActivityType": _type(activity),
        "ApplicationId": journey.application_id,
        "JourneyActivityId": activity_id,
        "JourneyId": journey.id,
        "LastEvaluatedTime": format_instant(call.now),
        "Metrics": _metrics(_names(activity), await _counts(call, journey, activity_id)),
    }


@operation()
async def get_journey_run_execution_activity_metrics(
    call: Call, arguments: Input
) -> JourneyRunExecutionActivityMetricsResponse:
    """What was counted at one activity in one run."""
    journey = await _journey(call, arguments)
    run_id = await _run(call, journey, arguments)
    activity_id, activity = _activity(journey, arguments)
    return {
        "ActivityType": _type(activity),
        "ApplicationId": journey.application_id,
        "JourneyActivityId": activity_id,
        "JourneyId": journey.id,
        "LastEvaluatedTime": format_instant(call.now),
        "Metrics": _metrics(_names(activity), await _counts(call, journey, activity_id, run_id)),
        "RunId": run_id,
    }


async def _journey(call: Call, arguments: Input) -> Document:
    return await JOURNEYS.get(call.db, arguments["JourneyId"], arguments["ApplicationId"])


async def _run(call: Call, journey: Document, arguments: Input) -> str:
    """Its id; raises NotFoundException when the journey has no such run."""
    run_id: str = arguments["RunId"]
    if not await call.db.value(Q.has_run, key_of(journey) | {"run_id": run_id}):
        raise NotFoundException
    return run_id


def _activity(journey: Document, arguments: Input) -> tuple[str, Members]:
    """Raises NotFoundException when the journey has no such activity."""
    activity_id: str = arguments["JourneyActivityId"]
    activities = activities_of(journey.content)
    if activity_id not in activities:
        raise NotFoundException
    return activity_id, activities[activity_id]


def _type(activity: Members) -> str:
    kinds = kinds_of(activity)
    return kind_named(kinds[0]).activity_type if kinds else _UNDECIDED


def _names(activity: Members) -> Iterable[str]:
    kinds = kinds_of(activity)
    return [_ENTERED, *(kind_named(kinds[0]).metrics(activity[kinds[0]]) if kinds else ())]


async def _counts(call: Call, journey: Document, activity_id: str = "", run_id: str | None = None) -> dict[str, Any]:
    """By name; of the journey or run as a whole without an activity."""
    parameters = key_of(journey) | {"activity_id": activity_id, "run_id": run_id}
    counts = {row["name"]: row["total"] for row in await call.db.rows(Q.counted, parameters)}
    gone = counts.get(_LEFT, 0) + counts.get(_CANCELLED, 0)
    return counts | {_ACTIVE: counts.get(_ENTERED, 0) - gone}


def _metrics(names: Iterable[str], counts: dict[str, Any]) -> dict[str, str]:
    return {name: f"{counts.get(name, 0)}" for name in names}

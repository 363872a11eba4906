"""Until when a split waits before it is decided (journeys.md sections 8 and 9).

What EvaluationWaitTime says is waited for in full. Without it a split on what was told of a message waits for that to
be told, and no longer than it has to.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from repoint.journeys.activities.kind import Visit
from repoint.journeys.conditions.condition import SimpleCondition
from repoint.journeys.journey import Journey
from repoint.settings import Settings


def hears_until(
    visit: Visit, conditions: Iterable[SimpleCondition], journey: Journey, settings: Settings
) -> datetime | None:
    """Until when something may be told that some conditions ask about; None when none of them asks.

    Of a message that was not sent, nothing is waited for.
    """
    asked = [condition.on_event for condition in conditions if condition.on_event is not None]
    ends = [
        at + _usual_wait(journey, activity_id, settings)
        for activity_id, at in visit.performed.items()
        if any(each.is_about(activity_id) for each in asked)
    ]
    return max(ends, default=None)


def _usual_wait(journey: Journey, activity_id: str, settings: Settings) -> timedelta:
    activity = journey.activities.get(activity_id)
    is_custom = activity is not None and activity.kind == "CUSTOM"
    wait_s = settings.journey_custom_event_wait_s if is_custom else settings.journey_event_wait_s
    return timedelta(seconds=wait_s)

"""What the conditions of splits may say (journeys.md section 9)."""

from collections.abc import Mapping

from repoint.events.filter import check_event_dimensions
from repoint.journeys.checks.faults import Faults, invalid, told_by
from repoint.journeys.checks.start import missing_segment
from repoint.journeys.graph import TELLING
from repoint.journeys.journey import Members
from repoint.segments.dimensions import normal_form
from repoint.segments.sources import Sources


def condition_faults(activity_id: str, condition: Members, earlier: Mapping[str, Members], segments: Sources) -> Faults:
    """What is wrong with a SimpleCondition, `earlier` being the activities that may have been passed before it."""
    if "SegmentCondition" in condition:
        yield from missing_segment(condition["SegmentCondition"]["SegmentId"], segments)
    if "segmentDimensions" in condition:
        dimensions = condition["segmentDimensions"]
        yield from told_by(lambda: normal_form({"Dimensions": dimensions}), activity_id)
    if "EventCondition" in condition:
        yield from _event_faults(activity_id, condition["EventCondition"], earlier)


def _event_faults(activity_id: str, condition: Members, earlier: Mapping[str, Members]) -> Faults:
    yield from told_by(lambda: check_event_dimensions(condition.get("Dimensions", {})), activity_id)
    message = condition.get("MessageActivity")
    if message and not any(kind in earlier.get(message, {}) for kind in TELLING):
        yield invalid(f"MessageActivity {message} isn't a message activity earlier on the path", activity_id)

"""Who may enter a journey (journeys.md sections 5 and 14)."""

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.events.filter import check_event_filter
from repoint.journeys.checks.faults import Faults, invalid, shown, told_by
from repoint.journeys.journey import Members
from repoint.segments.sources import EvaluationError, Sources, Version
from repoint.settings import Settings

_KINDS = ("SegmentStartCondition", "EventStartCondition")


def start_faults(content: Members, segments: Sources, settings: Settings) -> Faults:
    """What is wrong with StartCondition."""
    start = content.get("StartCondition", {})
    if sum(kind in start for kind in _KINDS) != 1:
        yield invalid(f"StartCondition must have either {' or '.join(_KINDS)}")
    if "SegmentStartCondition" in start:
        segment_id = start["SegmentStartCondition"]["SegmentId"]
        yield from missing_segment(segment_id, segments)
        yield from _size_faults(segments.get({"Id": segment_id}), settings)
    if "EventStartCondition" in start:
        yield from _event_faults(start["EventStartCondition"], segments)


def missing_segment(segment_id: str, segments: Sources) -> Faults:
    """That there is no such segment, if there is none."""
    if segments.get({"Id": segment_id}) is None:
        yield NotFoundException(f"Segment not found: {shown(segment_id)}")


def _event_faults(start: Members, segments: Sources) -> Faults:
    yield from told_by(lambda: check_event_filter(start.get("EventFilter"), "EventFilter"))
    if not start.get("SegmentId"):
        return
    yield from missing_segment(start["SegmentId"], segments)
    version = segments.get({"Id": start["SegmentId"]})
    if version is not None:
        yield from _list_faults(version, segments)


def _list_faults(version: Version, segments: Sources) -> Faults:
    """Whoever is on a list need not be known when an event comes."""
    try:
        is_list = any(each.is_imported for each in segments.below(version))
    except EvaluationError as error:
        yield invalid(str(error))
        return
    if is_list:
        yield BadRequestException("Event-triggered journeys can only use dynamic segments")


def _size_faults(version: Version | None, settings: Settings) -> Faults:
    if version is None or not version.is_imported:
        return
    most = settings.max_journey_import_endpoints
    if version.content["ImportDefinition"]["Size"] > most:
        yield invalid(f"The imported segment has more than {most} endpoints")

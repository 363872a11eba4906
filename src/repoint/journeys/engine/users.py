"""Who takes part in a journey: an endpoint, or a user with all endpoints (journeys.md section 5)."""

from repoint.segments.audience import Audience
from repoint.segments.dimensions import criteria
from repoint.segments.sources import EvaluationError, Version


def is_of_users(audience: Audience) -> bool:
    """Whether the segment's members are users.

    They are of an imported segment that lists users and no endpoints, and of a dynamic one that is based on such ones,
    or on UserAttributes, alone. Whatever cannot be evaluated has no members.
    """
    try:
        return _of_users(audience, audience.root)
    except EvaluationError:
        return False


def _of_users(audience: Audience, version: Version) -> bool:
    if version.is_imported:
        return version.lists_users and not version.lists_endpoints and not version.has_snapshots
    groups = version.content["SegmentGroups"]["Groups"]
    found = [
        [criterion.kind == "user_attribute" for entry in group["Dimensions"] for criterion in criteria(entry)]
        + [_of_users(audience, audience.sources.require(reference)) for reference in group["SourceSegments"]]
        for group in groups
    ]
    return bool(found) and all(group and all(group) for group in found)

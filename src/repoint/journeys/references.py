"""What a journey refers to, as it is when the journey is published: segments, templates, channels, settings."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from repoint.apps.operations import SETTINGS
from repoint.channels.stored import enabled_channels
from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import ChannelType
from repoint.db.pool import Db
from repoint.journeys.graph import OF_TEMPLATES, conditions_of, reached
from repoint.journeys.journey import DEFAULTS, Members
from repoint.segments.sources import Sources, load_sources
from repoint.templates.find import Named, find_existing, read_version


@dataclass(frozen=True, slots=True)
class References:
    """Of what a journey refers to, that which there is."""

    segments: Sources
    templates: set[Named]
    # Those that are enabled.
    channels: set[ChannelType]
    # Of the application's settings, the DEFAULTS that are set.
    defaults: dict[str, Any]


async def load_references(db: Db, application_id: str, content: Members) -> References:
    """Of a journey that need not be right in any way, but for what the contract says."""
    activities = activities_of(content)
    segments = [{"Id": segment_id} for segment_id in {*start_segments(content), *_condition_segments(activities)}]
    templates = {each for activity in activities.values() if (each := template_of(activity)) is not None}
    settings = (await SETTINGS.get(db, application_id)).content
    return References(
        await load_sources(db, application_id, segments),
        await find_existing(db, templates),
        await enabled_channels(db, application_id),
        {member: settings[member] for member in DEFAULTS if settings.get(member)},
    )


def activities_of(content: Members) -> dict[str, Members]:
    """Those that participants may come to, in the order in which they do; others do not count (journeys.md 14)."""
    activities = content.get("Activities", {})
    return {each: activities[each] for each in reached(activities, content.get("StartActivity", ""))}


def start_segments(content: Members) -> Iterator[str]:
    """Ids of the segments in StartCondition."""
    for start in content.get("StartCondition", {}).values():
        if isinstance(start, dict) and start.get("SegmentId"):
            yield start["SegmentId"]


def template_of(activity: Members) -> Named | None:
    """The template that a message activity names; None for none, and for one whose version is no number."""
    for kind in OF_TEMPLATES:
        message = activity.get(kind, {})
        if message.get("TemplateName"):
            version = message.get("TemplateVersion")
            try:
                return kind, message["TemplateName"], read_version(version) if version else None
            except BadRequestException:
                return None
    return None


def _condition_segments(activities: dict[str, Members]) -> Iterator[str]:
    for activity in activities.values():
        for condition in conditions_of(activity):
            if "SegmentCondition" in condition:
                yield condition["SegmentCondition"]["SegmentId"]

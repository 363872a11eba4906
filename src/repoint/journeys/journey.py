"""A journey ready to be run: its document read once, defaults filled in (journeys.md sections 4 to 8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from repoint.journeys.durations import parse_duration
from repoint.journeys.graph import kinds_of, reached, targets_of
from repoint.journeys.schedule import Schedule, read_schedule
from repoint.resources.documents import Document, Resource

Members = Mapping[str, Any]

# The operations check what they store themselves. A document never has State, CreationDate and LastModifiedDate: a
# journey without a row in journey_states is a DRAFT.
JOURNEYS = Resource("journey", check=lambda _: None)

# What settings of the application a journey is published with; later changes of these do not reach it.
DEFAULTS = ("JourneyLimits", "Limits", "QuietTime")

_USUAL_PER_SECOND = 50


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds a journey back; 0 is no limit."""

    # Messages to one endpoint within 24 hours: of this journey, of all journeys together, of campaigns too.
    daily: int
    daily_of_journeys: int
    daily_of_all: int
    # Messages of this journey to one endpoint, ever.
    total: int
    # Messages of all journeys together to one endpoint, within so many days.
    timeframe_cap: int
    timeframe_days: int
    # How often one participant may enter, and the least time from one entry to the next.
    entries: int
    entry_interval: timedelta
    per_second: int


@dataclass(frozen=True, slots=True)
class Hours:
    """When nothing is sent (journeys.md section 7)."""

    # Start and End as HH:MM; empty for none.
    quiet_time: Members
    # Whoever is to get a message then is held until it may go; otherwise the message is dropped.
    waits: bool
    # By channel (EMAIL, SMS, PUSH, VOICE, CUSTOM), as the contract has them; empty unless SendingSchedule is on.
    open_hours: Members
    closed_days: Members
    is_scheduled: bool
    # PHONE_NUMBER and POSTAL_CODE in the order in which they are tried.
    estimation_methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """One activity that participants may come to."""

    id: str
    # The contract's member: EMAIL, SMS, PUSH, CUSTOM, Wait, ConditionalSplit, MultiCondition, RandomSplit, Holdout,
    # ContactCenter.
    kind: str
    # What stands in that member.
    content: Members
    # Its place among all ids of the journey, sorted; from 0.
    number: int
    # Where it may lead, in the order of the paths.
    targets: tuple[str, ...]

    @property
    def next_id(self) -> str | None:
        """NextActivity, for kinds that have one; None where the path ends."""
        return self.content.get("NextActivity") or None


@dataclass(frozen=True, slots=True)
class Journey:
    """A published journey."""

    application_id: str
    id: str
    start_activity: str
    # By id; those that nobody comes to are left out.
    activities: Mapping[str, Activity]
    # Who enters, or for journeys of events who may; None for everybody of whom there is an event.
    segment_id: str | None
    # An EventFilter; None for journeys that start with their segment.
    event_filter: Members | None
    schedule: Schedule
    # How often the segment is looked at again; None for never.
    refresh_every: timedelta | None
    refreshes_on_update: bool
    limits: Limits
    hours: Hours
    # ConnectCampaignArn and ConnectCampaignExecutionRoleArn; empty for none.
    channel_settings: Members

    @property
    def is_of_events(self) -> bool:
        """Whether events bring participants in, one by one."""
        return self.event_filter is not None


def read_journey(document: Document, defaults: Members) -> Journey:
    """What a published journey means; `defaults` are the DEFAULTS of when it was published."""
    content = document.content
    start = content["StartCondition"]
    on_event = start.get("EventStartCondition")
    segment = start["SegmentStartCondition"] if on_event is None else on_event
    return Journey(
        document.application_id,
        document.id,
        content["StartActivity"],
        _activities(content),
        segment.get("SegmentId") or None,
        None if on_event is None else on_event["EventFilter"],
        read_schedule(content.get("Schedule", {}), is_local=content.get("LocalTime", False)),
        read_refresh(content),
        content.get("RefreshOnSegmentUpdate", False),
        _limits(content.get("Limits", {}), defaults),
        _hours(content, defaults),
        content.get("JourneyChannelSettings", {}),
    )


def read_refresh(content: Members) -> timedelta | None:
    """RefreshFrequency of a checked journey; None for never."""
    return parse_duration(content.get("RefreshFrequency", ""))


def quiet_time_of(content: Members, defaults: Members) -> Members:
    """Start and End; empty for none. The journey's own goes before the application's; `{}` is none."""
    quiet_time: Members = content["QuietTime"] if "QuietTime" in content else defaults.get("QuietTime", {})
    return quiet_time


def _activities(content: Members) -> dict[str, Activity]:
    activities = content["Activities"]
    numbers = {activity_id: number for number, activity_id in enumerate(sorted(activities))}
    found = {}
    for activity_id in reached(activities, content["StartActivity"]):
        activity = activities[activity_id]
        [kind] = kinds_of(activity)
        targets = tuple(targets_of(activity))
        found[activity_id] = Activity(activity_id, kind, activity[kind], numbers[activity_id], targets)
    return found


def _limits(own: Members, defaults: Members) -> Limits:
    """Member by member: the journey's own goes before the application's, and counts its own messages only."""
    of_journeys: Members = defaults.get("JourneyLimits", {})
    timeframe = of_journeys.get("TimeframeCap", {}) | own.get("TimeframeCap", {})
    return Limits(
        daily=own.get("DailyCap", 0),
        daily_of_journeys=0 if "DailyCap" in own else of_journeys.get("DailyCap", 0),
        daily_of_all=defaults.get("Limits", {}).get("Daily", 0),
        total=own.get("TotalCap", of_journeys.get("TotalCap", 0)),
        timeframe_cap=timeframe.get("Cap", 0),
        timeframe_days=timeframe.get("Days", 0),
        entries=own.get("EndpointReentryCap", 1),
        entry_interval=parse_duration(own.get("EndpointReentryInterval", "")) or timedelta(),
        per_second=own.get("MessagesPerSecond", _USUAL_PER_SECOND),
    )


def _hours(content: Members, defaults: Members) -> Hours:
    is_scheduled = content.get("SendingSchedule", False)
    return Hours(
        quiet_time_of(content, defaults),
        content.get("WaitForQuietTime", False),
        content.get("OpenHours", {}) if is_scheduled else {},
        content.get("ClosedDays", {}) if is_scheduled else {},
        is_scheduled,
        tuple(content.get("TimezoneEstimationMethods", [])),
    )

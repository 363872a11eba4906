"""A campaign ready to be run: its document read once, defaults filled in, cohorts dealt out (campaigns.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from repoint.resources.documents import Document, Resource

Members = Mapping[str, Any]

# The operations check what they store themselves (check.py), before they ask anybody outside.
CAMPAIGNS = Resource("campaign", check=lambda _: None, versioned=True)

# Members of the stored document that answers do not show: the application's settings when the campaign was created,
# and the content of templates of which a version was named, by treatment and kind (`{"0": {"EMAIL": {"Name": …,
# "Content": {…}}}}`).
DEFAULTS = "Defaults"
TEMPLATES = "Templates"
PRIVATE = frozenset({DEFAULTS, TEMPLATES})

_COHORTS = 100
# What a treatment takes from its campaign where it says nothing of its own.
_INHERITED = ("Schedule", "MessageConfiguration", "TemplateConfiguration", "CustomDeliveryConfiguration")


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds a campaign back; 0 and None are no limit."""

    # Messages to one endpoint within 24 hours: of this campaign, and of all campaigns and journeys together.
    daily: int = 0
    daily_of_all: int = 0
    # Times that one endpoint is targeted over the campaign's life.
    total: int = 0
    # How long after its scheduled start a run may send.
    duration_s: int | None = None
    per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Treatment:
    """One treatment with everything that it takes from the campaign filled in; 0 is the standard one."""

    id: int
    schedule: Members
    # A MessageConfiguration, a TemplateConfiguration, a CustomDeliveryConfiguration; empty for none.
    message: Members
    templates: Members
    custom_delivery: Members
    # Snapshots of templates by kind, for those of which a version was named.
    kept_templates: Members
    cohorts: frozenset[int]
    # Start and End as HH:MM; empty for none.
    quiet_time: Members

    @property
    def frequency(self) -> str:
        """The contract's word, ONCE where none was given."""
        frequency: str = self.schedule.get("Frequency", "ONCE")
        return frequency


@dataclass(frozen=True, slots=True)
class Campaign:
    """One version of a campaign."""

    application_id: str
    id: str
    version: int
    segment_id: str
    segment_version: int
    treatments: tuple[Treatment, ...]
    held_out: frozenset[int]
    limits: Limits
    # LambdaFunctionName or WebUrl; empty for none.
    hook: Members
    is_paused: bool


def read_campaign(document: Document) -> Campaign:
    """What a stored campaign means, version by version."""
    content = document.content
    defaults: Members = content.get(DEFAULTS, {})
    additional = content.get("AdditionalTreatments", [])
    sizes = [each["SizePercent"] for each in additional]
    held_out, *cohorts = _deal(document.id, [content.get("HoldoutPercent", 0), *sizes])
    treatments = tuple(
        _treatment(number, each, defaults, content.get(TEMPLATES, {}), cohorts[number - 1])
        for number, each in enumerate(with_inherited(content))
    )
    assert document.version is not None  # noqa: S101 - campaigns have versions
    return Campaign(
        document.application_id,
        document.id,
        document.version,
        content["SegmentId"],
        content["SegmentVersion"],
        treatments,
        held_out,
        _limits(content.get("Limits", {}), defaults.get("Limits", {})),
        content.get("Hook") or defaults.get("CampaignHook", {}),
        content.get("IsPaused", False),
    )


def with_inherited(content: Members) -> list[Members]:
    """What each treatment says or takes from the campaign, the standard one first, which is the campaign itself."""
    inherited = {member: content[member] for member in _INHERITED if member in content}
    return [content, *({**inherited, **each} for each in content.get("AdditionalTreatments", []))]


def full_schedule(schedule: Members) -> dict[str, Any]:
    """A Schedule as answers show it, and in the form in which two of them compare."""
    return {"IsLocalTime": False, **schedule}


def _treatment(
    number: int, given: Members, defaults: Members, templates: Members, cohorts: frozenset[int]
) -> Treatment:
    schedule: Members = given.get("Schedule", {})
    quiet_time = schedule["QuietTime"] if "QuietTime" in schedule else defaults.get("QuietTime", {})
    return Treatment(
        number,
        schedule,
        given.get("MessageConfiguration") or {},
        given.get("TemplateConfiguration") or {},
        given.get("CustomDeliveryConfiguration") or {},
        templates.get(str(number), {}),
        cohorts,
        quiet_time,
    )


def _limits(own: Members, defaults: Members) -> Limits:
    """Member by member: the campaign's own goes before the application's, and counts its own messages only."""
    return Limits(
        daily=own.get("Daily", 0),
        daily_of_all=0 if "Daily" in own else defaults.get("Daily", 0),
        total=own.get("Total", defaults.get("Total", 0)),
        duration_s=own.get("MaximumDuration", defaults.get("MaximumDuration")),
        per_second=own.get("MessagesPerSecond", defaults.get("MessagesPerSecond")),
    )


def _deal(campaign_id: str, sizes: list[int]) -> list[frozenset[int]]:
    """Cohorts in parts of these sizes, and then what is left: in an order of the campaign's own, the same for ever.

    Otherwise the same people would be held out of all campaigns (campaigns.md section 6).
    """
    order = _order(campaign_id)
    parts = []
    for size in sizes:
        parts.append(frozenset(order[:size]))
        order = order[size:]
    return [*parts, frozenset(order)]


# In-app campaigns are read each time that somebody opens the app.
@lru_cache(maxsize=1024)
def _order(campaign_id: str) -> tuple[int, ...]:
    return tuple(sorted(range(_COHORTS), key=lambda cohort: blake2b(f"{campaign_id}/{cohort}".encode()).digest()))

"""What each kind of activity may say (journeys.md sections 8 and 14): one function a kind."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repoint.contract.errors import ContractError, NotFoundException
from repoint.delivery.custom_delivery import check_custom_delivery
from repoint.journeys.channel_types import CHANNEL_TYPES
from repoint.journeys.checks.conditions import condition_faults
from repoint.journeys.checks.faults import Faults, invalid, shown, told_by, unreadable
from repoint.journeys.checks.waiting import evaluation_faults, wait_faults
from repoint.journeys.graph import before, conditions_of, kinds_of
from repoint.journeys.journey import Members
from repoint.journeys.references import References, activities_of, template_of
from repoint.settings import Settings

MAX_CUSTOM_DATA_CHARACTERS = 5000

_ALL = 100
_MOST_DIGITS = 9
# The role of a contact center: its name has no path before it.
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[^/]+")


@dataclass(frozen=True, slots=True)
class _Place:
    """One activity among the others."""

    id: str
    kind: str
    activity: Members
    journey: Members
    references: References
    settings: Settings

    @property
    def content(self) -> Members:
        content: Members = self.activity[self.kind]
        return content

    def invalid(self, reason: str) -> ContractError:
        return invalid(reason, self.id)


def activity_faults(content: Members, references: References, settings: Settings) -> Faults:
    """What is wrong with the activities that participants may come to, each by itself."""
    activities = activities_of(content)
    passed = before(activities, content.get("StartActivity", ""))
    for activity_id, activity in activities.items():
        for kind in kinds_of(activity):
            place = _Place(activity_id, kind, activity, content, references, settings)
            yield from _FAULTS[kind](place)
        earlier = {each: activities[each] for each in passed[activity_id]}
        for condition in conditions_of(activity):
            yield from condition_faults(activity_id, condition, earlier, references.segments)
    dialing = sum("ContactCenter" in activity for activity in activities.values())
    if dialing > settings.max_journey_contact_centers:
        yield invalid(f"A journey can have at most {settings.max_journey_contact_centers} contact center activities")


def _email_faults(place: _Place) -> Faults:
    yield from _template_faults(place)
    yield from _channel_faults(place)


def _push_faults(place: _Place) -> Faults:
    yield from _email_faults(place)
    seconds = place.content.get("MessageConfig", {}).get("TimeToLive", "")
    if seconds and not (seconds.isascii() and seconds.isdigit() and len(seconds) <= _MOST_DIGITS):
        yield unreadable("TimeToLive", seconds)


def _template_faults(place: _Place) -> Faults:
    name = place.content.get("TemplateName")
    template = template_of(place.activity)
    if not name:
        yield place.invalid("Missing TemplateName")
    elif template is None:
        yield place.invalid("Invalid TemplateVersion")
    elif template not in place.references.templates:
        yield NotFoundException(f"Template not found: {shown(name)}")


def _channel_faults(place: _Place) -> Faults:
    if place.references.channels.isdisjoint(CHANNEL_TYPES[place.kind]):
        yield place.invalid(f"The {place.kind} channel isn't enabled")


def _custom_faults(place: _Place) -> Faults:
    yield from told_by(lambda: check_custom_delivery(place.content, place.settings), place.id)
    if len(place.content.get("MessageConfig", {}).get("Data", "")) > MAX_CUSTOM_DATA_CHARACTERS:
        yield place.invalid(f"MessageConfig.Data exceeds {MAX_CUSTOM_DATA_CHARACTERS} characters")


def _wait_faults(place: _Place) -> Faults:
    yield from wait_faults(place.id, place.content.get("WaitTime", {}), place.journey)


def _split_faults(place: _Place) -> Faults:
    conditions = place.content.get("Condition", {}).get("Conditions", [])
    if not any(conditions):
        yield place.invalid("Missing Condition")
    if not place.content.get("TrueActivity") and not place.content.get("FalseActivity"):
        yield place.invalid("Missing TrueActivity or FalseActivity")
    yield from evaluation_faults(place.id, place.content.get("EvaluationWaitTime", {}))


def _multi_faults(place: _Place) -> Faults:
    yield from _number_faults(place, 1, 4)
    yield from evaluation_faults(place.id, place.content.get("EvaluationWaitTime", {}))


def _random_faults(place: _Place) -> Faults:
    yield from _number_faults(place, 2, 5)
    shares = [branch.get("Percentage", 0) for branch in place.content.get("Branches", [])]
    if any(not 1 <= share < _ALL for share in shares):
        yield place.invalid(f"Percentage must be between 1 and {_ALL - 1}")
    elif sum(shares) != _ALL:
        yield place.invalid(f"The sum of Percentage must be {_ALL}")


def _number_faults(place: _Place, least: int, most: int) -> Faults:
    if not least <= len(place.content.get("Branches", [])) <= most:
        yield place.invalid(f"There must be {least} to {most} Branches")


def _holdout_faults(place: _Place) -> Faults:
    if not 0 <= place.content["Percentage"] <= _ALL:
        yield place.invalid(f"Percentage must be between 0 and {_ALL}")


def _contact_faults(place: _Place) -> Faults:
    settings: Mapping[str, Any] = place.journey.get("JourneyChannelSettings", {})
    if not settings.get("ConnectCampaignArn"):
        yield place.invalid("Missing JourneyChannelSettings.ConnectCampaignArn")
    if not _ROLE.fullmatch(settings.get("ConnectCampaignExecutionRoleArn", "")):
        yield place.invalid("Invalid JourneyChannelSettings.ConnectCampaignExecutionRoleArn")


_FAULTS: Mapping[str, Callable[[_Place], Iterator[ContractError]]] = {
    "EMAIL": _email_faults,
    "SMS": _email_faults,
    "PUSH": _push_faults,
    "CUSTOM": _custom_faults,
    "Wait": _wait_faults,
    "ConditionalSplit": _split_faults,
    "MultiCondition": _multi_faults,
    "RandomSplit": _random_faults,
    "Holdout": _holdout_faults,
    "ContactCenter": _contact_faults,
}

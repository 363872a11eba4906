"""The activities of a journey as a graph: what kind each is, where it leads, and who is reached (journeys.md 8, 14).

An activity is the contract's: `{"EMAIL": {"TemplateName": …, "NextActivity": …}}`. Drafts may hold anything.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Members = Mapping[str, Any]

# The kinds whose content is a template, all that send something, and all that a later split may ask about.
OF_TEMPLATES = ("EMAIL", "SMS", "PUSH")
MESSAGES = (*OF_TEMPLATES, "CUSTOM")
TELLING = (*MESSAGES, "ContactCenter")
_NEXT = ("NextActivity",)


def _named(*members: str) -> Callable[[Members], Iterator[str]]:
    return lambda content: (content[member] for member in members if content.get(member))


def _of_branches(*members: str) -> Callable[[Members], Iterator[str]]:
    def find(content: Members) -> Iterator[str]:
        yield from (branch["NextActivity"] for branch in content.get("Branches", []) if branch.get("NextActivity"))
        yield from _named(*members)(content)

    return find


# Every kind of activity there is, and where one leads, a path that ends left out.
_TARGETS: dict[str, Callable[[Members], Iterator[str]]] = {
    **dict.fromkeys((*TELLING, "Wait", "Holdout"), _named(*_NEXT)),
    "ConditionalSplit": _named("TrueActivity", "FalseActivity"),
    "MultiCondition": _of_branches("DefaultActivity"),
    "RandomSplit": _of_branches(),
}


def kinds_of(activity: Members) -> list[str]:
    """The kinds that an activity is said to be; one, unless it is a draft."""
    return [kind for kind in _TARGETS if kind in activity]


def targets_of(activity: Members) -> list[str]:
    """Ids of the activities that may come next, in the order of the paths; one may come twice, or not exist."""
    return [target for kind in kinds_of(activity) for target in _TARGETS[kind](activity[kind])]


def conditions_of(activity: Members) -> Iterator[Members]:
    """Every SimpleCondition of a split; none of other kinds."""
    yield from activity.get("ConditionalSplit", {}).get("Condition", {}).get("Conditions", [])
    for branch in activity.get("MultiCondition", {}).get("Branches", []):
        if "Condition" in branch:
            yield branch["Condition"]


def asks_about_events(activity: Members) -> bool:
    """Whether an activity is a split that asks what was told of messages."""
    return any("EventCondition" in condition for condition in conditions_of(activity))


def reached(activities: Mapping[str, Members], start: str) -> list[str]:
    """Ids of the activities that somebody may come to, in the order in which a path after the other is gone."""
    found: dict[str, None] = {}
    ahead = [start]
    while ahead:
        activity_id = ahead.pop()
        if activity_id in activities and activity_id not in found:
            found[activity_id] = None
            ahead.extend(reversed(targets_of(activities[activity_id])))
    return list(found)


def circle(activities: Mapping[str, Members], start: str) -> str | None:
    """An activity that leads back to itself among those that are reached; None when there is none."""
    done: set[str] = set()
    on_path: set[str] = set()
    # Ids still to go down from, and, marked, those to come back up to.
    ahead = [(start, False)]
    while ahead:
        activity_id, is_back = ahead.pop()
        if is_back:
            on_path.discard(activity_id)
            done.add(activity_id)
        elif activity_id in on_path:
            return activity_id
        elif activity_id in activities and activity_id not in done:
            on_path.add(activity_id)
            ahead.append((activity_id, True))
            ahead.extend((target, False) for target in targets_of(activities[activity_id]))
    return None


def before(activities: Mapping[str, Members], start: str) -> dict[str, frozenset[str]]:
    """For each activity that is reached, those that can have been passed on the way to it; there is no circle."""
    passed: dict[str, set[str]] = {activity_id: set() for activity_id in reached(activities, start)}
    for activity_id in _in_order(activities, start):
        for target in targets_of(activities[activity_id]):
            if target in passed:
                passed[target] |= {activity_id, *passed[activity_id]}
    return {activity_id: frozenset(each) for activity_id, each in passed.items()}


def _in_order(activities: Mapping[str, Members], start: str) -> list[str]:
    """Those that are reached, every one before all that it leads to."""
    ended: dict[str, None] = {}
    ahead = [(start, False)]
    while ahead:
        activity_id, is_back = ahead.pop()
        if is_back:
            ended[activity_id] = None
        elif activity_id in activities and activity_id not in ended:
            ahead.append((activity_id, True))
            ahead.extend((target, False) for target in targets_of(activities[activity_id]))
    return list(reversed(ended))

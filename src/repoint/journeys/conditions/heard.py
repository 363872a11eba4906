"""What was told of a journey's messages since participants entered: by the event log, and by custom channels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.events.horizon import MARGIN, ask_to_keep_places
from repoint.journeys.activities.kind import Group, Visit
from repoint.journeys.conditions.condition import EventCondition
from repoint.segments.memberships import ask_look_up, ask_plan_as_usual

Q = load_queries("repoint.journeys.conditions")

# Events of one endpoint that are read in one statement, and endpoints that are asked about in it.
_MOST_EVENTS = 100
_MOST_ENDPOINTS = 250

_decode_attributes = msgspec.json.Decoder(dict[str, str]).decode
_decode_metrics = msgspec.json.Decoder(dict[str, float]).decode


@dataclass(slots=True)
class _Open:
    """An endpoint of whom not everything that is asked has been found, and how far it was looked for."""

    visit: Visit
    key: str
    after: int = 0


@dataclass(slots=True)
class _Found:
    """Participants by condition."""

    conditions: Sequence[EventCondition]
    participants: dict[EventCondition, set[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.participants = {condition: set() for condition in self.conditions}

    def open_for(self, visit: Visit) -> Iterator[EventCondition]:
        """What a participant has not fulfilled yet."""
        return (each for each in self.conditions if visit.participant not in self.participants[each])


async def who_was_told_of(
    db: Db, group: Group, visits: Sequence[Visit], conditions: Sequence[EventCondition]
) -> list[frozenset[str]]:
    """For each condition the participants that fulfil it; memory does not grow with what was told."""
    found = _Found(conditions)
    for visit in visits:
        for condition in found.open_for(visit):
            about = (answers for activity_id, answers in visit.answers.items() if condition.is_about(activity_id))
            if any(condition.takes_answer(answer) for answers in about for answer in answers):
                found.participants[condition].add(visit.participant)
    waiting = [_Open(visit, key) for visit in visits for key in visit.endpoints if any(found.open_for(visit))]
    while waiting:
        some, waiting = waiting[:_MOST_ENDPOINTS], waiting[_MOST_ENDPOINTS:]
        waiting = await _look(db, group, some, found) + waiting
    return [frozenset(found.participants[each]) for each in conditions]


async def _look(db: Db, group: Group, some: Sequence[_Open], found: _Found) -> list[_Open]:
    """Look for the next events of some endpoints; those of whom there may be more that matter."""
    # Endpoints of one person are of one participant, so a key stands here once.
    by_key = {each.key: each for each in some}
    parameters = {
        "application_id": group.journey.application_id,
        "journey_id": group.journey.id,
        "run_id": group.run_id,
        "asked": as_json({"key": each.key, "since": _since(each.visit), "after": each.after} for each in some),
        "event_types": _any_of([each.event_types for each in found.conditions]),
        "activity_ids": _any_of([each.activity_ids for each in found.conditions]),
        "rows": _MOST_EVENTS,
    }
    _, _, rows, _ = await db.together(
        ask_to_keep_places(), ask_look_up(), (Q.events_about, parameters), ask_plan_as_usual()
    )
    counts: dict[str, int] = {}
    for key, position, event_type, activity_id, attributes, metrics in rows:
        each = by_key[key]
        each.after = max(each.after, position)
        counts[key] = counts.get(key, 0) + 1
        for condition in found.open_for(each.visit):
            if condition.is_about(activity_id or "") and condition.takes(
                event_type, _attributes(attributes), _metrics(metrics)
            ):
                found.participants[condition].add(each.visit.participant)
    return [each for each in some if counts.get(each.key) == _MOST_EVENTS and any(found.open_for(each.visit))]


def _since(visit: Visit) -> datetime:
    """From when on events count. Clocks of machines differ a little, which matters to those alone who were here before.

    To others nothing was sent in this run before they entered.
    """
    return visit.entered_at if visit.entries > 1 else visit.entered_at - MARGIN


def _any_of(wanted: Sequence[frozenset[str] | None]) -> list[str] | None:
    """All of these together; None when one of them is anything."""
    named = [each for each in wanted if each is not None]
    return sorted(frozenset().union(*named)) if len(named) == len(wanted) else None


def _attributes(text: str | None) -> Mapping[str, str]:
    return _decode_attributes(text) if text else {}


def _metrics(text: str | None) -> Mapping[str, float]:
    return _decode_metrics(text) if text else {}

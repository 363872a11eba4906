"""Whose conditions hold now: asked for all participants of a group in a few statements (journeys.md section 9).

A participant with several endpoints fulfils a part of a condition when one of them does.
"""

from collections.abc import Iterable, Mapping, Sequence

from repoint.journeys.activities.kind import Group, Visit
from repoint.journeys.conditions.condition import EventCondition, SimpleCondition
from repoint.journeys.conditions.heard import who_was_told_of
from repoint.segments.conditions import who_meets


async def who_fulfils(
    group: Group, visits: Sequence[Visit], conditions: Sequence[SimpleCondition]
) -> list[frozenset[str]]:
    """For each condition the participants of these visits that fulfil it."""
    on_endpoints = [part for condition in conditions for part in condition.on_endpoints]
    on_events = [condition.on_event for condition in conditions if condition.on_event is not None]
    async with group.context.database.connection() as db:
        met = await who_meets(db, group.journey.application_id, on_endpoints, group.keys(), group.now)
        told = await who_was_told_of(db, group, visits, on_events)
    met_by = [_participants(visits, each) for each in met]
    found, heard = iter(met_by), dict(zip(on_events, told, strict=True))
    return [_all_of(condition, [next(found) for _ in condition.on_endpoints], heard) for condition in conditions]


def _all_of(
    condition: SimpleCondition,
    on_endpoints: Iterable[frozenset[str]],
    heard: Mapping[EventCondition, frozenset[str]],
) -> frozenset[str]:
    parts = [*on_endpoints, *([heard[condition.on_event]] if condition.on_event is not None else [])]
    return frozenset.intersection(*parts) if parts else frozenset()


def _participants(visits: Iterable[Visit], keys: set[str]) -> frozenset[str]:
    return frozenset(visit.participant for visit in visits if not keys.isdisjoint(visit.endpoints))

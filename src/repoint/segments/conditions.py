"""Conditions on endpoints that stand elsewhere than in a segment: being a member of one, or matching dimensions.

What they mean is what it means for segments, at one instant, with the data as it is now (journeys.md section 9).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.segments.audience import Audience
from repoint.segments.dimensions import Definition, normal_form
from repoint.segments.members import Batch
from repoint.segments.memberships import Name, ask_look_up, ask_plan_as_usual, compile_memberships
from repoint.segments.sources import Sources, Version, load_sources, unsaved

# Endpoints that are asked about in one statement.
MOST_KEYS = 5000


@dataclass(frozen=True, slots=True)
class IsMember:
    """Of a segment, in its latest version. Nobody is one when it, or one that it is based on, is gone."""

    segment_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Dimensions in normal form."""

    definition: Definition


Condition = IsMember | Matches


def read_dimensions(dimensions: Mapping[str, Any]) -> Matches:
    """SegmentDimensions as a condition. Raises BadRequestException for what no segment may say."""
    return Matches(normal_form({"Dimensions": dimensions}))


async def who_meets(
    db: Db, application_id: str, conditions: Sequence[Condition], members: Batch, at: datetime
) -> list[set[str]]:
    """For each condition the keys of those that meet it now, in a few statements, however many they are.

    What is no endpoint any more meets none, and neither does anybody a condition on a segment that cannot be
    evaluated.
    """
    if not conditions or not members.keys:
        return [set() for _ in conditions]
    wanted = [{"Id": each.segment_id} for each in conditions if isinstance(each, IsMember)]
    sources = await load_sources(db, application_id, wanted) if wanted else Sources([])
    roots = [_root(sources, number, each) for number, each in enumerate(conditions)]
    found = await _members(db, application_id, sources, dict.fromkeys(root for root in roots if root), members, at)
    return [set() if root is None else found.get((root.segment_id, root.number), set()) for root in roots]


def _root(sources: Sources, number: int, condition: Condition) -> Version | None:
    if isinstance(condition, IsMember):
        return sources.get({"Id": condition.segment_id})
    return unsaved(condition.definition, number)


async def _members(  # noqa: PLR0913, PLR0917 - what is asked of whom
    db: Db, application_id: str, sources: Sources, roots: Iterable[Version], members: Batch, at: datetime
) -> dict[Name, set[str]]:
    """Members by segment."""
    found: dict[Name, set[str]] = {}
    asked = list(roots)
    memberships = compile_memberships(application_id, sources, asked, at)
    for begin in range(0, len(members.keys), MOST_KEYS):
        answers = await db.together(*memberships.ask_about(members.keys[begin : begin + MOST_KEYS]))
        for name, keys in memberships.read_members(answers).items():
            found.setdefault(name, set()).update(keys)
    if members.snapshots:
        for root in asked:
            if not root.segment_id:
                name = root.segment_id, root.number
                audience = Audience(application_id, root, sources, at)
                snapshots = await _matching_snapshots(db, audience, members.snapshots)
                found[name] = (found.get(name, set()) - members.snapshots.keys()) | snapshots
    return found


async def _matching_snapshots(db: Db, audience: Audience, snapshots: Mapping[str, Version]) -> set[str]:
    """Those whose own data match dimensions."""
    found: set[str] = set()
    for version in dict.fromkeys(snapshots.values()):
        statement = audience.among(version, as_endpoints=True)
        if statement is not None:
            keys = as_json(key for key, each in snapshots.items() if each is version)
            asked = statement.query, statement.parameters | {"keys": keys}
            _, [[members]], _ = await db.together(ask_look_up(), asked, ask_plan_as_usual())
            found.update(msgspec.json.decode(members or "[]", type=list[str]))
    return found

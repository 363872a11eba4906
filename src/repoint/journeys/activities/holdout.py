"""Holdouts: some participants leave the journey here (journeys.md section 8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from repoint.journeys.activities.kind import Group, Move, Visit, performs

Members = Mapping[str, Any]

_ALL = 100


class Holdout:
    """Lets go Percentage of those who come, by chance; the others go on."""

    name = "Holdout"
    activity_type = "HOLDOUT"

    def metrics(self, _activity: Members) -> Sequence[str]:
        """Who was held out."""
        return ("HOLDOUT",)

    async def perform(self, group: Group) -> Sequence[Move]:
        """See Kind."""
        return [_move(group, visit) for visit in group.visits]


def _move(group: Group, visit: Visit) -> Move:
    if visit.draw(group.activity_id) * _ALL < group.activity["Percentage"]:
        return Move(visit.participant, ("HOLDOUT",))
    return Move(visit.participant, next_id=group.activity.get("NextActivity") or None)


performs(Holdout())

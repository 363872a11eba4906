"""Random splits (journeys.md section 8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from repoint.journeys.activities.kind import Group, Move, Visit, performs

Members = Mapping[str, Any]

_ALL = 100


class RandomSplit:
    """Sends each participant down one of its branches, by their Percentage; a branch that leads nowhere ends."""

    name = "RandomSplit"
    activity_type = "RANDOM_SPLIT"

    def metrics(self, activity: Members) -> Sequence[str]:
        """Branches in their order, from 1."""
        return [f"Branch_{number}" for number in range(1, len(activity["Branches"]) + 1)]

    async def perform(self, group: Group) -> Sequence[Move]:
        """See Kind."""
        return [_move(group, visit) for visit in group.visits]


def _move(group: Group, visit: Visit) -> Move:
    branches = group.activity["Branches"]
    left = visit.draw(group.activity_id) * _ALL
    number = 0
    # The percentages are checked to add up to 100.
    while number < len(branches) - 1 and left >= branches[number]["Percentage"]:
        left -= branches[number]["Percentage"]
        number += 1
    return Move(visit.participant, (f"Branch_{number + 1}",), branches[number].get("NextActivity") or None)


performs(RandomSplit())

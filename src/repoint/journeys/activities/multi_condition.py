"""Splits with several branches (journeys.md section 8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from repoint.journeys.activities.kind import Group, Move, performs
from repoint.journeys.conditions.condition import SimpleCondition, read_simple_condition
from repoint.journeys.conditions.deciding import Branch, Way, decide
from repoint.journeys.graph import asks_about_events

Members = Mapping[str, Any]


class MultiCondition:
    """Leads everybody to the first branch whose condition they fulfil, who fulfil none to DefaultActivity."""

    name = "MultiCondition"
    activity_type = "MULTI_CONDITIONAL_SPLIT"

    def metrics(self, activity: Members) -> Sequence[str]:
        """The branches, numbered from 1, and the Else path."""
        return *(f"Branch_{number}" for number, _ in enumerate(activity.get("Branches", []), 1)), "Branch_ELSE"

    def asks_log(self, activity: Members) -> bool:
        """See AsksLog."""
        return asks_about_events({self.name: activity})

    async def perform(self, group: Group) -> Sequence[Move]:
        """See Kind."""
        branches = [
            Branch(Way(f"Branch_{number}", branch.get("NextActivity") or None), [_condition(branch)])
            for number, branch in enumerate(group.activity.get("Branches", []), 1)
        ]
        return await decide(group, branches, Way("Branch_ELSE", group.activity.get("DefaultActivity") or None))


def _condition(branch: Members) -> SimpleCondition:
    return read_simple_condition(branch.get("Condition", {}))


performs(MultiCondition())

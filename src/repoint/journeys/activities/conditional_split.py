"""Yes/no splits (journeys.md section 8)."""

from collections.abc import Mapping, Sequence
from typing import Any

from repoint.journeys.activities.kind import Group, Move, performs
from repoint.journeys.conditions.condition import read_simple_condition
from repoint.journeys.conditions.deciding import Branch, Way, decide
from repoint.journeys.graph import asks_about_events

Members = Mapping[str, Any]


class ConditionalSplit:
    """Leads those to TrueActivity who fulfil all conditions, or with ANY one of them; the others to FalseActivity."""

    name = "ConditionalSplit"
    activity_type = "CONDITIONAL_SPLIT"

    def metrics(self, _activity: Members) -> Sequence[str]:
        """Both ways."""
        return "Branch_TRUE", "Branch_FALSE"

    def asks_log(self, activity: Members) -> bool:
        """See AsksLog."""
        return asks_about_events({self.name: activity})

    async def perform(self, group: Group) -> Sequence[Move]:
        """See Kind."""
        activity = group.activity
        condition: Members = activity.get("Condition", {})
        yes = Branch(
            Way("Branch_TRUE", activity.get("TrueActivity") or None),
            [read_simple_condition(each) for each in condition.get("Conditions", [])],
            one_is_enough=condition.get("Operator") == "ANY",
        )
        return await decide(group, [yes], Way("Branch_FALSE", activity.get("FalseActivity") or None))


performs(ConditionalSplit())

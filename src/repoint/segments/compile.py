"""A segment becomes SQL: a condition on the rows of a population, each base segment in it once, values as parameters.

Every part of a condition is true or false, never NULL, so that NOT is the exact complement. The statements around it
stand in `queries.sql`, with places for it; nowhere else is SQL composed, but for single criteria in `criterion.py`.

The population of a segment is the application's registered endpoints and, for each base segment that an import filled
without registering, its snapshots: rows of their own, on no other list and in no complement (segments.md section 4).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from repoint.db.queries import Query
from repoint.segments.criterion import COSTS, OnLists, Parameters, criterion_sql
from repoint.segments.dimensions import Criterion, criteria, references
from repoint.segments.sources import Sources, Version

TRUE, FALSE = "TRUE", "FALSE"


class Rows(Protocol):
    """How a condition on a row `e` asks what stands in other tables."""

    # Whether the row belongs to a segment without conditions, and to complements.
    everybody: str

    def on_user_attributes(self, condition: OnLists) -> str:
        """A condition on the attributes of the row's user."""

    def is_listed(self, version: Version) -> str:
        """Whether an imported segment holds the row."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled segment."""

    # An item of FROM whose row is `e`; `{population}` in it stands for the rows to judge.
    rows: str
    is_member: str

    def place_in(self, query: Query, population: str) -> Query:
        """The statement asked of a population: a table, or a subquery in parentheses."""
        rows = self.rows.replace("{population}", population)
        return Query(query.name, query.sql.replace("{rows}", rows).replace("{is_member}", self.is_member))


@dataclass(slots=True)
class Compiler:
    """Compiles segments for one kind of rows, evaluated at one instant."""

    sources: Sources
    rows: Rows
    parameters: Parameters
    at: datetime
    # Base segments that were computed in a column of `e`, because they are referred to more than once.
    columns: dict[Version, str] = field(default_factory=dict)

    def compile(self, root: Version) -> Condition:
        """The condition of a segment. Raises EvaluationError when a base segment is not there."""
        return self.compile_with(root, self._used_again([root]))

    def compile_with(self, root: Version, shared: Sequence[Version]) -> Condition:
        """The same, with a column for each of these; each one's own bases stand before it."""
        rows = self._with_columns(shared)
        return Condition(rows, self.segment(root))

    def compile_each(self, roots: Sequence[Version]) -> list[Condition]:
        """Conditions of several segments on the same rows. Raises as `compile` does."""
        rows = self._with_columns(self._used_again(roots))
        return [Condition(rows, self.segment(root)) for root in roots]

    def _used_again(self, roots: Sequence[Version]) -> list[Version]:
        """The base segments of some that are referred to more than once, each behind its own bases."""
        below = list(dict.fromkeys(version for root in roots for version in self.sources.below(root)))
        uses = Counter(self.sources.require(each) for version in below for each in references(version.content))
        return [base for base in below if uses[base] > 1]

    def _with_columns(self, shared: Sequence[Version]) -> str:
        """An item of FROM with a column for each of these.

        OFFSET 0 keeps the planner from writing the expression out at each place that names the column.
        """
        rows = "{population} AS e"
        for version in shared:
            column = f"base{len(self.columns)}"
            rows = f"(SELECT e.*, {self.segment(version)} AS {column} FROM {rows} OFFSET 0) AS e"  # noqa: S608 - ours
            self.columns[version] = f"e.{column}"
        return rows

    def segment(self, version: Version) -> str:
        """Whether the row is a member of a segment."""
        if version in self.columns:
            return self.columns[version]
        if version.is_imported:
            return self.rows.is_listed(version)
        groups = version.content["SegmentGroups"]
        return self._within(groups["Include"], [self.group(group) for group in groups["Groups"]])

    def group(self, group: Mapping[str, Any]) -> str:
        """Whether the row is in a group: in its base, and passing its dimensions."""
        return all_of([self.dimensions(group), self.base(group)])

    def base(self, group: Mapping[str, Any]) -> str:
        """Whether the row is in what the group starts from."""
        bases = [self.segment(self.sources.require(reference)) for reference in group["SourceSegments"]]
        return self._within(group["SourceType"], bases)

    def dimensions(self, group: Mapping[str, Any]) -> str:
        """Whether the row passes the dimensions of a group."""
        return combined(group["Type"], [self.entry(entry) for entry in sorted(group["Dimensions"], key=_cost)])

    def entry(self, entry: Mapping[str, Any]) -> str:
        """Whether the row matches all criteria of one entry of Dimensions."""
        found = sorted(criteria(entry), key=lambda criterion: COSTS[criterion.kind])
        return all_of([self.criterion(criterion) for criterion in found])

    def criterion(self, criterion: Criterion) -> str:
        """Whether the row matches one criterion."""
        return criterion_sql(criterion, self.parameters, self.at, self.rows.on_user_attributes)

    def _within(self, combiner: str, parts: Sequence[str]) -> str:
        """Combined, and within the population where it is all of it or what remains of it."""
        is_of_everybody = combiner == "NONE" or not parts
        return all_of([self.rows.everybody if is_of_everybody else TRUE, combined(combiner, parts)])


def combined(combiner: str, parts: Sequence[str]) -> str:
    """ALL, ANY or NONE of the parts; no condition when there are none."""
    if not parts:
        return TRUE
    if combiner == "ALL":
        return all_of(parts)
    found = _any_of(parts)
    return found if combiner == "ANY" else _OPPOSITES.get(found, f"(NOT {found})")


def all_of(parts: Sequence[str]) -> str:
    """All of the parts, what is constant left out."""
    if FALSE in parts:
        return FALSE
    return _joined(" AND ", [part for part in parts if part != TRUE]) or TRUE


def _any_of(parts: Sequence[str]) -> str:
    if TRUE in parts:
        return TRUE
    return _joined(" OR ", [part for part in parts if part != FALSE]) or FALSE


def _joined(operator: str, parts: Sequence[str]) -> str:
    return f"({operator.join(parts)})" if len(parts) > 1 else "".join(parts)


_OPPOSITES = {TRUE: FALSE, FALSE: TRUE}


def _cost(entry: Mapping[str, Any]) -> int:
    return max((COSTS[criterion.kind] for criterion in criteria(entry)), default=0)

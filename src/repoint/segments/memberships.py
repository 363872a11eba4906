"""Of which of several segments one endpoint is a member, asked again and again for others.

What a segment's version says never changes. So what was compiled is kept, and whoever asks is told beside the answers
whether there are other versions by now, which is a fraction of the work.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.pool import Parameters as Values
from repoint.db.queries import Query, load_queries
from repoint.segments.audience import Audience
from repoint.segments.compile import Compiler, Condition
from repoint.segments.criterion import Parameters
from repoint.segments.populations import Probed
from repoint.segments.sources import EvaluationError, Sources, Version, ask_versions, load_sources

Q = load_queries("repoint.segments")

# Segments of one statement: few enough for the driver to remember what it made of the text.
_AT_ONCE = 5

# Id and version of a segment.
Name = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement that lacks the endpoint's key, and the segments that its truth values are about."""

    query: Query
    values: Values
    names: tuple[Name, ...]

    def about(self, keys: Iterable[str]) -> tuple[Query, Values]:
        """It, with the keys."""
        return self.query, {**self.values, "keys": as_json(keys)}

    def later(self, by: timedelta) -> "_Statement":
        """It, as so much time has passed. The only instants in it are those that Recency looks back to."""
        values = {name: value + by if isinstance(value, datetime) else value for name, value in self.values.items()}
        return replace(self, values=values)


@dataclass(frozen=True, slots=True)
class Memberships:
    """Asks about one endpoint at a time, or about some."""

    _statements: tuple[_Statement, ...]
    # What it was compiled from, and the statement that answers whether that is so still.
    _versions: set[tuple[Any, ...]]
    _ask_versions: tuple[Query, Values]
    # What Recency counts back from.
    _at: datetime

    @property
    def size(self) -> int:
        """About how much it takes to keep it, in bytes."""
        return sum(len(statement.query.sql) + len(statement.values) * 100 for statement in self._statements)

    def as_of(self, at: datetime) -> "Memberships":
        """The same as of another instant."""
        return replace(self, _statements=tuple(each.later(at - self._at) for each in self._statements), _at=at)

    def ask(self, key: str) -> list[tuple[Query, Values]]:
        """The statements about an endpoint, to be sent together."""
        return [ask_look_up(), self._ask_versions, *(statement.about([key]) for statement in self._statements)]

    def is_current(self, answers: Sequence[Sequence[tuple[Any, ...]]]) -> bool:
        """Whether the segments are what they were when it was made, by the answers."""
        return set(answers[1]) == self._versions

    def read(self, answers: Sequence[Sequence[tuple[Any, ...]]]) -> set[Name]:
        """The segments of which it is a member, from the answers."""
        return {
            name
            for statement, rows in zip(self._statements, answers[2:], strict=True)
            for _, members in rows
            for name, is_member in zip(statement.names, members, strict=True)
            if is_member
        }

    def ask_about(self, keys: Sequence[str]) -> list[tuple[Query, Values]]:
        """The statements about some endpoints, to be sent together; what follows is planned as usual."""
        return [ask_look_up(), *(statement.about(keys) for statement in self._statements), ask_plan_as_usual()]

    def read_members(self, answers: Sequence[Sequence[tuple[Any, ...]]]) -> dict[Name, set[str]]:
        """The keys of those that are members, by segment, from the answers."""
        found: dict[Name, set[str]] = {}
        for statement, rows in zip(self._statements, answers[1:-1], strict=True):
            for key, members in rows:
                for name, is_member in zip(statement.names, members, strict=True):
                    if is_member:
                        found.setdefault(name, set()).add(key)
        return found


def ask_look_up() -> tuple[Query, Values]:
    """The statement that goes before such ones: what is asked for is looked up row by row, and planned once."""
    return Q.look_up, {}


def ask_plan_as_usual() -> tuple[Query, Values]:
    """The statement that goes after them, in a transaction that does other things as well."""
    return Q.plan_as_usual, {}


async def load_memberships(db: Db, application_id: str, names: Iterable[Name], at: datetime) -> Memberships:
    """How some segments are asked about, as of one instant.

    A segment that is gone, or below which one is, has no members.
    """
    asked = sorted(set(names))
    references = [{"Id": segment_id, "Version": version} for segment_id, version in asked]
    sources = await load_sources(db, application_id, references)
    roots = [root for reference in references if (root := sources.get(reference))]
    return compile_memberships(application_id, sources, roots, at)


def compile_memberships(application_id: str, sources: Sources, roots: Sequence[Version], at: datetime) -> Memberships:
    """The same for segments that were loaded."""
    statements = tuple(_statements(application_id, sources, roots, at))
    return Memberships(statements, sources.versions, ask_versions(application_id, sources), at)


def _statements(application_id: str, sources: Sources, roots: Sequence[Version], at: datetime) -> Iterator[_Statement]:
    whole = [root for root in roots if _is_whole(sources, root)]
    for start in range(0, len(whole), _AT_ONCE):
        yield _registered(application_id, sources, whole[start : start + _AT_ONCE], at)
    for root in whole:
        yield from _snapshots(Audience(application_id, root, sources, at))


def _registered(application_id: str, sources: Sources, roots: Sequence[Version], at: datetime) -> _Statement:
    parameters = Parameters({"application_id": application_id, "keys": ""})
    conditions = Compiler(sources, Probed(parameters), parameters, at).compile_each(roots)
    together = Condition(conditions[0].rows, ", ".join(condition.is_member for condition in conditions))
    query = together.place_in(Q.read_memberships, f"({Q.these_endpoints.sql})")
    return _Statement(query, parameters.values, tuple((root.segment_id, root.number) for root in roots))


def _snapshots(audience: Audience) -> Iterator[_Statement]:
    """Where imports that register nothing have defined endpoints for a segment."""
    for version in audience.with_snapshots():
        statement = audience.among(version)
        if statement is not None:
            query = Query("read_membership", Q.read_membership.sql.replace("{members}", statement.query.sql))
            yield _Statement(query, statement.parameters, ((audience.root.segment_id, audience.root.number),))


def _is_whole(sources: Sources, root: Version) -> bool:
    try:
        sources.below(root)
    except EvaluationError:
        return False
    return True

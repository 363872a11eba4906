"""A segment ready to be asked who belongs to it: as a whole, or in ranges of endpoint keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries
from repoint.segments.compile import FALSE, TRUE, Compiler, Condition, Rows
from repoint.segments.criterion import Parameters
from repoint.segments.populations import Joined, Probed, Snapshots, place
from repoint.segments.sources import Sources, Version, load_sources

Q = load_queries("repoint.segments")

# Members that would be sent to (segments.md section 9).
IS_ELIGIBLE = (
    "((e.endpoint_status = 'ACTIVE' AND e.opt_out = 'NONE' AND e.address <> '' AND e.channel_type <> '') IS TRUE)"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and the values in it."""

    query: Query
    parameters: dict[str, object]


@dataclass(frozen=True, slots=True)
class Audience:
    """A version of a segment with all it is based on, evaluated at one instant."""

    application_id: str
    root: Version
    sources: Sources
    at: datetime

    def whole(self, query: Query) -> Statement:
        """A statement on all members, which stand in its `{members}` as a subquery.

        Raises EvaluationError when a base segment is not there.
        """
        parameters = self._parameters()
        branches = [branch for branch in self._whole(parameters) if branch]
        members = " UNION ALL ".join(branches) or Q.no_members.sql
        if len(branches) > 1:
            members = Q.distinct_members.sql.replace("{members}", members)
        return Statement(Query(query.name, query.sql.replace("{members}", members)), parameters.values)

    def _whole(self, parameters: Parameters) -> Iterator[str]:
        joined = Joined(parameters)
        condition = Compiler(self.sources, joined, parameters, self.at).compile(self.root)
        yield _branch(condition, Q.registered_members, joined.population())
        for version in self.with_snapshots():
            condition = Compiler(self.sources, Snapshots(version), parameters, self.at).compile(self.root)
            snapshots = Q.all_snapshots.sql.replace("{place}", place(version, parameters, "e"))
            yield _branch(condition, Q.snapshot_members, f"({snapshots})")

    def ranges(self, *, only_eligible: bool) -> list["Range"]:
        """How the members in a range of keys are read, one way for each kind of rows.

        Raises EvaluationError when a base segment is not there.
        """
        found = [self._registered_range(only_eligible=only_eligible)]
        found += [self._snapshot_range(version, only_eligible=only_eligible) for version in self.with_snapshots()]
        return [each for each in found if each is not None]

    def _registered_range(self, *, only_eligible: bool) -> "Range | None":
        parameters = self._parameters()
        listed = self._all_listed_by(self.root)
        rows = Probed(parameters, read_from=listed)
        condition = Compiler(self.sources, rows, parameters, self.at).compile(self.root)
        population, nth = Q.some_endpoints.sql, Q.nth_endpoint
        if listed is not None:
            theirs = place(listed, parameters, "l")
            population, nth = Q.some_listed.sql.replace("{place}", theirs), _placed(Q.nth_listed, theirs)
        return _range(condition, population, nth, parameters, None, only_eligible=only_eligible)

    def _snapshot_range(self, version: Version, *, only_eligible: bool) -> "Range | None":
        parameters = self._parameters()
        condition = Compiler(self.sources, Snapshots(version), parameters, self.at).compile(self.root)
        theirs = place(version, parameters, "e")
        population, nth = Q.some_snapshots.sql.replace("{place}", theirs), _placed(Q.nth_snapshot, theirs)
        return _range(condition, population, nth, parameters, version, only_eligible=only_eligible)

    def among(self, snapshots_of: Version | None = None, *, as_endpoints: bool = False) -> Statement | None:
        """Which of some endpoints, or of some snapshots of a version, are members; what it lacks is `keys`.

        With `as_endpoints` snapshots are judged by their data like everybody else, on whichever list they are. None
        when none can be. Raises EvaluationError.
        """
        parameters = self._parameters()
        if snapshots_of is None:
            rows: Rows = Probed(parameters)
            population = Q.these_endpoints.sql
        else:
            rows = Snapshots(snapshots_of, TRUE) if as_endpoints else Snapshots(snapshots_of)
            population = Q.these_snapshots.sql.replace("{place}", place(snapshots_of, parameters, "e"))
        condition = Compiler(self.sources, rows, parameters, self.at).compile(self.root)
        if condition.is_member == FALSE:
            return None
        query = condition.place_in(Q.read_members, f"({population})")
        return Statement(Query(query.name, query.sql.replace("{eligible}", "")), parameters.values)

    def _parameters(self) -> Parameters:
        return Parameters({"application_id": self.application_id})

    def with_snapshots(self) -> list[Version]:
        """Base segments with snapshots; what stands in several of them counts as in the first one here."""
        found = [version for version in self.sources.below(self.root) if version.has_snapshots]
        return sorted(found, key=lambda version: (-version.number, version.segment_id))

    def versions(self) -> set[tuple[str, int]]:
        """Ids and numbers of the segment itself and all it is based on. Raises EvaluationError."""
        return {(version.segment_id, version.number) for version in self.sources.below(self.root)}

    def _all_listed_by(self, version: Version) -> Version | None:
        """An imported segment whose list of endpoints holds every registered member, if one is known to.

        Reading that list is then quicker than reading the application.
        """
        if version.is_imported:
            return version if version.lists_endpoints and not version.lists_users else None
        groups = version.content["SegmentGroups"]
        if groups["Include"] == "NONE" or (groups["Include"] == "ANY" and len(groups["Groups"]) > 1):
            return None
        for group in groups["Groups"]:
            if len(group["SourceSegments"]) == 1 and group["SourceType"] != "NONE":
                found = self._all_listed_by(self.sources.require(group["SourceSegments"][0]))
                if found is not None:
                    return found
        return None


@dataclass(frozen=True, slots=True)
class Range:
    """How the members of one kind in a range of keys are read; what both statements lack is `after_key`, `last_key`."""

    # Answers as `read_members` does.
    members: Query
    # The key that ends a range of `rows` rows.
    nth: Query
    parameters: dict[str, object]
    # Whose snapshots these rows are; None for registered endpoints.
    snapshots_of: Version | None


async def load_audience(
    db: Db, application_id: str, segment_id: str, version: int | None = None, *, at: datetime
) -> Audience:
    """A segment, in its latest complete version unless one is named, to be evaluated at an instant.

    Raises NotFoundException for an unknown segment or version; what is missing below it is an EvaluationError once it
    is asked for members.
    """
    reference = {"Id": segment_id, "Version": version}
    sources = await load_sources(db, application_id, [reference])
    root = sources.get(reference)
    if root is None:
        raise NotFoundException
    return Audience(application_id, root, sources, at)


def _branch(condition: Condition, query: Query, population: str) -> str:
    if condition.is_member == FALSE:
        return ""
    return condition.place_in(query, population).sql.replace("{is_eligible}", IS_ELIGIBLE)


def _range(  # noqa: PLR0913 - what its two callers have found
    condition: Condition,
    population: str,
    nth: Query,
    parameters: Parameters,
    snapshots_of: Version | None,
    *,
    only_eligible: bool,
) -> Range | None:
    if condition.is_member == FALSE:
        return None
    query = condition.place_in(Q.read_members, f"({population})")
    sql = query.sql.replace("{eligible}", f"AND {IS_ELIGIBLE}" if only_eligible else "")
    return Range(Query(query.name, sql), nth, parameters.values, snapshots_of)


def _placed(query: Query, theirs: str) -> Query:
    return Query(query.name, query.sql.replace("{place}", theirs))

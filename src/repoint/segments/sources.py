"""A segment together with the base segments it refers to, directly or through others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.parameters import as_json
from repoint.db.pool import Db, Row
from repoint.db.pool import Parameters as Values
from repoint.db.queries import Query, load_queries
from repoint.segments.dimensions import Definition, references
from repoint.segments.segment import is_imported

Q = load_queries("repoint.segments")

# segments.md section 3: base segments of base segments, and so on.
MAX_DEPTH = 10

Reference = Mapping[str, Any]


_IDENTITY = ("id", "asked", "version", "lists_endpoints", "lists_users", "has_snapshots")


class EvaluationError(Exception):
    """The segment cannot be evaluated as things are; the text tells the user why."""


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """One version of a segment, and what it lists if an import made it."""

    segment_id: str
    number: int
    content: Definition
    lists_endpoints: bool
    lists_users: bool
    has_snapshots: bool

    @property
    def is_imported(self) -> bool:
        """Whether it is a list, not a definition."""
        return is_imported(self.content)


class Sources:
    """Versions of segments by what refers to them; without Version that is the latest that is complete."""

    def __init__(self, found: Iterable[Row]) -> None:
        self._found: dict[tuple[str, int | None], Version | None] = {}
        # What decides of which versions these are and what was listed for them; what a version says never changes.
        self.versions: set[tuple[Any, ...]] = set()
        versions: dict[tuple[str, int], Version] = {}
        for row in found:
            self.versions.add(tuple(row[name] for name in _IDENTITY))
            version = None if row["version"] is None else versions.setdefault((row["id"], row["version"]), _read(row))
            self._found[row["id"], row["asked"]] = version

    def get(self, reference: Reference) -> Version | None:
        """What is referred to; None when it does not exist."""
        return self._found.get((reference["Id"], reference.get("Version")))

    def require(self, reference: Reference) -> Version:
        """What is referred to; raises EvaluationError when it does not exist.

        It is never taken for empty: with NONE that would be everybody (segments.md section 4).
        """
        version = self.get(reference)
        if version is None:
            raise EvaluationError(f"Segment not found: {reference['Id']}")
        return version

    def below(self, version: Version) -> list[Version]:
        """The version itself and all it is based on, each once, base segments first.

        Raises EvaluationError when one of them does not exist, and when they lie too deep.
        """
        depths: dict[Version, int] = {}
        self._measure(version, depths, 0)
        if depths[version] > MAX_DEPTH:
            raise _too_deep()
        return list(depths)

    def _measure(self, version: Version, depths: dict[Version, int], level: int) -> int:
        """How many levels lie below; noted for all of them."""
        if version not in depths:
            # Also what keeps a circle from going round for ever.
            if level > MAX_DEPTH:
                raise _too_deep()
            bases = [self.require(reference) for reference in references(version.content)]
            depths[version] = max((1 + self._measure(base, depths, level + 1) for base in bases), default=0)
        return depths[version]

    def all(self) -> Iterator[Version]:
        """Every version that exists."""
        return (version for version in self._found.values() if version is not None)


def _too_deep() -> EvaluationError:
    return EvaluationError(f"Segments can't be nested deeper than {MAX_DEPTH}")


def unsaved(definition: Definition, number: int) -> Version:
    """A definition in normal form that is no stored segment's, as a segment without an id and with this number.

    It has no base segments.
    """
    return Version("", number, definition, lists_endpoints=False, lists_users=False, has_snapshots=False)


def _read(row: Row) -> Version:
    return Version(
        row["id"], row["version"], row["document"], row["lists_endpoints"], row["lists_users"], row["has_snapshots"]
    )


def _about_references(query: Query) -> Query:
    """A statement with the parameters `application_id`, as text, and `references`."""
    version = Q.wanted_version.sql.replace("{current}", Q.current_version.sql)
    parts = {"references": Q.named_references.sql, "wanted_version": version, "lists": Q.lists.sql}
    sql = query.sql
    for name, part in parts.items():
        sql = sql.replace(f"{{{name}}}", part)
    return Query(query.name, sql)


LOAD_SOURCES, LOAD_VERSIONS = _about_references(Q.load_sources), _about_references(Q.load_versions)


async def load_sources(db: Db, application_id: str, wanted: Iterable[Reference]) -> Sources:
    """What `wanted` refers to, and all that is based on, as it stands in one instant."""
    asked = as_json({"Id": each["Id"], "Version": each.get("Version")} for each in wanted)
    return Sources(await db.rows(LOAD_SOURCES, {"application_id": application_id, "references": asked}))


def ask_versions(application_id: str, sources: Sources) -> tuple[Query, Values]:
    """The statement that answers the `versions` of sources as they are now."""
    asked = as_json({"Id": segment_id, "Version": number} for segment_id, number, *_ in sources.versions)
    return LOAD_VERSIONS, {"application_id": application_id, "references": asked}


async def check_sources(db: Db, application_id: str, definition: Mapping[str, Any], segment_id: str = "") -> None:
    """Hold the base segments of a definition to segments.md section 3; `segment_id` is whose it will be.

    Raises NotFoundException for one that does not exist, BadRequestException for what they may not be together.
    """
    wanted = list(references(definition))
    if not wanted:
        return
    sources = await load_sources(db, application_id, wanted)
    for reference in wanted:
        if sources.get(reference) is None:
            raise NotFoundException(f"Segment not found: {reference['Id']}")
    for group in definition["SegmentGroups"]["Groups"]:
        _check_mixture([sources.require(reference) for reference in group["SourceSegments"]])
    if any(version.segment_id == segment_id for version in sources.all()):
        raise BadRequestException("Segment can't be based on itself")
    _check_depth(sources, wanted)


def _check_mixture(bases: list[Version]) -> None:
    if len(bases) > 1 and any(base.is_imported for base in bases):
        raise BadRequestException("A segment group can have one imported segment or several dynamic segments")


def _check_depth(sources: Sources, wanted: Iterable[Reference]) -> None:
    """What is missing further below is told when the segment is evaluated, which is when it counts."""
    level = [version for reference in wanted if (version := sources.get(reference))]
    for _ in range(MAX_DEPTH):
        bases = (sources.get(reference) for version in level for reference in references(version.content))
        level = list({version for version in bases if version is not None})
        if not level:
            return
    raise BadRequestException(f"Segments can't be nested deeper than {MAX_DEPTH}")

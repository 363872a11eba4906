"""Why one endpoint is a member of a segment, or is not: every part of the definition with the verdict on it.

Verdicts come from the database, by the very expressions that a segment is made of: they cannot disagree with it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries
from repoint.segments.audience import IS_ELIGIBLE, Audience
from repoint.segments.compile import Compiler, Rows
from repoint.segments.criterion import Parameters
from repoint.segments.dimensions import Criterion, Kind, criteria
from repoint.segments.populations import Probed, Snapshots, place
from repoint.segments.sources import Version

Q = load_queries("repoint.segments")

Tree = dict[str, Any]

# How a criterion's place in Dimensions is called.
_MEMBERS = {
    "attribute": "Attributes",
    "user_attribute": "UserAttributes",
    "metric": "Metrics",
    "recency": "Behavior",
    "demographic": "Demographic",
    "location": "Location",
    "gps": "Location",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Stands in a tree for a verdict until the database has given it."""

    number: int


async def explain(db: Db, audience: Audience, key: str) -> Tree | None:
    """The verdict on an endpoint by its key and how it comes about; None when there is no such endpoint.

    `Segments` holds the segment itself and then all it is based on. An id can be both registered and a snapshot of an
    import; told is what makes it a member, else the first of them. Raises EvaluationError.
    """
    first: Tree | None = None
    for candidate in _candidates(audience, key):
        found = await candidate.judge(db)
        if found is not None and found["IsMember"]:
            return found
        first = first or found
    return first


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One row that has the id."""

    audience: Audience
    parameters: Parameters
    rows: Rows
    population: str
    document: Query

    async def judge(self, db: Db) -> Tree | None:
        compiler = Compiler(self.audience.sources, self.rows, self.parameters, self.audience.at)
        *bases, root = self.audience.sources.below(self.audience.root)
        condition = compiler.compile_with(root, bases)
        verdicts: list[str] = []
        trees = [_segment(compiler, version, verdicts) for version in (root, *reversed(bases))]
        query = condition.place_in(Q.explain, f"({self.population})")
        sql = query.sql.replace("{verdicts}", f"ARRAY[{', '.join(verdicts)}]").replace("{is_eligible}", IS_ELIGIBLE)
        judged, documents = await db.together(
            (Query(query.name, sql), self.parameters.values), (self.document, self.parameters.values)
        )
        if not judged or not documents:
            return None
        given, is_eligible = judged[0]
        document: Tree = msgspec.json.decode(documents[0][0])
        # Written alike, so that the later one is the greater one.
        document["LastActivity"] = max(document["EffectiveDate"], documents[0][1] or "")
        segments: list[Tree] = [_filled(tree, given, document) for tree in trees]
        is_member = segments[0]["IsMember"]
        return {
            "EndpointId": document["Id"],
            "IsMember": is_member,
            "IsEligible": is_member and is_eligible,
            "IsSnapshot": isinstance(self.rows, Snapshots),
            "Segments": segments,
        }


def _candidates(audience: Audience, key: str) -> Iterator[_Candidate]:
    parameters = Parameters({"application_id": audience.application_id, "key": key})
    yield _Candidate(audience, parameters, Probed(parameters), Q.one_endpoint.sql, Q.endpoint_document)
    for version in audience.with_snapshots():
        parameters = Parameters({"application_id": audience.application_id, "key": key})
        theirs = place(version, parameters, "e")
        document = Query("snapshot_document", Q.snapshot_document.sql.replace("{place}", theirs))
        population = Q.one_snapshot.sql.replace("{place}", theirs)
        yield _Candidate(audience, parameters, Snapshots(version), population, document)


def _segment(compiler: Compiler, version: Version, verdicts: list[str]) -> Tree:
    tree: Tree = {
        "SegmentId": version.segment_id,
        "Version": version.number,
        "SegmentType": "IMPORT" if version.is_imported else "DIMENSIONAL",
        "IsMember": _ask(verdicts, compiler.segment(version)),
    }
    if "Name" in version.content:
        tree["Name"] = version.content["Name"]
    if not version.is_imported:
        groups = version.content["SegmentGroups"]
        tree["Include"] = groups["Include"]
        tree["Groups"] = [_group(compiler, group, verdicts) for group in groups["Groups"]]
    return tree


def _group(compiler: Compiler, group: Mapping[str, Any], verdicts: list[str]) -> Tree:
    bases = [compiler.sources.require(reference) for reference in group["SourceSegments"]]
    return {
        "IsMember": _ask(verdicts, compiler.group(group)),
        "SourceType": group["SourceType"],
        "SourceSegments": [
            {
                "SegmentId": base.segment_id,
                "Version": base.number,
                "IsMember": _ask(verdicts, compiler.segment(base)),
            }
            for base in bases
        ],
        "Type": group["Type"],
        "Dimensions": [_entry(compiler, entry, verdicts) for entry in group["Dimensions"]],
    }


def _entry(compiler: Compiler, entry: Mapping[str, Any], verdicts: list[str]) -> Tree:
    found = [
        {
            "Criterion": f"{_MEMBERS[criterion.kind]}.{criterion.name}",
            "IsMatch": _ask(verdicts, compiler.criterion(criterion)),
            "Stored": criterion,
            **criterion.given,
        }
        for criterion in criteria(entry)
    ]
    return {"IsMatch": _ask(verdicts, compiler.entry(entry)), "Criteria": found}


def _ask(verdicts: list[str], condition: str) -> Verdict:
    verdicts.append(condition)
    return Verdict(len(verdicts) - 1)


def _filled(part: Any, given: list[bool], document: Tree) -> Any:
    """The same with the verdicts in their places, and with what is stored beside each criterion."""
    match part:
        case Verdict(number):
            return given[number]
        case Criterion():
            return _stored(part, document)
        case dict():
            return {name: _filled(value, given, document) for name, value in part.items()}
        case list():
            return [_filled(value, given, document) for value in part]
        case _:
            return part


def _stored(criterion: Criterion, document: Tree) -> Any:
    """What the endpoint has where the criterion looks; None for nothing."""
    return _PLACES[criterion.kind](document).get(criterion.name)


def _coordinates(document: Tree) -> Tree | None:
    location = document.get("Location", {})
    return {name: location[name] for name in ("Latitude", "Longitude") if name in location} or None


_PLACES: dict[Kind, Callable[[Tree], Tree]] = {
    "attribute": lambda document: document["Attributes"],
    "user_attribute": lambda document: document["User"].get("UserAttributes", {}),
    "metric": lambda document: document["Metrics"],
    "recency": lambda document: {"Recency": document["LastActivity"]},
    "demographic": lambda document: {**document.get("Demographic", {}), "Channel": document.get("ChannelType")},
    "location": lambda document: document.get("Location", {}),
    "gps": lambda document: {"GPSPoint": _coordinates(document)},
}

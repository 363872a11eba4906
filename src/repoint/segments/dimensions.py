"""What the definition of a dynamic segment may say, and its normal form (segments.md sections 3 and 5 to 8).

Pure rules: whether base segments exist is asked in `sources`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from repoint.contract.errors import BadRequestException
from repoint.contract.model import SHAPES
from repoint.events.dimensions import check_attribute, check_metric, check_values

# Groups, entries of Dimensions and SourceSegments together: each costs every evaluation, though it may say nothing.
MAX_PARTS = 1000
MAX_BYTES = 1024 * 1024
MAX_DIMENSIONS = 100
MAX_VALUES = 100
MAX_VALUE_LENGTH = 100

Definition = dict[str, Any]
Kind = Literal["attribute", "user_attribute", "metric", "recency", "demographic", "location", "gps"]

_CHANNELS = frozenset(SHAPES["ChannelType"].enum)
_MAX_LATITUDE, _MAX_LONGITUDE = 90, 180


@dataclass(frozen=True, slots=True)
class Criterion:
    """One leaf of a definition, counted as one dimension."""

    kind: Kind
    # Of the attribute, metric, or member of Demographic and Location.
    name: str
    given: Mapping[str, Any]

    @property
    def values(self) -> list[str]:
        """The criterion's Values; empty for kinds that have none."""
        values: list[str] = self.given.get("Values", [])
        return values

    @property
    def type(self) -> str:
        """AttributeType or DimensionType."""
        found: str = self.given.get("AttributeType") or self.given.get("DimensionType") or "INCLUSIVE"
        return found


def criteria(dimensions: Mapping[str, Any]) -> Iterator[Criterion]:
    """Every criterion of one entry of Dimensions, in the order of the contract's members."""
    behavior, location = dimensions.get("Behavior", {}), dimensions.get("Location", {})
    yield from _each("attribute", dimensions.get("Attributes", {}))
    yield from _each("user_attribute", dimensions.get("UserAttributes", {}))
    yield from _each("metric", dimensions.get("Metrics", {}))
    if "Recency" in behavior:
        yield Criterion("recency", "Recency", behavior["Recency"])
    yield from _each("demographic", dimensions.get("Demographic", {}))
    if "Country" in location:
        yield Criterion("location", "Country", location["Country"])
    if "GPSPoint" in location:
        yield Criterion("gps", "GPSPoint", location["GPSPoint"])


def _each(kind: Kind, named: Mapping[str, Any]) -> Iterator[Criterion]:
    return (Criterion(kind, name, given) for name, given in named.items())


def normal_form(request: Mapping[str, Any]) -> Definition:
    """The definition in a WriteSegmentRequest as it is stored: SegmentGroups with every default filled in.

    The legacy Dimensions stand beside them as they were sent. Neither of both is a segment of all endpoints. Raises
    BadRequestException with the texts of segments.md, Errors.
    """
    legacy = request.get("Dimensions")
    if legacy is not None and "SegmentGroups" in request:
        raise BadRequestException("Specify Dimensions or SegmentGroups, not both")
    groups = request.get("SegmentGroups", {}) if legacy is None else {"Groups": [{"Dimensions": [legacy]}]}
    definition: Definition = {"SegmentGroups": _group_list(groups)}
    _check(definition)
    return definition if legacy is None else {"Dimensions": legacy, **definition}


def references(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every SegmentReference of a stored definition; an imported segment has none."""
    for group in definition.get("SegmentGroups", {}).get("Groups", []):
        yield from group["SourceSegments"]


def _group_list(groups: Mapping[str, Any]) -> Definition:
    return {
        "Include": groups.get("Include", "ALL"),
        "Groups": [
            {
                "Type": group.get("Type", "ALL"),
                "Dimensions": [_with_types(entry) for entry in group.get("Dimensions", [])],
                "SourceType": group.get("SourceType", "ALL"),
                "SourceSegments": group.get("SourceSegments", []),
            }
            for group in groups.get("Groups", [])
        ],
    }


def _with_types(entry: Mapping[str, Any]) -> Definition:
    filled = dict(entry)
    for member in ("Attributes", "UserAttributes"):
        if member in entry:
            filled[member] = {name: {"AttributeType": "INCLUSIVE", **each} for name, each in entry[member].items()}
    if "Demographic" in entry:
        filled["Demographic"] = {name: _with_type(each) for name, each in entry["Demographic"].items()}
    if "Country" in entry.get("Location", {}):
        filled["Location"] = {**entry["Location"], "Country": _with_type(entry["Location"]["Country"])}
    return filled


def _with_type(given: Mapping[str, Any]) -> Definition:
    return {"DimensionType": "INCLUSIVE", **given}


def _check(definition: Definition) -> None:
    groups = definition["SegmentGroups"]["Groups"]
    parts = sum(1 + len(group["Dimensions"]) + len(group["SourceSegments"]) for group in groups)
    if parts > MAX_PARTS:
        raise BadRequestException(f"Maximum number of groups, Dimensions and SourceSegments exceeded: {MAX_PARTS}")
    found = [each for group in groups for entry in group["Dimensions"] for each in criteria(entry)]
    if len(found) > MAX_DIMENSIONS:
        raise BadRequestException(f"Maximum number of dimensions exceeded: {MAX_DIMENSIONS}")
    if sum(len(criterion.values) for criterion in found) > MAX_VALUES:
        raise BadRequestException(f"Maximum number of values exceeded: {MAX_VALUES}")
    if len(msgspec.json.encode(definition)) > MAX_BYTES:
        raise BadRequestException(f"Definition exceeds {MAX_BYTES} bytes")
    for criterion in found:
        _check_values(criterion)
        _CHECKS[criterion.kind](criterion)


def _check_values(criterion: Criterion) -> None:
    if "Values" in criterion.given:
        check_values(criterion.name, criterion.values, MAX_VALUE_LENGTH)


def _check_attribute(criterion: Criterion) -> None:
    check_attribute(criterion.name, criterion.type, criterion.values)


def _check_metric(criterion: Criterion) -> None:
    check_metric(criterion.given)


def _check_demographic(criterion: Criterion) -> None:
    for value in criterion.values:
        if criterion.name == "Channel" and value not in _CHANNELS:
            raise BadRequestException(f"Invalid Channel: {value}")


def _check_gps(criterion: Criterion) -> None:
    coordinates = criterion.given["Coordinates"]
    is_somewhere = abs(coordinates["Latitude"]) <= _MAX_LATITUDE and abs(coordinates["Longitude"]) <= _MAX_LONGITUDE
    if not is_somewhere or criterion.given.get("RangeInKilometers", 0) < 0:
        raise BadRequestException("Invalid GPSPoint")


def _check_nothing(_criterion: Criterion) -> None:
    """The contract's types say all there is to say."""


_CHECKS: dict[Kind, Callable[[Criterion], None]] = {
    "attribute": _check_attribute,
    "user_attribute": _check_attribute,
    "metric": _check_metric,
    "recency": _check_nothing,
    "demographic": _check_demographic,
    "location": _check_nothing,
    "gps": _check_gps,
}

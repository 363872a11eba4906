"""Which events start something: filters of events (campaigns.md section 8), made ready once and asked often."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from repoint.contract.dates import DATE_CHARACTERS, instant_text
from repoint.contract.errors import BadRequestException
from repoint.events.dimensions import check_attribute, check_metric, check_values
from repoint.events.reserved import RESERVED

MAX_DIMENSIONS = 100
MAX_VALUES = 100
# Links are among the values of events.
MAX_VALUE_LENGTH = 1000

Attributes = Mapping[str, str]
Metrics = Mapping[str, float]
# What is true of an attribute's value, None for an event without it.
_OnValue = Callable[[str | None], bool]

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GREATER_THAN": operator.gt,
    "LESS_THAN": operator.lt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN_OR_EQUAL": operator.le,
    "EQUAL": operator.eq,
}


def check_event_filter(given: Mapping[str, Any] | None, path: str) -> None:
    """Raises BadRequestException for an EventFilter that is missing at `path`, or that may not be so."""
    if not given:
        raise BadRequestException(f"Missing {path}")
    dimensions = given["Dimensions"]
    check_event_dimensions(dimensions)
    for event_type in dimensions.get("EventType", {}).get("Values", []):
        if given["FilterType"] == "SYSTEM" and not event_type.startswith("_"):
            raise BadRequestException(f"Invalid EventType: {event_type}")


def check_event_dimensions(dimensions: Mapping[str, Any]) -> None:
    """Raises BadRequestException for EventDimensions that may not be so, with the texts of segments.md, Errors.

    Empty ones, which would be true of every event, are taken for unfinished.
    """
    attributes, metrics = dimensions.get("Attributes", {}), dimensions.get("Metrics", {})
    event_types = dimensions.get("EventType")
    if event_types is None and not attributes and not metrics:
        raise BadRequestException("Missing EventType")
    if len(attributes) + len(metrics) > MAX_DIMENSIONS:
        raise BadRequestException(f"Maximum number of dimensions exceeded: {MAX_DIMENSIONS}")
    named = [*attributes.items(), *([] if event_types is None else [("EventType", event_types)])]
    if sum(len(each["Values"]) for _, each in named) > MAX_VALUES:
        raise BadRequestException(f"Maximum number of values exceeded: {MAX_VALUES}")
    for name, each in named:
        check_values(name, each["Values"], MAX_VALUE_LENGTH)
    for name, each in attributes.items():
        check_attribute(name, _type(each), each["Values"])
    for each in metrics.values():
        check_metric(each)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A filter ready to be asked."""

    # No other names match; None when all may that are not refused.
    event_types: frozenset[str] | None
    _refused: frozenset[str]
    # Events of the service only.
    _is_system: bool
    _on_attributes: tuple[tuple[str, _OnValue], ...]
    _on_metrics: tuple[tuple[str, Callable[[float, float], bool], float], ...]

    def matches(self, event_type: str, attributes: Attributes, metrics: Metrics) -> bool:
        """Whether an event is of these types and everything asked of its attributes and metrics is true."""
        return (
            self._takes(event_type)
            and all(holds(attributes.get(name)) for name, holds in self._on_attributes)
            and all(name in metrics and holds(metrics[name], value) for name, holds, value in self._on_metrics)
        )

    def _takes(self, event_type: str) -> bool:
        if self.event_types is not None:
            return event_type in self.event_types
        return event_type not in self._refused and (not self._is_system or event_type.startswith("_"))


def read_event_filter(given: Mapping[str, Any]) -> EventFilter:
    """A checked EventFilter or CampaignEventFilter."""
    return _compile(given["Dimensions"], is_system=given["FilterType"] == "SYSTEM")


def read_event_dimensions(dimensions: Mapping[str, Any], *, starts: bool = True) -> EventFilter:
    """Checked EventDimensions that stand by themselves; `starts` is whether what matches may cause messages."""
    return _compile(dimensions, is_system=False, starts=starts)


def _compile(dimensions: Mapping[str, Any], *, is_system: bool, starts: bool = True) -> EventFilter:
    given = dimensions.get("EventType", {"DimensionType": "EXCLUSIVE", "Values": []})
    values = frozenset(given["Values"])
    is_exclusive = given.get("DimensionType") == "EXCLUSIVE"
    return EventFilter(
        None if is_exclusive else values,
        # What comes of sending matches only by name: otherwise each message would be the cause of the next.
        (values | RESERVED if starts else values) if is_exclusive else frozenset(),
        is_system,
        tuple(
            (name, _ON_VALUE[_type(each)](each["Values"])) for name, each in dimensions.get("Attributes", {}).items()
        ),
        tuple(
            (name, _COMPARISONS[each["ComparisonOperator"]], each["Value"])
            for name, each in dimensions.get("Metrics", {}).items()
        ),
    )


def _type(given: Mapping[str, Any]) -> str:
    attribute_type: str = given.get("AttributeType", "INCLUSIVE")
    return attribute_type


def _inclusive(values: Sequence[str]) -> _OnValue:
    wanted = frozenset(values)
    return lambda value: value in wanted


def _exclusive(values: Sequence[str]) -> _OnValue:
    unwanted = frozenset(values)
    return lambda value: value not in unwanted


def _contains(values: Sequence[str]) -> _OnValue:
    return lambda value: value is not None and any(each in value for each in values)


def _before(values: Sequence[str]) -> _OnValue:
    last = max(_instants(values))
    return _dated(lambda instant: instant < last)


def _after(values: Sequence[str]) -> _OnValue:
    first = min(_instants(values))
    return _dated(lambda instant: instant > first)


def _between(values: Sequence[str]) -> _OnValue:
    first, last = _instants(values)
    return _dated(lambda instant: first <= instant <= last)


def _on(values: Sequence[str]) -> _OnValue:
    days = {instant[:DATE_CHARACTERS] for instant in _instants(values)}
    return _dated(lambda instant: instant[:DATE_CHARACTERS] in days)


def _instants(values: Sequence[str]) -> list[str]:
    return [instant for value in values if (instant := instant_text(value)) is not None]


def _dated(holds: Callable[[str], bool]) -> _OnValue:
    """What is true of a value's instant; false for a value that is none."""
    return lambda value: value is not None and (instant := instant_text(value)) is not None and holds(instant)


_ON_VALUE: dict[str, Callable[[Sequence[str]], _OnValue]] = {
    "INCLUSIVE": _inclusive,
    "EXCLUSIVE": _exclusive,
    "CONTAINS": _contains,
    "BEFORE": _before,
    "AFTER": _after,
    "ON": _on,
    "BETWEEN": _between,
}


class _Logged(msgspec.Struct, frozen=True, gc=False):
    """What filters ask of a record; the decoder passes over the rest."""

    attributes: dict[str, str] = msgspec.field(default_factory=dict)
    metrics: dict[str, float] = msgspec.field(default_factory=dict)


_decode = msgspec.json.Decoder(_Logged).decode


def read_logged(record: str) -> tuple[Attributes, Metrics]:
    """Attributes and metrics of an event as the log keeps it."""
    logged = _decode(record)
    return logged.attributes, logged.metrics

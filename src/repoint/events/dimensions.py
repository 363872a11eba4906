"""What filters of events and definitions of segments say alike, of attributes and metrics (segments.md 5 and 6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from repoint.contract.dates import instant_text
from repoint.contract.errors import BadRequestException

_DATE_TYPES = frozenset({"BEFORE", "AFTER", "ON", "BETWEEN"})
_COMPARISONS = frozenset({"GREATER_THAN", "LESS_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN_OR_EQUAL", "EQUAL"})


def check_values(name: str, values: Sequence[str], longest: int) -> None:
    """Raises BadRequestException for no values, and for one with more than `longest` characters."""
    if not values:
        raise _invalid_values(name)
    if any(len(value) > longest for value in values):
        raise BadRequestException(f"Value exceeds {longest} characters")


def check_attribute(name: str, attribute_type: str, values: Sequence[str]) -> None:
    """Raises BadRequestException for a type that needs dates, when there are none or too many."""
    if attribute_type not in _DATE_TYPES:
        return
    dates = [date for value in values if (date := instant_text(value)) is not None]
    if len(dates) < len(values) or (attribute_type == "BETWEEN" and not _is_range(dates)):
        raise _invalid_values(name)


def _is_range(dates: list[str]) -> bool:
    return len(dates) == len(("first", "last")) and dates[0] <= dates[1]


def check_metric(given: Mapping[str, Any]) -> None:
    """Raises BadRequestException for an operator that is none: to the contract it is any text."""
    operator = given["ComparisonOperator"]
    if operator not in _COMPARISONS:
        raise BadRequestException(f"Invalid ComparisonOperator: {operator}")


def _invalid_values(name: str) -> BadRequestException:
    return BadRequestException(f"Invalid Values for {name}")

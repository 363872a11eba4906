"""An EndpointBatchItem as a type, and the limits of its values (endpoints.md section 5).

A request is checked in the order of its members, because that decides which of several faults is told.
"""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from repoint.contract.errors import BadRequestException

MAX_ID_CHARACTERS = 1024
MAX_NAME_CHARACTERS = 50
MAX_VALUE_CHARACTERS = 100
MAX_VALUES = 50
MAX_DEGREES = {"Latitude": 90, "Longitude": 180}
# Rows of one file repeat their names, devices and places; how many of each are remembered.
REMEMBERED = 4096

Lists = dict[str, list[str]]


class DemographicFields(msgspec.Struct, frozen=True, gc=False):
    """Hashable, because rows of one file repeat their devices; so is a Location. In the order of the cells."""

    AppVersion: str | None = None
    Locale: str | None = None
    Make: str | None = None
    Model: str | None = None
    ModelVersion: str | None = None
    Platform: str | None = None
    PlatformVersion: str | None = None
    Timezone: str | None = None


class LocationFields(msgspec.Struct, frozen=True, gc=False):
    """Likewise; the coordinates, which are stored otherwise than sent, come last."""

    City: str | None = None
    Country: str | None = None
    PostalCode: str | None = None
    Region: str | None = None
    Latitude: float | None = None
    Longitude: float | None = None


class UserFields(msgspec.Struct, gc=False):
    """An EndpointUser."""

    UserId: str | None = None
    UserAttributes: Lists | None = None


class Item(msgspec.Struct, gc=False):
    """An EndpointBatchItem; None is "not mentioned"."""

    Id: str | None = None
    Address: str | None = None
    ChannelType: str | None = None
    EndpointStatus: str | None = None
    OptOut: str | None = None
    RequestId: str | None = None
    EffectiveDate: str | None = None
    Attributes: Lists | None = None
    Metrics: dict[str, float] | None = None
    Demographic: DemographicFields | None = None
    Location: LocationFields | None = None
    User: UserFields | None = None


DEMOGRAPHIC = DemographicFields.__struct_fields__
LOCATION = LocationFields.__struct_fields__


def as_item(request: Mapping[str, Any]) -> Item:
    """A request of the right types as an Item."""
    return msgspec.convert(request, Item)


def check_id(endpoint_id: str) -> None:
    """Raise BadRequestException for what no endpoint can be called."""
    if not 0 < len(endpoint_id) <= MAX_ID_CHARACTERS or "$" in endpoint_id or "{" in endpoint_id or "}" in endpoint_id:
        raise BadRequestException("Invalid EndpointId")


def check(request: Mapping[str, Any]) -> None:
    """Raise BadRequestException for the first member of an EndpointBatchItem that is beyond a limit."""
    for member, value in request.items():
        check_member = _CHECKS.get(member)
        if check_member is not None:
            check_member(value)


def _check_lists(lists: Lists) -> None:
    """Attributes or UserAttributes."""
    _check_names(tuple(lists))
    for name, values in lists.items():
        if len(values) > MAX_VALUES:
            raise BadRequestException(f"Attribute has more than {MAX_VALUES} values: {name}")
        for value in values:
            if len(value) > MAX_VALUE_CHARACTERS:
                raise BadRequestException(f"Attribute value exceeds {MAX_VALUE_CHARACTERS} characters: {name}")


def _check_metrics(metrics: Mapping[str, float]) -> None:
    """Metrics."""
    for name, number in metrics.items():
        if not math.isfinite(number):
            raise BadRequestException(f"Invalid Metrics.{name}: {number}")
    _check_names(tuple(metrics))


@lru_cache(REMEMBERED)
def _check_names(names: tuple[str, ...]) -> None:
    for name in names:
        if len(name) > MAX_NAME_CHARACTERS:
            raise BadRequestException(f"Attribute name exceeds {MAX_NAME_CHARACTERS} characters: {name}")


def _check_location(fields: Iterable[tuple[str, Any]]) -> None:
    """Fields of a Location in order, each with its name."""
    for name, value in fields:
        limit = MAX_DEGREES.get(name)
        if limit is not None and not -limit <= value <= limit:
            raise BadRequestException(f"Invalid {name}: {value}")


_CHECKS: dict[str, Any] = {
    "Attributes": _check_lists,
    "Metrics": _check_metrics,
    "Location": lambda location: _check_location(location.items()),
    "User": lambda user: _check_lists(user.get("UserAttributes", {})),
}

"""A write to one endpoint, checked as far as it can be without knowing what is stored.

`prepare` is pure and a Patch is small and packable, so that imports check their rows in other processes. What a column
can take as it stands is made ready here, as JSON or as cells of a COPY: the process that merges has the least time, and
a dict that crosses a process border costs ten times its text.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException
from repoint.endpoints.cells import NULL, json_cell, text_cell
from repoint.endpoints.key import endpoint_key, user_key

# endpoints.md section 5.
MAX_ID_CHARACTERS = 1024
MAX_NAME_CHARACTERS = 50
MAX_VALUE_CHARACTERS = 100
MAX_VALUES = 50

# Channels whose endpoints make room for a 16th of a user (endpoints.md section 10).
PUSH_CHANNELS = frozenset({"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM"})

DEMOGRAPHIC = ("AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion", "Timezone")
LOCATION = ("City", "Country", "PostalCode", "Region", "Latitude", "Longitude")
# Where each thing stands among `Patch.cells`.
ATTRIBUTES, METRICS = 0, 1
DEMOGRAPHIC_PLACES = {name: place for place, name in enumerate(DEMOGRAPHIC, 2)}
LOCATION_PLACES = {name: place for place, name in enumerate(LOCATION, 2 + len(DEMOGRAPHIC))}
_NO_DEMOGRAPHIC = "\t".join([NULL] * len(DEMOGRAPHIC))
_NO_LOCATION = "\t".join([NULL] * len(LOCATION))
NO_CELLS = f"{{}}\t{{}}\t{_NO_DEMOGRAPHIC}\t{_NO_LOCATION}"
# Rows of one file repeat their names, devices and places; how many of each are remembered.
_REMEMBERED = 4096

# The most bytes that a character can take in JSON; counting them exactly cost a tenth of an import.
MOST_BYTES = 6
_LIMITS = {"Latitude": 90, "Longitude": 180}

# How a name stands in `Patch.names`: a letter for its kind, then the name itself.
KINDS = {
    "a": "endpoint-custom-attributes",
    "m": "endpoint-metric-attributes",
    "u": "endpoint-user-attributes",
}

Lists = dict[str, list[str]]

_encode = msgspec.json.Encoder().encode


class Patch(msgspec.Struct, array_like=True, gc=False, kw_only=True):
    """What one request or row wants of one endpoint; None is "not mentioned", an empty text clears."""

    key: str
    endpoint_id: str
    channel_type: str | None = None
    address: str | None = None
    endpoint_status: str | None = None
    opt_out: str | None = None
    # Attributes, Metrics, Demographic and Location as tab-separated cells; None when none is mentioned. Maps are JSON,
    # where an empty list takes an attribute away; a field is NULL when it is not mentioned, empty when it is cleared.
    cells: str | None = None
    # A JSON object; an empty list takes an attribute away.
    user_attributes: str | None = None
    user_id: str | None = None
    # The key of `user_id`; None where that is None or empty.
    user_key: str | None = None
    effective_at: datetime | None = None
    request_id: str | None = None
    # Custom attribute names that get a value, each behind the letter of its kind.
    names: tuple[str, ...] = ()
    # Whether an empty list takes an attribute away.
    takes_away: bool = False
    # At least the bytes of the JSON of all of the above but the user attributes; the same of the user attributes.
    # A patch that mentions nothing has 0.
    size_bytes: int = 0
    user_size_bytes: int = 0

    @property
    def is_bare(self) -> bool:
        """Nothing but an id."""
        return self.size_bytes == 0 and self.user_size_bytes == 0


def prepare(endpoint_id: str, request: Mapping[str, Any]) -> Patch:
    """Check `request` (an EndpointRequest or EndpointBatchItem of the right types) and make it a Patch.

    Raises BadRequestException with the texts of endpoints.md, Errors.
    """
    if not 0 < len(endpoint_id) <= MAX_ID_CHARACTERS or "$" in endpoint_id or "{" in endpoint_id or "}" in endpoint_id:
        raise BadRequestException("Invalid EndpointId")
    patch = Patch(key=endpoint_key(endpoint_id), endpoint_id=endpoint_id)
    cells = Cells()
    for member, value in request.items():
        take = _MEMBERS.get(member)
        if take is not None:
            take(patch, value, cells)
    if cells.are_mentioned:
        patch.cells = f"{cells.attributes}\t{cells.metrics}\t{cells.demographic}\t{cells.location}"
    return patch


class Cells:
    """The cells of a patch while it is made."""

    __slots__ = ("are_mentioned", "attributes", "demographic", "location", "metrics")

    def __init__(self) -> None:
        self.are_mentioned = False
        self.attributes = self.metrics = "{}"
        self.demographic, self.location = _NO_DEMOGRAPHIC, _NO_LOCATION


def _take_address(patch: Patch, value: str, _cells: Cells) -> None:
    patch.address = value.strip()
    patch.size_bytes += 13 + MOST_BYTES * len(value)


def _take_channel(patch: Patch, value: str, _cells: Cells) -> None:
    patch.channel_type = value
    patch.size_bytes += 17 + len(value)


def _take_status(patch: Patch, value: str, _cells: Cells) -> None:
    patch.endpoint_status = value
    patch.size_bytes += 1


def _take_opt_out(patch: Patch, value: str, _cells: Cells) -> None:
    patch.opt_out = value
    patch.size_bytes += 1


def _take_attributes(patch: Patch, value: Lists, cells: Cells) -> None:
    _check_lists(patch, "a", value)
    text = _encode(value)
    cells.attributes, cells.are_mentioned = json_cell(text.decode()), True
    patch.size_bytes += 16 + len(text)


def _take_metrics(patch: Patch, value: dict[str, float], cells: Cells) -> None:
    for name, number in value.items():
        if not math.isfinite(number):
            raise BadRequestException(f"Invalid Metrics.{name}: {number}")
    patch.names += _checked_names("m", tuple(value))
    text = _encode(value)
    cells.metrics, cells.are_mentioned = json_cell(text.decode()), True
    patch.size_bytes += 13 + len(text)


def _take_demographic(patch: Patch, value: dict[str, str], cells: Cells) -> None:
    cells.demographic, size_bytes = _demographic(tuple(value.items()))
    cells.are_mentioned = True
    patch.size_bytes += size_bytes


@lru_cache(_REMEMBERED)
def _demographic(fields: tuple[tuple[str, str], ...]) -> tuple[str, int]:
    known = {name: text for name, text in fields if name in DEMOGRAPHIC_PLACES}
    return _cells_of(known, DEMOGRAPHIC), 17 + _fields_bytes(known)


def _take_location(patch: Patch, value: dict[str, Any], cells: Cells) -> None:
    cells.location, size_bytes = _location(tuple(value.items()))
    cells.are_mentioned = True
    patch.size_bytes += size_bytes


@lru_cache(_REMEMBERED)
def _location(fields: tuple[tuple[str, Any], ...]) -> tuple[str, int]:
    known = {
        name: repr(_coordinate(name, field)) if name in _LIMITS else field
        for name, field in fields
        if name in LOCATION_PLACES
    }
    return _cells_of(known, LOCATION), 14 + _fields_bytes(known)


def _cells_of(fields: dict[str, str], names: tuple[str, ...]) -> str:
    return "\t".join([text_cell(fields.get(name)) for name in names])


def _fields_bytes(fields: dict[str, str]) -> int:
    return sum(len(name) + 6 + MOST_BYTES * len(text) for name, text in fields.items())


def _take_user(patch: Patch, value: dict[str, Any], _cells: Cells) -> None:
    user_id = value.get("UserId")
    if user_id is not None:
        patch.user_id = user_id
        patch.user_key = user_key(user_id) if user_id else None
        patch.size_bytes += 12 + MOST_BYTES * len(user_id)
    attributes = value.get("UserAttributes")
    if attributes is not None:
        _check_lists(patch, "u", attributes)
        text = _encode(attributes)
        patch.user_attributes = text.decode()
        patch.user_size_bytes = 20 + len(text)
    # Even an empty User is a touch of the endpoint, not a bare id.
    patch.size_bytes += 1


def _take_effective_date(patch: Patch, value: str, _cells: Cells) -> None:
    # A date that cannot be read is the server's time, never an error (endpoints.md section 9).
    patch.effective_at = parse_instant(value)
    patch.size_bytes += 1


def _take_request_id(patch: Patch, value: str, _cells: Cells) -> None:
    patch.request_id = value or None
    patch.size_bytes += 1 + MOST_BYTES * len(value)


_MEMBERS: dict[str, Any] = {
    "Address": _take_address,
    "ChannelType": _take_channel,
    "EndpointStatus": _take_status,
    "OptOut": _take_opt_out,
    "Attributes": _take_attributes,
    "Metrics": _take_metrics,
    "Demographic": _take_demographic,
    "Location": _take_location,
    "User": _take_user,
    "EffectiveDate": _take_effective_date,
    "RequestId": _take_request_id,
}


def _check_lists(patch: Patch, kind: str, lists: Lists) -> None:
    """Hold Attributes or UserAttributes to the limits of endpoints.md section 5, and note their names."""
    names = _checked_names(kind, tuple(lists))
    for name, values in lists.items():
        if len(values) > MAX_VALUES:
            raise BadRequestException(f"Attribute has more than {MAX_VALUES} values: {name}")
        for value in values:
            if len(value) > MAX_VALUE_CHARACTERS:
                raise BadRequestException(f"Attribute value exceeds {MAX_VALUE_CHARACTERS} characters: {name}")
    if not all(lists.values()):
        patch.takes_away = True
        names = tuple([name for name in names if lists[name[1:]]])
    patch.names += names


@lru_cache(_REMEMBERED)
def _checked_names(kind: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names behind the letter of their kind."""
    for name in names:
        if len(name) > MAX_NAME_CHARACTERS:
            raise BadRequestException(f"Attribute name exceeds {MAX_NAME_CHARACTERS} characters: {name}")
    return tuple([kind + name for name in names])


def _coordinate(member: str, value: float) -> float:
    limit = _LIMITS[member]
    if not -limit <= value <= limit:
        raise BadRequestException(f"Invalid {member}: {value}")
    return one_decimal(value)


def one_decimal(degrees: float) -> float:
    """A coordinate as endpoints store it: to 0.1, half away from zero (endpoints.md section 9)."""
    return math.copysign(math.floor(abs(degrees) * 10 + 0.5) / 10, degrees) if degrees else 0.0

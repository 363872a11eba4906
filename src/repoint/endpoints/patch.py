"""A write to one endpoint, checked as far as it can be without knowing what is stored.

`prepare` is pure and a Patch is small and packable, so that imports check their rows in other processes. What a column
can take as it stands is made ready here, as JSON or as cells of a COPY: the process that merges has the least time, and
a dict that crosses a process border costs ten times its text.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from repoint.contract.dates import parse_instant
from repoint.db.cells import NULL, json_cell, text_cell
from repoint.endpoints.item import (
    DEMOGRAPHIC,
    LOCATION,
    REMEMBERED,
    DemographicFields,
    Item,
    Lists,
    LocationFields,
    UserFields,
    as_item,
    check,
    check_id,
)
from repoint.endpoints.key import endpoint_key, user_key

# Channels whose endpoints make room for a 16th of a user (endpoints.md section 10).
PUSH_CHANNELS = frozenset({"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM"})

# Where each thing stands among `Patch.cells`.
ATTRIBUTES, METRICS = 0, 1
DEMOGRAPHIC_PLACES = {name: place for place, name in enumerate(DEMOGRAPHIC, 2)}
LOCATION_PLACES = {name: place for place, name in enumerate(LOCATION, 2 + len(DEMOGRAPHIC))}
_NO_DEMOGRAPHIC = "\t".join([NULL] * len(DEMOGRAPHIC))
_NO_LOCATION = "\t".join([NULL] * len(LOCATION))
NO_CELLS = f"{{}}\t{{}}\t{_NO_DEMOGRAPHIC}\t{_NO_LOCATION}"
# The most bytes that a character can take in JSON; counting them exactly cost a tenth of an import.
MOST_BYTES = 6

# How a name stands in `Patch.names`: a letter for its kind, then the name itself.
KINDS = {
    "a": "endpoint-custom-attributes",
    "m": "endpoint-metric-attributes",
    "u": "endpoint-user-attributes",
}

_NO_USER = UserFields()

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


def patch_of_request(endpoint_id: str, request: Mapping[str, Any], request_id: str) -> Patch:
    """Make a Patch of a request's endpoint, which is that of `request_id` unless it names another.

    Raises BadRequestException as `prepare` does.
    """
    patch = prepare(endpoint_id, as_item(request), request)
    if patch.request_id is None:
        patch.request_id = request_id
    return patch


def prepare(endpoint_id: str, item: Item, unchecked: Mapping[str, Any]) -> Patch:
    """Make a Patch of an endpoint id and an item.

    `unchecked` has the item's members that may be beyond the limits, in the order in which faults are told. Raises
    BadRequestException with the texts of endpoints.md, Errors.
    """
    check_id(endpoint_id)
    if unchecked:
        check(unchecked)
    user = item.User or _NO_USER
    cells, cells_bytes = _cells(item)
    attributes, user_attributes = item.Attributes or {}, user.UserAttributes or {}
    user_text = None if user.UserAttributes is None else _encode(user_attributes)
    takes_away = not (all(attributes.values()) and all(user_attributes.values()))
    if takes_away:
        attributes, user_attributes = _with_values(attributes), _with_values(user_attributes)
    return Patch(
        key=endpoint_key(endpoint_id),
        endpoint_id=endpoint_id,
        channel_type=item.ChannelType,
        address=item.Address and item.Address.strip(),
        endpoint_status=item.EndpointStatus,
        opt_out=item.OptOut,
        cells=cells,
        user_attributes=None if user_text is None else user_text.decode(),
        user_id=user.UserId,
        user_key=user_key(user.UserId) if user.UserId else None,
        # A date that cannot be read is the server's time, never an error (endpoints.md section 9).
        effective_at=None if item.EffectiveDate is None else parse_instant(item.EffectiveDate),
        request_id=item.RequestId or None,
        names=_names(tuple(attributes), tuple(item.Metrics or ()), tuple(user_attributes)),
        takes_away=takes_away,
        size_bytes=_plain_bytes(item) + cells_bytes,
        user_size_bytes=0 if user_text is None else 20 + len(user_text),
    )


def _with_values(lists: Lists) -> Lists:
    return {name: values for name, values in lists.items() if values}


@lru_cache(REMEMBERED)
def _names(attributes: tuple[str, ...], metrics: tuple[str, ...], user_attributes: tuple[str, ...]) -> tuple[str, ...]:
    """The names behind the letters of their kinds."""
    kinds = (("a", attributes), ("m", metrics), ("u", user_attributes))
    return tuple([kind + name for kind, names in kinds for name in names])


def _plain_bytes(item: Item) -> int:
    """The size of all but the cells; what the server fills in itself has no room of its own, but is no bare id."""
    size_bytes = (item.EndpointStatus is not None) + (item.OptOut is not None) + (item.EffectiveDate is not None)
    if item.Address is not None:
        size_bytes += 13 + MOST_BYTES * len(item.Address)
    if item.ChannelType is not None:
        size_bytes += 17 + len(item.ChannelType)
    if item.RequestId is not None:
        size_bytes += 1 + MOST_BYTES * len(item.RequestId)
    if item.User is not None:
        # Even an empty User is a touch of the endpoint.
        size_bytes += 1 if item.User.UserId is None else 13 + MOST_BYTES * len(item.User.UserId)
    return size_bytes


def _cells(item: Item) -> tuple[str | None, int]:
    """`Patch.cells`, and the size of what they say; even an empty member has one."""
    attributes = metrics = b"{}"
    demographic, location = _NO_DEMOGRAPHIC, _NO_LOCATION
    size_bytes = 0
    if item.Attributes is not None:
        attributes = _encode(item.Attributes)
        size_bytes = 16 + len(attributes)
    if item.Metrics is not None:
        metrics = _encode(item.Metrics)
        size_bytes += 13 + len(metrics)
    if item.Demographic is not None:
        demographic, more_bytes = _demographic(item.Demographic)
        size_bytes += more_bytes
    if item.Location is not None:
        location, more_bytes = _location(item.Location)
        size_bytes += more_bytes
    if not size_bytes:
        return None, 0
    # JSON has no tab of its own.
    maps = json_cell((attributes + b"\t" + metrics).decode())
    return f"{maps}\t{demographic}\t{location}", size_bytes


@lru_cache(REMEMBERED)
def _demographic(fields: DemographicFields) -> tuple[str, int]:
    """The cells, and the bytes that they add."""
    texts = msgspec.structs.astuple(fields)
    return "\t".join(map(text_cell, texts)), 17 + _fields_bytes(DEMOGRAPHIC, texts)


@lru_cache(REMEMBERED)
def _location(fields: LocationFields) -> tuple[str, int]:
    *texts, latitude, longitude = msgspec.structs.astuple(fields)
    texts += [None if degrees is None else repr(one_decimal(degrees)) for degrees in (latitude, longitude)]
    return "\t".join(map(text_cell, texts)), 14 + _fields_bytes(LOCATION, texts)


def _fields_bytes(names: tuple[str, ...], texts: Sequence[str | None]) -> int:
    told = zip(names, texts, strict=True)
    return sum(len(name) + 6 + MOST_BYTES * len(text) for name, text in told if text is not None)


def one_decimal(degrees: float) -> float:
    """A coordinate as endpoints store it: to 0.1, half away from zero (endpoints.md section 9)."""
    return math.copysign(math.floor(abs(degrees) * 10 + 0.5) / 10, degrees) if degrees else 0.0

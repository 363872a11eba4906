"""Lines of JSON whose type alone proves that they hold what an import takes, within all limits.

Most lines do. One of 480 bytes takes 5 µs so; to read it as a document, look at each value and make an Item took 22.
"""

from typing import Annotated, Literal

import msgspec

from repoint.contract import shapes
from repoint.contract.json_text import may_hide
from repoint.endpoints.item import (
    MAX_DEGREES,
    MAX_NAME_CHARACTERS,
    MAX_VALUE_CHARACTERS,
    MAX_VALUES,
    DemographicFields,
    Item,
    LocationFields,
    UserFields,
)

_Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_CHARACTERS)]
_Value = Annotated[str, msgspec.Meta(max_length=MAX_VALUE_CHARACTERS)]
_Lists = dict[_Name, Annotated[list[_Value], msgspec.Meta(max_length=MAX_VALUES)]]
_Latitude = Annotated[float, msgspec.Meta(ge=-MAX_DEGREES["Latitude"], le=MAX_DEGREES["Latitude"])]
_Longitude = Annotated[float, msgspec.Meta(ge=-MAX_DEGREES["Longitude"], le=MAX_DEGREES["Longitude"])]


# What nobody knows is not skipped but read by the full path, which looks into it for what no request may hold.
class _Demographic(DemographicFields, frozen=True, forbid_unknown_fields=True, gc=False):
    pass


class _Location(LocationFields, frozen=True, forbid_unknown_fields=True, gc=False):
    Latitude: _Latitude | None = None
    Longitude: _Longitude | None = None


class _User(UserFields, forbid_unknown_fields=True, gc=False):
    UserAttributes: _Lists | None = None
    # In exported files.
    UserStatus: str | None = None


class _Line(Item, forbid_unknown_fields=True, gc=False):
    ChannelType: shapes.ChannelType | None = None
    EndpointStatus: Literal["ACTIVE", "INACTIVE"] | None = None
    OptOut: Literal["ALL", "NONE"] | None = None
    Attributes: _Lists | None = None
    Metrics: dict[_Name, float] | None = None
    Demographic: _Demographic | None = None
    Location: _Location | None = None
    User: _User | None = None
    # In exported files.
    ApplicationId: str | None = None
    CohortId: str | None = None
    CreationDate: str | None = None


_decode = msgspec.json.Decoder(_Line).decode


def read_typed(line: bytes) -> Item | None:
    """The item of a line; None when it takes the full path to tell what the line holds or lacks."""
    if may_hide(line):
        return None
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None

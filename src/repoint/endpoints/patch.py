"""A write to one endpoint, checked as far as it can be without knowing what is stored.

`prepare` is pure and a Patch is small and packable, so that imports check their rows in other processes.
"""

import math
from datetime import datetime
from typing import Any

import msgspec

from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException
from repoint.endpoints.key import endpoint_key

# endpoints.md section 5.
MAX_ID_CHARACTERS = 1024
MAX_NAME_CHARACTERS = 50
MAX_VALUE_CHARACTERS = 100
MAX_VALUES = 50

# Channels whose endpoints make room for a 16th of a user (endpoints.md section 10).
PUSH_CHANNELS = frozenset({"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM"})

DEMOGRAPHIC = ("AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion", "Timezone")
PLACE = ("City", "Country", "PostalCode", "Region")
POSITION = (("Latitude", 90), ("Longitude", 180))

Lists = dict[str, list[str]]


class Patch(msgspec.Struct, array_like=True, gc=False, kw_only=True):
    """What one request or row wants of one endpoint; None is "not mentioned", an empty text clears a field."""

    key: str
    endpoint_id: str
    channel_type: str | None = None
    address: str | None = None
    endpoint_status: str | None = None
    opt_out: str | None = None
    attributes: Lists | None = None
    metrics: dict[str, float] | None = None
    demographic: dict[str, str] | None = None
    # City, Country, PostalCode, Region as text; Latitude, Longitude as numbers rounded to one decimal.
    location: dict[str, Any] | None = None
    user_id: str | None = None
    user_attributes: Lists | None = None
    effective_at: datetime | None = None
    request_id: str | None = None
    # Bytes of the JSON of all of the above but the user attributes; of the user attributes.
    size_bytes: int = 0
    user_size_bytes: int = 0

    @property
    def is_bare(self) -> bool:
        """Nothing but an id."""
        return self.size_bytes == 0 and self.user_size_bytes == 0


def prepare(endpoint_id: str, request: dict[str, Any]) -> Patch:
    """Check `request` (an EndpointRequest or EndpointBatchItem of the right types) and make it a Patch.

    Raises BadRequestException with the texts of endpoints.md, Errors.
    """
    if not 0 < len(endpoint_id) <= MAX_ID_CHARACTERS or "$" in endpoint_id or "{" in endpoint_id or "}" in endpoint_id:
        raise BadRequestException("Invalid EndpointId")
    patch = Patch(key=endpoint_key(endpoint_id), endpoint_id=endpoint_id)
    for member, value in request.items():
        take = _MEMBERS.get(member)
        if take is not None:
            take(patch, value)
    return patch


def _take_address(patch: Patch, value: str) -> None:
    patch.address = value.strip()
    patch.size_bytes += 13 + _json_bytes(value)


def _take_channel(patch: Patch, value: str) -> None:
    patch.channel_type = value
    patch.size_bytes += 17 + len(value)


def _take_status(patch: Patch, value: str) -> None:
    patch.endpoint_status = value
    patch.size_bytes += 1


def _take_opt_out(patch: Patch, value: str) -> None:
    patch.opt_out = value
    patch.size_bytes += 1


def _take_attributes(patch: Patch, value: Lists) -> None:
    check_lists(value)
    patch.attributes = value
    patch.size_bytes += 16 + _json_bytes(value)


def _take_metrics(patch: Patch, value: dict[str, float]) -> None:
    for name, number in value.items():
        if len(name) > MAX_NAME_CHARACTERS:
            raise BadRequestException(f"Attribute name exceeds {MAX_NAME_CHARACTERS} characters: {name}")
        if not math.isfinite(number):
            raise BadRequestException(f"Invalid Metrics.{name}: {number}")
    patch.metrics = value
    patch.size_bytes += 13 + _json_bytes(value)


def _take_demographic(patch: Patch, value: dict[str, str]) -> None:
    patch.demographic = {name: value[name] for name in DEMOGRAPHIC if name in value}
    patch.size_bytes += 17 + _json_bytes(patch.demographic)


def _take_location(patch: Patch, value: dict[str, Any]) -> None:
    location: dict[str, Any] = {name: value[name] for name in PLACE if name in value}
    for name, limit in POSITION:
        if name in value:
            location[name] = _one_decimal(name, value[name], limit)
    patch.location = location
    patch.size_bytes += 14 + _json_bytes(location)


def _take_user(patch: Patch, value: dict[str, Any]) -> None:
    user_id = value.get("UserId")
    if user_id is not None:
        patch.user_id = user_id
        patch.size_bytes += 12 + _json_bytes(user_id)
    attributes = value.get("UserAttributes")
    if attributes is not None:
        check_lists(attributes)
        patch.user_attributes = attributes
        patch.user_size_bytes = 20 + _json_bytes(attributes)
    # Even an empty User is a touch of the endpoint, not a bare id.
    patch.size_bytes += 1


def _take_effective_date(patch: Patch, value: str) -> None:
    # A date that cannot be read is the server's time, never an error (endpoints.md section 9).
    patch.effective_at = parse_instant(value)
    patch.size_bytes += 1


def _take_request_id(patch: Patch, value: str) -> None:
    patch.request_id = value or None
    patch.size_bytes += 1 + _json_bytes(value)


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


def check_lists(lists: Lists) -> None:
    """Hold Attributes or UserAttributes to the limits of endpoints.md section 5."""
    for name, values in lists.items():
        if len(name) > MAX_NAME_CHARACTERS:
            raise BadRequestException(f"Attribute name exceeds {MAX_NAME_CHARACTERS} characters: {name}")
        if len(values) > MAX_VALUES:
            raise BadRequestException(f"Attribute has more than {MAX_VALUES} values: {name}")
        for value in values:
            if len(value) > MAX_VALUE_CHARACTERS:
                raise BadRequestException(f"Attribute value exceeds {MAX_VALUE_CHARACTERS} characters: {name}")


def _one_decimal(member: str, value: float, limit: int) -> float:
    if not -limit <= value <= limit:
        raise BadRequestException(f"Invalid {member}: {value}")
    # Half away from zero, as the documented sample pair does.
    return math.copysign(math.floor(abs(value) * 10 + 0.5) / 10, value) if value else 0.0


_encoder = msgspec.json.Encoder()


def _json_bytes(value: object) -> int:
    return len(_encoder.encode(value))

"""Endpoints as lines of a COPY: new ones for the table itself, changes for the staging table.

Lines are text that Python joins, because handing 31 values a row to the driver took four times as long.
A change carries NULL for "keep" and an empty text for "clear"; a new row has no need of either.
"""

import re
from collections.abc import Mapping

import msgspec

from repoint.endpoints.key import cohort
from repoint.endpoints.patch import DEMOGRAPHIC, PLACE, POSITION, Lists, Patch
from repoint.endpoints.plan import Endpoint

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_NULL = r"\N"
_LOCATION = (*PLACE, *(name for name, _ in POSITION))
_NO_DEMOGRAPHIC = "\t".join([_NULL] * len(DEMOGRAPHIC))
_NO_LOCATION = "\t".join([_NULL] * len(_LOCATION))

_encoder = msgspec.json.Encoder()


def cell(text: str | None) -> str:
    """One value, escaped for COPY."""
    if text is None:
        return _NULL
    if _SPECIAL.search(text):
        return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)
    return text


def json_cell(value: object) -> str:
    """A JSON document as one value."""
    return cell(_encoder.encode(value).decode())


def new_row(application_id: str, endpoint: Endpoint, patch: Patch) -> str:
    """The line of a new endpoint, columns in the order of `copy_endpoints`."""
    attributes = _without_empty(patch.attributes) if patch.attributes else None
    return "\t".join(
        (
            application_id,
            cell(endpoint.key),
            cell(endpoint.endpoint_id),
            str(cohort(application_id, endpoint.key)),
            endpoint.created_at.isoformat(),
            cell(endpoint.channel_type),
            cell(endpoint.address),
            json_cell(attributes) if attributes else "{}",
            json_cell(patch.metrics) if patch.metrics else "{}",
            _fields(patch.demographic, DEMOGRAPHIC, _NO_DEMOGRAPHIC, empty=_NULL),
            _fields(patch.location, _LOCATION, _NO_LOCATION, empty=_NULL),
            _server_side(endpoint),
        )
    )


def change_row(endpoint: Endpoint, patch: Patch) -> str:
    """The line of a change to a stored endpoint, columns in the order of `copy_changes`."""
    removed = [name for name, values in patch.attributes.items() if not values] if patch.attributes else None
    return "\t".join(
        (
            cell(endpoint.key),
            cell(endpoint.channel_type),
            cell(endpoint.address),
            json_cell(patch.attributes) if patch.attributes else _NULL,
            json_cell(removed) if removed else _NULL,
            json_cell(patch.metrics) if patch.metrics else _NULL,
            _fields(patch.demographic, DEMOGRAPHIC, _NO_DEMOGRAPHIC, empty=""),
            _fields(patch.location, _LOCATION, _NO_LOCATION, empty=""),
            _server_side(endpoint),
        )
    )


def _server_side(endpoint: Endpoint) -> str:
    own = endpoint.own_user_attributes
    return "\t".join(
        (
            endpoint.endpoint_status,
            endpoint.opt_out,
            "t" if endpoint.opt_out_is_explicit else "f",
            cell(endpoint.user_key),
            json_cell(own) if own else _NULL,
            endpoint.effective_at.isoformat(),
            cell(endpoint.request_id),
            f"{endpoint.size_bound}\n",
        )
    )


def _fields(found: Mapping[str, str | float] | None, names: tuple[str, ...], none: str, *, empty: str) -> str:
    if not found:
        return none
    return "\t".join([_field(found.get(name), empty) for name in names])


def _field(value: str | float | None, empty: str) -> str:
    if value == "":
        return empty
    return cell(value) if isinstance(value, str) or value is None else repr(value)


def _without_empty(lists: Lists) -> Lists:
    return {name: values for name, values in lists.items() if values}

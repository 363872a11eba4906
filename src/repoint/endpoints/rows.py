"""Endpoints as lines of a COPY: new ones for the table itself, changes for the staging table.

Lines are text that Python joins, because handing 31 values a row to the driver took four times as long.
A change carries NULL for "keep" and an empty text for "clear"; a new row has no need of either.
"""

import msgspec

from repoint.endpoints.cells import NULL, instant_cell, json_cell, text_cell
from repoint.endpoints.key import cohort
from repoint.endpoints.patch import NO_FIELDS, Lists, Patch
from repoint.endpoints.plan import Endpoint, merged_lists

_NO_FIELDS = "\t".join(NO_FIELDS)


def new_row(application_id: str, endpoint: Endpoint, patch: Patch) -> str:
    """The line of a new endpoint, columns in the order of `copy_endpoints`."""
    attributes, fields = patch.attributes, patch.fields
    if attributes is not None and patch.takes_away:
        attributes = msgspec.json.encode(merged_lists({}, _lists(attributes))).decode()
    if fields is not None:
        # What is cleared was never there.
        fields = "\t".join([cell or NULL for cell in fields.split("\t")])
    return (
        f"{application_id}\t{text_cell(endpoint.key)}\t{text_cell(endpoint.endpoint_id)}"
        f"\t{cohort(application_id, endpoint.key)}\t{instant_cell(endpoint.created_us)}"
        f"\t{endpoint.channel_type or NULL}\t{text_cell(endpoint.address)}\t{json_cell(attributes or '{}')}"
        f"\t{json_cell(patch.metrics or '{}')}\t{fields or _NO_FIELDS}\t{_server_side(endpoint)}"
    )


def change_row(endpoint: Endpoint, patch: Patch) -> str:
    """The line of a change to a stored endpoint, columns in the order of `copy_changes`."""
    removed = None
    if patch.takes_away and patch.attributes is not None:
        names = [name for name, values in _lists(patch.attributes).items() if not values]
        removed = msgspec.json.encode(names).decode() if names else None
    return (
        f"{text_cell(endpoint.key)}\t{endpoint.channel_type or NULL}\t{text_cell(endpoint.address)}"
        f"\t{json_cell(removed)}\t{json_cell(patch.attributes)}\t{json_cell(patch.metrics)}"
        f"\t{patch.fields or _NO_FIELDS}\t{_server_side(endpoint)}"
    )


def _server_side(endpoint: Endpoint) -> str:
    own = endpoint.own_user_attributes
    return (
        f"{endpoint.endpoint_status}\t{endpoint.opt_out}\t{'t' if endpoint.opt_out_is_explicit else 'f'}"
        f"\t{text_cell(endpoint.user_key)}\t{json_cell(msgspec.json.encode(own).decode()) if own else NULL}"
        f"\t{instant_cell(endpoint.effective_us)}\t{text_cell(endpoint.request_id)}\t{endpoint.size_bound}\n"
    )


def _lists(attributes: str) -> Lists:
    found: Lists = msgspec.json.decode(attributes)
    return found

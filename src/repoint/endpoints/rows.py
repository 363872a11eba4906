"""Endpoints as lines of a COPY: new ones for the table itself, changes for the staging table.

Lines are text that Python joins, because handing 31 values a row to the driver took four times as long.
A change carries NULL for "keep" and an empty text for "clear"; a new row has no need of either.
"""

import msgspec

from repoint.db.cells import NULL, instant_cell, json_cell, json_of, text_cell
from repoint.endpoints.item import Lists
from repoint.endpoints.key import cohort
from repoint.endpoints.patch import ATTRIBUTES, NO_CELLS, Patch
from repoint.endpoints.plan import Endpoint, User, merged_lists


def new_row(application_id: str, endpoint: Endpoint, patch: Patch) -> str:
    """The line of a new endpoint, columns in the order of `copy_endpoints`."""
    cells = patch.cells or NO_CELLS
    if patch.takes_away or "\t\t" in cells or cells.endswith("\t"):
        cells = _as_new(cells)
    created = instant_cell(endpoint.created_us)
    effective = created if endpoint.effective_us == endpoint.created_us else instant_cell(endpoint.effective_us)
    return (
        f"{application_id}\t{text_cell(endpoint.key)}\t{text_cell(endpoint.endpoint_id)}"
        f"\t{cohort(application_id, endpoint.key)}\t{created}"
        f"\t{endpoint.channel_type or NULL}\t{text_cell(endpoint.address)}\t{cells}"
        f"\t{_server_side(endpoint, effective)}"
    )


def _as_new(cells: str) -> str:
    """What is cleared or taken away was never there."""
    found = [cell or NULL for cell in cells.split("\t")]
    found[ATTRIBUTES] = json_cell(_text(merged_lists({}, json_of(found[ATTRIBUTES]))))
    return "\t".join(found)


def change_row(endpoint: Endpoint, patch: Patch) -> str:
    """The line of a change to a stored endpoint, columns in the order of `copy_changes`."""
    cells, removed = patch.cells or NO_CELLS, NULL
    if patch.takes_away:
        names = [name for name, values in json_of(cells.split("\t", 1)[ATTRIBUTES]).items() if not values]
        removed = json_cell(_text(names)) if names else NULL
    return (
        f"{text_cell(endpoint.key)}\t{endpoint.channel_type or NULL}\t{text_cell(endpoint.address)}"
        f"\t{removed}\t{cells}\t{_server_side(endpoint, instant_cell(endpoint.effective_us))}"
    )


def new_user(application_id: str, user: User) -> str:
    """The line of a new user, columns in the order of `copy_users`."""
    return (
        f"{application_id}\t{text_cell(user.key)}\t{text_cell(user.user_id)}\t{json_cell(_shared(user))}"
        f"\t{user.endpoint_count}\t{user.size_bound}\n"
    )


def user_change(user: User) -> str:
    """A stored user as it is now, as a JSON object for `save_users`."""
    return (
        f'{{"user_key":{_text(user.key)},"attributes":{_shared(user)}'
        f',"is_whole":{"false" if user.attributes is None else "true"}'
        f',"endpoint_count":{user.endpoint_count},"size_bound":{user.size_bound}}}'
    )


def _shared(user: User) -> str:
    """The user's attributes, or only what is merged into the stored ones, as JSON."""
    if len(user.changes) == 1 and not user.takes_away and not user.attributes:
        return user.changes[0]
    if user.attributes is not None:
        return _text(user.known())
    # Nothing is taken away here, or the user would have been loaded whole.
    merged: Lists = {}
    for change in user.changes:
        merged |= msgspec.json.decode(change)
    return _text(merged)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _server_side(endpoint: Endpoint, effective: str) -> str:
    own = endpoint.own_user_attributes
    return (
        f"{endpoint.endpoint_status}\t{endpoint.opt_out}\t{'t' if endpoint.opt_out_is_explicit else 'f'}"
        f"\t{text_cell(endpoint.user_key)}\t{json_cell(_text(own)) if own else NULL}"
        f"\t{effective}\t{text_cell(endpoint.request_id)}\t{endpoint.size_bound}\n"
    )

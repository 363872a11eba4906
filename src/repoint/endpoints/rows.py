"""Endpoints as lines of a COPY: new ones for the table itself, changes for the staging table.

Lines are text that Python joins, because handing 31 values a row to the driver took four times as long.
A change carries NULL for "keep" and an empty text for "clear"; a new row has no need of either.
"""

import msgspec

from repoint.endpoints.cells import NULL, instant_cell, json_cell, text_cell
from repoint.endpoints.key import cohort
from repoint.endpoints.patch import NO_FIELDS, Lists, Patch
from repoint.endpoints.plan import Endpoint, User, merged_lists

_NO_FIELDS = "\t".join(NO_FIELDS)


def new_row(application_id: str, endpoint: Endpoint, patch: Patch) -> str:
    """The line of a new endpoint, columns in the order of `copy_endpoints`."""
    attributes, fields = patch.attributes, patch.fields
    if attributes is not None and patch.takes_away:
        attributes = _text(merged_lists({}, _lists(attributes)))
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
        removed = _text(names) if names else None
    return (
        f"{text_cell(endpoint.key)}\t{endpoint.channel_type or NULL}\t{text_cell(endpoint.address)}"
        f"\t{json_cell(removed)}\t{json_cell(patch.attributes)}\t{json_cell(patch.metrics)}"
        f"\t{patch.fields or _NO_FIELDS}\t{_server_side(endpoint)}"
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
        merged |= _lists(change)
    return _text(merged)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _server_side(endpoint: Endpoint) -> str:
    own = endpoint.own_user_attributes
    return (
        f"{endpoint.endpoint_status}\t{endpoint.opt_out}\t{'t' if endpoint.opt_out_is_explicit else 'f'}"
        f"\t{text_cell(endpoint.user_key)}\t{json_cell(_text(own)) if own else NULL}"
        f"\t{instant_cell(endpoint.effective_us)}\t{text_cell(endpoint.request_id)}\t{endpoint.size_bound}\n"
    )


def _lists(attributes: str) -> Lists:
    found: Lists = msgspec.json.decode(attributes)
    return found

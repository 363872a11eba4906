"""What a run of writes does to endpoints and their users: the rules of endpoints.md sections 4 to 11, in memory.

`upsert` loads the state that the patches touch, this module plays them one after the other on it, `upsert` writes back
what changed. A refused patch leaves no trace; a group of patches is applied wholly or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from repoint.contract.errors import BadRequestException, ContractError
from repoint.db.cells import NULL, json_cell, json_of, text_of
from repoint.endpoints.item import Lists
from repoint.endpoints.patch import (
    ATTRIBUTES,
    DEMOGRAPHIC_PLACES,
    LOCATION_PLACES,
    METRICS,
    MOST_BYTES,
    PUSH_CHANNELS,
    Patch,
)

MAX_ENDPOINT_BYTES = 15_360
MAX_ENDPOINTS_PER_USER = 15
# Bytes of an endpoint's JSON that no request brings: names of the members always there, dates, ids of fixed length.
FIXED_BYTES = 420

TOO_MANY_ENDPOINTS = f"Exceeded maximum endpoint per user count: {MAX_ENDPOINTS_PER_USER}"
TOO_MANY_NAMES = "Too many custom attributes"
TOO_LARGE = "Endpoint size exceeds the maximum of 15 KB"

Document = dict[str, Any]
Claim = tuple[str, str]


@dataclass(slots=True)
class Endpoint:
    """What the rules need of one endpoint, as it stands after the patches played so far; instants in microseconds."""

    key: str
    endpoint_id: str
    channel_type: str | None
    address: str | None
    endpoint_status: str
    opt_out: str
    opt_out_is_explicit: bool
    user_key: str | None
    own_user_attributes: Lists | None
    created_us: int
    request_id: str
    size_bound: int
    effective_us: int = 0
    is_new: bool = False
    # The merge of all patches played; None as long as it is untouched.
    changes: Patch | None = None
    # Loaded only where the bound does not prove that the size is within the limit; without User.UserAttributes.
    document: Document | None = None


# An endpoint of a user as the rule of the 16th sees it: when it was updated and created, and its channel.
Member = tuple[int, int, str | None]


@dataclass(slots=True)
class User:
    """A user id and what its endpoints share."""

    key: str
    user_id: str
    is_stored: bool
    endpoint_count: int = 0
    size_bound: int = 0
    # All attributes before `changes`; None when the changes are to be merged into what is stored.
    attributes: Lists | None = None
    # JSON objects to merge, in order.
    changes: list[str] = field(default_factory=list)
    takes_away: bool = False
    # By endpoint key; None when the limit cannot be reached by these patches.
    members: dict[str, Member] | None = None
    is_touched: bool = False

    def known(self) -> Lists:
        """All attributes as they are now; only for a user that was loaded whole."""
        if self.changes:
            for change in self.changes:
                self.attributes = merged_lists(self.attributes or {}, msgspec.json.decode(change))
            self.changes = []
        return self.attributes or {}


@dataclass(slots=True)
class Names:
    """The catalogue of custom attribute names, as far as these patches need it; names as in `Patch.names`."""

    limit: int
    count: int = 0
    known: set[str] = field(default_factory=set)
    new: set[str] = field(default_factory=set)
    # The names of whole patches that were found to be known.
    seen: set[tuple[str, ...]] = field(default_factory=set)

    def copy(self) -> "Names":
        """For another play of the same patches."""
        return Names(self.limit, self.count, set(self.known))


@dataclass(slots=True)
class State:
    """Everything the patches touch."""

    endpoints: dict[str, Endpoint]
    users: dict[str, User]
    names: Names
    # Channels for which a second endpoint with the same address sets the first INACTIVE; None is all of them.
    exclusive_channels: frozenset[str] | None = None
    # Keys whose sizes are counted exactly, because the bounds do not prove them to be within the limit.
    weighed: frozenset[str] = frozenset()
    # ACTIVE endpoints among `endpoints` by channel and address.
    holders: dict[Claim, list[str]] = field(default_factory=dict)
    # Who wrote an address last; whoever else holds it becomes INACTIVE.
    claims: dict[Claim, str] = field(default_factory=dict)
    # Endpoints outside `endpoints` that made room for a 16th.
    evicted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for endpoint in self.endpoints.values():
            self.hold(endpoint)

    def hold(self, endpoint: Endpoint) -> None:
        """Note an ACTIVE endpoint under its address."""
        if endpoint.address and endpoint.channel_type and endpoint.endpoint_status == "ACTIVE":
            self.holders.setdefault((endpoint.channel_type, endpoint.address), []).append(endpoint.key)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the server itself writes into an endpoint."""

    at_us: int
    request_id: str


def play(state: State, patches: Sequence[Patch], stamp: Stamp, *, is_import: bool) -> list[ContractError | None]:
    """Play the patches in order; for each None, or why it was refused."""
    outcomes: list[ContractError | None] = []
    for position, patch in enumerate(patches):
        try:
            play_one(state, patch, stamp, position, is_import=is_import)
        except ContractError as refusal:
            outcomes.append(refusal)
        else:
            outcomes.append(None)
    return outcomes


def play_one(state: State, patch: Patch, stamp: Stamp, position: int, *, is_import: bool) -> None:
    """Check one patch against the state, then change the state; raises BadRequestException before any change.

    `position` is the patch's place in the run: a microsecond a place keeps their order and shows in no answer.
    """
    stored = state.endpoints.get(patch.key)
    if is_import and _is_membership_only(stored, patch):
        return
    at_us = stamp.at_us + position
    endpoint = stored or _new_endpoint(state, patch, at_us)
    channel_type = patch.channel_type or endpoint.channel_type
    address = endpoint.address if patch.address is None else patch.address or None
    _check_address(patch, channel_type, address)
    new_names = _check_names(state.names, patch)
    target = _target_user(state, endpoint, patch)
    is_linking = target is not None and target.key != endpoint.user_key
    victim = _make_room(target, endpoint, channel_type) if target is not None and is_linking else None
    if endpoint.document is not None:
        endpoint.document = _weighed(endpoint, endpoint.document, patch, target)

    endpoint.channel_type, endpoint.address = channel_type, address
    _learn(state.names, patch, new_names)
    if victim is not None and target is not None:
        _evict(state, target, victim)
    _follow_user(state, endpoint, patch, target)
    _write_fields(endpoint, patch, patch.request_id or stamp.request_id, at_us)
    if stored is None:
        state.endpoints[endpoint.key] = endpoint
    if target is not None and target.members is not None:
        target.members[endpoint.key] = (endpoint.effective_us, endpoint.created_us, endpoint.channel_type)
    _claim_address(state, endpoint, patch)


def _new_endpoint(state: State, patch: Patch, at_us: int) -> Endpoint:
    key, endpoint_id = patch.key, patch.endpoint_id
    bound = FIXED_BYTES + MOST_BYTES * len(endpoint_id)
    document = blank_document(endpoint_id) if key in state.weighed else None
    return Endpoint(
        key,
        endpoint_id,
        channel_type=None,
        address=None,
        endpoint_status="ACTIVE",
        opt_out="ALL",
        opt_out_is_explicit=False,
        user_key=None,
        own_user_attributes=None,
        created_us=at_us,
        request_id="",
        size_bound=bound,
        is_new=True,
        document=document,
    )


def blank_document(endpoint_id: str) -> Document:
    """An endpoint of which nothing is known, with members of full length where the server fills them."""
    date = "2000-01-01T00:00:00.000Z"
    return {
        "Id": endpoint_id,
        "ApplicationId": "0" * 32,
        "EndpointStatus": "ACTIVE",
        "OptOut": "NONE",
        "Attributes": {},
        "Metrics": {},
        "User": {},
        "CohortId": "00",
        "RequestId": "0" * 36,
        "CreationDate": date,
        "EffectiveDate": date,
    }


def _is_membership_only(stored: Endpoint | None, patch: Patch) -> bool:
    """An import's row that only names an endpoint; raises when it can make none either (jobs.md section 8)."""
    if stored is None:
        if not patch.address:
            raise BadRequestException("Missing Address")
        if not patch.channel_type:
            raise BadRequestException("Missing ChannelType")
    return patch.is_bare


def _check_address(patch: Patch, channel_type: str | None, address: str | None) -> None:
    if address and not channel_type:
        raise BadRequestException("Missing ChannelType")
    if patch.opt_out == "NONE" and not address and channel_type != "IN_APP":
        raise BadRequestException("Missing Address")


def _check_names(names: Names, patch: Patch) -> list[str]:
    """The names this patch uses first; raises when the application would have too many."""
    # Rows of one file name the same attributes, so a tuple seen before is the usual case.
    if patch.names in names.seen:
        return []
    new = [name for name in patch.names if name not in names.known]
    if new and names.count + len(new) > names.limit:
        raise BadRequestException(TOO_MANY_NAMES)
    return new


def _learn(names: Names, patch: Patch, new: list[str]) -> None:
    names.seen.add(patch.names)
    if new:
        names.known.update(new)
        names.new.update(new)
        names.count += len(new)


def _target_user(state: State, endpoint: Endpoint, patch: Patch) -> User | None:
    """The user the endpoint will belong to."""
    if patch.user_id is None:
        return state.users[endpoint.user_key] if endpoint.user_key is not None else None
    return state.users[patch.user_key] if patch.user_key is not None else None


def _make_room(user: User, endpoint: Endpoint, channel_type: str | None) -> str | None:
    """The key of the endpoint that must leave so that this one may join; None when there is room."""
    if user.endpoint_count < MAX_ENDPOINTS_PER_USER:
        return None
    if channel_type not in PUSH_CHANNELS or user.members is None:
        raise BadRequestException(TOO_MANY_ENDPOINTS)
    movable = [
        (effective_us, created_us, key)
        for key, (effective_us, created_us, channel) in user.members.items()
        if channel in PUSH_CHANNELS and key != endpoint.key
    ]
    if not movable:
        raise BadRequestException(TOO_MANY_ENDPOINTS)
    return min(movable)[2]


def _evict(state: State, user: User, key: str) -> None:
    victim = state.endpoints.get(key)
    if victim is None:
        state.evicted.add(key)
    else:
        victim.endpoint_status = "INACTIVE"
        victim.user_key = None
        _forget_user(victim)
    _leave(user, key)


def _leave(user: User, key: str) -> None:
    user.is_touched = True
    user.endpoint_count -= 1
    if user.members is not None:
        user.members.pop(key, None)
    if user.endpoint_count == 0:
        # With its last endpoint a user's attributes disappear, also when it comes back in the same run.
        user.attributes, user.changes, user.size_bound = {}, [], 0


def _forget_user(endpoint: Endpoint) -> None:
    endpoint.own_user_attributes = None
    if endpoint.document is not None:
        endpoint.document["User"] = {}
    if endpoint.changes is None:
        endpoint.changes = Patch(key=endpoint.key, endpoint_id=endpoint.endpoint_id)


def _follow_user(state: State, endpoint: Endpoint, patch: Patch, target: User | None) -> None:
    """Move the endpoint to its user and share the user attributes (endpoints.md section 7)."""
    former = state.users[endpoint.user_key] if endpoint.user_key is not None else None
    leftovers = endpoint.own_user_attributes
    if former is not None and former is not target:
        _leave(former, endpoint.key)
    if target is None:
        if patch.user_id == "":
            endpoint.own_user_attributes = leftovers = None
        endpoint.user_key = None
        if patch.user_attributes is not None:
            own = merged_lists(leftovers or {}, msgspec.json.decode(patch.user_attributes))
            endpoint.own_user_attributes = own or None
            endpoint.size_bound += patch.user_size_bytes
        return
    if former is not target:
        target.is_touched = True
        target.endpoint_count += 1
        endpoint.user_key = target.key
        endpoint.own_user_attributes = None
        if leftovers:
            target.attributes = leftovers | target.known()
            target.size_bound += _json_bytes(leftovers)
    if patch.user_attributes is not None:
        target.is_touched = True
        target.changes.append(patch.user_attributes)
        target.takes_away |= patch.takes_away
        target.size_bound += patch.user_size_bytes


def merged_lists(stored: Lists, changes: Lists) -> Lists:
    """Lists replaced by name; an empty list removes its name (endpoints.md section 6)."""
    return {name: values for name, values in (stored | changes).items() if values}


def _write_fields(endpoint: Endpoint, patch: Patch, request_id: str, at_us: int) -> None:
    endpoint.endpoint_status = patch.endpoint_status or "ACTIVE"
    if patch.opt_out is not None:
        endpoint.opt_out, endpoint.opt_out_is_explicit = patch.opt_out, True
    elif not endpoint.opt_out_is_explicit:
        endpoint.opt_out = "NONE" if endpoint.address else "ALL"
    endpoint.effective_us = at_us if patch.effective_at is None else microseconds(patch.effective_at)
    endpoint.request_id = request_id
    if endpoint.document is None:
        endpoint.size_bound += patch.size_bytes
    endpoint.changes = patch if endpoint.changes is None else _combined(endpoint.changes, patch)


def microseconds(at: datetime) -> int:
    """Since 1970; exact, which a float of seconds is not."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def _combined(earlier: Patch, later: Patch) -> Patch:
    """One patch that does what the two do one after the other; only what is merged into stored columns matters."""
    return Patch(
        key=earlier.key,
        endpoint_id=earlier.endpoint_id,
        cells=_both(earlier.cells, later.cells),
        takes_away=earlier.takes_away or later.takes_away,
    )


def _both(earlier: str | None, later: str | None) -> str | None:
    if earlier is None or later is None:
        return earlier if later is None else later
    before, after = earlier.split("\t"), later.split("\t")
    cells = [old if new == NULL else new for old, new in zip(before, after, strict=True)]
    for place in (ATTRIBUTES, METRICS):
        merged = json_of(before[place]) | json_of(after[place])
        cells[place] = json_cell(msgspec.json.encode(merged).decode())
    return "\t".join(cells)


def _claim_address(state: State, endpoint: Endpoint, patch: Patch) -> None:
    """An ACTIVE endpoint written with an address sets the others that hold it INACTIVE (endpoints.md section 11)."""
    if endpoint.endpoint_status != "ACTIVE" or not endpoint.address or not endpoint.channel_type:
        return
    claim = (endpoint.channel_type, endpoint.address)
    is_exclusive = state.exclusive_channels is None or endpoint.channel_type in state.exclusive_channels
    if not patch.address or not is_exclusive:
        state.hold(endpoint)
        return
    for key in state.holders.get(claim, ()):
        other = state.endpoints[key]
        if key != endpoint.key and (other.channel_type, other.address) == claim:
            other.endpoint_status = "INACTIVE"
            if other.changes is None:
                other.changes = Patch(key=key, endpoint_id=other.endpoint_id)
    state.holders[claim] = [endpoint.key]
    state.claims[claim] = endpoint.key


def _weighed(endpoint: Endpoint, stored: Document, patch: Patch, target: User | None) -> Document:
    """The document after the patch, without User.UserAttributes; raises when with them it is too large."""
    document = _merged_document(stored, patch)
    document["User"] = {"UserId": target.user_id} if target is not None else {}
    known = (endpoint.own_user_attributes or {}) if patch.user_id != "" else {}
    if target is not None:
        known = known | target.known()
    shared = merged_lists(known, msgspec.json.decode(patch.user_attributes or "{}"))
    whole = document | ({"User": document["User"] | {"UserAttributes": shared}} if shared else {})
    if _json_bytes(whole) > MAX_ENDPOINT_BYTES:
        raise BadRequestException(TOO_LARGE)
    # The user's attributes have a bound of their own; an endpoint's own ones have none.
    endpoint.size_bound = FIXED_BYTES + _json_bytes(document if target is not None else whole)
    return document


def _merged_document(stored: Document, patch: Patch) -> Document:
    document = dict(stored)
    if patch.cells is not None:
        cells = patch.cells.split("\t")
        document["Attributes"] = merged_lists(document["Attributes"], json_of(cells[ATTRIBUTES]))
        document["Metrics"] = document["Metrics"] | json_of(cells[METRICS])
        for member, places in (("Demographic", DEMOGRAPHIC_PLACES), ("Location", LOCATION_PLACES)):
            mentioned = {name: text_of(cells[place]) for name, place in places.items() if cells[place] != NULL}
            if mentioned:
                merged = {**document.get(member, {}), **mentioned}
                document[member] = {name: value for name, value in merged.items() if value != ""}
    texts = {"Address": patch.address, "ChannelType": patch.channel_type, "RequestId": patch.request_id}
    return document | {member: text for member, text in texts.items() if text is not None}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _json_bytes(value: object) -> int:
    return len(msgspec.json.encode(value))

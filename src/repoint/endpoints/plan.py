"""What a run of writes does to endpoints and their users: the rules of endpoints.md sections 4 to 11, in memory.

`upsert` loads the state that the patches touch, this module plays them one after the other on it, `upsert` writes back
what changed. A refused patch leaves no trace; a group of patches is applied wholly or not at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from repoint.contract.errors import BadRequestException, ContractError
from repoint.endpoints.key import user_key
from repoint.endpoints.patch import PUSH_CHANNELS, Lists, Patch

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
    """What the rules need of one endpoint, as it stands after the patches played so far."""

    key: str
    endpoint_id: str
    is_new: bool
    created_at: datetime
    effective_at: datetime
    channel_type: str | None = None
    address: str | None = None
    endpoint_status: str = "ACTIVE"
    opt_out: str = "ALL"
    opt_out_is_explicit: bool = False
    user_key: str | None = None
    own_user_attributes: Lists | None = None
    request_id: str = ""
    size_bound: int = FIXED_BYTES
    # The merge of all patches played; None as long as it is untouched.
    changes: Patch | None = None
    # Loaded only where the bound does not prove that the size is within the limit; without User.UserAttributes.
    document: Document | None = None


@dataclass(slots=True)
class Member:
    """An endpoint of a user as the rule of the 16th sees it."""

    channel_type: str | None
    effective_at: datetime
    created_at: datetime


@dataclass(slots=True)
class User:
    """A user id and what its endpoints share."""

    key: str
    user_id: str
    is_stored: bool
    endpoint_count: int = 0
    size_bound: int = 0
    # All attributes; None when only `changes` are to be merged into what is stored.
    attributes: Lists | None = None
    changes: Lists = field(default_factory=dict)
    # By endpoint key; None when the limit cannot be reached by these patches.
    members: dict[str, Member] | None = None
    is_touched: bool = False


@dataclass(slots=True)
class Names:
    """The catalogue of custom attribute names, as far as these patches need it, one set a type."""

    limit: int
    count: int
    known: dict[str, set[str]]


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
    # Whoever else holds one of these becomes INACTIVE.
    claims: set[Claim] = field(default_factory=set)
    # Endpoints outside `endpoints` that made room for a 16th.
    evicted: set[str] = field(default_factory=set)
    new_names: set[tuple[str, str]] = field(default_factory=set)

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

    at: datetime
    request_id: str

    def after(self, position: int) -> "Stamp":
        """The stamp of a later patch of the run: a microsecond a place keeps their order and shows in no answer."""
        return Stamp(self.at + timedelta(microseconds=position), self.request_id)


def play(state: State, patches: Sequence[Patch], stamp: Stamp, *, is_import: bool) -> list[ContractError | None]:
    """Play the patches in order; for each None, or why it was refused."""
    outcomes: list[ContractError | None] = []
    for position, patch in enumerate(patches):
        try:
            play_one(state, patch, stamp.after(position), is_import=is_import)
        except ContractError as refusal:
            outcomes.append(refusal)
        else:
            outcomes.append(None)
    return outcomes


def play_one(state: State, patch: Patch, stamp: Stamp, *, is_import: bool) -> None:
    """Check one patch against the state, then change the state; raises BadRequestException before any change."""
    stored = state.endpoints.get(patch.key)
    if is_import and _is_membership_only(stored, patch):
        return
    endpoint = stored or _new_endpoint(state, patch, stamp)
    channel_type = patch.channel_type or endpoint.channel_type
    address = endpoint.address if patch.address is None else patch.address or None
    _check_address(patch, channel_type, address)
    new_names = _check_names(state.names, patch)
    target = _target_user(state, endpoint, patch)
    is_linking = target is not None and target.key != endpoint.user_key
    victim = _make_room(target, endpoint, channel_type) if target is not None and is_linking else None
    document = _check_size(endpoint, patch, target, stamp)

    endpoint.channel_type, endpoint.address, endpoint.document = channel_type, address, document
    _learn(state, new_names)
    if victim is not None and target is not None:
        _evict(state, target, victim)
    _follow_user(state, endpoint, patch, target)
    _write_fields(endpoint, patch, stamp)
    if stored is None:
        state.endpoints[endpoint.key] = endpoint
    if target is not None and target.members is not None:
        target.members[endpoint.key] = Member(endpoint.channel_type, endpoint.effective_at, endpoint.created_at)
    _claim_address(state, endpoint, patch)


def _new_endpoint(state: State, patch: Patch, stamp: Stamp) -> Endpoint:
    endpoint = Endpoint(patch.key, patch.endpoint_id, is_new=True, created_at=stamp.at, effective_at=stamp.at)
    endpoint.size_bound += len(patch.endpoint_id)
    if patch.key in state.weighed:
        endpoint.document = blank_document(patch.endpoint_id, stamp.request_id)
    return endpoint


def blank_document(endpoint_id: str, request_id: str) -> Document:
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
        "RequestId": request_id,
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


def _check_names(names: Names, patch: Patch) -> list[tuple[str, str]]:
    """The names this patch uses first; raises when the application would have too many."""
    new = []
    for kind, values in named_values(patch):
        known = names.known[kind]
        if not values.keys() <= known:
            # An empty list takes a value away, so it brings no name; a metric is a number, never empty.
            new += [(kind, name) for name, value in values.items() if name not in known and value != []]
    if new and names.count + len(new) > names.limit:
        raise BadRequestException(TOO_MANY_NAMES)
    return new


def named_values(patch: Patch) -> Iterable[tuple[str, dict[str, Any]]]:
    """The custom attributes of a patch, each with the attribute type that RemoveAttributes knows it by."""
    if patch.attributes:
        yield "endpoint-custom-attributes", patch.attributes
    if patch.metrics:
        yield "endpoint-metric-attributes", patch.metrics
    if patch.user_attributes:
        yield "endpoint-user-attributes", patch.user_attributes


def _learn(state: State, new_names: list[tuple[str, str]]) -> None:
    for kind, name in new_names:
        state.names.known[kind].add(name)
        state.names.count += 1
        state.new_names.add((kind, name))


def _target_user(state: State, endpoint: Endpoint, patch: Patch) -> User | None:
    """The user the endpoint will belong to."""
    if patch.user_id is None:
        return state.users[endpoint.user_key] if endpoint.user_key is not None else None
    return state.users[user_key(patch.user_id)] if patch.user_id else None


def _make_room(user: User, endpoint: Endpoint, channel_type: str | None) -> str | None:
    """The key of the endpoint that must leave so that this one may join; None when there is room."""
    if user.endpoint_count < MAX_ENDPOINTS_PER_USER:
        return None
    if channel_type not in PUSH_CHANNELS or user.members is None:
        raise BadRequestException(TOO_MANY_ENDPOINTS)
    movable = [
        (member.effective_at, member.created_at, key)
        for key, member in user.members.items()
        if member.channel_type in PUSH_CHANNELS and key != endpoint.key
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
        user.attributes, user.changes, user.size_bound = {}, {}, 0


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
        if patch.user_attributes:
            endpoint.own_user_attributes = merged_lists(leftovers or {}, patch.user_attributes)
            endpoint.size_bound += patch.user_size_bytes
        return
    if former is not target:
        target.is_touched = True
        target.endpoint_count += 1
        endpoint.user_key = target.key
        endpoint.own_user_attributes = None
        if leftovers:
            target.attributes = leftovers | (target.attributes or {})
            target.size_bound += _json_bytes(leftovers)
    if patch.user_attributes:
        _share(target, patch)


def _share(user: User, patch: Patch) -> None:
    assert patch.user_attributes is not None  # noqa: S101 - tells the type checker what the caller saw
    user.is_touched = True
    user.size_bound += patch.user_size_bytes
    if user.attributes is None:
        user.changes |= patch.user_attributes
    else:
        user.attributes = merged_lists(user.attributes, patch.user_attributes)


def merged_lists(stored: Lists, changes: Lists) -> Lists:
    """Lists replaced by name; an empty list removes its name (endpoints.md section 6)."""
    return {name: values for name, values in (stored | changes).items() if values}


def _write_fields(endpoint: Endpoint, patch: Patch, stamp: Stamp) -> None:
    endpoint.endpoint_status = patch.endpoint_status or "ACTIVE"
    if patch.opt_out is not None:
        endpoint.opt_out, endpoint.opt_out_is_explicit = patch.opt_out, True
    elif not endpoint.opt_out_is_explicit:
        endpoint.opt_out = "NONE" if endpoint.address else "ALL"
    endpoint.effective_at = patch.effective_at or stamp.at
    endpoint.request_id = patch.request_id or stamp.request_id
    if endpoint.document is None:
        endpoint.size_bound += patch.size_bytes
    endpoint.changes = patch if endpoint.changes is None else _combined(endpoint.changes, patch)


def _combined(earlier: Patch, later: Patch) -> Patch:
    """One patch that does what the two do one after the other; only what is merged into stored columns matters."""
    return Patch(
        key=earlier.key,
        endpoint_id=earlier.endpoint_id,
        channel_type=later.channel_type or earlier.channel_type,
        address=earlier.address if later.address is None else later.address,
        attributes=_both(earlier.attributes, later.attributes),
        metrics=_both(earlier.metrics, later.metrics),
        demographic=_both(earlier.demographic, later.demographic),
        location=_both(earlier.location, later.location),
    )


def _both(earlier: dict[str, Any] | None, later: dict[str, Any] | None) -> dict[str, Any] | None:
    if earlier is None or later is None:
        return earlier if later is None else later
    return earlier | later


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
    state.claims.add(claim)


def _check_size(endpoint: Endpoint, patch: Patch, target: User | None, stamp: Stamp) -> Document | None:
    """The merged document where sizes are counted exactly, None where bounds suffice; raises when it is too large."""
    if endpoint.document is None:
        return None
    document = _merged_document(endpoint.document, patch)
    document["RequestId"] = patch.request_id or stamp.request_id
    document["User"] = {"UserId": target.user_id} if target is not None else {}
    known = (endpoint.own_user_attributes or {}) if patch.user_id != "" else {}
    if target is not None:
        known = known | (target.attributes or {})
    shared = merged_lists(known, patch.user_attributes or {})
    whole = document | ({"User": document["User"] | {"UserAttributes": shared}} if shared else {})
    if _json_bytes(whole) > MAX_ENDPOINT_BYTES:
        raise BadRequestException(TOO_LARGE)
    endpoint.size_bound = _json_bytes(document) + FIXED_BYTES
    return document


def _merged_document(stored: Document, patch: Patch) -> Document:
    document = dict(stored)
    if patch.attributes:
        document["Attributes"] = merged_lists(document.get("Attributes", {}), patch.attributes)
    if patch.metrics:
        document["Metrics"] = document.get("Metrics", {}) | patch.metrics
    for member, fields in (("Demographic", patch.demographic), ("Location", patch.location)):
        if fields:
            merged = {name: value for name, value in (document.get(member, {}) | fields).items() if value != ""}
            document[member] = merged
    texts = {"Address": patch.address, "ChannelType": patch.channel_type}
    return document | {member: text for member, text in texts.items() if text is not None}


_encoder = msgspec.json.Encoder()


def _json_bytes(value: object) -> int:
    return len(_encoder.encode(value))

"""Reading what a run of patches touches, in as few statements as its size allows."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries
from repoint.endpoints.item import Lists
from repoint.endpoints.patch import MOST_BYTES, Patch
from repoint.endpoints.plan import (
    FIXED_BYTES,
    MAX_ENDPOINT_BYTES,
    MAX_ENDPOINTS_PER_USER,
    Document,
    Endpoint,
    Names,
    State,
    User,
)

Q = load_queries("repoint.endpoints")


@dataclass(slots=True)
class Needs:
    """Which of the stored rows must be read whole, because light ones cannot decide."""

    # Endpoints whose size the bounds do not prove to be within the limit.
    weighed: set[str] = field(default_factory=set)
    # Users whose attributes must be known, not only changed.
    whole_users: set[str] = field(default_factory=set)
    # Users who might get a 16th endpoint.
    crowded: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Rows as read; `state` makes the objects that a play changes, anew at each call."""

    # In the order of Endpoint's fields, up to its size_bound.
    endpoints: list[tuple[Any, ...]]
    # user_key, user_id, endpoint_count, size_bound.
    users: list[tuple[Any, ...]]
    user_ids: dict[str, str]
    names: Names
    needs: Needs
    documents: dict[str, str]
    attributes: dict[str, Lists]
    # user_key, endpoint_key, effective_us, created_us, channel_type.
    members: list[tuple[Any, ...]]

    def state(self, exclusive_channels: frozenset[str] | None) -> State:
        """A state of its own for one play."""
        endpoints = {row[0]: Endpoint(*row) for row in self.endpoints}
        for key, document in self.documents.items():
            endpoints[key].document = _light(document)
        return State(endpoints, self._users(), self.names.copy(), exclusive_channels, frozenset(self.needs.weighed))

    def _users(self) -> dict[str, User]:
        # A user that is not stored has no attributes, so it is known whole.
        users = {key: User(key, user_id, is_stored=False, attributes={}) for key, user_id in self.user_ids.items()}
        for key, user_id, count, bound in self.users:
            users[key] = User(key, user_id, True, count, bound, self.attributes.get(key))  # noqa: FBT003 - is_stored
        for key in self.needs.crowded:
            users[key].members = {}
        for key, endpoint_key, *member in self.members:
            members = users[key].members
            if members is not None:
                members[endpoint_key] = (member[0], member[1], member[2])
        return users


def ask_endpoints(application_id: str, patches: Iterable[Patch]) -> tuple[Query, dict[str, str]]:
    """The statement that reads the endpoints which the patches name."""
    return Q.stored_endpoints, {"application_id": application_id, "keys": as_json({patch.key for patch in patches})}


async def load(
    db: Db, application_id: str, patches: Sequence[Patch], endpoints: list[tuple[Any, ...]], names: Names
) -> Loaded:
    """Read what else the patches touch, `endpoints` being what `ask_endpoints` found."""
    user_ids = {patch.user_key: patch.user_id for patch in patches if patch.user_key and patch.user_id}
    linked = {row[_KEY]: row[_USER_KEY] for row in endpoints if row[_USER_KEY] is not None}
    users = await _some(db, Q.stored_users, application_id, user_ids.keys() | set(linked.values()))
    needs = _needs(patches, endpoints, users, linked)
    return Loaded(
        endpoints,
        users,
        user_ids,
        names,
        needs,
        dict(await _some(db, Q.documents_of, application_id, needs.weighed)),
        dict(await _some(db, Q.user_attributes, application_id, needs.whole_users)),
        await _some(db, Q.user_members, application_id, needs.crowded),
    )


# Places in a row of `stored_endpoints`.
_KEY, _USER_KEY, _OWN, _BOUND = 0, 7, 8, 11


async def _some(db: Db, query: Query, application_id: str, keys: set[str]) -> list[tuple[Any, ...]]:
    if not keys:
        return []
    return await db.tuples(query, {"application_id": application_id, "keys": as_json(keys)})


@dataclass(slots=True)
class _Sums:
    """What the patches of a run may add, by endpoint key and by user key."""

    growth: dict[str, int] = field(default_factory=dict)
    user_growth: dict[str, int] = field(default_factory=dict)
    # The users an endpoint belongs to at some moment of the run.
    users_of: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _needs(
    patches: Sequence[Patch], endpoints: list[tuple[Any, ...]], users: list[tuple[Any, ...]], linked: dict[str, str]
) -> Needs:
    links = Counter([patch.user_key for patch in patches if patch.user_key])
    counts = {key: count for key, _, count, _ in users}
    needs = Needs(crowded={key for key, more in links.items() if counts.get(key, 0) + more > MAX_ENDPOINTS_PER_USER})
    own = {row[_KEY] for row in endpoints if row[_OWN]}
    if not own and _are_plain(patches, endpoints, users, max(links.values(), default=0)):
        return needs
    sums = _Sums()
    for patch in patches:
        is_again = patch.key in sums.users_of
        theirs = _add(sums, patch, linked)
        if is_again or patch.key in own or (patch.takes_away and patch.user_attributes is not None):
            needs.whole_users.update(theirs)
    _weigh(needs, {row[_KEY]: row[_BOUND] for row in endpoints}, {row[0]: row[3] for row in users}, sums)
    return needs


def _are_plain(
    patches: Sequence[Patch], endpoints: list[tuple[Any, ...]], users: list[tuple[Any, ...]], most_links: int
) -> bool:
    """Whether each patch has an endpoint of its own and even the greatest of everything together is within the limit.

    Asked first because the sums by endpoint and user took a fifth of the worker's time, and files are mostly plain.
    """
    if len({patch.key for patch in patches}) < len(patches) or any(patch.takes_away for patch in patches):
        return False
    user_bytes = max([patch.user_size_bytes for patch in patches], default=0)
    # An endpoint that changes its user has the attributes of two, to each of which patches may add that name it, and
    # such of its stored endpoints as name no user.
    adding = most_links + MAX_ENDPOINTS_PER_USER
    bound = 2 * (max([row[3] for row in users], default=0) + user_bytes * adding)
    bound += max([patch.size_bytes for patch in patches], default=0) + user_bytes
    bound += max([FIXED_BYTES, *[row[_BOUND] for row in endpoints]])
    bound += MOST_BYTES * max([len(patch.key) for patch in patches], default=0)
    return bool(bound <= MAX_ENDPOINT_BYTES)


def _add(sums: _Sums, patch: Patch, linked: dict[str, str]) -> tuple[str, ...]:
    """Count one patch; the users its endpoint belongs to so far."""
    key, user = patch.key, patch.user_key
    theirs = sums.users_of.get(key)
    if theirs is None:
        theirs = (linked[key],) if key in linked else ()
    if user is not None and user not in theirs:
        theirs = (*theirs, user)
    sums.users_of[key] = theirs
    sums.growth[key] = sums.growth.get(key, 0) + patch.size_bytes + patch.user_size_bytes
    if patch.user_size_bytes:
        for each in theirs:
            sums.user_growth[each] = sums.user_growth.get(each, 0) + patch.user_size_bytes
    return theirs


def _weigh(needs: Needs, bounds: dict[str, int], user_bounds: dict[str, int], sums: _Sums) -> None:
    for key, more in sums.growth.items():
        bound = more + (bounds.get(key) or FIXED_BYTES + MOST_BYTES * len(key))
        theirs = sums.users_of[key]
        # A user's growth is that of every patch of the run, so two endpoints of one user do not hide each other's.
        for user in theirs:
            bound += user_bounds.get(user, 0) + sums.user_growth.get(user, 0)
        if bound > MAX_ENDPOINT_BYTES:
            needs.weighed.add(key)
            needs.whole_users.update(theirs)


def _light(document: str) -> Document:
    found: Document = msgspec.json.decode(document)
    found["User"] = {}
    return found

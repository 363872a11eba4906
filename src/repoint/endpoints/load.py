"""Reading what a run of patches touches, in as few statements as its size allows."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.endpoints.key import user_key
from repoint.endpoints.patch import Lists, Patch
from repoint.endpoints.plan import (
    FIXED_BYTES,
    MAX_ENDPOINT_BYTES,
    MAX_ENDPOINTS_PER_USER,
    Document,
    Endpoint,
    Member,
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

    endpoints: list[Row]
    users: list[Row]
    user_ids: dict[str, str]
    names: Names
    needs: Needs
    documents: dict[str, str]
    attributes: dict[str, Lists]
    members: list[Row]

    def state(self, exclusive_channels: frozenset[str] | None) -> State:
        """A state of its own for one play."""
        return State(
            {row["endpoint_key"]: self._endpoint(row) for row in self.endpoints},
            self._users(),
            Names(self.names.limit, self.names.count, {kind: set(known) for kind, known in self.names.known.items()}),
            exclusive_channels,
            frozenset(self.needs.weighed),
        )

    def _endpoint(self, row: Row) -> Endpoint:
        key = row["endpoint_key"]
        document = self.documents.get(key)
        return Endpoint(is_new=False, document=_light(document) if document else None, key=key, **_without_key(row))

    def _users(self) -> dict[str, User]:
        # A user that is not stored has no attributes, so it is known whole.
        users = {key: User(key, user_id, is_stored=False, attributes={}) for key, user_id in self.user_ids.items()}
        for row in self.users:
            key = row["user_key"]
            users[key] = User(
                key,
                row["user_id"],
                is_stored=True,
                endpoint_count=row["endpoint_count"],
                size_bound=row["size_bound"],
                attributes=self.attributes.get(key),
            )
        for key in self.needs.crowded:
            users[key].members = {}
        for row in self.members:
            members = users[row["user_key"]].members
            if members is not None:
                members[row["endpoint_key"]] = Member(row["channel_type"], row["effective_at"], row["created_at"])
        return users


async def load(db: Db, application_id: str, patches: Sequence[Patch], names: Names) -> Loaded:
    """Read the endpoints and users that `patches` touch."""
    keys = list({patch.key for patch in patches})
    endpoints = await db.rows(Q.stored_endpoints, {"application_id": application_id, "keys": keys})
    user_ids = {user_key(patch.user_id): patch.user_id for patch in patches if patch.user_id}
    linked = {row["endpoint_key"]: row["user_key"] for row in endpoints if row["user_key"] is not None}
    users: list[Row] = []
    if user_ids or linked:
        asked = list(user_ids.keys() | set(linked.values()))
        users = await db.rows(Q.stored_users, {"application_id": application_id, "keys": asked})
    needs = _needs(patches, endpoints, users, linked)
    return Loaded(
        endpoints,
        users,
        user_ids,
        names,
        needs,
        await _documents(db, application_id, needs),
        await _attributes(db, application_id, needs),
        await _members(db, application_id, needs),
    )


@dataclass(slots=True)
class _Sums:
    """What the patches of a run may add, by endpoint key and by user key."""

    growth: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    user_growth: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    # The users an endpoint belongs to at some moment of the run.
    users_of: dict[str, set[str]] = field(default_factory=dict)


def _needs(patches: Sequence[Patch], endpoints: list[Row], users: list[Row], linked: dict[str, str]) -> Needs:
    needs = Needs()
    links = Counter(user_key(patch.user_id) for patch in patches if patch.user_id)
    counts = {row["user_key"]: row["endpoint_count"] for row in users}
    needs.crowded = {key for key, more in links.items() if counts.get(key, 0) + more > MAX_ENDPOINTS_PER_USER}
    own = {row["endpoint_key"] for row in endpoints if row["own_user_attributes"]}
    sums = _Sums()
    for patch in patches:
        is_again = patch.key in sums.users_of
        theirs = _add(sums, patch, linked)
        if is_again or patch.key in own or _takes_away(patch):
            needs.whole_users |= theirs
    _weigh(needs, endpoints, users, sums)
    return needs


def _add(sums: _Sums, patch: Patch, linked: dict[str, str]) -> set[str]:
    """Count one patch; the users its endpoint belongs to so far."""
    sums.growth[patch.key] += patch.size_bytes + patch.user_size_bytes
    theirs = sums.users_of.get(patch.key)
    if theirs is None:
        theirs = sums.users_of[patch.key] = {linked[patch.key]} if patch.key in linked else set()
    if patch.user_id:
        theirs.add(user_key(patch.user_id))
    if patch.user_attributes:
        for key in theirs:
            sums.user_growth[key] += patch.user_size_bytes
    return theirs


def _takes_away(patch: Patch) -> bool:
    return patch.user_attributes is not None and not all(patch.user_attributes.values())


def _weigh(needs: Needs, endpoints: list[Row], users: list[Row], sums: _Sums) -> None:
    bounds = {row["endpoint_key"]: row["size_bound"] for row in endpoints}
    user_bounds = {row["user_key"]: row["size_bound"] for row in users}
    for key, more in sums.growth.items():
        theirs = sums.users_of[key]
        # A user's growth is that of every patch of the run, so two endpoints of one user do not hide each other's.
        shared = sum(user_bounds.get(user, 0) + sums.user_growth[user] for user in theirs)
        # A new endpoint's own id counts as it stands in JSON; six bytes is the most a character can take there.
        stored = bounds.get(key) or FIXED_BYTES + 6 * len(key)
        if stored + more + shared > MAX_ENDPOINT_BYTES:
            needs.weighed.add(key)
            needs.whole_users |= theirs


async def _documents(db: Db, application_id: str, needs: Needs) -> dict[str, str]:
    if not needs.weighed:
        return {}
    found = await db.rows(Q.documents_of, {"application_id": application_id, "keys": list(needs.weighed)})
    return {row["endpoint_key"]: row["document"] for row in found}


async def _attributes(db: Db, application_id: str, needs: Needs) -> dict[str, Lists]:
    if not needs.whole_users:
        return {}
    found = await db.rows(Q.user_attributes, {"application_id": application_id, "keys": list(needs.whole_users)})
    return {row["user_key"]: row["attributes"] for row in found}


async def _members(db: Db, application_id: str, needs: Needs) -> list[Row]:
    if not needs.crowded:
        return []
    return await db.rows(Q.user_members, {"application_id": application_id, "keys": list(needs.crowded)})


def _light(document: str) -> Document:
    found: Document = msgspec.json.decode(document)
    found["User"] = {}
    return found


def _without_key(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "endpoint_key"}

"""Rows that an import lists without registering them (jobs.md section 8): snapshots in the import's segment.

The rules of writing endpoints hold for each snapshot by itself; what endpoints of an application have in common (users,
addresses, names of attributes) concerns registered endpoints alone. A row that only refers to a registered endpoint
lists it and leaves it as it is.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec

from repoint.contract.errors import ContractError
from repoint.db.cells import json_cell, text_cell
from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.endpoints import rows
from repoint.endpoints.key import user_key
from repoint.endpoints.patch import MOST_BYTES, Patch
from repoint.endpoints.plan import FIXED_BYTES, MAX_ENDPOINT_BYTES, Endpoint, Names, Stamp, State, User, play_one
from repoint.segments.imported import Imported, list_endpoints

Q = load_queries("repoint.jobs")
ENDPOINTS = load_queries("repoint.endpoints")

_LINES_AT_ONCE = 200


@dataclass(slots=True)
class _Play:
    """The snapshots that some patches touch, and what the patches do."""

    state: State
    # Keys of registered endpoints among those that a patch only refers to.
    registered: set[str]
    stored: set[str]
    written: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)

    def apply(self, patch: Patch, stamp: Stamp, position: int) -> None:
        """Raises BadRequestException, and has changed nothing then."""
        is_known = patch.key in self.state.endpoints
        if not is_known and not (patch.address and patch.channel_type) and patch.key in self.registered:
            self.listed.add(patch.key)
            return
        play_one(self.state, self._with_user_of_its_own(patch), stamp, position, is_import=True)
        if not (is_known and patch.is_bare):
            self.written.add(patch.key)
            self.listed.discard(patch.key)

    def _with_user_of_its_own(self, patch: Patch) -> Patch:
        """The patch with its user under a key that no other snapshot has, so that they share nothing."""
        if not patch.user_id or not patch.user_key:
            return patch
        key = _own_key(patch.key, patch.user_key)
        self.state.users.setdefault(key, User(key, patch.user_id, is_stored=False, attributes={}))
        return msgspec.structs.replace(patch, user_key=key)


async def define_snapshots(
    db: Db, imported: Imported, patches: Sequence[Patch], stamp: Stamp, *, registered_in: str
) -> list[ContractError | None]:
    """Apply the rows of an import to the snapshots of its segment; for each None, or why it was refused.

    `registered_in` is the application whose endpoints the rows may refer to.
    """
    play = await _load(db, imported, patches, registered_in)
    outcomes: list[ContractError | None] = []
    for position, patch in enumerate(patches):
        try:
            play.apply(patch, stamp, position)
        except ContractError as refusal:
            outcomes.append(refusal)
        else:
            outcomes.append(None)
    await _save(db, imported, play)
    return outcomes


async def _load(db: Db, imported: Imported, patches: Sequence[Patch], registered_in: str) -> _Play:
    keys = {patch.key for patch in patches}
    referring = {patch.key for patch in patches if not (patch.address and patch.channel_type)}
    _, registered, stored = await db.together(
        (ENDPOINTS.go_by_index, {}),
        (Q.registered_keys, {"application_id": registered_in, "keys": as_json(referring)}),
        (Q.stored_snapshots, imported.key | {"keys": as_json(keys)}),
    )
    state = State({}, {}, Names(limit=sys.maxsize), exclusive_channels=frozenset(), weighed=_weighed(patches))
    for row in stored:
        _take_in(state, row)
    return _Play(state, {key for (key,) in registered}, set(state.endpoints))


def _weighed(patches: Sequence[Patch]) -> frozenset[str]:
    """Keys of patches that together may make an endpoint of more bytes than one can have."""
    growth: dict[str, int] = {}
    for patch in patches:
        key = patch.key
        # The id may be longer than its key, which is cut.
        known = growth.get(key) or FIXED_BYTES + MOST_BYTES * len(patch.endpoint_id)
        growth[key] = known + patch.size_bytes + patch.user_size_bytes
    return frozenset(key for key, size_bytes in growth.items() if size_bytes > MAX_ENDPOINT_BYTES)


def _take_in(state: State, row: tuple[Any, ...]) -> None:
    """Add a row of `stored_snapshots` as if this batch had written what it holds."""
    *endpoint, cells, user_id, document = row
    snapshot = Endpoint(*endpoint)
    snapshot.is_new = True
    attributes, metrics, *texts = cells
    parts = [json_cell(attributes or "{}"), json_cell(metrics or "{}"), *map(text_cell, texts)]
    snapshot.changes = Patch(key=snapshot.key, endpoint_id=snapshot.endpoint_id, cells="\t".join(parts))
    # They are touched again so rarely that each is weighed.
    snapshot.document = msgspec.json.decode(document) | {"User": {}}
    if snapshot.user_key is not None and user_id is not None:
        key = _own_key(snapshot.key, snapshot.user_key)
        own = snapshot.own_user_attributes or {}
        state.users[key] = User(key, user_id, is_stored=False, endpoint_count=1, attributes=own)
        snapshot.user_key, snapshot.own_user_attributes = key, None
    state.endpoints[snapshot.key] = snapshot


def _own_key(snapshot_key: str, key: str) -> str:
    return f"{snapshot_key}\0{key}"


async def _save(db: Db, imported: Imported, play: _Play) -> None:
    again = play.written & play.stored
    if again:
        await db.execute(Q.delete_snapshots, imported.key | {"keys": as_json(again)})
    if play.written:
        # What was only referred to before is now defined: a key is on the list or a snapshot, never both.
        await db.execute(Q.unlist_endpoints, imported.key | {"keys": as_json(play.written)})
        # In key order, so that neighbours go to the same page of the index.
        lines = (_line(imported, play.state, play.state.endpoints[key]) for key in sorted(play.written))
        async with db.copy(Q.copy_snapshots) as copy:
            while part := "".join(islice(lines, _LINES_AT_ONCE)):
                await copy.write(part)
    if play.listed:
        await list_endpoints(db, imported, play.listed)


def _line(imported: Imported, state: State, snapshot: Endpoint) -> str:
    """The line of a snapshot, columns in the order of `copy_snapshots`."""
    assert snapshot.changes is not None  # noqa: S101 - only those that were written come here
    user_id = None
    if snapshot.user_key is not None:
        user = state.users[snapshot.user_key]
        user_id = user.user_id
        snapshot.user_key, snapshot.own_user_attributes = user_key(user_id), user.known() or None
    line = rows.new_row(imported.application_id, snapshot, snapshot.changes).removesuffix("\n")
    return f"{line}\t{imported.segment_id}\t{imported.version}\t{text_cell(user_id)}\n"

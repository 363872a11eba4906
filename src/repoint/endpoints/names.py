"""The catalogue of custom attribute names of an application (endpoints.md sections 5 and 12).

It grows with the names that are used, is recounted against the data when the limit is reached, and loses the names
that RemoveAttributes takes: their values are no longer captured.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.endpoints.patch import Patch
from repoint.endpoints.plan import Names, named_values

Q = load_queries("repoint.endpoints")

ATTRIBUTE_TYPES = ("endpoint-custom-attributes", "endpoint-metric-attributes", "endpoint-user-attributes")
_MEMBER = dict(zip(ATTRIBUTE_TYPES, ("attributes", "metrics", "user_attributes"), strict=True))

Removed = dict[str, set[str]]


async def read_names(
    db: Db, application_id: str, patches: Sequence[Patch], limit: int, now: datetime
) -> tuple[Names, Removed]:
    """Which of the names in `patches` are known and which are removed, by attribute type."""
    asked = sorted(_names_in(patches))
    names = Names(limit, 0, {kind: set() for kind in ATTRIBUTE_TYPES})
    removed: Removed = {kind: set() for kind in ATTRIBUTE_TYPES}
    if not asked:
        return names, removed
    unknown = await _read(db, application_id, asked, names, removed)
    if unknown:
        names.count = await db.value(Q.count_names, {"application_id": application_id})
        if names.count + unknown > limit and await _recount(db, application_id, now):
            return await read_names(db, application_id, patches, limit, now)
    return names, removed


def _names_in(patches: Sequence[Patch]) -> set[tuple[str, str]]:
    found: dict[str, set[str]] = {}
    for patch in patches:
        for kind, values in named_values(patch):
            found.setdefault(kind, set()).update(values)
    return {(kind, name) for kind, names in found.items() for name in names}


async def _read(db: Db, application_id: str, asked: list[tuple[str, str]], names: Names, removed: Removed) -> int:
    parameters = {
        "application_id": application_id,
        "types": [kind for kind, _ in asked],
        "names": [name for _, name in asked],
    }
    unknown = 0
    for row in await db.rows(Q.known_names, parameters):
        if row["is_removed"]:
            removed[row["attribute_type"]].add(row["name"])
        elif row["is_known"]:
            names.known[row["attribute_type"]].add(row["name"])
        else:
            unknown += 1
    return unknown


async def _recount(db: Db, application_id: str, now: datetime) -> bool:
    """Forget the names that no row carries; False when that was done a moment ago, since it reads every endpoint."""
    if await db.row(Q.may_recount, {"application_id": application_id, "now": now}) is None:
        return False
    await db.execute(Q.forget_unused_names, {"application_id": application_id})
    return True


async def learn_names(db: Db, application_id: str, new: set[tuple[str, str]]) -> None:
    """Put names used for the first time into the catalogue."""
    if new:
        learnt = sorted(new)
        parameters = {
            "application_id": application_id,
            "types": [kind for kind, _ in learnt],
            "names": [name for _, name in learnt],
        }
        await db.execute(Q.learn_names, parameters)


def captured(patch: Patch, removed: Removed) -> Patch:
    """The patch without the values of removed names."""
    for kind, values in list(named_values(patch)):
        dropped = values.keys() & removed[kind]
        if dropped:
            kept = {name: value for name, value in values.items() if name not in dropped}
            patch = msgspec.structs.replace(patch, **{_MEMBER[kind]: kept})
    return patch

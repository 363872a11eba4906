"""The catalogue of custom attribute names of an application (endpoints.md sections 5 and 12).

It grows with the names that are used, is recounted against the data when the limit is reached, and loses the names
that RemoveAttributes takes: their values are no longer captured.
"""

from collections.abc import Sequence

import msgspec

from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.endpoints.cells import instant_cell
from repoint.endpoints.load import as_json
from repoint.endpoints.patch import KINDS, Patch
from repoint.endpoints.plan import Names

Q = load_queries("repoint.endpoints")

_LETTERS = {attribute_type: letter for letter, attribute_type in KINDS.items()}


async def read_names(
    db: Db, application_id: str, patches: Sequence[Patch], limit: int, at_us: int
) -> tuple[Names, set[str]]:
    """Which of the names in `patches` are known, and which are removed."""
    asked = {name for names in {patch.names for patch in patches} for name in names}
    names = Names(limit)
    if not asked:
        return names, set()
    found = await db.rows(Q.known_names, _parameters(application_id, asked))
    removed = {_LETTERS[row["attribute_type"]] + row["name"] for row in found if row["is_removed"]}
    names.known = {_LETTERS[row["attribute_type"]] + row["name"] for row in found if not row["is_removed"]}
    unknown = len(asked) - len(found)
    if unknown:
        names.count = await db.value(Q.count_names, {"application_id": application_id})
        if names.count + unknown > limit and await _recount(db, application_id, at_us):
            return await read_names(db, application_id, patches, limit, at_us)
    return names, removed


async def _recount(db: Db, application_id: str, at_us: int) -> bool:
    """Forget the names that no row carries; False when that was done a moment ago, since it reads every endpoint."""
    if await db.row(Q.may_recount, {"application_id": application_id, "at": instant_cell(at_us)}) is None:
        return False
    await db.execute(Q.forget_unused_names, {"application_id": application_id})
    return True


async def learn_names(db: Db, application_id: str, new: set[str]) -> None:
    """Put names used for the first time into the catalogue."""
    if new:
        await db.execute(Q.learn_names, _parameters(application_id, new))


def _parameters(application_id: str, names: set[str]) -> dict[str, str]:
    ordered = sorted(names)
    return {
        "application_id": application_id,
        "types": as_json(KINDS[name[0]] for name in ordered),
        "names": as_json(name[1:] for name in ordered),
    }


def captured(patch: Patch, removed: set[str]) -> Patch:
    """The patch without the values of removed names."""
    if removed.isdisjoint(patch.names):
        return patch
    return msgspec.structs.replace(
        patch,
        attributes=_kept("a", patch.attributes, removed),
        metrics=_kept("m", patch.metrics, removed),
        user_attributes=_kept("u", patch.user_attributes, removed),
        names=tuple(name for name in patch.names if name not in removed),
    )


def _kept(kind: str, document: str | None, removed: set[str]) -> str | None:
    if document is None:
        return None
    values: dict[str, object] = msgspec.json.decode(document)
    return msgspec.json.encode({name: value for name, value in values.items() if kind + name not in removed}).decode()

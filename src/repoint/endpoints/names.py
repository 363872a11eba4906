"""The catalogue of custom attribute names of an application (endpoints.md sections 5 and 12).

It grows with the names that are used, is recounted against the data when the limit is reached, and loses the names
that RemoveAttributes takes: their values are no longer captured.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from repoint.db.cells import instant_cell, json_cell, json_of
from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries
from repoint.endpoints.patch import KINDS, Patch
from repoint.endpoints.plan import Names

Q = load_queries("repoint.endpoints")

_LETTERS = {attribute_type: letter for letter, attribute_type in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Question:
    """What a run of patches asks of the catalogue of its application."""

    application_id: str
    # Every name that gets a value.
    asked: set[str]
    limit: int
    at_us: int

    @classmethod
    def of(cls, application_id: str, patches: Iterable[Patch], limit: int, at_us: int) -> "Question":
        """About the names in these patches."""
        asked = {name for names in {patch.names for patch in patches} for name in names}
        return cls(application_id, asked, limit, at_us)

    @property
    def statement(self) -> tuple[Query, dict[str, str]]:
        """Tells which of the names are known, and which of them are removed."""
        return Q.known_names, _parameters(self.application_id, self.asked)

    async def answer(self, db: Db, found: list[tuple[str, str, bool]]) -> tuple[Names, set[str]]:
        """The catalogue made of what the statement found, and the removed names; recounts when there are too many."""
        known = {_LETTERS[attribute_type] + name for attribute_type, name, is_removed in found if not is_removed}
        removed = {_LETTERS[attribute_type] + name for attribute_type, name, is_removed in found if is_removed}
        names = Names(self.limit, known=known)
        unknown = len(self.asked) - len(found)
        if unknown:
            names.count = await db.value(Q.count_names, {"application_id": self.application_id})
            if names.count + unknown > self.limit and await _recount(db, self.application_id, self.at_us):
                return await self.answer(db, await db.tuples(*self.statement))
        return names, removed


async def _recount(db: Db, application_id: str, at_us: int) -> bool:
    """Forget the names that no row carries; False when that was done a moment ago, since it reads every endpoint."""
    if await db.row(Q.may_recount, {"application_id": application_id, "at": instant_cell(at_us)}) is None:
        return False
    await db.execute(Q.forget_unused_names, {"application_id": application_id})
    return True


def tell_names(application_id: str, new: set[str]) -> tuple[Query, dict[str, str]]:
    """The statement that puts names used for the first time into the catalogue."""
    return Q.learn_names, _parameters(application_id, new)


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
        cells=_kept_cells(patch.cells, removed),
        user_attributes=_kept(patch.user_attributes, "u", removed) if patch.user_attributes is not None else None,
        names=tuple(name for name in patch.names if name not in removed),
    )


def _kept_cells(cells: str | None, removed: set[str]) -> str | None:
    if cells is None:
        return None
    attributes, metrics, fields = cells.split("\t", 2)
    return f"{_kept_cell(attributes, 'a', removed)}\t{_kept_cell(metrics, 'm', removed)}\t{fields}"


def _kept_cell(cell: str, kind: str, removed: set[str]) -> str:
    return json_cell(_kept(msgspec.json.encode(json_of(cell)).decode(), kind, removed))


def _kept(document: str, kind: str, removed: set[str]) -> str:
    values: dict[str, object] = msgspec.json.decode(document)
    return msgspec.json.encode({name: value for name, value in values.items() if kind + name not in removed}).decode()

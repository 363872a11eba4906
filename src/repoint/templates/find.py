"""Templates as they are stored: which version is meant, and what it holds."""

from collections.abc import Iterable, Sequence

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.parameters import as_json
from repoint.db.pool import Db, Parameters
from repoint.db.queries import Query, load_queries
from repoint.resources.documents import ACCOUNT, Document
from repoint.templates.kinds import KINDS, Kind

Q = load_queries("repoint.templates")

# A version holds what was sent, and when it was sent first.
CREATED = "CreationDate"
_MOST_DIGITS = 9


async def find_template(db: Db, kind: Kind, name: str, version: str | None = None) -> Document:
    """A version of a template, the active one where none is named.

    Its content has the contract's members and CREATED. Raises NotFoundException when there is none, BadRequestException
    for what is no number.
    """
    number = None if version is None else read_version(version)
    row = await db.row(Q.get_template, named(kind, name) | {"version": number})
    if row is None:
        raise NotFoundException
    return Document(
        row["id"], ACCOUNT, row["document"], row["tags"], row["created_at"], row["modified_at"], row["version"]
    )


# Kind and name of a template, and its version; None for the active one.
Named = tuple[str, str, int | None]


async def find_existing(db: Db, wanted: Iterable[Named]) -> set[Named]:
    """Which of these there are."""
    asked = as_json(
        {"kind": KINDS[kind].resource.kind, "name": name, "version": version, "type": kind}
        for kind, name, version in wanted
    )
    rows = await db.rows(Q.existing, {"wanted": asked})
    return {(row["type"], row["name"], row["version"]) for row in rows}


def ask_active(kind: Kind, names: Sequence[str]) -> tuple[Query, Parameters]:
    """The statement that answers names and contents of these templates' active versions, as far as there are any."""
    return Q.active_versions, {"kind": kind.resource.kind, "names": list(names)}


def named(kind: Kind, name: str) -> dict[str, object]:
    """What every statement on one template is given."""
    return {"kind": kind.resource.kind, "id": name}


def read_version(version: str) -> int:
    """A version as it is named. Raises BadRequestException for what is no number from 1."""
    number = int(version) if version.isascii() and version.isdigit() and len(version) <= _MOST_DIGITS else 0
    if number < 1:
        raise BadRequestException("Invalid Version")
    return number

"""Named SQL: a room's `queries.sql` becomes an object with one attribute a statement.

A file holds blocks that start with a line `-- name --`; comment lines below it say what the statement answers.
Parameters are written `%(name)s`.
"""

import re
from dataclasses import dataclass
from importlib import resources

_HEAD = re.compile(r"^-- (\w+) --\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement, ready for `Db`."""

    name: str
    sql: str


class Queries:
    """The statements of one file, as attributes; an unknown name raises AttributeError when it is asked for."""

    def __init__(self, found: dict[str, Query]) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Query:
        try:
            return self._found[name]
        except KeyError:
            msg = f"no query named {name}"
            raise AttributeError(msg) from None


def load_queries(package: str, file: str = "queries.sql") -> Queries:
    """Read `file` of `package`; a name that stands twice is a ValueError."""
    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    parts = _HEAD.split(text)
    found: dict[str, Query] = {}
    for name, sql in zip(parts[1::2], parts[2::2], strict=True):
        if name in found:
            msg = f"{package}/{file} names {name} twice"
            raise ValueError(msg)
        found[name] = Query(name, sql.strip())
    return Queries(found)

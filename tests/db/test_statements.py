"""Every named statement is one that the server in use can plan, whichever version that is."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import repoint

SOURCE = Path(repoint.__file__).parent
_PARAMETER = re.compile(r"%\((\w+)\)s")
# What the segment compiler puts its condition into, which its own tests run.
_IS_COMPOSED = re.compile(r"\{\w+\}")
# Parts of such statements, and what works on a temporary table.
_NOT_BY_THEMSELVES = {"segments/lists", "segments/current_version", "endpoints/merge_changes"}
# Parameters whose place could be an interval's as well.
_INSTANTS = {"now", "logged_at"}
_TIMESTAMPTZ = 1184


def statements() -> Iterator[tuple[str, str]]:
    """Rooms with names, and the SQL of each."""
    for path in sorted(SOURCE.rglob("queries.sql")):
        parts = re.split(r"^-- (\w+) --\s*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name, sql in zip(parts[1::2], parts[2::2], strict=True):
            statement = f"{path.parent.relative_to(SOURCE)}/{name}"
            if not _IS_COMPOSED.search(sql) and statement not in _NOT_BY_THEMSELVES:
                yield statement, sql


def numbered(sql: str) -> tuple[bytes, list[int]]:
    """With parameters as the server knows them, and their types where they are not to be guessed."""
    names = list(dict.fromkeys(_PARAMETER.findall(sql)))
    text = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql).replace("%%", "%")
    return text.encode(), [_TIMESTAMPTZ if name in _INSTANTS else 0 for name in names]


@pytest.fixture(scope="module")
def connection(postgres_url: str, template: str) -> Iterator[psycopg.Connection]:
    """A connection to an empty, migrated database."""
    with psycopg.connect(postgres_url, dbname=template, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("sql", [pytest.param(sql, id=name) for name, sql in statements()])
def test_the_server_can_plan_it(connection: psycopg.Connection, sql: str) -> None:
    result = connection.pgconn.prepare(b"", *numbered(sql))

    told = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    # Of a parameter that says no type by its place, callers give it.
    assert told in {None, b"42P18"}, result.error_message.decode()

"""Numbered plain-SQL migrations, each applied once, in order, in a transaction of its own.

The queue's library brings its schema with it: that is applied first, from the installed package, and its own later
migrations likewise.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any, LiteralString

import psycopg

from repoint.db.queries import load_queries

Connection = psycopg.Connection[tuple[Any, ...]]

# Any number that no other advisory lock of ours uses; two starters must agree on it.
LOCK = 7_120_501

_queries = load_queries("repoint.db", "migrate.sql")


class MigrationError(Exception):
    """The database and this program's migrations do not fit together; the text tells why."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `db/migrations`: `0001_documents.sql` is number 1, name `0001_documents`."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """What tells an edited file from the one that was applied; line ends do not count."""
        return hashlib.sha256("\n".join(self.sql.splitlines()).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Status:
    """One migration and when it was applied; None when it is still to come."""

    name: str
    applied_at: str | None


def migrations() -> list[Migration]:
    """Every migration in order; a number that stands twice is a MigrationError."""
    files = _sql_files(resources.files("repoint.db").joinpath("migrations"))
    found = [Migration(int(file.name[:4]), file.name[:-4], file.read_text(encoding="utf-8")) for file in files]
    for earlier, later in pairwise(found):
        if earlier.number == later.number:
            raise MigrationError(f"{earlier.name} and {later.name} have the same number")
    return found


def migrate(url: str) -> list[str]:
    """Bring the database at `url` up to date; the names of what was applied, empty when nothing was to do.

    Several may do so at once: they take turns. Raises MigrationError when the database is newer than this program or a
    migration was edited after it had been applied, and then changes nothing.
    """
    with _locked(url) as connection:
        connection.execute(_sql(_queries.create_tables.sql))
        known = migrations()
        _check(connection, known)
        _migrate_queue(connection)
        applied = _applied(connection)
        pending = [migration for migration in known if migration.number not in applied]
        for migration in pending:
            with connection.transaction():
                connection.execute(_sql(migration.sql))
                connection.execute(_sql(_queries.record.sql), (migration.number, migration.name, migration.checksum))
        return [migration.name for migration in pending]


def status(url: str) -> list[Status]:
    """Every migration of this program with the time it was applied; changes nothing."""
    with psycopg.connect(url, autocommit=True) as connection:
        applied = _applied(connection) if _exists(connection) else {}
    return [
        Status(migration.name, applied[migration.number].applied_at if migration.number in applied else None)
        for migration in migrations()
    ]


@dataclass(frozen=True, slots=True)
class _Applied:
    name: str
    checksum: str
    applied_at: str


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        # Held by the session, over all transactions; closing the connection lets it go.
        connection.execute(_sql(_queries.lock.sql), (LOCK,))
        yield connection


def _exists(connection: Connection) -> bool:
    row = connection.execute(_sql(_queries.is_begun.sql)).fetchone()
    return row is not None and bool(row[0])


def _applied(connection: Connection) -> dict[int, _Applied]:
    rows = connection.execute(_sql(_queries.applied.sql)).fetchall()
    return {number: _Applied(name, checksum, applied_at) for number, name, checksum, applied_at in rows}


def _check(connection: Connection, known: list[Migration]) -> None:
    by_number = {migration.number: migration for migration in known}
    for number, applied in _applied(connection).items():
        migration = by_number.get(number)
        if migration is None:
            raise MigrationError(
                f"the database is newer than this program: it has {applied.name}, which is unknown here. "
                "Start the version of repoint that made it, or a later one"
            )
        if migration.checksum != applied.checksum:
            raise MigrationError(
                f"{migration.name} was edited after it had been applied on {applied.applied_at}. "
                "Undo the edit and put the change into a migration of its own"
            )


def _migrate_queue(connection: Connection) -> None:
    applied = {name for (name,) in connection.execute(_sql(_queries.queue_applied.sql)).fetchall()}
    with connection.transaction():
        if not applied:
            # The library's schema is the sum of its migrations.
            connection.execute(_sql(queue_files().joinpath("schema.sql").read_text(encoding="utf-8")))
        for file in _sql_files(queue_files().joinpath("migrations")):
            if file.name in applied:
                continue
            if applied:
                connection.execute(_sql(file.read_text(encoding="utf-8")))
            connection.execute(_sql(_queries.queue_record.sql), (file.name,))


def queue_files() -> Traversable:
    """The folder of the queue library's `schema.sql` and `migrations`."""
    return resources.files("procrastinate.sql")


def _sql_files(folder: Traversable) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)


def _sql(text: str) -> LiteralString:
    # Statements come from our own files and the library's only.
    return text

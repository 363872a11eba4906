"""Migrations on a database of their own."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from repoint.db import migrate as migrating
from repoint.db.migrate import Migration, MigrationError, migrate, migrations, status
from repoint.db.schema import SCHEMA, dump_schema
from tests.fixtures.databases import new_database


@pytest.fixture
def empty_url(postgres_url: str) -> Iterator[str]:
    with new_database(postgres_url, "template1") as url:
        yield url


def test_schema_file_is_what_the_migrations_make(database_url: str) -> None:
    # Before version 16 the server names the table of each column of a view.
    made, written = (each.replace("paces.", "") for each in (dump_schema(database_url), SCHEMA.read_text("utf-8")))
    assert made == written, "the migrations have changed: run `python -m repoint.db.schema`"


def test_migrate_applies_everything_once(empty_url: str) -> None:
    first = migrate(empty_url)
    second = migrate(empty_url)

    assert first == [migration.name for migration in migrations()]
    assert second == []


def test_two_that_start_at_once_take_turns(empty_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        applied = list(pool.map(migrate, [empty_url, empty_url]))

    assert sorted(map(len, applied)) == [0, len(migrations())]


def test_status_tells_what_is_still_to_come(empty_url: str) -> None:
    before = status(empty_url)
    migrate(empty_url)
    after = status(empty_url)

    assert all(migration.applied_at is None for migration in before)
    assert all(migration.applied_at is not None for migration in after)
    assert [migration.name for migration in before] == [migration.name for migration in migrations()]


def test_a_newer_database_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = migrations()[-1]
    monkeypatch.setattr(migrating, "migrations", lambda: migrations()[:-1])

    with pytest.raises(MigrationError, match=f"newer than this program: it has {newest.name}"):
        migrate(database_url)


def test_an_edited_migration_is_refused(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *others = migrations()
    edited = Migration(first.number, first.name, first.sql + "\nSELECT 1;")
    monkeypatch.setattr(migrating, "migrations", lambda: [edited, *others])

    with pytest.raises(MigrationError, match=f"{first.name} was edited after it had been applied"):
        migrate(database_url)


def test_line_ends_do_not_count_as_an_edit() -> None:
    unix = Migration(1, "0001_x", "SELECT 1;\nSELECT 2;\n")
    windows = Migration(1, "0001_x", "SELECT 1;\r\nSELECT 2;\r\n")

    assert unix.checksum == windows.checksum


def test_a_migration_that_fails_leaves_the_others_applied(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Migration(9999, "9999_broken", "CREATE TABLE half (x int); SELECT nonsense;")
    monkeypatch.setattr(migrating, "migrations", lambda: [*migrations(), broken])

    with pytest.raises(psycopg.errors.UndefinedColumn):
        migrate(empty_url)

    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)
        assert connection.execute("SELECT count(*) FROM migrations").fetchone() == (len(migrations()),)


def test_the_queue_schema_grows_with_its_library(
    empty_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrate(empty_url)
    tmp_path.joinpath("migrations").mkdir()
    tmp_path.joinpath("migrations", "99.00.00_01_pre_more.sql").write_text("CREATE TABLE more_queue (x int)")
    monkeypatch.setattr(migrating, "queue_files", lambda: tmp_path)

    migrate(empty_url)

    with psycopg.connect(empty_url) as connection:
        assert connection.execute("SELECT to_regclass('more_queue') IS NOT NULL").fetchone() == (True,)

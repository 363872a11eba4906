import re

from tests.fixtures.processes import Serve, repoint


def test_status_lists_what_was_applied(running: Serve) -> None:
    answer = repoint("db", "status", "--data-dir", running.folder)

    rows = [line.split("\t") for line in answer.stdout.splitlines()]
    assert rows[0][0] == "0001_documents"
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", applied) for _, applied in rows)


def test_migrate_says_when_there_is_nothing_to_do(database_url: str) -> None:
    answer = repoint("db", "migrate", "--database-url", database_url)

    assert answer.stdout == "The database is up to date.\n"


def test_a_database_that_is_away_is_told() -> None:
    answer = repoint("db", "status", "--database-url", "postgresql://nobody@localhost:1/none")

    assert answer.returncode == 1
    assert "the database does not answer" in answer.stderr
    assert "Traceback" not in answer.stderr

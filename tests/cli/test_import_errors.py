import json
import re
from pathlib import Path

import pytest

from tests.fixtures.processes import Serve


@pytest.fixture
def failed(running: Serve, fresh_app: str, tmp_path: Path) -> str:
    """The id of a job in which 150 rows failed."""
    (tmp_path / "ids.csv").write_text("Id\n" + "".join(f"nobody{n}\n" for n in range(150)))
    answer = running.repoint("import", tmp_path / "ids.csv", "--app", fresh_app)
    assert answer.returncode == 3
    told = re.search(r"… and 50 more: repoint import-errors (\w{32}) --app (\w+)", answer.stderr)
    assert told is not None
    assert told[2] == fresh_app
    return told[1]


def test_every_row_that_failed_is_printed(running: Serve, fresh_app: str, failed: str) -> None:
    answer = running.repoint("import-errors", failed, "--app", fresh_app)

    assert answer.returncode == 0, answer.stderr
    lines = answer.stdout.splitlines()
    assert len(lines) == 150
    assert lines[149].startswith("s3://repoint-imports/")
    assert lines[149].endswith("/ids.csv:151: Missing Address")


def test_json_is_an_object_a_line(running: Serve, fresh_app: str, failed: str) -> None:
    answer = running.repoint("import-errors", failed, "--app", fresh_app, "--json")

    first = json.loads(answer.stdout.splitlines()[0])
    assert (first["Line"], first["Field"], first["Reason"]) == (2, "Address", "Missing Address")


def test_an_unknown_job_is_told(running: Serve, fresh_app: str) -> None:
    answer = running.repoint("import-errors", "x", "--app", fresh_app)

    assert answer.returncode == 1
    assert "NotFoundException: Resource not found" in answer.stderr

"""`repoint api` and `repoint worker` by themselves, beside others on the same database."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.processes import CLEAN_ENVIRONMENT, Serve, repoint


@contextmanager
def started(*arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "repoint.cli.main", *map(str, arguments)],
        env=CLEAN_ENVIRONMENT | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_api_serves_the_same_database(running: Serve, fresh_app: str) -> None:
    with started("api", "--data-dir", running.folder, "--port", "0") as process:
        assert process.stdout is not None
        found = re.fullmatch(r"The API listens at (\S+)\n", process.stdout.readline())
        assert found is not None
        answer = repoint("export", "--app", fresh_app, "--endpoint-url", found[1], env=running.exports)
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)

    assert answer.returncode == 0, answer.stderr
    assert code == 0


def test_a_second_worker_starts_and_stops(running: Serve) -> None:
    with started("worker", "--data-dir", running.folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "The worker takes tasks.\n"
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        _, printed = process.communicate(timeout=30)

    assert process.returncode == 0
    assert "Traceback" not in printed


@pytest.mark.parametrize("command", ["api", "worker"])
def test_no_database_is_told(command: str, tmp_path: Path) -> None:
    answer = repoint(command, "--data-dir", tmp_path)

    assert answer.returncode == 1
    assert "no database: name one with --database-url" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("command", ["api", "worker"])
def test_a_supervised_process_ends_with_its_supervisor(command: str) -> None:
    # The supervisor's end of the pipe is closed before it has given any orders.
    answer = repoint(command, "--supervised")

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_a_master_key_of_another_folder_is_told(running: Serve) -> None:
    other = {"REPOINT_MASTER_KEY": os.urandom(32).hex()}

    answer = repoint("api", "--data-dir", running.folder, "--port", "0", env=other)

    assert answer.returncode == 1
    assert "the master key is not the one" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_a_function_that_is_not_there_is_told(command: str, tmp_path: Path) -> None:
    functions = '{"greet": "nowhere.py:handler"}'

    answer = repoint(command, "--data-dir", tmp_path / "data", env={"REPOINT_FUNCTIONS": functions}, cwd=tmp_path)

    assert answer.returncode == 1
    assert f"functions.greet.file: there is no file {tmp_path}/nowhere.py" in answer.stderr
    assert "Traceback" not in answer.stderr

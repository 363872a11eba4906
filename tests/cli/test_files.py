import random
from pathlib import Path

from tests.fixtures.processes import Serve


def test_a_file_of_several_parts_comes_back_as_it_was(running: Serve, tmp_path: Path) -> None:
    content = random.Random(1).randbytes(9_000_001)  # noqa: S311 - the same bytes every time
    (tmp_path / "big").write_bytes(content)

    put = running.repoint("files", "put", tmp_path / "big", "s3://round-trip/a/b c+d%/größe.bin")
    got = running.repoint("files", "get", "s3://round-trip/a/b c+d%/größe.bin", tmp_path / "back")

    assert (put.returncode, got.returncode) == (0, 0), put.stderr + got.stderr
    assert (tmp_path / "back").read_bytes() == content


def test_an_empty_file_is_an_object(running: Serve, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    put = running.repoint("files", "put", tmp_path / "empty", "s3://empty-file/in/")
    got = running.repoint("files", "get", "s3://empty-file/in/empty", "-")

    assert (put.returncode, got.returncode, got.stdout) == (0, 0, "")


def test_ls_lists_by_prefix(running: Serve, tmp_path: Path) -> None:
    for key in ("test/1", "test1.csv", "other"):
        (tmp_path / "file").write_text(key)
        running.repoint("files", "put", tmp_path / "file", f"s3://by-prefix/{key}")

    answer = running.repoint("files", "ls", "s3://by-prefix/test")

    rows = [line.split("\t") for line in answer.stdout.splitlines()]
    assert [(size, key) for size, _, key in rows] == [("6", "test/1"), ("9", "test1.csv")]


def test_an_object_that_there_is_not_is_told(running: Serve, tmp_path: Path) -> None:
    answer = running.repoint("files", "get", "s3://nothing-here/none", tmp_path / "none")

    assert answer.returncode == 1
    assert answer.stderr.startswith("Error: ")
    assert not (tmp_path / "none").exists()


def test_a_local_file_that_there_is_not_is_told(running: Serve, tmp_path: Path) -> None:
    answer = running.repoint("files", "put", tmp_path / "none", "s3://bucket/none")

    assert answer.returncode == 1
    assert f"{tmp_path / 'none'} cannot be read" in answer.stderr


def test_a_path_that_is_no_url_is_told(running: Serve, tmp_path: Path) -> None:
    answer = running.repoint("files", "ls", tmp_path)

    assert answer.returncode == 1
    assert "is not of the form s3://bucket/key" in answer.stderr

import gzip
import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.processes import Serve

GOOD = "Id,ChannelType,Address\na,EMAIL,a@example.com\nb,EMAIL,b@example.com\n"


def test_a_local_file_is_imported(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(GOOD)

    answer = running.repoint("import", tmp_path / "good.csv", "--app", fresh_app)

    assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr
    got = running.client().get_endpoint(ApplicationId=fresh_app, EndpointId="b")
    assert got["EndpointResponse"]["Address"] == "b@example.com"


def test_progress_is_plain_lines_without_a_terminal(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(GOOD)

    answer = running.repoint("import", tmp_path / "good.csv", "--app", fresh_app)

    lines = answer.stderr.splitlines()
    assert lines[0] == f"Uploading good.csv: {len(GOOD)} bytes"
    assert "COMPLETED: 2 processed, 0 failed, 1 of 1 pieces" in lines
    assert lines[-1].endswith("COMPLETED: 2 rows, 0 failed")
    assert "\x1b" not in answer.stderr


def test_rows_that_failed_are_printed_and_set_the_exit_code(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"Id":"a","ChannelType":"EMAIL","Address":"a@example.com"}\n{"Id":"b"\n')

    answer = running.repoint("import", tmp_path / "rows.jsonl", "--app", fresh_app)

    assert answer.returncode == 3
    assert answer.stdout.count("\n") == 1
    assert "/rows.jsonl:2: " in answer.stdout


def test_a_packed_file_is_imported(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "good.csv.gz").write_bytes(gzip.compress(GOOD.encode()))

    answer = running.repoint("import", tmp_path / "good.csv.gz", "--app", fresh_app)

    assert answer.returncode == 0, answer.stderr


def test_objects_of_a_bucket_are_imported(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(GOOD)
    running.repoint("files", "put", tmp_path / "good.csv", "s3://import-from/in/good.csv")

    answer = running.repoint("import", "s3://import-from/in/", "--format", "csv", "--app", fresh_app)

    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.splitlines()[-1].endswith("COMPLETED: 2 rows, 0 failed")


def test_a_job_that_is_refused_is_told_in_the_servers_words(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("Id,Colour\na,red\n")

    answer = running.repoint("import", tmp_path / "bad.csv", "--app", fresh_app)

    assert answer.returncode == 1
    assert "BadRequestException: Invalid header: Colour" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_an_unknown_application_is_told(running: Serve, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(GOOD)

    answer = running.repoint("import", tmp_path / "good.csv", "--app", "0" * 32)

    assert answer.returncode == 1
    assert "NotFoundException: Application not found" in answer.stderr


def test_a_name_that_tells_no_format_needs_one(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    answer = running.repoint("import", tmp_path / "people", "--app", fresh_app)

    assert answer.returncode == 1
    assert "add --format CSV or --format JSON" in answer.stderr


def test_a_job_that_failed_sets_the_exit_code(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "broken.csv").write_bytes(GOOD.encode() + b"c,EMAIL,\xff@example.com\n")

    answer = running.repoint("import", tmp_path / "broken.csv", "--app", fresh_app)

    assert answer.returncode == 1
    assert "/broken.csv: " in answer.stdout
    assert "failed: 1 of 1 pieces" in answer.stderr


def test_a_dry_run_tells_what_would_fail_and_imports_nothing(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(GOOD + "c,,\n")

    answer = running.repoint("import", tmp_path / "rows.csv", "--app", fresh_app, "--dry-run")

    assert answer.returncode == 3
    assert answer.stdout.endswith("/rows.csv:4: Missing Address\n")
    assert re.search(r"^Dry run \w{32} COMPLETED: 3 rows, 1 failed$", answer.stderr, re.MULTILINE)
    with pytest.raises(ClientError, match="NotFoundException"):
        running.client().get_endpoint(ApplicationId=fresh_app, EndpointId="a")


def test_statuses_are_kept_when_asked_and_counted_otherwise(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("Id,ChannelType,Address,EndpointStatus\na,EMAIL,a@example.com,INACTIVE\n")

    def status() -> object:
        found = running.client().get_endpoint(ApplicationId=fresh_app, EndpointId="a")
        return found["EndpointResponse"]["EndpointStatus"]

    ignored = running.repoint("import", tmp_path / "rows.csv", "--app", fresh_app)
    assert "1 rows say that they are not ACTIVE, which is ignored without --keep-status" in ignored.stderr
    assert status() == "ACTIVE"

    kept = running.repoint("import", tmp_path / "rows.csv", "--app", fresh_app, "--keep-status")
    assert "--keep-status" not in kept.stderr
    assert status() == "INACTIVE"


def test_an_import_can_make_a_segment_and_then_renew_it(running: Serve, fresh_app: str, tmp_path: Path) -> None:
    (tmp_path / "good.csv").write_text(GOOD)
    (tmp_path / "more.csv").write_text("Id,ChannelType,Address\nc,SMS,+1\n")

    made = running.repoint("import", tmp_path / "good.csv", "--app", fresh_app, "--segment-name", "Guests")
    segment = re.search(r"^Segment (\w{32})$", made.stderr, re.MULTILINE)
    assert segment is not None
    renewed = running.repoint(
        "import", tmp_path / "more.csv", "--app", fresh_app, "--segment", segment[1], "--only-segment"
    )

    assert renewed.returncode == 0, renewed.stderr
    found = running.client().get_segment(ApplicationId=fresh_app, SegmentId=segment[1])["SegmentResponse"]
    assert (found["Name"], found["Version"], found["ImportDefinition"]["ChannelCounts"]) == ("Guests", 2, {"SMS": 1})
    with pytest.raises(ClientError, match="NotFoundException"):
        running.client().get_endpoint(ApplicationId=fresh_app, EndpointId="c")

import gzip
import json
from pathlib import Path

import pytest

from tests.fixtures.processes import Serve


@pytest.fixture
def filled(running: Serve, fresh_app: str) -> str:
    """An application with two endpoints."""
    items = [{"Id": name, "ChannelType": "EMAIL", "Address": f"{name}@example.com"} for name in ("a", "b")]
    running.client().update_endpoints_batch(ApplicationId=fresh_app, EndpointBatchRequest={"Item": items})
    return fresh_app


def ids(lines: str) -> list[str]:
    """The ids of an export's lines."""
    return [json.loads(line)["Id"] for line in lines.splitlines()]


def test_an_export_to_a_file_is_unpacked(running: Serve, filled: str, tmp_path: Path) -> None:
    answer = running.repoint("export", "--app", filled, "--to", tmp_path / "all.ndjson")

    assert answer.returncode == 0, answer.stderr
    assert ids((tmp_path / "all.ndjson").read_text()) == ["a", "b"]
    assert list(tmp_path.iterdir()) == [tmp_path / "all.ndjson"]


def test_an_export_to_a_gz_stays_packed(running: Serve, filled: str, tmp_path: Path) -> None:
    answer = running.repoint("export", "--app", filled, "--to", tmp_path / "all.gz")

    assert answer.returncode == 0, answer.stderr
    assert ids(gzip.decompress((tmp_path / "all.gz").read_bytes()).decode()) == ["a", "b"]


def test_an_export_to_a_bucket_prints_its_objects(running: Serve, filled: str, tmp_path: Path) -> None:
    answer = running.repoint("export", "--app", filled, "--to", "s3://export-to/2026-11-21-10_15:03.123_UTC")

    (url,) = answer.stdout.splitlines()
    assert url.startswith("s3://export-to/2026-11-21-10_15:03.123_UTC/")
    assert url.endswith("_00000.gz")
    running.repoint("files", "get", url, tmp_path / "all.gz")
    assert ids(gzip.decompress((tmp_path / "all.gz").read_bytes()).decode()) == ["a", "b"]


def test_an_export_comes_in_again(running: Serve, filled: str, fresh_app: str, tmp_path: Path) -> None:
    running.repoint("export", "--app", filled, "--to", tmp_path / "all.json.gz")

    answer = running.repoint("import", tmp_path / "all.json.gz", "--app", fresh_app)

    assert answer.returncode == 0, answer.stderr


def test_an_unknown_application_is_told(running: Serve) -> None:
    answer = running.repoint("export", "--app", "0" * 32)

    assert answer.returncode == 1
    assert "NotFoundException: Application not found" in answer.stderr


def test_a_target_that_cannot_be_written_is_told(running: Serve, filled: str, tmp_path: Path) -> None:
    answer = running.repoint("export", "--app", filled, "--to", tmp_path / "none" / "all.gz")

    assert answer.returncode == 1
    assert "all.gz cannot be written" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_segment_is_exported(running: Serve, filled: str, tmp_path: Path) -> None:
    running.client().update_endpoint(ApplicationId=filled, EndpointId="b", EndpointRequest={"Metrics": {"Visits": 3.0}})
    dimensions = {"Metrics": {"Visits": {"ComparisonOperator": "GREATER_THAN", "Value": 2.0}}}
    created = running.client().create_segment(ApplicationId=filled, WriteSegmentRequest={"Dimensions": dimensions})
    segment = created["SegmentResponse"]["Id"]

    answer = running.repoint("export", "--app", filled, "--segment", segment, "--version", "1", "--to", tmp_path / "x")
    unknown = running.repoint("export", "--app", filled, "--segment", segment, "--version", "2", "--to", tmp_path / "y")

    assert answer.returncode == 0, answer.stderr
    assert ids((tmp_path / "x").read_text()) == ["b"]
    assert unknown.returncode == 1
    assert "NotFoundException: Resource not found" in unknown.stderr

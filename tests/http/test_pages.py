import psycopg
import pytest

from tests.fixtures.server import Raw, Serve


def test_health_says_alive(raw: Raw) -> None:
    answer = raw.send_unsigned("GET", "/healthz")

    assert (answer.status, answer.json) == (200, {"status": "alive"})


def test_ready_when_the_database_answers_and_is_migrated(raw: Raw) -> None:
    answer = raw.send_unsigned("GET", "/readyz")

    assert (answer.status, answer.json) == (200, {"status": "ready"})


def test_not_ready_while_a_migration_is_missing(raw: Raw, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM migrations WHERE name = '0002_keys'")

    answer = raw.send_unsigned("GET", "/readyz")

    assert answer.status == 503
    assert answer.json == {"status": "not ready", "reason": "1 migrations are missing, run: repoint db migrate"}


def test_pages_answer_head(raw: Raw) -> None:
    answer = raw.send_unsigned("HEAD", "/healthz")

    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_pages_are_read_only(raw: Raw, path: str) -> None:
    answer = raw.send_unsigned("POST", path)

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


def test_metrics_count_calls_by_operation_and_status(raw: Raw) -> None:
    raw.send("GET", "/v1/apps")
    raw.send("GET", "/v1/apps")
    raw.send("GET", "/v1/apps/x")
    raw.send_unsigned("GET", "/v1/apps")
    raw.send("GET", "/v1/nothing")

    answer = raw.send_unsigned("GET", "/metrics")

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.body.decode().splitlines()
    assert 'repoint_api_requests_total{operation="GetApps",status="200"} 2.0' in lines
    assert 'repoint_api_requests_total{operation="GetApps",status="403"} 1.0' in lines
    assert 'repoint_api_requests_total{operation="GetApp",status="404"} 1.0' in lines
    assert 'repoint_api_requests_total{operation="Unknown",status="404"} 1.0' in lines
    assert 'repoint_api_request_seconds_count{operation="GetApps"} 3.0' in lines
    assert not any("0123" in line or "/v1/" in line for line in lines)


def test_metrics_are_not_served_through_a_proxy_on_this_machine(raw: Raw) -> None:
    answer = raw.send_unsigned("GET", "/metrics", headers={"X-Forwarded-For": "192.0.2.7"})

    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "ForbiddenException")


def test_metrics_may_be_public(serve: Serve) -> None:
    raw = Raw(serve(metrics_public=True))

    assert raw.send_unsigned("GET", "/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status == 200

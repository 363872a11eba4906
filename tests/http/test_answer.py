"""Browsers: what they ask before a call, and what every answer allows them to read (protocol.md section 8)."""

import pytest

from repoint.contract.model import OPERATIONS
from tests.fixtures.server import Raw

HEADERS = {
    "content-type",
    "x-amz-date",
    "authorization",
    "x-api-key",
    "x-amz-security-token",
    "x-amz-content-sha256",
    "x-amz-user-agent",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
}


def test_preflight_needs_no_signature(raw: Raw) -> None:
    answer = raw.send_unsigned(
        "OPTIONS",
        "/v1/apps/0123456789abcdef0123456789abcdef/endpoints/a%2Fb",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "amz-sdk-request,authorization",
        },
    )

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "DELETE, GET, OPTIONS, PUT"
    assert {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")} >= HEADERS
    assert answer.headers["access-control-max-age"] == "600"
    assert "access-control-allow-credentials" not in answer.headers


def test_every_resource_answers_options(raw: Raw) -> None:
    refused = [
        model.path
        for model in OPERATIONS.values()
        if raw.send_unsigned("OPTIONS", model.path.replace("{", "").replace("}", "")).status != 200
    ]

    assert refused == []


@pytest.mark.parametrize("path", ["/v1/nothing", "/", "/repoint/v1/keys"])
def test_other_paths_answer_options_too(raw: Raw, path: str) -> None:
    assert raw.send_unsigned("OPTIONS", path).status == 200


def test_refusal_of_a_signature_can_be_read_by_browsers(raw: Raw) -> None:
    answer = raw.send_unsigned("GET", "/v1/apps")

    assert answer.headers["access-control-allow-origin"] == "*"

"""The signature stage over real HTTP: every row of auth.md section 2, and who is told what first."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from repoint.contract.model import OPERATIONS
from tests.contract.samples import input_shape, operation_names, sample
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Key, Raw, Serve, Server, make_client

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
UNKNOWN = "The security token included in the request is invalid."


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def with_key(server: Server, **parts: str) -> Any:
    key = Key(**({"access_key_id": server.key.access_key_id, "secret": server.key.secret} | parts))
    return make_client(Server(server.settings, server.port, key))


def test_right_key_is_never_refused(client: Any) -> None:
    refused = []

    for name in operation_names():
        method = next(m for m, n in client.meta.method_to_api_mapping.items() if n == name)
        try:
            getattr(client, method)(**sample(input_shape(name)))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 405):
                refused.append(name)

    assert refused == []
    assert len(operation_names()) == len(OPERATIONS) == 122


def test_unsigned_call_is_told_so(raw: Raw) -> None:
    answer = raw.send_unsigned("GET", "/v1/apps")

    assert answer.status == 403
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == {"message": "Missing Authentication Token"}


@pytest.mark.parametrize("authorization", ["Basic dTpw", "Bearer x"])
def test_other_kinds_of_authorization_count_as_none(raw: Raw, authorization: str) -> None:
    answer = raw.send_unsigned("GET", "/v1/apps", headers={"Authorization": authorization})

    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_incomplete_signature_lists_what_is_missing(raw: Raw) -> None:
    answer = raw.send_unsigned("GET", "/v1/apps", headers={"Authorization": "AWS4-HMAC-SHA256 Credential=a"})

    assert answer.status == 403
    assert answer.headers["x-amzn-errortype"] == "IncompleteSignatureException"
    assert answer.json == {
        "message": "Authorization header requires 'SignedHeaders' parameter. Authorization header requires 'Signature' "
        "parameter. Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
    }


def test_unknown_key_is_refused(server: Server) -> None:
    client = with_key(server, access_key_id="AKIAUNKNOWNUNKNOWNUN")

    assert refusal(client.get_apps) == (403, "UnrecognizedClientException", UNKNOWN)


def test_temporary_key_that_was_never_given_out_is_refused(server: Server) -> None:
    client = with_key(server, access_key_id="ASIAUNKNOWNUNKNOWNUN")

    assert refusal(client.get_apps) == (403, "UnrecognizedClientException", UNKNOWN)


def test_wrong_secret_is_refused(server: Server) -> None:
    client = with_key(server, secret="wrong")

    assert refusal(client.get_apps) == (403, "InvalidSignatureException", MISMATCH)


def test_debug_switch_tells_what_was_signed(serve: Serve) -> None:
    client = with_key(serve(debug_signatures=True), secret="wrong")

    told = refusal(client.get_apps).message

    assert told.startswith(f"{MISMATCH}\n\nThe Canonical String for this request should have been\n'GET\n/v1/apps\n")


@pytest.mark.parametrize("seconds", [-299, 0, 299])
def test_clock_within_five_minutes_is_accepted(raw: Raw, seconds: int) -> None:
    assert raw.send("GET", "/v1/apps", at=ago(seconds=seconds)).status == 200


@pytest.mark.parametrize(("seconds", "begins"), [(301, "Signature expired: "), (-302, "Signature not yet current: ")])
def test_clock_beyond_five_minutes_is_refused(raw: Raw, seconds: int, begins: str) -> None:
    answer = raw.send("GET", "/v1/apps", at=ago(seconds=seconds))

    assert answer.status == 403
    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert answer.json["message"].startswith(begins)
    assert answer.json["message"].endswith("5 min.)")
    assert "date" in answer.headers, "SDKs correct their clock by it"


def test_unknown_key_is_told_before_a_wrong_clock(raw: Raw) -> None:
    raw.key = Key("AKIAUNKNOWNUNKNOWNUN", "x")

    assert raw.send("GET", "/v1/apps", at=ago(days=1)).json == {"message": UNKNOWN}


def test_wrong_clock_is_told_before_a_wrong_signature(raw: Raw) -> None:
    raw.key = Key(raw.key.access_key_id, "wrong")

    assert raw.send("GET", "/v1/apps", at=ago(days=1)).json["message"].startswith("Signature expired: ")


def test_region_that_is_not_served_is_refused(raw: Raw) -> None:
    answer = raw.send("GET", "/v1/apps", region="eu-west-1")

    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"
    assert answer.json == {"message": "Credential should be scoped to a valid region."}


def test_each_region_of_the_settings_is_served(serve: Serve) -> None:
    raw = Raw(serve(regions=("us-east-1", "eu-west-1")))

    made = raw.send("POST", "/v1/apps", {"Name": "shop"}, region="eu-west-1")

    assert made.json["Arn"].startswith("arn:aws:mobiletargeting:eu-west-1:000000000000:apps/")


def test_other_service_is_refused(raw: Raw) -> None:
    answer = raw.send("GET", "/v1/apps", service="pinpoint")

    assert answer.json == {"message": "Credential should be scoped to correct service: 'mobiletargeting'."}


def test_changed_body_is_refused(raw: Raw) -> None:
    headers = raw.sign("POST", "/v1/apps", b'{"Name":"a"}')

    answer = raw.send_unsigned("POST", "/v1/apps", b'{"Name":"b"}', headers=headers)

    assert answer.json == {"message": MISMATCH}


def test_any_host_is_served(raw: Raw) -> None:
    headers = raw.sign("GET", "/v1/apps", headers={"Host": "pinpoint.us-east-1.amazonaws.com"})

    assert raw.send_unsigned("GET", "/v1/apps", headers=headers).status == 200


def test_session_token_of_an_ordinary_key_is_tolerated(raw: Raw) -> None:
    assert raw.send("GET", "/v1/apps", headers={"X-Amz-Security-Token": "anything"}).status == 200


def test_encoded_arn_verifies(raw: Raw) -> None:
    made = raw.send("POST", "/v1/apps", {"Name": "shop", "tags": {"a": "b"}}).json
    arn = made["Arn"].replace(":", "%3A").replace("/", "%2F")

    assert raw.send("GET", f"/v1/tags/{arn}").json == {"tags": {"a": "b"}}


def test_presigned_query_is_accepted(raw: Raw) -> None:
    answer = raw.send_unsigned("GET", raw.presign("GET", "/v1/apps?page-size=10"))

    assert answer.status == 200
    assert answer.json == {"Item": []}


def test_presigned_query_expires(raw: Raw) -> None:
    answer = raw.send_unsigned("GET", raw.presign("GET", "/v1/apps", expires_s=60, at=ago(seconds=62)))

    assert answer.status == 403
    assert answer.json["message"].startswith("Signature expired: ")


def test_presigned_query_outlives_five_minutes(raw: Raw) -> None:
    answer = raw.send_unsigned("GET", raw.presign("GET", "/v1/apps", expires_s=3600, at=ago(minutes=30)))

    assert answer.status == 200


def test_signature_in_header_and_query_is_a_bad_request(raw: Raw) -> None:
    target = raw.presign("GET", "/v1/apps")

    answer = raw.send("GET", target)

    assert answer.status == 400
    assert answer.headers["x-amzn-errortype"] == "BadRequestException"


@pytest.mark.parametrize("header", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"])
def test_unsigned_payload_is_refused(raw: Raw, header: str) -> None:
    answer = raw.send("GET", "/v1/apps", headers={"X-Amz-Content-SHA256": header})

    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"


def test_stranger_is_refused_before_a_body_is_awaited(raw: Raw) -> None:
    with socket.create_connection(("127.0.0.1", raw.server.port), timeout=10) as connection:
        connection.sendall(b"POST /v1/apps HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")

        assert connection.recv(65536).startswith(b"HTTP/1.1 403 ")


def test_revoked_key_fails_at_the_next_call_in_every_process(serve: Serve) -> None:
    first, second = Raw(serve()), Raw(serve())
    key = first.server.key
    second.key = key
    assert second.send("GET", "/v1/apps").status == 200

    other = Raw(second.server)
    revoked = other.send("DELETE", f"/repoint/v1/keys/{key.access_key_id}")

    assert revoked.json["Status"] == "REVOKED"
    assert first.send("GET", "/v1/apps").json == {"message": UNKNOWN}
    assert second.send("GET", "/v1/apps").json == {"message": UNKNOWN}

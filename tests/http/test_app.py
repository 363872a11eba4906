"""The five steps: order of checks, headers, and what an operation of ours may take and give."""

import json
import re
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from repoint.contract.errors import ConflictException
from repoint.discover import discover
from repoint.operation import REGISTRY, Binary, Call, Input, Output, extension
from tests.fixtures.extensions import only_here
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
APP = "/v1/apps/0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def probes() -> Iterator[None]:
    """Operations that a test can look through."""
    with only_here():

        @extension("POST", "/repoint/v1/probe/{Label}", resource="probe", one_statement=True)
        async def probe(call: Call, arguments: Input) -> Output:
            return {"Arguments": arguments, "Ip": call.source_ip, "Agent": call.user_agent, "Id": call.request_id}

        @extension("PUT", "/repoint/v1/probe-bytes", resource="probe", raw_body=True, in_steps=True)
        async def probe_bytes(_call: Call, arguments: Input) -> Output:
            return Binary("application/octet-stream", arguments["Body"][::-1])

        @extension("GET", "/repoint/v1/probe-pieces", resource="probe", in_steps=True)
        async def probe_pieces(_call: Call, arguments: Input) -> Output:
            size_bytes = int(arguments["size"]) if "size" in arguments else None
            return Binary("text/csv", _pieces(breaks="breaks" in arguments), size_bytes)

        @extension("GET", "/repoint/v1/probe-endless", resource="probe", in_steps=True)
        async def probe_endless(_call: Call, _arguments: Input) -> Output:
            return Binary("text/csv", _endless())

        @extension("DELETE", "/repoint/v1/probe-nothing", resource="probe", status=204, in_steps=True)
        async def probe_nothing(_call: Call, _arguments: Input) -> Output:
            return None

        @extension("POST", "/repoint/v1/probe-bug", resource="probe", in_steps=True)
        async def probe_bug(_call: Call, _arguments: Input) -> Output:
            raise RuntimeError("a secret detail")

        @extension("POST", "/repoint/v1/probe-conflict", resource="probe", in_steps=True)
        async def probe_conflict(_call: Call, _arguments: Input) -> Output:
            raise ConflictException("Journey changed")

        @extension("GET", "/repoint/v1/probe-large", resource="probe", in_steps=True)
        async def probe_large(_call: Call, arguments: Input) -> Output:
            return {"Item": ["x" * 1000] * int(arguments["kilobytes"])}

        yield


ENDED = threading.Event()


async def _endless() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"x" * 100_000
    finally:
        ENDED.set()


async def _pieces(*, breaks: bool) -> AsyncIterator[bytes]:
    yield b"a,b\n"
    if breaks:
        raise RuntimeError("half-way")
    yield b"1,2\n"


# Headers


def test_success_carries_the_headers_of_every_answer(raw: Raw) -> None:
    answer = raw.send("GET", "/v1/apps")

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-expose-headers"] == "x-amzn-RequestId, x-amzn-ErrorType, Date"
    assert answer.headers["cache-control"] == "no-store"
    assert UUID.fullmatch(answer.headers["x-amzn-requestid"])
    assert answer.headers["date"].endswith(" GMT")
    assert "server" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/apps/x", "/v1/nothing"])
def test_error_carries_them_too(raw: Raw, path: str) -> None:
    answer = raw.send("GET", path)

    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-amzn-errortype"] == "NotFoundException"
    assert answer.json["RequestID"] == answer.headers["x-amzn-requestid"]


def test_request_ids_of_body_and_header_are_one(raw: Raw) -> None:
    answer = raw.send("POST", "/repoint/v1/probe/x")

    assert answer.json["Id"] == answer.headers["x-amzn-requestid"]


def test_empty_answer_has_neither_type_nor_length(raw: Raw) -> None:
    answer = raw.send("DELETE", "/repoint/v1/probe-nothing")

    assert (answer.status, answer.body) == (204, b"")
    assert "content-type" not in answer.headers
    assert "content-length" not in answer.headers


# Route


def test_unknown_path_is_not_found(raw: Raw) -> None:
    answer = raw.send("GET", "/v1/nothing")

    assert (answer.status, answer.json["Message"]) == (404, "Resource not found")


def test_unknown_path_is_told_to_those_who_sign_only(raw: Raw) -> None:
    assert raw.send_unsigned("GET", "/v1/nothing").json == {"message": "Missing Authentication Token"}


@pytest.mark.parametrize("method", ["PATCH", "HEAD"])
def test_wrong_method_is_refused(raw: Raw, method: str) -> None:
    answer = raw.send(method, "/v1/apps")

    assert answer.status == 405
    assert answer.headers["x-amzn-errortype"] == "MethodNotAllowedException"
    assert answer.headers["allow"] == "GET, OPTIONS, POST"


@pytest.fixture
def _unbuilt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that has no journeys."""
    discover()
    for name in ("CreateJourney", "ListJourneys"):
        monkeypatch.delitem(REGISTRY, name)


@pytest.mark.usefixtures("_unbuilt")
def test_unbuilt_operation_answers_501(client: Any) -> None:
    told = refusal(client.list_journeys, ApplicationId="a" * 32)

    assert told == (501, "NotImplementedException", "ListJourneys is not available in this version")


# Order of checks


@pytest.mark.usefixtures("_unbuilt")
def test_broken_json_is_told_before_unbuilt(raw: Raw) -> None:
    assert raw.send("POST", f"{APP}/journeys", b"{").status == 400


@pytest.mark.usefixtures("_unbuilt")
def test_unbuilt_is_told_before_a_bad_member(raw: Raw) -> None:
    assert raw.send("POST", f"{APP}/journeys", {"Name": 1}).status == 501


def test_unknown_project_is_told_before_a_bad_member(raw: Raw) -> None:
    answer = raw.send("PUT", f"{APP}/endpoints/e", {"ChannelType": "PIGEON"})

    assert (answer.status, answer.json["Message"]) == (404, "Application not found")


def test_broken_json_is_told_before_an_unknown_project(raw: Raw) -> None:
    assert raw.send("PUT", f"{APP}/endpoints/e", b"{").status == 400


def test_bad_member_is_told_for_a_known_project(raw: Raw) -> None:
    made = raw.send("POST", "/v1/apps", {"Name": "shop"}).json

    answer = raw.send("PUT", f"/v1/apps/{made['Id']}/endpoints/e", {"ChannelType": "PIGEON"})

    assert answer.status == 400
    assert answer.json["Message"].startswith("Invalid ChannelType")


# Bugs and logs


def test_bug_answers_500_and_is_logged_once(raw: Raw) -> None:
    with capture_logs() as logs:
        answer = raw.send("POST", "/repoint/v1/probe-bug", {"Address": "ana@example.com"})

    assert answer.status == 500
    assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"
    assert answer.json == {"message": "Internal server error"}
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["A call failed"]


def test_refusal_is_logged_with_its_ids_and_nothing_personal(raw: Raw) -> None:
    with capture_logs() as logs:
        raw.send("GET", f"{APP}/endpoints/ana%40example.com")
        raw.send("POST", "/repoint/v1/probe-conflict", {"Address": "ana@example.com"})

    assert [(line["event"], line["status"], line["error"]) for line in logs] == [
        ("Refused a call", 404, "NotFoundException"),
        ("Refused a call", 409, "ConflictException"),
    ]
    assert "ana" not in json.dumps(logs)
    assert "127.0.0.1" not in json.dumps(logs)


# Operations of ours


def test_labels_go_before_parameters_and_these_before_members(raw: Raw) -> None:
    target = "/repoint/v1/probe/from%2Fpath?Label=query&B=query&B=last"

    answer = raw.send("POST", target, {"Label": "body", "B": "body", "C": [1], "D": None})

    assert answer.json["Arguments"] == {"Label": "from/path", "B": "last", "C": [1], "D": None}


@pytest.mark.parametrize("body", [b'{"a":1,"b":2,"a":1}', b'{"b":[{"a":1,"\\u0061":2}]}'])
def test_member_that_is_written_twice_is_refused(raw: Raw, body: bytes) -> None:
    answer = raw.send("POST", "/repoint/v1/probe/x", body)

    assert (answer.status, answer.json["Message"]) == (400, "a is written twice in one object")


@pytest.mark.parametrize("body", [b"[]", b"7", b"null", b"{", b'{"a":"\\u0000"}', b'{"a":' * 65 + b"1" + b"}" * 65])
def test_body_that_is_no_bounded_object_is_refused(raw: Raw, body: bytes) -> None:
    assert raw.send("POST", "/repoint/v1/probe/x", body).status == 400


@pytest.mark.parametrize("target", ["/repoint/v1/probe/%00", "/repoint/v1/probe/%FF", "/repoint/v1/probe/x?a=%00"])
def test_unreadable_text_of_the_target_is_refused(raw: Raw, target: str) -> None:
    answer = raw.send("POST", target)

    assert (answer.status, answer.json["Message"]) == (400, "Invalid character")


def test_raw_body_goes_through_untouched(raw: Raw) -> None:
    answer = raw.send("PUT", "/repoint/v1/probe-bytes", b"\x00\xff{")

    assert answer.body == b"{\xff\x00"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-length"] == "3"


def test_answer_in_pieces_is_sent_as_it_comes(raw: Raw) -> None:
    answer = raw.send("GET", "/repoint/v1/probe-pieces")

    assert answer.body == b"a,b\n1,2\n"
    assert answer.headers["content-type"] == "text/csv"
    assert answer.headers["transfer-encoding"] == "chunked"


def test_answer_in_pieces_may_tell_its_length(raw: Raw) -> None:
    answer = raw.send("GET", "/repoint/v1/probe-pieces?size=8")

    assert answer.body == b"a,b\n1,2\n"
    assert answer.headers["content-length"] == "8"


def test_answer_that_breaks_off_never_looks_whole(raw: Raw) -> None:
    target = "/repoint/v1/probe-pieces?breaks"
    request = raw.bytes_of("GET", target, raw.sign("GET", target))

    with capture_logs() as logs:
        answer = raw.send_bytes(request)

    assert answer.endswith(b"4\r\na,b\n\r\n"), "the last chunk, of length 0, is missing"
    assert [line["event"] for line in logs] == ["An answer broke off"]


def test_pieces_end_when_the_caller_hangs_up(raw: Raw) -> None:
    target = "/repoint/v1/probe-endless"
    ENDED.clear()
    with socket.create_connection(("127.0.0.1", raw.server.port), timeout=10) as connection:
        connection.sendall(raw.bytes_of("GET", target, raw.sign("GET", target)))
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
        assert not ENDED.is_set()

    assert ENDED.wait(30)


def test_answer_beyond_the_limit_is_refused(serve: Serve) -> None:
    raw = Raw(serve(body_limit_bytes=10_000))

    assert raw.send("GET", "/repoint/v1/probe-large?kilobytes=9").status == 200
    refused = raw.send("GET", "/repoint/v1/probe-large?kilobytes=11")

    assert refused.status == 413
    assert refused.headers["x-amzn-errortype"] == "PayloadTooLargeException"


# Where a call comes from


def test_forwarded_address_is_nothing_without_a_trusted_proxy(raw: Raw) -> None:
    answer = raw.send("POST", "/repoint/v1/probe/x", headers={"X-Forwarded-For": "192.0.2.7", "User-Agent": "Boto3/1"})

    assert (answer.json["Ip"], answer.json["Agent"]) == ("127.0.0.1", "Boto3/1")


def test_forwarded_address_is_believed_from_a_trusted_proxy(serve: Serve) -> None:
    raw = Raw(serve(trusted_proxies=["127.0.0.0/8"]))

    answer = raw.send("POST", "/repoint/v1/probe/x", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7"})

    assert answer.json["Ip"] == "192.0.2.7"


def test_a_body_that_is_not_read_may_be_packed_as_it_likes(raw: Raw) -> None:
    answer = raw.send("GET", "/v1/apps", b"xx", headers={"Content-Encoding": "br"})

    assert answer.status == 200

"""Bodies within their limits, however they come."""

import gzip
import resource
import socket

import pytest

from repoint.contract.errors import BadRequestException, PayloadTooLargeException
from repoint.http.body import unpack
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve

MB = 1024 * 1024
TOO_LARGE = (413, "PayloadTooLargeException", "Request body is too large")


def padded(size_bytes: int) -> bytes:
    """A body of CreateApp of just this size; unknown members are ignored."""
    bare = b'{"Name":"shop","Padding":""}'
    return bare[:-2] + b"x" * (size_bytes - len(bare)) + b'"}'


def events(size_bytes: int) -> bytes:
    bare = b'{"BatchItem":{},"Padding":""}'
    return bare[:-2] + b"x" * (size_bytes - len(bare)) + b'"}'


def head(raw: Raw, target: str, *lines: str, body: bytes = b"") -> bytes:
    """The head of a signed POST, with more lines."""
    signed = [f"{name}: {value}" for name, value in raw.sign("POST", target, body).items()]
    return "\r\n".join([f"POST {target} HTTP/1.1", *signed, *lines, "", ""]).encode()


def first_line(raw: Raw, request: bytes) -> bytes:
    """What the server says to a request whose body does not come."""
    with socket.create_connection(("127.0.0.1", raw.server.port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(65536).partition(b"\r\n")[0]


# Size


def test_body_of_the_limit_is_accepted(raw: Raw) -> None:
    assert raw.send("POST", "/v1/apps", padded(7 * MB)).status == 201


def test_body_beyond_the_limit_is_refused(raw: Raw) -> None:
    answer = raw.send("POST", "/v1/apps", padded(7 * MB + 1))

    assert answer.status == 413
    assert answer.headers["x-amzn-errortype"] == "PayloadTooLargeException"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json["Message"] == "Request body is too large"


def test_boto3_is_told_that_its_body_is_too_large(client: object) -> None:
    tags = {f"{number:05}": "x" * 256 for number in range(30_000)}

    assert refusal(client.create_app, CreateApplicationRequest={"Name": "shop", "tags": tags}) == TOO_LARGE  # type: ignore[attr-defined]  # made by boto3 as it runs


@pytest.mark.parametrize(("size_bytes", "is_refused"), [(4 * MB, False), (4 * MB + 1, True)])
def test_events_have_a_limit_of_their_own(raw: Raw, size_bytes: int, *, is_refused: bool) -> None:
    answer = raw.send("POST", "/v1/apps/0123456789abcdef0123456789abcdef/events", events(size_bytes))

    assert (answer.status == 413) is is_refused


def test_limits_are_settings(serve: Serve) -> None:
    raw = Raw(serve(body_limit_bytes=2000))

    assert raw.send("POST", "/v1/apps", padded(2000)).status == 201
    assert raw.send("POST", "/v1/apps", padded(2001)).status == 413


@pytest.mark.parametrize("length", ["8000000", "104857600"])
def test_declared_length_is_refused_before_a_byte_of_the_body(raw: Raw, length: str) -> None:
    assert (
        first_line(raw, head(raw, "/v1/apps", f"Content-Length: {length}")) == b"HTTP/1.1 413 Request Entity Too Large"
    )


def test_declared_length_is_refused_before_the_signature(raw: Raw) -> None:
    request = b"POST /v1/apps HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n"

    assert first_line(raw, request) == b"HTTP/1.1 413 Request Entity Too Large"


def test_chunked_body_is_accepted(raw: Raw) -> None:
    body = b'{"Name":"shop"}'
    request = head(raw, "/v1/apps", "Transfer-Encoding: chunked", "Connection: close", body=body)

    answer = raw.send_bytes(request + b"7\r\n" + body[:7] + b"\r\n8\r\n" + body[7:] + b"\r\n0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 201 ")


def test_chunked_body_is_refused_as_soon_as_it_is_too_large(raw: Raw) -> None:
    request = head(raw, "/v1/apps", "Transfer-Encoding: chunked", "Connection: close")
    chunk = b"100000\r\n" + b"x" * MB + b"\r\n"

    answer = raw.send_bytes(request + chunk * 9 + b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


# Expect: 100-continue


def test_caller_that_waits_for_word_gets_it(raw: Raw) -> None:
    body = b'{"Name":"shop"}'
    lines = (f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close")
    with socket.create_connection(("127.0.0.1", raw.server.port), timeout=30) as connection:
        connection.sendall(head(raw, "/v1/apps", *lines, body=body))
        word = connection.recv(25)
        connection.sendall(body)

        answer = b"".join(iter(lambda: connection.recv(65536), b""))

    assert word == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 201 ")


def test_caller_that_waits_for_word_is_refused_without_it(raw: Raw) -> None:
    request = head(raw, "/v1/apps", "Content-Length: 8000000", "Expect: 100-continue")

    assert first_line(raw, request) == b"HTTP/1.1 413 Request Entity Too Large"


# gzip


def test_packed_body_is_accepted(raw: Raw) -> None:
    packed = gzip.compress(b'{"Name":"shop"}')

    answer = raw.send("POST", "/v1/apps", packed, headers={"Content-Encoding": "gzip"})

    assert (answer.status, answer.json["Name"]) == (201, "shop")


def test_limit_counts_for_the_unpacked_body(raw: Raw) -> None:
    packed = gzip.compress(padded(7 * MB + 1))
    assert len(packed) < MB

    answer = raw.send("POST", "/v1/apps", packed, headers={"Content-Encoding": "gzip"})

    assert answer.status == 413


def test_limit_of_events_counts_for_the_unpacked_body(raw: Raw) -> None:
    target = "/v1/apps/0123456789abcdef0123456789abcdef/events"

    answer = raw.send("POST", target, gzip.compress(events(4 * MB + 1)), headers={"Content-Encoding": "gzip"})

    assert answer.status == 413


def test_bomb_is_refused_without_unpacking_it() -> None:
    bomb = gzip.compress(bytes(64 * MB)) * 32  # 2 GB in 2 MB
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(PayloadTooLargeException):
        unpack(bomb, b"gzip", 7 * MB)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kb < 64 * 1024


@pytest.mark.parametrize("encoding", [b"gzip", b"GZIP", b" x-gzip "])
def test_members_of_a_packed_body_are_joined(encoding: bytes) -> None:
    assert unpack(gzip.compress(b"ab", mtime=0) + gzip.compress(b"cd", mtime=0), encoding, 4) == b"abcd"


def test_members_count_together() -> None:
    with pytest.raises(PayloadTooLargeException):
        unpack(gzip.compress(b"ab", mtime=0) + gzip.compress(b"cd", mtime=0), b"gzip", 3)


@pytest.mark.parametrize("encoding", [b"", b"identity"])
def test_body_that_is_not_packed_stays(encoding: bytes) -> None:
    assert unpack(b"{}", encoding, 10) == b"{}"


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        gzip.compress(b"{}", mtime=0)[:-1],
        gzip.compress(b"{}", mtime=0)[:12],
        gzip.compress(b"{}", mtime=0) + b"rest",
    ],
)
def test_body_that_is_no_whole_gzip_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequestException, match="Invalid gzip body"):
        unpack(body, b"gzip", 100)


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"gzip, gzip"])
def test_other_encodings_are_refused(encoding: bytes) -> None:
    with pytest.raises(BadRequestException, match="Unsupported Content-Encoding, use gzip"):
        unpack(b"{}", encoding, 100)

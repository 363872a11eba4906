"""Callers that keep the server waiting, or never come to an end."""

import socket
import time

import pytest

from tests.fixtures.server import Raw, Serve

HEAD = b"POST /v1/apps HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n"


def waited_s(port: int, *pieces: bytes) -> tuple[float, bytes]:
    """How long the server waits for more after these pieces, and what it says then."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        started_s = time.monotonic()
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.1)
        said = b"".join(iter(lambda: connection.recv(65536), b""))
        return time.monotonic() - started_s, said


@pytest.mark.parametrize("pieces", [(), (b"POST",), (b"POST /v1/apps HTTP/1.1\r\nHo",), (HEAD[:-2],)])
def test_head_that_does_not_come_ends_the_connection(serve: Serve, pieces: tuple[bytes, ...]) -> None:
    server = serve(read_timeout_s=0.5)

    waiting_s, said = waited_s(server.port, *pieces)

    assert 0.4 < waiting_s < 5
    assert said == b""


def test_body_that_does_not_come_ends_the_connection(serve: Serve) -> None:
    raw = Raw(serve(read_timeout_s=0.5))
    signed = "".join(f"{name}: {value}\r\n" for name, value in raw.sign("POST", "/v1/apps", b'{"Name":"a"}').items())
    head = f"POST /v1/apps HTTP/1.1\r\n{signed}Content-Length: 12\r\n\r\n".encode()

    waiting_s, said = waited_s(raw.server.port, head, b'{"Name')

    assert 0.4 < waiting_s < 5
    assert said == b""


def test_slow_request_may_go_on_as_long_as_it_comes(serve: Serve) -> None:
    server = serve(read_timeout_s=0.5)

    _, said = waited_s(server.port, b"GET /hea", b"lthz HTTP", b"/1.1\r\nConne", b"ction: cl", b"ose\r\n", b"", b"\r\n")

    assert said.endswith(b'{"status":"alive"}')


def test_head_without_end_is_refused(raw: Raw) -> None:
    head = b"GET /v1/apps HTTP/1.1\r\n" + b"a: b\r\n" * 11_000

    with socket.create_connection(("127.0.0.1", raw.server.port), timeout=10) as connection:
        for start in range(0, len(head), 1000):
            connection.sendall(head[start : start + 1000])
            time.sleep(0.001)
        said = connection.recv(65536)

    assert len(head) < 67_000
    assert said.startswith(b"HTTP/1.1 400 ")


def test_large_body_beside_its_head_is_no_large_head(raw: Raw) -> None:
    head = b"POST /v1/apps HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n"

    _, said = waited_s(raw.server.port, head + b"x" * 200_000)

    assert said.startswith(b"HTTP/1.1 403 ")


def test_refused_caller_can_read_why_before_its_connection_closes(raw: Raw) -> None:
    head = b"POST /v1/apps HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\nConnection: close\r\n\r\n"

    _, said = waited_s(raw.server.port, head, *[b"x" * 2_000_000] * 10)

    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in said


def test_body_without_end_ends_the_connection(raw: Raw) -> None:
    chunk = b"400000\r\n" + bytes(0x400000) + b"\r\n"
    with socket.create_connection(("127.0.0.1", raw.server.port), timeout=10) as connection:
        connection.sendall(b"POST /v1/apps HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        said = connection.recv(65536)

        with pytest.raises(ConnectionError):
            connection.sendall(chunk * 32)

    assert said.startswith(b"HTTP/1.1 403 ")


def test_idle_connection_of_a_refused_caller_ends(serve: Serve) -> None:
    server = serve(read_timeout_s=0.5)
    head = b"POST /v1/apps HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"

    waiting_s, said = waited_s(server.port, head, b"0123456789")

    assert 0.4 < waiting_s < 5
    assert said.startswith(b"HTTP/1.1 403 ")


def test_requests_in_a_row_on_one_connection_are_all_answered(raw: Raw) -> None:
    page = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"

    answer = raw.send_bytes(page * 3 + page.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    assert answer.count(b'{"status":"alive"}') == 4


@pytest.mark.parametrize("line", [b"CONNECT h:443 HTTP/1.1\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n"])
def test_what_is_no_request_is_refused_quietly(raw: Raw, line: bytes, caplog: pytest.LogCaptureFixture) -> None:
    _, said = waited_s(raw.server.port, line)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert not [record for record in caplog.records if record.exc_info]

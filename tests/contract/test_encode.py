import msgspec
import pytest

from repoint.contract.encode import encode, error_answer
from repoint.contract.errors import (
    AccessDeniedException,
    BadRequestException,
    ConflictException,
    ContractError,
    InternalServerErrorException,
    MethodNotAllowedException,
    MissingAuthenticationTokenException,
    NotFoundException,
    NotImplementedException,
    PayloadTooLargeException,
    TooManyRequestsException,
)


def test_a_document_is_written_bare_and_whole() -> None:
    document = {"Name": "é", "Item": [], "Metrics": {"v": 3.0}, "Raw": msgspec.Raw(b'{"a":1}'), "Data": b"hi"}

    assert encode(document) == '{"Name":"é","Item":[],"Metrics":{"v":3.0},"Raw":{"a":1},"Data":"aGk="}'.encode()


def test_ready_made_json_is_passed_on() -> None:
    assert encode(msgspec.Raw(b'{"Id":"x"}')) == b'{"Id":"x"}'


def test_no_document_is_an_empty_body() -> None:
    assert encode(None) == b""


@pytest.mark.parametrize(
    ("error", "status", "headers", "body"),
    [
        (BadRequestException("Missing Address"), 400, {}, b'{"RequestID":"r","Message":"Missing Address"}'),
        (NotFoundException(), 404, {}, b'{"RequestID":"r","Message":"Resource not found"}'),
        (
            MethodNotAllowedException(("GET", "OPTIONS")),
            405,
            {"Allow": "GET, OPTIONS"},
            b'{"RequestID":"r","Message":"Method not allowed"}',
        ),
        (ConflictException("Changed"), 409, {}, b'{"RequestID":"r","Message":"Changed"}'),
        (PayloadTooLargeException(), 413, {}, b'{"RequestID":"r","Message":"Request body is too large"}'),
        (
            TooManyRequestsException(),
            429,
            {"Retry-After": "1"},
            b'{"RequestID":"r","Message":"Too many requests"}',
        ),
        (NotImplementedException("Not yet"), 501, {}, b'{"RequestID":"r","Message":"Not yet"}'),
        (InternalServerErrorException(), 500, {}, b'{"message":"Internal server error"}'),
        (AccessDeniedException("No"), 403, {}, b'{"message":"No"}'),
        (MissingAuthenticationTokenException(), 403, {}, b'{"message":"Missing Authentication Token"}'),
    ],
)
def test_an_error_has_its_status_headers_and_spelling(
    error: ContractError, status: int, headers: dict[str, str], body: bytes
) -> None:
    named = {"x-amzn-ErrorType": type(error).__name__}

    assert error_answer(error, "r") == (status, named | headers, body)

"""What a function's answer or error is taken for, wherever it ran."""

import pytest

from repoint.functions.result import Failed, FailureKind, Returned, returned, thrown


@pytest.mark.parametrize(
    ("body", "value"), [(b'{"a": [1.5, "\\u00e9"]}', {"a": [1.5, "é"]}), (b"null", None), (b"", None), (b"0", 0)]
)
def test_an_answer_is_its_json(body: bytes, value: object) -> None:
    assert returned(body) == Returned(value)


@pytest.mark.parametrize("body", [b"{1, 2}", b"NaN", b"text", b"\xff", b"[" * 100_000])
def test_an_answer_that_is_no_json_is_told(body: bytes) -> None:
    assert returned(body) == Failed(FailureKind.NO_JSON, f"the answer, {len(body)} bytes, is not JSON")


def test_an_answer_may_have_six_megabytes_and_no_more() -> None:
    largest = b'"' + b"x" * 6_291_454 + b'"'

    assert isinstance(returned(largest), Returned)
    assert returned(largest + b" ") == Failed(FailureKind.TOO_LARGE, "the answer has more than 6291456 bytes")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"errorType": "KeyError", "errorMessage": "x"}', FailureKind.THREW),
        (b'{"errorType": "Runtime.ImportModuleError", "errorMessage": "x"}', FailureKind.THREW),
        (b'{"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 3.00 s"}', FailureKind.TIMED_OUT),
        (b'{"errorMessage": "2026-11-20T12:00:00Z 1-2-3 Task timed out after 3.00 seconds"}', FailureKind.TIMED_OUT),
        (b'{"errorType": "TypeError", "errorMessage": "my Task timed out after all"}', FailureKind.THREW),
        (b'{"errorType": "Runtime.ExitError", "errorMessage": "exit status 1"}', FailureKind.CRASHED),
        (b'{"errorType": "Function.ResponseSizeTooLarge", "errorMessage": "x"}', FailureKind.TOO_LARGE),
        (b'{"errorType": "Runtime.MarshalError", "errorMessage": "set"}', FailureKind.NO_JSON),
        (b'{"errorType": 1}', FailureKind.THREW),
        (b"nonsense", FailureKind.THREW),
        (b"[" * 100_000, FailureKind.THREW),
    ],
)
def test_an_error_tells_how_the_function_failed(body: bytes, kind: FailureKind) -> None:
    assert thrown(body).kind is kind


def test_what_a_function_said_of_its_error_is_kept_apart() -> None:
    failed = thrown(b'{"errorType": "KeyError", "errorMessage": "someone@example.com", "stackTrace": []}')

    assert failed == Failed(FailureKind.THREW, "the function failed: KeyError", "KeyError", "someone@example.com")
    assert str(failed) == "threw: the function failed: KeyError"

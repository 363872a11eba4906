"""What is logged of what functions print."""

import time

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from repoint.functions.local.printed import Allowance, Printed


def logged(*chunks: bytes) -> list[EventDict]:
    """What one call logs that prints these chunks."""
    with capture_logs() as logs:
        printed = Printed("greet", Allowance())
        printed.begin("r1")
        for chunk in chunks:
            printed.take(chunk)
        printed.end()
    return logs


def lines(*chunks: bytes) -> list[str]:
    return [each["line"] for each in logged(*chunks) if "line" in each]


def test_lines_are_put_together_and_taken_apart() -> None:
    assert lines(b"one\ntw", b"o\r\n\nthree\rfo", b"ur") == ["one", "two", "three", "four"]


def test_what_a_terminal_would_obey_is_taken_out() -> None:
    assert lines(b"\x1b[2Jred\x07\t\xe2\x80\xa8\xff\xc3\xa9\n") == [" [2Jred   \ufffdé"]


def test_a_long_line_is_cut_in_several() -> None:
    assert [len(line) for line in lines(b"x" * 20_000)] == [8_192, 8_192, 3_616]


def test_a_line_tells_function_and_request() -> None:
    assert logged(b"one\n") == [
        {
            "event": "A function printed a line",
            "log_level": "info",
            "function": "greet",
            "request_id": "r1",
            "line": "one",
        }
    ]


def test_many_short_lines_are_cut_as_one_long_one_is() -> None:
    logs = logged(*[b"x\n" * 10_000] * 100)

    assert len([each for each in logs if "line" in each]) == 648
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == [
        "A function prints more than is logged"
    ]


def test_each_call_may_print_as_much() -> None:
    with capture_logs() as logs:
        printed = Printed("greet", Allowance())
        for number in range(2):
            printed.begin(f"r{number}")
            printed.take(b"x\n" * 1_000)

    found = [each["request_id"] for each in logs if "line" in each]
    assert (found.count("r0"), found.count("r1")) == (648, 648)


def test_all_processes_share_what_a_second_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 7.5)
    with capture_logs() as logs:
        allowance = Allowance()
        for _ in range(10):
            Printed("greet", allowance).take(b"x\n" * 1_000)
        monkeypatch.setattr(time, "monotonic", lambda: 8.1)
        Printed("greet", allowance).take(b"later\n")

    found = [each["line"] for each in logs if "line" in each]
    assert (found.count("x"), found.count("later")) == (1_297, 1)

"""What becomes of a call. That a function fails is expected, so it is a value and no exception."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

# Each way, of a payload and of an answer: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_BYTES = 6 << 20


class FailureKind(StrEnum):
    """Why a call failed."""

    # Nobody knows the function.
    NOT_FOUND = "not found"
    # By `allow`, by the rules for URLs, or by whoever runs it.
    NOT_ALLOWED = "not allowed"
    TIMED_OUT = "timed out"
    # The payload or the answer.
    TOO_LARGE = "too large"
    # The handler raised, or could not be loaded.
    THREW = "threw"
    NO_JSON = "answered no JSON"
    # Its process ended in the middle of the call.
    CRASHED = "crashed"
    # It could not be called, or whoever runs it answered 5xx.
    UNREACHABLE = "unreachable"
    # It, or whoever runs it, has too much to do.
    THROTTLED = "throttled"


# What a second call may do without.
PASSING = frozenset({FailureKind.TIMED_OUT, FailureKind.UNREACHABLE, FailureKind.THROTTLED})


@dataclass(frozen=True, slots=True)
class Returned:
    """The function answered; `value` is its JSON."""

    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """The function could not be called, or did not answer as it should."""

    kind: FailureKind
    # For the operator; nothing of a payload or of an answer is in it.
    detail: str
    # What the function said of its own, by Lambda's names for it; the message can quote what it was sent.
    error_type: str | None = None
    error_message: str | None = None
    # Of whoever answered HTTP.
    status: int | None = None
    # How long whoever answered asks us to wait.
    retry_after_s: float | None = None
    # The payload had left, and what became of it was not told.
    may_have_run: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}"


Result = Returned | Failed


class _Error(msgspec.Struct):
    """An error as Lambda's runtimes write it; other languages' have other members, too."""

    errorType: str = ""  # noqa: N815 - the contract's spelling
    errorMessage: str = ""  # noqa: N815 - likewise


# What Lambda itself reports in a function's name.
_KINDS = {
    "Sandbox.Timedout": FailureKind.TIMED_OUT,
    "Runtime.ExitError": FailureKind.CRASHED,
    "Runtime.OutOfMemory": FailureKind.CRASHED,
    "Function.ResponseSizeTooLarge": FailureKind.TOO_LARGE,
    "Runtime.MarshalError": FailureKind.NO_JSON,
}


def returned(body: bytes) -> Result:
    """What a function answered, as JSON; an empty answer is null."""
    if len(body) > MOST_BYTES:
        return Failed(FailureKind.TOO_LARGE, f"the answer has more than {MOST_BYTES} bytes")
    try:
        return Returned(msgspec.json.decode(body) if body else None)
    except (msgspec.DecodeError, RecursionError):
        return Failed(FailureKind.NO_JSON, f"the answer, {len(body)} bytes, is not JSON")


def thrown(body: bytes, *, how: str | None = None) -> Failed:
    """What a function, or Lambda in its name, reported instead of an answer; `how` is Lambda's own word for it."""
    try:
        error = msgspec.json.decode(body, type=_Error)
    except (msgspec.MsgspecError, RecursionError):
        error = _Error()
    kind = _KINDS.get(error.errorType, FailureKind.THREW)
    # Lambda's oldest words for it have no type.
    if not error.errorType and " Task timed out after " in error.errorMessage:
        kind = FailureKind.TIMED_OUT
    detail = f"the function failed: {how or error.errorType or 'Error'}"
    return Failed(
        kind,
        detail,
        error_type=error.errorType,
        error_message=error.errorMessage,
        may_have_run=kind is FailureKind.TIMED_OUT,
    )

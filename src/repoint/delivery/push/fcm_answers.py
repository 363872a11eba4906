"""What Google's service answers: HTTP v1 and the legacy API."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from repoint.delivery.http2.exchange import Answer
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.push.failure import (
    BUSY,
    FAILED,
    NONSENSE,
    NOT_ALLOWED,
    NOT_VALID,
    TOKEN_GONE,
    TOO_LARGE,
    Meaning,
    failed,
    meaning_of_status,
    read_object,
    tidy,
)

# By errorCode: firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode. Others follow their HTTP status: a 404 without
# one is about the project, and not about the token.
_CODES: dict[object, Meaning] = {
    # As Pinpoint told of a token that HTTP v1 does not take (channels.md section 2).
    "UNREGISTERED": replace(TOKEN_GONE, status_code=400),
    "INVALID_ARGUMENT": NOT_VALID,
    "SENDER_ID_MISMATCH": NOT_ALLOWED,
    "THIRD_PARTY_AUTH_ERROR": NOT_ALLOWED,
    "QUOTA_EXCEEDED": BUSY,
    "UNAVAILABLE": FAILED,
    "INTERNAL": FAILED,
}
# Of the legacy API: firebase.google.com/docs/cloud-messaging/http-server-ref, table 9.
_ERRORS: dict[object, Meaning] = {
    "NotRegistered": TOKEN_GONE,
    "MismatchSenderId": NOT_ALLOWED,
    "MessageTooBig": TOO_LARGE,
    "DeviceMessageRateExceeded": BUSY,
    "TopicsMessageRateExceeded": BUSY,
    "Unavailable": FAILED,
    "InternalServerError": FAILED,
}


def read_v1(message: Message, answer: Answer, hidden: Iterable[str]) -> Outcome:
    """What HTTP v1 says; `hidden` is left out of it."""
    found = read_object(answer.body)
    if answer.status == 200 and isinstance(found.get("name"), str):  # noqa: PLR2004 - RFC 9110
        return Outcome(Status.SUCCESSFUL, 200, _text(answer), str(found["name"]))
    told = found.get("error")
    error: dict[str, Any] = told if isinstance(told, dict) else {}
    meaning = _CODES.get(error_code(found)) if answer.status >= 400 else None  # noqa: PLR2004 - RFC 9110
    return failed(
        message.channel_type,
        answer,
        meaning or meaning_of_status(answer.status),
        error=str(error.get("message", "")),
        response={"status": str(error.get("status", ""))},
        hidden=hidden,
    )


def read_legacy(message: Message, answer: Answer, hidden: Iterable[str]) -> Outcome:
    """What the legacy API says, likewise."""
    found = read_object(answer.body)
    results = found.get("results")
    result = results[0] if isinstance(results, list) and results and isinstance(results[0], dict) else {}
    updated = result.get("registration_id")
    if answer.status == 200 and isinstance(result.get("message_id"), str):  # noqa: PLR2004 - RFC 9110
        token = updated if isinstance(updated, str) and updated else None
        return Outcome(Status.SUCCESSFUL, 200, _text(answer), result["message_id"], updated_token=token)
    error = result.get("error")
    meaning = meaning_of_status(answer.status)
    if answer.status == 200:  # noqa: PLR2004 - RFC 9110
        meaning = _ERRORS.get(error, NOT_VALID) if isinstance(error, str) else NONSENSE
    word = error if isinstance(error, str) else ""
    return failed(message.channel_type, answer, meaning, error=word, response={"error": word}, hidden=hidden)


def error_code(found: dict[str, Any]) -> object:
    """What FCM's own detail of an error says."""
    error = found.get("error")
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(detail.get("errorCode"), str):
            return detail["errorCode"]
    return error.get("status") if isinstance(error, dict) and isinstance(error.get("status"), str) else None


def _text(answer: Answer) -> str:
    return tidy(answer.body.decode("utf-8", "replace").strip(), ())

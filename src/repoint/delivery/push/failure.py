"""What callers are told of a notification that a push service did not take (channels.md section 2)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from repoint.contract.shapes import ChannelType
from repoint.delivery.gateway.answer import retry_after_s
from repoint.delivery.http2.exchange import Answer
from repoint.delivery.outcome import Outcome, Status

GONE = "Unregistered or expired token"
INVALID = "Invalid notification"
_TEXTS = {
    Status.THROTTLED: "Too many notifications",
    Status.TEMPORARY_FAILURE: "The push service failed",
    Status.UNKNOWN_FAILURE: "The push service's answer has no meaning",
}
_ERROR_CHARACTERS = 500
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one of a service's words means."""

    status: Status
    status_code: int
    # None for the usual words of the status.
    text: str | None = None
    is_gone: bool = False


TOKEN_GONE = Meaning(Status.PERMANENT_FAILURE, 410, GONE, is_gone=True)
NOT_VALID = Meaning(Status.PERMANENT_FAILURE, 400, INVALID)
TOO_LARGE = Meaning(Status.PERMANENT_FAILURE, 413, "The notification is too large")
NOT_ALLOWED = Meaning(Status.PERMANENT_FAILURE, 403, "The push service does not accept the channel's credentials")
BUSY = Meaning(Status.THROTTLED, 429)
FAILED = Meaning(Status.TEMPORARY_FAILURE, 500)
# A 2xx that cannot be understood: it may well have been taken.
NONSENSE = Meaning(Status.UNKNOWN_FAILURE, 500)


def meaning_of_status(status: int) -> Meaning:
    """What an HTTP status means, of which the service has said nothing more."""
    if status in {401, 403}:
        return NOT_ALLOWED
    if status == 413:  # noqa: PLR2004 - RFC 9110
        return TOO_LARGE
    if status == 429:  # noqa: PLR2004 - RFC 6585
        return BUSY
    # A redirect is not followed; the URL in the settings is wrong.
    classes = {2: NONSENSE, 3: FAILED, 4: NOT_VALID, 5: FAILED}
    return classes.get(status // 100, NONSENSE)


def failed(  # noqa: PLR0913 - what is told
    channel_type: ChannelType, answer: Answer, meaning: Meaning, *, error: str, response: object, hidden: Iterable[str]
) -> Outcome:
    """The outcome of a message that was not taken; `error` and `response` are the service's words, without `hidden`."""
    told = {
        "errorMessage": meaning.text or _TEXTS.get(meaning.status, INVALID),
        "channelType": channel_type,
        "pushProviderStatusCode": str(answer.status),
        "pushProviderError": tidy(error, hidden),
        "pushProviderResponse": tidy(msgspec.json.encode(response).decode(), hidden),
    }
    may_wait = meaning.status in {Status.THROTTLED, Status.TEMPORARY_FAILURE}
    return Outcome(
        meaning.status,
        meaning.status_code,
        msgspec.json.encode(told).decode(),
        retry_after_s=retry_after_s(answer.header(b"retry-after")) if may_wait else None,
        is_in_doubt=meaning.status == Status.UNKNOWN_FAILURE,
        is_gone=meaning.is_gone,
    )


def tidy(text: str, hidden: Iterable[str]) -> str:
    """A service's words without secrets, line ends, and what nobody would read to its end."""
    for secret in hidden:
        if secret:
            text = text.replace(secret, "***")
    return _UNPRINTABLE.sub(" ", text)[:_ERROR_CHARACTERS]


def read_object(body: bytes) -> dict[str, object]:
    """A JSON object; empty for anything else."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

"""What it means for a message that a service of Amazon's refused a call, or did not answer it.

The words: docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html,
docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html and API_SendVoiceMessage.html, and
those that every service may answer. A word that is not listed follows from the HTTP status, as with other gateways.
"""

from collections.abc import Iterable

from repoint.aws import AwsError
from repoint.delivery.gateway.answer import CODES, printable, retry_after_s, status_of
from repoint.delivery.outcome import Outcome, Status

_THROTTLED = (Status.THROTTLED, 429)
_LATER = (Status.TEMPORARY_FAILURE, 500)
_NEVER = (Status.PERMANENT_FAILURE, 400)
_FORBIDDEN = (Status.PERMANENT_FAILURE, 403)
# Calls came too fast; a moment later one may be taken.
_TOO_SOON = {
    "429",
    "BandwidthLimitExceeded",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
}
_WORDS = {
    **dict.fromkeys(_TOO_SOON, _THROTTLED),
    # The day's messages, the month's money: that takes longer.
    "LimitExceededException": _THROTTLED,
    "ServiceQuotaExceededException": _THROTTLED,
    # Not answered with 5xx by every server.
    "InternalFailure": _LATER,
    "InternalServerException": _LATER,
    "RequestTimeout": _LATER,
    "ServiceUnavailable": _LATER,
    # About the account and not about the message: another provider may take it.
    "AccountSuspendedException": _LATER,
    "SendingPausedException": _LATER,
    # Likewise about who we say that we are.
    "ExpiredToken": _LATER,
    "ExpiredTokenException": _LATER,
    "IncompleteSignature": _LATER,
    "IncompleteSignatureException": _LATER,
    "InvalidClientTokenId": _LATER,
    "InvalidSignatureException": _LATER,
    "MissingAuthenticationToken": _LATER,
    "MissingAuthenticationTokenException": _LATER,
    "NoCredentials": _LATER,
    "RequestExpired": _LATER,
    "SignatureDoesNotMatch": _LATER,
    "UnrecognizedClientException": _LATER,
    "AccessDenied": _FORBIDDEN,
    "AccessDeniedException": _FORBIDDEN,
    "BadRequestException": _NEVER,
    # A number that is not ours, a set that is not there, a state in which nothing is sent to this recipient.
    "ConflictException": _NEVER,
    "MailFromDomainNotVerifiedException": _NEVER,
    "MessageRejected": _NEVER,
    "NotFoundException": _NEVER,
    "ResourceNotFoundException": _NEVER,
    "ValidationException": _NEVER,
}
# Their texts quote the request's headers, a session token among them.
_SILENT = {"IncompleteSignature", "IncompleteSignatureException", "InvalidSignatureException", "SignatureDoesNotMatch"}
_OPTED_OUT = Outcome(Status.OPT_OUT, 400, "Destination phone number opted out")


def in_doubt(status_code: int, why: str) -> Outcome:
    """Nobody knows whether the message was taken."""
    return Outcome(Status.UNKNOWN_FAILURE, status_code, f"{why}; it may have taken the message", is_in_doubt=True)


def came_too_soon(error: AwsError) -> bool:
    """Whether the call was certainly not taken, and may be in a moment."""
    return error.code in _TOO_SOON


def refused(error: AwsError, hidden: Iterable[str]) -> Outcome:
    """What became of the message of a call that failed; `hidden` is left out of what is told of it."""
    if error.answer:
        return _answered(error, hidden)
    code = 504 if _is_timeout(error) else 500
    cause = type(error.__cause__).__name__ if error.__cause__ else error.code
    if error.may_have_arrived:
        return in_doubt(code, f"the service did not answer as it should ({cause})")
    if error.code == "NoCredentials":
        return Outcome(Status.TEMPORARY_FAILURE, code, "no credentials are set for the service")
    return Outcome(Status.TEMPORARY_FAILURE, code, f"the service cannot be reached ({cause})")


def _answered(error: AwsError, hidden: Iterable[str]) -> Outcome:
    if error.answer.get("Reason") == "DESTINATION_PHONE_NUMBER_OPTED_OUT":
        return _OPTED_OUT
    metadata = error.answer.get("ResponseMetadata", {})
    status, status_code = _meaning(error.code, metadata.get("HTTPStatusCode", 0))
    detail = printable(_told(error, hidden)) or f"the service answered {metadata.get('HTTPStatusCode', 'an error')}"
    if status == Status.UNKNOWN_FAILURE:
        return in_doubt(status_code, detail)
    may_wait = status in {Status.THROTTLED, Status.TEMPORARY_FAILURE}
    wait_s = retry_after_s(metadata.get("HTTPHeaders", {}).get("retry-after")) if may_wait else None
    return Outcome(status, status_code, detail, retry_after_s=wait_s)


def _told(error: AwsError, hidden: Iterable[str]) -> str:
    if error.code in _SILENT:
        return error.code
    if error.code.isdecimal():
        # A status stands for the word where a server sends none.
        return f"the service answered {error.code}"
    # Of what is not allowed Pinpoint told the service's sentence alone (channels.md section 2).
    is_forbidden = _WORDS.get(error.code) == _FORBIDDEN
    text = (is_forbidden and error.answer.get("Error", {}).get("Message")) or str(error)
    for secret in hidden:
        text = text.replace(secret, "***")
    return text


def _meaning(word: str, http_status: int) -> tuple[Status, int]:
    known = _WORDS.get(word)
    if known is not None:
        return known
    status = status_of(http_status)
    # It refused, whatever its status says.
    status = Status.UNKNOWN_FAILURE if status == Status.SUCCESSFUL else status
    return status, CODES[status]


def _is_timeout(error: AwsError) -> bool:
    from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError  # noqa: PLC0415 - as in repoint.aws.session

    return isinstance(error.__cause__, ConnectTimeoutError | ReadTimeoutError)

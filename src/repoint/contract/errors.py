"""The errors a caller can be answered with, named and numbered as the wire protocol has them.

A rule raises one of these where the mistake is known; `encode.error_answer` alone turns it into headers and a body.
Sources: protocol.md section 3 (business errors), auth.md section 2 (errors of the signature stage).
"""

from typing import ClassVar


class ContractError(Exception):
    """A caller's mistake or a refusal; `status` and the class name travel to the caller, the message too."""

    status: ClassVar[int] = 400
    # Signature, access and gateway errors spell the body's key `message`, business errors `Message` (protocol.md 3.1).
    message_key: ClassVar[str] = "Message"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequestException(ContractError):
    """Invalid input, a quota reached, an illegal state."""


class ForbiddenException(ContractError):
    """Refused for a reason that is not a policy decision."""

    status = 403


class NotFoundException(ContractError):
    """The project, or something below it, does not exist."""

    status = 404

    def __init__(self, message: str = "Resource not found") -> None:
        super().__init__(message)


class MethodNotAllowedException(ContractError):
    """A known path with a method it does not have; `allow` goes into the Allow header."""

    status = 405

    def __init__(self, allow: tuple[str, ...]) -> None:
        super().__init__("Method not allowed")
        self.allow = allow


class ConflictException(ContractError):
    """The object changed, or its state forbids the update."""

    status = 409


class PayloadTooLargeException(ContractError):
    """The body, packed or unpacked, is over the limit."""

    status = 413

    def __init__(self, message: str = "Request body is too large") -> None:
        super().__init__(message)


class TooManyRequestsException(ContractError):
    """Throttled, or a quota of running work reached; `retry_after_s` goes into the Retry-After header."""

    status = 429

    def __init__(self, message: str = "Too many requests", *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class InternalServerErrorException(ContractError):
    """A bug; the body never says more than this."""

    status = 500
    message_key = "message"

    def __init__(self) -> None:
        super().__init__("Internal server error")


class NotImplementedException(ContractError):
    """The operation is part of the contract but not built yet (listed in docs/parity.md)."""

    status = 501


class SignatureError(ContractError):
    """What every refusal of the signature stage has in common."""

    status = 403
    message_key = "message"


class AccessDeniedException(SignatureError):
    """A policy refuses the call."""


class MissingAuthenticationTokenException(SignatureError):
    """The request carries no signature at all."""

    def __init__(self) -> None:
        super().__init__("Missing Authentication Token")


class IncompleteSignatureException(SignatureError):
    """A signature of the AWS4 kind that lacks parts."""


class UnrecognizedClientException(SignatureError):
    """Unknown or revoked access key."""

    def __init__(self) -> None:
        super().__init__("The security token included in the request is invalid.")


class InvalidSignatureException(SignatureError):
    """The signature, its clock or its scope is wrong."""

"""Documents and errors as bytes for the wire (protocol.md sections 2 and 3)."""

from typing import Any

import msgspec

from repoint.contract.errors import ContractError, MethodNotAllowedException, TooManyRequestsException

_encoder = msgspec.json.Encoder()


def encode(document: Any) -> bytes:
    """The document as JSON, nothing dropped; None is the empty body.

    Ready-made JSON may stand anywhere in it as `msgspec.Raw`; blobs (bytes) become base64.
    """
    return b"" if document is None else _encoder.encode(document)


def error_answer(error: ContractError, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, the headers that belong to the error, and the body.

    The body of a business error has Message and RequestID, that of signature, access and internal errors only message.
    """
    headers = {"x-amzn-ErrorType": type(error).__name__}
    if isinstance(error, MethodNotAllowedException):
        headers["Allow"] = ", ".join(error.allow)
    if isinstance(error, TooManyRequestsException):
        headers["Retry-After"] = str(error.retry_after_s)
    body = {error.message_key: error.message}
    if error.message_key == "Message":
        body = {"RequestID": request_id} | body
    return error.status, headers, _encoder.encode(body)

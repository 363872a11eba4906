"""How large notifications may be (channels.md section 6.1): what counts is bytes, as they are sent."""

from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.failure import TOO_LARGE

# Beside its payload a message has a few options; nobody takes so many that the whole is larger than that.
_MOST_BODY_BYTES = 16_384


def check_payload(size_bytes: int, most_bytes: int) -> None:
    """Raises RefusedError for a payload that the service would not take."""
    if size_bytes > most_bytes:
        told = f"{TOO_LARGE.text}: {size_bytes} bytes, and {most_bytes} are allowed"
        raise RefusedError.permanent(told, TOO_LARGE.status_code)


def check_body(body: bytes) -> bytes:
    """The body; raises RefusedError for one that would hold up the messages that share its connection."""
    check_payload(len(body), _MOST_BODY_BYTES)
    return body

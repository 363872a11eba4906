"""How ids of endpoints and users become keys.

An endpoint id is case-insensitive (endpoints.md section 3), so its key is folded; a user id is not. Both may be longer
than an index entry can be (2,704 bytes), so the tail of a long one is replaced by its digest.
"""

import hashlib
import zlib

MAX_KEY_BYTES = 2000
_HEAD_BYTES = MAX_KEY_BYTES - 65

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def endpoint_key(endpoint_id: str) -> str:
    """The id with ASCII letters in lower case; ids that differ in other letters' case stay two endpoints."""
    if endpoint_id.isascii():
        return bounded(endpoint_id.lower())
    return bounded(endpoint_id.translate(_ASCII_LOWER))


def user_key(user_id: str) -> str:
    """The id itself, case kept."""
    return bounded(user_id)


def bounded(text: str) -> str:
    """`text` if it fits an index entry, else its head and a digest of the whole."""
    # A character has at most four bytes, so most ids need no encoding to be judged.
    if len(text) * 4 <= MAX_KEY_BYTES:
        return text
    data = text.encode()
    if len(data) <= MAX_KEY_BYTES:
        return text
    return f"{data[:_HEAD_BYTES].decode(errors='ignore')}~{hashlib.sha256(data).hexdigest()}"


def cohort(application_id: str, key: str) -> int:
    """0 to 99, the same for life and independent between applications (endpoints.md section 9)."""
    return zlib.crc32(key.encode(), zlib.crc32(application_id.encode())) % 100

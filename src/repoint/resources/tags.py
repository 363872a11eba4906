"""What tags may look like (auth.md section 8), the same at creation and in TagResource."""

import unicodedata
from collections.abc import Iterable

from repoint.contract.errors import BadRequestException

MAX_TAGS = 50
MAX_KEY_LENGTH = 128
MAX_VALUE_LENGTH = 256

_SIGNS = frozenset("_.:/=+-@")


def check_tags(tags: dict[str, str]) -> dict[str, str]:
    """The same tags; raises BadRequestException when one is malformed or they are too many for one resource."""
    for key, value in tags.items():
        _check_key(key)
        _check_value(key, value)
    check_number(tags)
    return tags


def check_number(tags: Iterable[str]) -> None:
    """Raises BadRequestException when a resource would have more tags than it may; reserved ones do not count."""
    if sum(not _is_reserved(key) for key in tags) > MAX_TAGS:
        raise BadRequestException(f"Exceeded maximum number of tags per resource: {MAX_TAGS}")


def check_removable(keys: Iterable[str]) -> None:
    """Raises BadRequestException for keys that only the system may remove."""
    for key in keys:
        _check_reserved(key)


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise BadRequestException(f"Tag keys must have between 1 and {MAX_KEY_LENGTH} characters")
    _check_reserved(key)
    if not _is_allowed(key):
        raise BadRequestException(f"Invalid tag key: {key}")


def _check_value(key: str, value: str) -> None:
    if len(value) > MAX_VALUE_LENGTH:
        raise BadRequestException(f"Value of tag {key} exceeds {MAX_VALUE_LENGTH} characters")
    _check_reserved(value)
    if not _is_allowed(value):
        raise BadRequestException(f"Invalid value of tag {key}")


def _check_reserved(text: str) -> None:
    if _is_reserved(text):
        raise BadRequestException("Tag keys and values must not begin with aws:")


def _is_reserved(text: str) -> bool:
    return text.lower().startswith("aws:")


def _is_allowed(text: str) -> bool:
    # Letters, digits and blanks of every script, as the tagging of other AWS services has it.
    return all(character in _SIGNS or unicodedata.category(character)[0] in "LNZ" for character in text)

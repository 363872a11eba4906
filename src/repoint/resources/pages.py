"""Pages of lists (protocol.md section 5): where one begins, how long it is, and the token that leads to the next.

Lists are sought by the key of the last item given out, never counted off, so a page stays right while others insert
and delete. A token holds that key and what it belongs to, nothing is remembered here: it outlives restarts.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from repoint.contract.errors import BadRequestException

DEFAULT_SIZE = 100
MAX_SIZE = 1000

T = TypeVar("T")

# Later than any date a list can hold.
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)

_SEAL_BYTES = 9


@dataclass(frozen=True, slots=True)
class Page:
    """One page asked for."""

    operation: str
    scope: str
    # How many items at most.
    size: int
    # Key of the last item of the page before; None on the first page.
    after: tuple[str, ...] | None

    def token(self, last: tuple[str, ...]) -> str:
        """What leads to the items behind `last`, in the same list only."""
        return _text(_seal(self.operation, self.scope, last) + msgspec.json.encode(last))

    def before(self) -> tuple[datetime, str]:
        """For lists by age, newest first: the creation and id that every item of this page stands before.

        Raises BadRequestException when the token belongs to no such list.
        """
        if self.after is None:
            return _END_OF_TIME, ""
        try:
            created_at, last_id = self.after
            return datetime.fromisoformat(created_at).astimezone(UTC), last_id
        except (ValueError, OverflowError):
            raise BadRequestException("Invalid token") from None

    def cut(self, found: Sequence[T], key: Callable[[T], tuple[str, ...]]) -> tuple[Sequence[T], str | None]:
        """The page's items and its NextToken, None on the last page; `found` has up to `size` + 1 items."""
        items = found[: self.size]
        return items, self.token(key(items[-1])) if len(found) > self.size else None


def read_page(operation: str, scope: str, page_size: str | None, token: str | None) -> Page:
    """The page that a call asks for; `scope` is whatever else the list depends on: application, filters.

    Raises BadRequestException `Invalid page-size` or `Invalid token`, the latter also for a token of another list.
    """
    size = DEFAULT_SIZE if page_size is None else _size(page_size)
    return Page(operation, scope, size, None if token is None else _key(operation, scope, token))


def age_key(created_at: datetime, document_id: str) -> tuple[str, str]:
    """The key of an item in a list by age."""
    return created_at.isoformat(), document_id


def _size(page_size: str) -> int:
    is_number = page_size.isascii() and page_size.isdigit() and len(page_size) <= len(str(MAX_SIZE))
    if not is_number or not 1 <= int(page_size) <= MAX_SIZE:
        raise BadRequestException("Invalid page-size")
    return int(page_size)


def _key(operation: str, scope: str, token: str) -> tuple[str, ...]:
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        last = msgspec.json.decode(data[_SEAL_BYTES:], type=tuple[str, ...])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise BadRequestException("Invalid token") from None
    # No key has a NUL, and no statement would take one.
    is_sound = _text(_seal(operation, scope, last) + msgspec.json.encode(last)) == token
    if not is_sound or any("\0" in part for part in last):
        raise BadRequestException("Invalid token")
    return last


def _seal(operation: str, scope: str, last: tuple[str, ...]) -> bytes:
    """What tells a token of another list, or a garbled one. It is no secret: a token opens nothing."""
    return hashlib.sha256(msgspec.json.encode((operation, scope, last))).digest()[:_SEAL_BYTES]


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")

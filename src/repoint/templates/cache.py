"""What was made from templates, as long as there is room for it."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

# What an entry takes besides its source, and what a tag of it takes, in bytes.
_ENTRY = 500
_TAG = 3000

# Compiled texts, and as much again for compiled e-mails.
MOST_BYTES = 64 * 1024 * 1024


def compiled_size(source: str) -> int:
    """About how many bytes a compiled template takes."""
    return len(source) + _TAG * source.count("{{")


class Cache(Generic[K, V]):
    """The values used last, whose sizes together are at most `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._found: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """The value, None when it is not there (any more)."""
        with self._lock:
            found = self._found.get(key)
            if found is None:
                return None
            self._found.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V, *, size: int) -> None:
        """Keep a value, forgetting those not used for longest; one that is larger than all room is not kept."""
        size += _ENTRY
        if size > self._most:
            return
        with self._lock:
            _, before = self._found.pop(key, (None, 0))
            self._found[key] = (value, size)
            self._size += size - before
            while self._size > self._most:
                _, (_, gone) = self._found.popitem(last=False)
                self._size -= gone

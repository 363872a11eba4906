"""Cutting a batch of events into what one request may hold."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold."""

    items: int
    size_bytes: int


def pieces(sized: Iterable[tuple[Item, int]], limits: Limits) -> Iterator[list[Item]]:
    """Items in order, given each with its size; one that is larger than a whole request is a piece by itself."""
    piece: list[Item] = []
    total = 0
    for item, size_bytes in sized:
        if piece and (len(piece) == limits.items or total + size_bytes > limits.size_bytes):
            yield piece
            piece, total = [], 0
        piece.append(item)
        total += size_bytes
    if piece:
        yield piece

"""Cutting batches into requests."""

import pytest

from repoint.events.sinks.pieces import Limits, pieces


@pytest.mark.parametrize(
    ("sizes", "cut"),
    [
        ([], []),
        ([1, 1, 1], [[1, 1, 1]]),
        ([1, 1, 1, 1], [[1, 1, 1], [1]]),
        ([5, 5, 1], [[5, 5], [1]]),
        ([5, 6], [[5], [6]]),
        ([11, 1], [[11], [1]]),
        ([1, 11, 1], [[1], [11], [1]]),
    ],
)
def test_pieces_hold_three_items_and_ten_bytes_at_most(sizes: list[int], cut: list[list[int]]) -> None:
    assert [*pieces([(size, size) for size in sizes], Limits(items=3, size_bytes=10))] == cut

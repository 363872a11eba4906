"""ISO 8601 durations as journeys have them."""

from datetime import timedelta

import pytest

from repoint.journeys.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT1H", timedelta(hours=1)),
        ("P1D", timedelta(days=1)),
        ("P2W", timedelta(weeks=2)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("PT0.5S", timedelta(milliseconds=500)),
        ("PT90M", timedelta(minutes=90)),
        ("PT0S", timedelta()),
        ("P99999D", timedelta(days=99_999)),
    ],
)
def test_durations_are_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "1H",
        "PT1",
        "P1Y",
        "P1M",
        "-PT1H",
        "P-1D",
        "PT1H ",
        "pt1h",
        "P1DT",
        "P1W1D",
        "PT1.5H",
        "P१D",
        "P10000W",
        "P100000D",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None

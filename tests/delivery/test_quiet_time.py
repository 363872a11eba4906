from datetime import UTC, datetime, timedelta, timezone

import pytest

from repoint.delivery.quiet_time import QuietTime

NIGHT = QuietTime.read({"Start": "21:00", "End": "08:00"})
NOON = QuietTime.read({"Start": "12:00", "End": "13:30"})


def utc(time: str, day: str = "2025-01-15") -> datetime:
    return datetime.fromisoformat(f"{day} {time}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "is_quiet"),
    [
        ("00:00", False),
        ("11:59:59.999999", False),
        ("12:00", True),
        ("12:45", True),
        ("13:30", True),
        ("13:30:59.999999", True),
        ("13:31", False),
        ("23:59", False),
    ],
)
def test_both_ends_belong_to_it_to_the_minute(time: str, is_quiet: bool) -> None:  # noqa: FBT001 - a table
    assert NOON.holds(utc(time), "UTC") is is_quiet


@pytest.mark.parametrize(
    ("time", "is_quiet"),
    [
        ("20:59:59", False),
        ("21:00", True),
        ("23:59:59", True),
        ("00:00", True),
        ("08:00:59", True),
        ("08:01", False),
        ("12:00", False),
    ],
)
def test_it_may_go_over_midnight(time: str, is_quiet: bool) -> None:  # noqa: FBT001 - a table
    assert NIGHT.holds(utc(time), "UTC") is is_quiet


def test_one_that_ends_as_it_starts_is_a_minute() -> None:
    minute = QuietTime.read({"Start": "12:00", "End": "12:00"})

    held = [
        time for time in ("11:59:59", "12:00:00", "12:00:59", "12:01:00", "00:00:00") if minute.holds(utc(time), "UTC")
    ]

    assert held == ["12:00:00", "12:00:59"]


def test_a_whole_day() -> None:
    day = QuietTime.read({"Start": "00:00", "End": "23:59"})

    assert day.holds(utc("00:00"), "UTC")
    assert day.holds(utc("23:59:59.999999"), "UTC")


def test_none_holds_never() -> None:
    assert QuietTime.read({}) == QuietTime(None, None)
    assert not QuietTime.read({}).holds(utc("00:00"), "UTC")


@pytest.mark.parametrize(
    ("zone", "is_quiet"),
    [
        ("Europe/Paris", True),  # 21:30
        ("Asia/Kathmandu", True),  # 02:15
        ("Asia/Tokyo", True),  # 05:30
        ("Pacific/Auckland", False),  # 09:30
        ("America/New_York", False),  # 15:30
        ("Europe/London", False),  # 20:30
    ],
)
def test_the_recipients_clock_counts(zone: str, is_quiet: bool) -> None:  # noqa: FBT001 - a table
    assert NIGHT.holds(utc("20:30"), zone) is is_quiet


def test_the_clock_follows_daylight_saving() -> None:
    assert not NIGHT.holds(utc("19:30", day="2025-03-29"), "Europe/Berlin")
    assert NIGHT.holds(utc("19:30", day="2025-03-30"), "Europe/Berlin")


def test_an_instant_may_be_told_in_any_offset() -> None:
    at = datetime(2025, 1, 15, 13, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    assert NIGHT.holds(at, "UTC")
    assert not NOON.holds(at, "UTC")


@pytest.mark.parametrize("zone", [None, "", "Americas/Los_Angeles", "utc", "America", "../UTC", "UTC\0", "localtime"])
def test_without_a_zone_it_never_holds(zone: str | None) -> None:
    assert not QuietTime.read({"Start": "00:00", "End": "23:59"}).holds(utc("12:00"), zone)

"""When a journey takes participants in (journeys.md section 4)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from repoint.journeys.schedule import Schedule, read_schedule

NINE = datetime(2026, 3, 10, 9, tzinfo=UTC)
END = datetime(2026, 3, 20, 9, tzinfo=UTC)
LONGEST = timedelta(days=540)


def schedule(*, is_local: bool = False, **members: Any) -> Schedule:
    given = {"StartTime": "2026-03-10T09:00:00.000Z", "EndTime": "2026-03-20T09:00:00.000Z", **members}
    return read_schedule({name: value for name, value in given.items() if value}, is_local=is_local)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_it_starts_at_its_start_and_not_before_it_may() -> None:
    assert schedule().first_entry(NINE - hours(1)) == NINE
    assert schedule().first_entry(NINE + hours(1)) == NINE + hours(1)
    assert schedule(StartTime=None).first_entry(NINE) == NINE


def test_it_ends_at_its_end_and_not_after_the_longest_time() -> None:
    assert schedule().over_at(NINE, LONGEST) == END
    assert schedule(EndTime=None).over_at(NINE, LONGEST) == NINE + LONGEST
    assert schedule().over_at(NINE, timedelta(days=3)) == NINE + timedelta(days=3)


def test_local_time_begins_where_the_offset_is() -> None:
    assert schedule(is_local=True, Timezone="utc+05:45").first_entry(NINE - hours(24)) == NINE - hours(5.75)
    assert schedule(is_local=True).first_entry(NINE - hours(24)) == NINE - hours(14)


def test_participants_enter_when_their_clocks_show_it_or_at_once_when_they_did() -> None:
    local = schedule(is_local=True, Timezone="UTC")

    assert local.entry_in(ZoneInfo("America/New_York"), NINE) == NINE + hours(4)
    assert local.entry_in(ZoneInfo("Asia/Tokyo"), NINE) == NINE
    assert local.entry_in(ZoneInfo("Asia/Tokyo"), NINE - hours(24)) == NINE - hours(9)


def test_in_local_time_it_is_over_when_it_is_everywhere() -> None:
    local = schedule(is_local=True)

    assert local.end_in(ZoneInfo("Asia/Tokyo")) == END - hours(9)
    assert local.over_at(NINE, LONGEST) == END + hours(12)
    assert schedule(is_local=True, EndTime=None).end_in(ZoneInfo("Asia/Tokyo")) is None


def test_the_end_of_the_calendar_is_never() -> None:
    never = "9999-12-31T23:59:59.999Z"

    assert schedule(is_local=True, EndTime=never).over_at(NINE, LONGEST) == NINE + LONGEST
    assert schedule(is_local=True, StartTime="0001-01-01T00:00:00Z").first_entry(NINE) == NINE

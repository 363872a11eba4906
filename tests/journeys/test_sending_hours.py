"""When a message goes, is dropped, or is held until when: row by row, and against a clock that is watched."""

import random
import timeit
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.endpoints.timezone import find_zone
from repoint.journeys.activities.messenger import Held, Refusal, Verdict
from repoint.journeys.journey import Hours
from repoint.journeys.sending_hours import SendingHours

NIGHT = {"Start": "21:00", "End": "08:00"}
NOON = {"Start": "12:00", "End": "13:30"}
QUIET = Refusal("QUIET_TIME")
NEVER = Refusal("QUIET_TIME", "no time at which it may be sent within 540 days")
NO_ZONE = Refusal("QUIET_TIME_MISSING_TIMEZONE")
OFFICE = {"StartTime": "09:00", "EndTime": "17:00"}
WEEK = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
OFFICE_WEEK = {day: [OFFICE] for day in WEEK}
BERLIN, YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def until(text: str) -> Held:
    return Held(utc(text))


def hours(  # noqa: PLR0913 - what a journey says
    quiet_time: Mapping[str, str] = NOON,
    *,
    waits: bool = True,
    open_hours: Mapping[str, Any] | None = None,
    closed_days: list[dict[str, str]] | None = None,
    is_scheduled: bool = True,
    channel: str = "EMAIL",
) -> SendingHours:
    given = Hours(
        quiet_time,
        waits=waits,
        open_hours={} if open_hours is None else {"EMAIL": open_hours},
        closed_days={} if closed_days is None else {"EMAIL": closed_days},
        is_scheduled=is_scheduled,
        estimation_methods=(),
    )
    return SendingHours(given, channel)


@pytest.mark.parametrize(
    ("at", "zone", "verdict"),
    [
        # 21:00 to 08:00, both included. Berlin is an hour ahead in winter.
        ("2031-01-10 19:59:59", BERLIN, None),
        ("2031-01-10 20:00", BERLIN, until("2031-01-11 07:01")),
        ("2031-01-10 23:30", BERLIN, until("2031-01-11 07:01")),
        ("2031-01-11 07:00:59", BERLIN, until("2031-01-11 07:01")),
        ("2031-01-11 07:01", BERLIN, None),
        ("2031-01-10 20:00", YORK, None),
        # Whose time is not known is sent to, whatever it is there.
        ("2031-01-10 23:30", None, None),
        ("2031-01-10 23:30", "Europe/Nowhere", None),
        # The clock is set forward at 01:00 in UTC, and back.
        ("2031-03-29 22:00", BERLIN, until("2031-03-30 06:01")),
        ("2031-10-25 22:00", BERLIN, until("2031-10-26 07:01")),
    ],
)
def test_quiet_time(at: str, zone: str | None, verdict: Verdict) -> None:
    plain = hours(NIGHT, is_scheduled=False)
    dropping = hours(NIGHT, is_scheduled=False, waits=False)

    assert plain.verdict(utc(at), zone) == verdict
    assert dropping.verdict(utc(at), zone) == (QUIET if isinstance(verdict, Held) else verdict)


@pytest.mark.parametrize(
    ("quiet_time", "at", "zone", "verdict"),
    [
        # In New York 02:00 to 02:59 does not exist on 9 March 2031: what ends then, ends as clocks are set.
        ({"Start": "01:00", "End": "02:30"}, "2031-03-09 06:30", YORK, until("2031-03-09 07:00")),
        # It begins while clocks are set: 03:00 follows 01:59.
        ({"Start": "02:30", "End": "03:30"}, "2031-03-09 06:59", YORK, None),
        ({"Start": "02:30", "End": "03:30"}, "2031-03-09 07:00", YORK, until("2031-03-09 07:31")),
        # On 2 November 01:00 to 01:59 comes twice. What ends at 01:30 is over at 01:31, and begins anew at 01:00.
        ({"Start": "00:30", "End": "01:30"}, "2031-11-02 05:00", YORK, until("2031-11-02 05:31")),
        ({"Start": "00:30", "End": "01:30"}, "2031-11-02 06:10", YORK, until("2031-11-02 06:31")),
        # 01:50 is quiet, and 01:00 comes after it and is not.
        ({"Start": "01:45", "End": "06:00"}, "2031-11-02 05:50", YORK, until("2031-11-02 06:00")),
        # By half an hour, on Lord Howe Island, on 5 October: 02:00 becomes 02:30.
        ({"Start": "01:00", "End": "02:10"}, "2031-10-04 15:00", LORD_HOWE, until("2031-10-04 15:30")),
        # In Azores clocks go from 01:00 back to 00:00: midnight comes twice.
        ({"Start": "22:00", "End": "23:59"}, "2031-10-25 23:30", "Atlantic/Azores", until("2031-10-26 00:00")),
        # Samoa had no 30 December 2011.
        ({"Start": "20:00", "End": "23:59"}, "2011-12-30 08:00", "Pacific/Apia", until("2011-12-30 10:00")),
        # All day, every day.
        ({"Start": "00:00", "End": "23:59"}, "2031-01-10 12:00", "UTC", NEVER),
    ],
)
def test_days_on_which_clocks_are_set(quiet_time: dict[str, str], at: str, zone: str, verdict: Verdict) -> None:
    found = hours(quiet_time, is_scheduled=False).verdict(utc(at), zone)

    assert found == verdict


@pytest.mark.parametrize(
    ("at", "verdict"),
    [
        # 2031-01-10 is a Friday; open from 9 to 17, quiet at noon.
        ("2031-01-10 08:59", until("2031-01-10 09:00")),
        ("2031-01-10 09:00", None),
        ("2031-01-10 12:00", until("2031-01-10 13:31")),
        ("2031-01-10 16:59:59", None),
        ("2031-01-10 17:00", until("2031-01-13 09:00")),
        ("2031-01-11 10:00", until("2031-01-13 09:00")),
        # The Tuesday after is closed in the morning, and the rest of the week.
        ("2031-01-14 09:30", until("2031-01-14 11:01")),
        ("2031-01-15 10:00", until("2031-01-20 09:00")),
    ],
)
def test_open_hours_and_closed_days(at: str, verdict: Verdict) -> None:
    closed = [
        {"Name": "inventory", "StartDateTime": "2031-01-14T00:00", "EndDateTime": "2031-01-14T11:00"},
        {"Name": "trip", "StartDateTime": "2031-01-15T00:00:00", "EndDateTime": "2031-01-19T23:59:59"},
    ]
    of_week = hours(open_hours=OFFICE_WEEK, closed_days=closed)
    dropping = hours(open_hours=OFFICE_WEEK, closed_days=closed, waits=False)

    assert of_week.verdict(utc(at), "UTC") == verdict
    assert dropping.verdict(utc(at), "UTC") == (QUIET if isinstance(verdict, Held) else verdict)


@pytest.mark.parametrize(
    ("open_hours", "at", "verdict"),
    [
        # As many as four a day, in any order.
        ({"FRIDAY": [{"StartTime": "15:00", "EndTime": "16:00"}, OFFICE]}, "2031-01-10 10:00", None),
        ({"FRIDAY": [{"StartTime": "15:00", "EndTime": "16:00"}]}, "2031-01-10 10:00", until("2031-01-10 15:00")),
        # 23:59 is the end of the day.
        (
            {"FRIDAY": [{"StartTime": "20:00", "EndTime": "23:59"}], "SATURDAY": [OFFICE]},
            "2031-01-10 23:59:30",
            None,
        ),
        # A weekday without any is closed, a channel without a weekday is not.
        ({"MONDAY": [OFFICE], "FRIDAY": []}, "2031-01-10 10:00", until("2031-01-13 09:00")),
        ({}, "2031-01-11 10:00", None),
        ({"FRIDAY": [OFFICE]}, "2031-01-10 18:00", until("2031-01-17 09:00")),
    ],
)
def test_forms_of_open_hours(open_hours: dict[str, Any], at: str, verdict: Verdict) -> None:
    assert hours(open_hours=open_hours).verdict(utc(at), "UTC") == verdict


@pytest.mark.parametrize(
    ("closed_until", "verdict"),
    [
        # Over two changes of the clocks.
        ("2031-11-20T23:59", until("2031-11-20 23:00")),
        ("2032-07-01T23:59", until("2032-07-01 22:00")),
        ("2099-12-31T23:59", NEVER),
    ],
)
def test_long_closed_days(closed_until: str, verdict: Verdict) -> None:
    closed = [{"StartDateTime": "2031-01-10T00:00", "EndDateTime": closed_until}]

    assert hours(closed_days=closed).verdict(utc("2031-01-15 15:00"), BERLIN) == verdict


def test_whoever_is_never_open_holds_nobody() -> None:
    assert hours(open_hours={"MONDAY": []}).verdict(utc("2031-01-15 15:00"), BERLIN) == NEVER


@pytest.mark.parametrize("waits", [True, False])
def test_a_schedule_needs_the_zone(waits: bool) -> None:  # noqa: FBT001 - a table
    scheduled = hours(waits=waits)

    assert scheduled.verdict(utc("2031-01-10 03:00"), None) == NO_ZONE
    assert scheduled.verdict(utc("2031-01-10 03:00"), "Europe/Nowhere") == NO_ZONE
    assert scheduled.verdict(utc("2031-01-10 03:00"), "UTC") is None


@pytest.mark.parametrize(
    "ignoring",
    [
        hours({}, open_hours=OFFICE_WEEK),
        hours(open_hours=OFFICE_WEEK, is_scheduled=False),
        hours(open_hours=OFFICE_WEEK, channel="SMS"),
    ],
    ids=["no quiet time", "no schedule", "another channel"],
)
def test_open_hours_that_do_not_count(ignoring: SendingHours) -> None:
    assert ignoring.verdict(utc("2031-01-11 03:00"), "UTC") is None


def test_without_anything_every_message_goes() -> None:
    assert hours({}, is_scheduled=False).verdict(utc("2031-01-10 03:00"), "UTC") is None


ZONES = ("UTC", BERLIN, YORK, LORD_HOWE, "Asia/Kathmandu", "Atlantic/Azores", "America/Havana", "Africa/Casablanca")


@pytest.mark.parametrize("seed", range(8))
def test_held_is_until_the_first_minute_that_is_open(seed: int) -> None:
    drawn = random.Random(seed)  # noqa: S311 - no secret
    times = [f"{drawn.randrange(24):02}:{drawn.randrange(60):02}" for _ in range(2)]
    ranges = {
        day: [{"StartTime": f"{start:02}:30", "EndTime": f"{drawn.randrange(start + 1, 24):02}:45"}]
        for day, start in zip((*WEEK, "SATURDAY", "SUNDAY"), drawn.choices(range(23), k=7), strict=True)
    }
    watched = hours({"Start": times[0], "End": times[1]}, open_hours=ranges)

    for name in ZONES:
        # About a day on which some clocks are set.
        day = drawn.choice(["2031-03-09", "2031-03-30", "2031-10-05", "2031-10-26", "2031-11-02", "2031-06-01"])
        at = utc(day) - timedelta(minutes=drawn.randrange(600))
        found = watched.verdict(at, name)
        expected = at
        # What a clock on the wall tells, minute by minute.
        while watched.verdict(expected, name) is not None:
            expected += timedelta(minutes=1)
        assert found == (None if expected == at else Held(expected)), (name, at)
        if isinstance(found, Held):
            wall = expected.astimezone(find_zone(name))
            assert f"{wall:%H:%M}" not in times


def test_the_usual_case_takes_no_longer_than_telling_the_time() -> None:
    watched = hours(NIGHT, open_hours=OFFICE_WEEK)
    at, zone = utc("2031-01-10 10:00"), find_zone(BERLIN)
    watched.verdict(at, BERLIN)

    # The best of some, as the machine has other things to do.
    verdict_s = min(timeit.repeat(lambda: watched.verdict(at, BERLIN), number=2000, repeat=7))
    clock_s = min(timeit.repeat(lambda: f"{at.astimezone(zone):%H:%M}", number=2000, repeat=7))

    assert verdict_s < clock_s

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.campaigns.schedule import Plan, Sweep, check_schedule, read_schedule, sweeps
from repoint.contract.errors import BadRequestException

NOW = datetime(2025, 6, 30, 12, tzinfo=UTC)
EVENTS = {"FilterType": "ENDPOINT", "Dimensions": {"EventType": {"Values": ["visit"]}}}
LATER = {"StartTime": "2025-07-01T12:00:00Z", "EndTime": "2025-08-01T12:00:00Z"}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plan(frequency: str, start: str, end: str | None = "2030-01-01T00:00:00Z", **members: Any) -> Plan:
    given = {"Frequency": frequency, "StartTime": start, **members}
    return read_schedule(given if end is None else {**given, "EndTime": end})


@pytest.mark.parametrize(
    "schedule",
    [
        {"StartTime": "IMMEDIATE"},
        {"StartTime": "2025-06-30T11:59:00Z"},
        {"StartTime": "2025-07-01", "Timezone": "utc+05:45"},
        {"StartTime": "2025-07-01T00:00:00", "EndTime": "", "Timezone": "", "Frequency": "ONCE"},
        {"StartTime": "2025-07-01T12:00:00Z", "Timezone": "Utc", "IsLocalTime": True, "QuietTime": {}},
        {**LATER, "Frequency": "HOURLY", "QuietTime": {"Start": "21:00", "End": "08:00"}},
        {**LATER, "Frequency": "DAILY", "IsLocalTime": True, "Timezone": "UTC-11"},
        {**LATER, "Frequency": "WEEKLY"},
        {**LATER, "Frequency": "MONTHLY", "StartTime": "IMMEDIATE"},
        {**LATER, "Frequency": "EVENT", "EventFilter": EVENTS},
        {**LATER, "Frequency": "IN_APP_EVENT", "EventFilter": EVENTS},
        {**LATER, "EndTime": "9999-12-31T23:59:59.999999999Z", "Frequency": "DAILY"},
    ],
)
def test_check_accepts(schedule: dict[str, Any]) -> None:
    check_schedule(schedule, NOW)

    assert read_schedule(schedule).frequency == schedule.get("Frequency", "ONCE")


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ({}, "Missing StartTime"),
        ({"StartTime": ""}, "Missing StartTime"),
        ({"StartTime": "tomorrow"}, "Invalid StartTime: tomorrow"),
        ({"StartTime": "immediate"}, "Invalid StartTime: immediate"),
        ({"StartTime": "2025-06-31T12:00:00Z"}, "Invalid StartTime: 2025-06-31T12:00:00Z"),
        ({"StartTime": "2025-06-30T11:58:59.999Z"}, "StartTime must be at least current time."),
        # As clients learn it that write their own wall clock: Timezone doesn't move StartTime.
        ({"StartTime": "2025-06-30T09:00:00", "Timezone": "UTC-4"}, "StartTime must be at least current time."),
        ({**LATER, "EndTime": "soon"}, "Invalid EndTime: soon"),
        ({**LATER, "EndTime": "2025-07-01T12:00:00Z"}, "EndTime must be after StartTime."),
        ({**LATER, "EndTime": "2025-07-01T13:00:00+02:00"}, "EndTime must be after StartTime."),
        ({"StartTime": "IMMEDIATE", "EndTime": "2025-06-30T12:00:00Z"}, "EndTime must be after StartTime."),
        ({"StartTime": "IMMEDIATE", "Frequency": "HOURLY"}, "Missing EndTime"),
        ({"StartTime": "IMMEDIATE", "Frequency": "DAILY", "EndTime": ""}, "Missing EndTime"),
        ({"StartTime": "IMMEDIATE", "Frequency": "WEEKLY"}, "Missing EndTime"),
        ({"StartTime": "IMMEDIATE", "Frequency": "MONTHLY"}, "Missing EndTime"),
        ({"StartTime": "IMMEDIATE", "Frequency": "EVENT", "EventFilter": EVENTS}, "Missing EndTime"),
        ({"StartTime": "IMMEDIATE", "Frequency": "IN_APP_EVENT", "EventFilter": EVENTS}, "Missing EndTime"),
        ({**LATER, "Timezone": "UTC-4"}, "Invalid Timezone: UTC-4"),
        ({**LATER, "Timezone": "UTC-01"}, "Invalid Timezone: UTC-01"),
        ({**LATER, "Timezone": "UTC-03:30"}, "Invalid Timezone: UTC-03:30"),
        ({**LATER, "Timezone": "Europe/Paris"}, "Invalid Timezone: Europe/Paris"),
        ({**LATER, "QuietTime": {"Start": "8:00", "End": "09:00"}}, "Invalid QuietTime: 8:00"),
        ({**LATER, "QuietTime": {"Start": "08:00", "End": "24:00"}}, "Invalid QuietTime: 24:00"),
        ({**LATER, "QuietTime": {"Start": "08:00"}}, "Invalid QuietTime: End is missing"),
        ({**LATER, "Frequency": "HOURLY", "IsLocalTime": True}, "An HOURLY campaign can't use IsLocalTime"),
        ({**LATER, "EventFilter": EVENTS}, "EventFilter needs the Frequency EVENT or IN_APP_EVENT"),
        (
            {**LATER, "Frequency": "DAILY", "EventFilter": EVENTS},
            "EventFilter needs the Frequency EVENT or IN_APP_EVENT",
        ),
        ({**LATER, "Frequency": "EVENT"}, "Missing EventFilter"),
        ({**LATER, "Frequency": "IN_APP_EVENT"}, "Missing EventFilter"),
        (
            {**LATER, "Frequency": "EVENT", "EventFilter": {**EVENTS, "FilterType": "SYSTEM"}},
            "Invalid EventType: visit",
        ),
        ({**LATER, "Frequency": "EVENT", "EventFilter": {**EVENTS, "Dimensions": {}}}, "Missing EventType"),
    ],
)
def test_check_refuses(schedule: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequestException) as caught:
        check_schedule(schedule, NOW)

    assert caught.value.message == message


def test_plan_holds_what_the_schedule_says() -> None:
    given = {**LATER, "Frequency": "DAILY", "IsLocalTime": True, "Timezone": "utc-09"}

    assert read_schedule(given) == Plan(
        "DAILY",
        datetime(2025, 7, 1, 12, tzinfo=UTC),
        datetime(2025, 8, 1, 12, tzinfo=UTC),
        timedelta(hours=-9),
        is_local=True,
    )


def test_plan_of_a_bare_schedule_runs_once_now_by_utc() -> None:
    assert read_schedule({"StartTime": "IMMEDIATE"}) == Plan("ONCE", None, None, timedelta(0), is_local=False)


@pytest.mark.parametrize(
    ("name", "minutes"),
    [
        ("UTC", 0),
        ("UTC+01", 60),
        ("UTC+03:30", 210),
        ("UTC+05:45", 345),
        ("UTC+13", 780),
        ("UTC-02", -120),
        ("UTC-11", -660),
    ],
)
def test_timezones_are_offsets(name: str, minutes: int) -> None:
    assert read_schedule({"StartTime": "IMMEDIATE", "Timezone": name}).offset == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "schedule",
    [
        {"StartTime": "IMMEDIATE", "IsLocalTime": True},
        {**LATER, "Frequency": "EVENT", "IsLocalTime": True},
        {**LATER, "Frequency": "IN_APP_EVENT", "IsLocalTime": True},
        {**LATER, "Frequency": "DAILY", "IsLocalTime": False},
        {**LATER, "Frequency": "DAILY"},
    ],
)
def test_local_time_is_ignored_where_it_means_nothing(schedule: dict[str, Any]) -> None:
    assert read_schedule(schedule).is_local is False


@pytest.mark.parametrize("frequency", ["ONCE", "EVENT", "IN_APP_EVENT"])
@pytest.mark.parametrize(
    ("earliest", "slot"),
    [
        ("2025-06-30 12:00", "2025-07-01 12:00"),
        ("2025-07-01 12:00", "2025-07-01 12:00"),
        ("2025-07-01 12:00:00.000001", None),
        ("2026-01-01", None),
    ],
)
def test_what_starts_but_once_has_one_slot(frequency: str, earliest: str, slot: str | None) -> None:
    found = plan(frequency, "2025-07-01T12:00:00Z").slot_from(utc(earliest))

    assert found == (utc(slot) if slot else None)


@pytest.mark.parametrize(
    ("frequency", "start", "earliest", "slot"),
    [
        ("HOURLY", "2025-07-01T12:20:00Z", "2025-01-01", "2025-07-01 12:20"),
        ("HOURLY", "2025-07-01T12:20:00Z", "2025-07-01 12:20", "2025-07-01 12:20"),
        ("HOURLY", "2025-07-01T12:20:00Z", "2025-07-01 12:20:01", "2025-07-01 13:20"),
        ("HOURLY", "2025-07-01T12:20:00Z", "2026-03-05 00:00", "2026-03-05 00:20"),
        ("DAILY", "2025-07-01T12:20:00Z", "2025-07-01 12:21", "2025-07-02 12:20"),
        ("DAILY", "2025-07-01T12:20:00Z", "2028-02-29 12:20", "2028-02-29 12:20"),
        ("DAILY", "2025-07-01T12:20:00.5Z", "2028-02-29 12:20:01", "2028-03-01 12:20:00.5"),
        ("WEEKLY", "2025-07-01T12:20:00Z", "2025-07-02", "2025-07-08 12:20"),
        ("WEEKLY", "2025-07-01T12:20:00Z", "2025-07-15 12:20", "2025-07-15 12:20"),
        ("MONTHLY", "2025-01-31T23:30:00Z", "2025-01-31 23:30", "2025-01-31 23:30"),
        ("MONTHLY", "2025-01-31T23:30:00Z", "2025-01-31 23:30:01", "2025-02-28 23:30"),
        ("MONTHLY", "2025-01-31T23:30:00Z", "2025-02-28 23:31", "2025-03-31 23:30"),
        ("MONTHLY", "2025-01-31T23:30:00Z", "2025-04-01", "2025-04-30 23:30"),
        ("MONTHLY", "2025-01-31T23:30:00Z", "2028-02-01", "2028-02-29 23:30"),
        ("MONTHLY", "2025-01-31T23:30:00Z", "2028-02-29 23:30", "2028-02-29 23:30"),
        ("MONTHLY", "2025-10-15T08:00:00Z", "2025-12-15 08:00:01", "2026-01-15 08:00"),
        ("MONTHLY", "2025-10-15T08:00:00Z", "2025-12-01", "2025-12-15 08:00"),
    ],
)
def test_slots_recur(frequency: str, start: str, earliest: str, slot: str) -> None:
    assert plan(frequency, start).slot_from(utc(earliest)) == utc(slot)


def test_months_of_local_time_are_those_of_its_wall_clock() -> None:
    # The 30th of January, 9 p.m. at UTC-05.
    given = plan("MONTHLY", "2025-01-31T02:00:00Z", Timezone="UTC-05", IsLocalTime=True)

    assert given.slot_from(utc("2025-02-01")) == utc("2025-03-01 02:00")
    assert given.slot_from(utc("2025-03-02")) == utc("2025-03-31 02:00")
    assert given.slot_from(utc("2025-04-01")) == utc("2025-05-01 02:00")


def test_months_of_utc_are_not_moved_by_the_timezone() -> None:
    given = plan("MONTHLY", "2025-01-31T02:00:00Z", Timezone="UTC-05")

    assert given.slot_from(utc("2025-02-01")) == utc("2025-02-28 02:00")


@pytest.mark.parametrize(
    ("frequency", "end", "earliest", "slot"),
    [
        ("HOURLY", "2025-01-31T01:00:00Z", "2025-01-31 00:01", "2025-01-31 01:00"),
        ("HOURLY", "2025-01-31T01:00:00Z", "2025-01-31 01:01", None),
        ("DAILY", "2025-02-02T23:59:59Z", "2025-02-01 12:00", "2025-02-02 00:00"),
        ("DAILY", "2025-02-02T23:59:59Z", "2025-02-02 12:00", None),
        ("WEEKLY", "2025-02-07T00:00:00Z", "2025-02-01", "2025-02-07 00:00"),
        ("WEEKLY", "2025-02-06T23:59:59Z", "2025-02-01", None),
        ("MONTHLY", "2025-02-28T00:00:00Z", "2025-02-01", "2025-02-28 00:00"),
        ("MONTHLY", "2025-02-27T23:59:59Z", "2025-02-01", None),
    ],
)
def test_no_slot_is_after_the_end(frequency: str, end: str, earliest: str, slot: str | None) -> None:
    found = plan(frequency, "2025-01-31T00:00:00Z", end).slot_from(utc(earliest))

    assert found == (utc(slot) if slot else None)


def test_immediate_is_any_instant_it_is_asked_for() -> None:
    assert plan("ONCE", "IMMEDIATE", end=None).slot_from(NOW) == NOW
    assert plan("ONCE", "IMMEDIATE", end="2025-06-30T12:00:00Z").slot_from(NOW) == NOW
    assert plan("ONCE", "IMMEDIATE", end="2025-06-30T11:59:59Z").slot_from(NOW) is None


def test_immediate_that_has_begun_recurs_from_there() -> None:
    daily = plan("DAILY", "IMMEDIATE").begun(NOW)

    assert daily.slot_from(utc("2025-07-04 12:01")) == utc("2025-07-05 12:00")
    assert plan("ONCE", "IMMEDIATE").begun(NOW).slot_from(utc("2025-07-04")) is None


def test_a_start_time_is_not_moved_by_when_it_began() -> None:
    given = plan("DAILY", "2025-07-01T12:00:00Z")

    assert given.begun(utc("2025-07-03")) == given


@pytest.mark.parametrize(
    ("after", "up_to", "most", "slots"),
    [
        ("2025-01-31 00:00", "2025-02-03 00:00", 10, ["2025-02-01", "2025-02-02", "2025-02-03"]),
        ("2025-01-30 23:59", "2025-02-01 23:59", 10, ["2025-01-31", "2025-02-01"]),
        ("2025-01-31 00:00", "2025-02-03 00:00", 2, ["2025-02-02", "2025-02-03"]),
        ("2025-01-31 00:00", "2025-02-03 00:00", 0, []),
        ("2025-01-01 00:00", "2025-01-30 00:00", 10, []),
        ("2025-02-02 00:00", "2025-02-02 23:00", 10, []),
        ("2025-02-08 12:00", "2026-01-01 00:00", 10, ["2025-02-09", "2025-02-10"]),
        ("2025-02-10 00:00", "2026-01-01 00:00", 10, []),
        ("2025-02-05 00:00", "2026-01-01 00:00", 1, ["2025-02-10"]),
        ("2025-02-05 00:00", "2025-02-04 00:00", 10, []),
    ],
)
def test_missed_slots_are_told(after: str, up_to: str, most: int, slots: list[str]) -> None:
    given = plan("DAILY", "2025-01-31T00:00:00Z", "2025-02-10T12:00:00Z")

    assert given.slots_between(utc(after), utc(up_to), most) == [utc(slot) for slot in slots]


def test_missed_slots_of_other_frequencies() -> None:
    after, up_to = utc("2025-01-01"), utc("2025-04-30 23:59")
    start = "2025-01-31T00:00:00Z"

    assert plan("MONTHLY", start).slots_between(after, up_to, 2) == [utc("2025-03-31"), utc("2025-04-30")]
    assert plan("ONCE", start, None).slots_between(after, up_to, 9) == [utc("2025-01-31")]
    assert plan("ONCE", start, None).slots_between(utc("2025-01-31"), up_to, 9) == []
    assert plan("ONCE", "IMMEDIATE", None).slots_between(after, up_to, 9) == []
    assert plan("HOURLY", start, "9999-12-31T23:59:59.999999Z").slots_between(after, up_to, 1) == [
        utc("2025-04-30 23:00")
    ]


def test_slots_of_ten_thousand_years_are_not_walked() -> None:
    given = plan("HOURLY", "0001-01-01T00:30:00Z", "9999-12-31T23:59:59Z")

    assert given.slot_from(utc("9999-12-31 22:31")) == utc("9999-12-31 23:30")
    assert given.slots_between(utc("0001-01-01"), utc("9999-12-31 12:00"), 1) == [utc("9999-12-31 11:30")]


def test_a_run_sweeps_zone_by_zone() -> None:
    # 9 a.m. at UTC-05, which is 14:00 UTC.
    given = plan("ONCE", "2025-01-15T14:00:00Z", None, IsLocalTime=True, Timezone="UTC-05")
    zones = ["Asia/Tokyo", "America/New_York", "Europe/Paris", "America/Lima", "America/Los_Angeles", "Asia/Kathmandu"]

    assert sweeps(given, utc("2025-01-15 14:00"), zones) == [
        Sweep(utc("2025-01-15 14:00"), ("America/Lima", "America/New_York")),
        Sweep(utc("2025-01-15 17:00"), ("America/Los_Angeles",)),
        Sweep(utc("2025-01-16 00:00"), ("Asia/Tokyo",)),
        Sweep(utc("2025-01-16 03:15"), ("Asia/Kathmandu",)),
        Sweep(utc("2025-01-16 08:00"), ("Europe/Paris",)),
    ]


def test_zones_that_do_not_exist_are_left_out_and_none_is_served_twice() -> None:
    given = plan("ONCE", "2025-01-15T14:00:00Z", None, IsLocalTime=True)
    zones = ["Americas/Los_Angeles", "", "utc", "../UTC", "UTC", "America", "localtime", "UTC", "Europe/Paris\0"]

    assert sweeps(given, utc("2025-01-15 14:00"), zones) == [Sweep(utc("2025-01-15 14:00"), ("UTC",))]


def test_zones_whose_clocks_are_past_the_end_are_left_out() -> None:
    given = plan("DAILY", "2025-01-15T14:00:00Z", "2025-01-16T14:00:00Z", IsLocalTime=True, Timezone="UTC-05")
    zones = ["America/New_York", "Europe/Paris", "America/Los_Angeles", "Pacific/Auckland"]

    # Paris, 9 a.m. of the 16th, Auckland 9 a.m. of the 16th: the first run's; on the 17th it is over for both.
    assert sweeps(given, utc("2025-01-15 14:00"), zones) == [
        Sweep(utc("2025-01-15 14:00"), ("America/New_York",)),
        Sweep(utc("2025-01-15 17:00"), ("America/Los_Angeles",)),
        Sweep(utc("2025-01-15 20:00"), ("Pacific/Auckland",)),
        Sweep(utc("2025-01-16 08:00"), ("Europe/Paris",)),
    ]
    assert sweeps(given, utc("2025-01-16 14:00"), zones) == [
        Sweep(utc("2025-01-16 14:00"), ("America/New_York",)),
        Sweep(utc("2025-01-16 17:00"), ("America/Los_Angeles",)),
    ]


def test_the_end_on_the_clock_belongs_to_the_campaign() -> None:
    ends_then = plan("ONCE", "2025-01-15T14:00:00Z", "2025-01-16T14:00:00Z", IsLocalTime=True)
    ends_before = plan("ONCE", "2025-01-15T14:00:00Z", "2025-01-16T13:59:59Z", IsLocalTime=True)

    assert sweeps(ends_then, utc("2025-01-15 14:00"), ["Europe/Paris"]) == [
        Sweep(utc("2025-01-16 13:00"), ("Europe/Paris",))
    ]
    assert sweeps(ends_before, utc("2025-01-15 14:00"), ["Europe/Paris"]) == []


def test_an_end_at_the_end_of_the_calendar_is_none() -> None:
    given = plan("DAILY", "2025-01-15T14:00:00Z", "9999-12-31T23:59:59Z", IsLocalTime=True, Timezone="UTC+13")

    assert sweeps(given, utc("2025-01-15 14:00"), ["UTC"]) == [Sweep(utc("2025-01-16 03:00"), ("UTC",))]


@pytest.mark.parametrize(
    ("start", "due"),
    [
        # Clocks in Berlin go from 2 to 3 a.m. on 30 March 2025, and from 3 back to 2 a.m. on 26 October.
        ("2025-03-30T00:00:00Z", "2025-03-30 22:00"),  # midnight, which is of the next day already
        ("2025-03-29T02:30:00Z", "2025-03-30 01:30"),  # 2:30 doesn't exist: 3:30, an hour after the jump's beginning
        ("2025-03-30T02:30:00Z", "2025-03-31 00:30"),
        ("2025-03-29T03:00:00Z", "2025-03-30 01:00"),
        ("2025-10-25T02:30:00Z", "2025-10-26 00:30"),  # 2:30 comes twice: the first counts
        ("2025-10-26T02:30:00Z", "2025-10-27 01:30"),
        ("2025-10-26T03:00:00Z", "2025-10-27 02:00"),
    ],
)
def test_a_time_of_day_has_one_instant_a_day(start: str, due: str) -> None:
    given = plan("ONCE", start, None, IsLocalTime=True)

    assert sweeps(given, utc(start[:16].replace("T", " ")), ["Europe/Berlin"]) == [Sweep(utc(due), ("Europe/Berlin",))]


def test_a_jump_over_midnight_keeps_its_turn() -> None:
    # Nuuk goes from 23:00 on 29 March 2025 to 0:00 on the 30th, at 01:00 UTC: 23:30 is shown as 0:30 of the next day.
    given = plan("ONCE", "2025-03-30T01:15:00Z", None, IsLocalTime=True)
    late = Plan("ONCE", utc("2025-03-29 23:30"), None, timedelta(0), is_local=True)

    assert sweeps(late, utc("2025-03-30 01:15"), ["America/Nuuk"]) == [
        Sweep(utc("2025-03-30 01:30"), ("America/Nuuk",))
    ]
    assert sweeps(given, utc("2025-03-30 01:15"), ["America/Nuuk"]) == [
        Sweep(utc("2025-03-30 02:15"), ("America/Nuuk",))
    ]


def served(given: Plan, zone: str, first_slot: str, days: int) -> list[str]:
    """When the sweeps of daily runs serve a zone."""
    slots = [utc(first_slot) + timedelta(days=day) for day in range(days)]
    return [f"{sweep.due_at:%m-%d %H:%M}" for slot in slots for sweep in sweeps(given, slot, [zone])]


def test_a_daily_run_serves_each_day_once_when_clocks_go_forward() -> None:
    given = plan("DAILY", "2025-03-01T08:00:00Z", "2025-12-31T08:00:00Z", IsLocalTime=True)

    # 8 a.m. in Berlin, which is before 8 a.m. in UTC.
    assert served(given, "Europe/Berlin", "2025-03-28 08:00", 4) == [
        "03-29 07:00",
        "03-30 06:00",
        "03-31 06:00",
        "04-01 06:00",
    ]


def test_a_daily_run_serves_each_day_once_when_clocks_go_back() -> None:
    given = plan("DAILY", "2025-03-01T08:00:00Z", "2025-12-31T08:00:00Z", IsLocalTime=True)

    assert served(given, "Europe/Berlin", "2025-10-24 08:00", 4) == [
        "10-25 06:00",
        "10-26 07:00",
        "10-27 07:00",
        "10-28 07:00",
    ]


def test_a_zone_whose_clocks_were_set_back_to_the_slot_is_not_served_twice() -> None:
    # 9 a.m. at UTC-05: in New York 13:00 UTC until 1 November 2025, then 14:00.
    given = plan("DAILY", "2025-06-01T14:00:00Z", "2025-12-31T14:00:00Z", IsLocalTime=True, Timezone="UTC-05")

    assert served(given, "America/New_York", "2025-10-30 14:00", 5) == [
        "10-31 13:00",
        "11-01 13:00",
        "11-02 14:00",
        "11-03 14:00",
    ]

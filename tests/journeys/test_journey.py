"""What a published journey means (journeys.md sections 5 to 8)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from repoint.journeys.journey import Journey, Limits, read_journey
from repoint.resources.documents import Document
from tests.journeys.conftest import FILTER, WAIT

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)


def journey(defaults: dict[str, Any] | None = None, **members: Any) -> Journey:
    content = {
        "Name": "welcome",
        "StartActivity": "b",
        "Activities": {"b": {"Wait": {**WAIT["Wait"], "NextActivity": "a"}}, "a": WAIT, "c": {}},
        "StartCondition": {"SegmentStartCondition": {"SegmentId": "s"}},
        **members,
    }
    return read_journey(Document("j", "app", content, {}, NOW, NOW, None), defaults or {})


def test_what_a_journey_says_by_saying_little() -> None:
    little = journey()

    assert (little.segment_id, little.event_filter, little.is_of_events) == ("s", None, False)
    assert (little.refresh_every, little.refreshes_on_update) == (None, False)
    assert little.limits == Limits(0, 0, 0, 0, 0, 0, 1, timedelta(), 50)
    assert (little.hours.quiet_time, little.hours.waits, little.hours.is_scheduled) == ({}, False, False)


def test_activities_that_nobody_comes_to_are_left_out_and_keep_the_numbers_of_others() -> None:
    activities = journey().activities

    assert {each.id: (each.number, each.kind, each.next_id) for each in activities.values()} == {
        "b": (1, "Wait", "a"),
        "a": (0, "Wait", None),
    }


def test_events_start_a_journey_with_or_without_a_segment() -> None:
    start = {"EventStartCondition": {"EventFilter": FILTER}}
    of_segment = {"EventStartCondition": {"EventFilter": FILTER, "SegmentId": "s"}}

    assert (journey(StartCondition=start).segment_id, journey(StartCondition=start).event_filter) == (None, FILTER)
    assert (journey(StartCondition=of_segment).segment_id, journey(StartCondition=of_segment).is_of_events) == (
        "s",
        True,
    )


def test_limits_of_the_journey_go_before_those_of_the_application_member_by_member() -> None:
    defaults = {
        "JourneyLimits": {"DailyCap": 3, "TotalCap": 4, "TimeframeCap": {"Cap": 5, "Days": 6}},
        "Limits": {"Daily": 7},
    }

    inherited = journey(defaults).limits
    own = journey(
        defaults,
        Limits={
            "DailyCap": 0,
            "TotalCap": 1,
            "TimeframeCap": {"Cap": 2},
            "EndpointReentryCap": 0,
            "EndpointReentryInterval": "P1D",
            "MessagesPerSecond": 9,
        },
    ).limits

    assert inherited == Limits(0, 3, 7, 4, 5, 6, 1, timedelta(), 50)
    assert own == Limits(0, 0, 7, 1, 2, 6, 0, timedelta(days=1), 9)


def test_quiet_time_of_the_journey_goes_before_the_applications() -> None:
    ours, theirs = {"Start": "21:00", "End": "08:00"}, {"Start": "22:00", "End": "07:00"}

    assert journey({"QuietTime": theirs}).hours.quiet_time == theirs
    assert journey({"QuietTime": theirs}, QuietTime=ours).hours.quiet_time == ours
    assert journey({"QuietTime": theirs}, QuietTime={}).hours.quiet_time == {}


def test_open_hours_and_closed_days_count_with_a_sending_schedule_only() -> None:
    members: dict[str, Any] = {"OpenHours": {"EMAIL": {}}, "ClosedDays": {"SMS": []}}

    off, on = journey(**members).hours, journey(**members, SendingSchedule=True).hours

    assert (off.open_hours, off.closed_days) == ({}, {})
    assert (on.open_hours, on.closed_days) == (members["OpenHours"], members["ClosedDays"])

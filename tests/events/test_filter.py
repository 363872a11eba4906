from datetime import UTC, datetime
from typing import Any

import pytest

from repoint.contract.errors import BadRequestException
from repoint.events.filter import (
    EventFilter,
    check_event_dimensions,
    check_event_filter,
    read_event_dimensions,
    read_event_filter,
    read_logged,
)
from repoint.events.records import Origin, Subject, app_record, app_session, service_record

AT = datetime(2025, 6, 30, 12, tzinfo=UTC)
ORIGIN = Origin("000000000000", "app")


def read(dimensions: dict[str, Any], filter_type: str = "ENDPOINT") -> EventFilter:
    given = {"FilterType": filter_type, "Dimensions": dimensions}
    check_event_filter(given, "EventFilter")
    return read_event_filter(given)


def visit(**dimensions: Any) -> dict[str, Any]:
    return {"EventType": {"DimensionType": "INCLUSIVE", "Values": ["visit"]}, **dimensions}


def test_any_of_the_types_matches() -> None:
    found = read({"EventType": {"Values": ["visit", "buy"]}})

    assert found.event_types == frozenset({"visit", "buy"})
    assert [each for each in ("visit", "buy", "Visit", "visits", "_visit", "") if found.matches(each, {}, {})] == [
        "visit",
        "buy",
    ]


def test_none_of_the_types_matches() -> None:
    found = read({"EventType": {"DimensionType": "EXCLUSIVE", "Values": ["visit", "buy"]}})

    assert found.event_types is None
    assert [each for each in ("visit", "buy", "Visit", "_session.start") if found.matches(each, {}, {})] == [
        "Visit",
        "_session.start",
    ]


def test_without_types_any_matches() -> None:
    found = read({"Attributes": {"color": {"Values": ["red"]}}})

    assert found.event_types is None
    assert found.matches("visit", {"color": "red"}, {})
    assert not found.matches("visit", {"color": "blue"}, {})


@pytest.mark.parametrize("filter_type", ["ENDPOINT", "SYSTEM"])
@pytest.mark.parametrize(
    "event_type", ["_campaign.send", "_journey.send", "_email.send", "_email.open", "_SMS.SUCCESS", "_SMS.RECEIVED"]
)
def test_what_comes_of_sending_matches_by_name_only(event_type: str, filter_type: str) -> None:
    named = read({"EventType": {"Values": [event_type]}}, filter_type)
    excluding = read({"EventType": {"DimensionType": "EXCLUSIVE", "Values": ["_x"]}}, filter_type)
    typeless = read({"Attributes": {"color": {"AttributeType": "EXCLUSIVE", "Values": ["red"]}}}, filter_type)

    assert named.matches(event_type, {}, {})
    assert not excluding.matches(event_type, {}, {})
    assert not typeless.matches(event_type, {}, {})


def test_system_filters_take_events_of_the_service_only() -> None:
    named = read({"EventType": {"Values": ["_session.start"]}}, "SYSTEM")
    excluding = read({"EventType": {"DimensionType": "EXCLUSIVE", "Values": ["_session.stop"]}}, "SYSTEM")

    assert named.event_types == frozenset({"_session.start"})
    assert named.matches("_session.start", {}, {})
    assert not named.matches("_session.stop", {}, {})
    assert excluding.matches("_session.start", {}, {})
    assert not excluding.matches("_session.stop", {}, {})
    assert not excluding.matches("visit", {}, {})


FIRST, SECOND = "2025-03-01T00:00:00Z", "2025-03-02T12:00:00Z"


@pytest.mark.parametrize(
    ("attribute_type", "wanted", "matching", "other"),
    [
        (None, ["red", "blue"], ["red", "blue"], ["Red", "reddish", "", None]),
        ("INCLUSIVE", ["red"], ["red"], ["blue", " red", None]),
        ("INCLUSIVE", [""], [""], ["red", None]),
        ("EXCLUSIVE", ["red", "blue"], ["Red", "reddish", "", None], ["red", "blue"]),
        ("CONTAINS", ["ew", "ri"], ["New York", "Paris", "ew"], ["NEW", "e w", "", None]),
        (
            "BEFORE",
            [FIRST],
            ["2025-02-28T23:59:59.999999999Z", "0001-01-01T00:00:00Z"],
            [FIRST, "2025-03-01T00:00:00.000Z", "2025-03-01T00:00:00.000000001Z", "2025-02-28", "2025-02-30T00:00:00Z"],
        ),
        ("BEFORE", [FIRST, SECOND], ["2025-03-02T11:59:59Z"], [SECOND, "", None]),
        (
            "AFTER",
            [FIRST],
            ["2025-03-01T00:00:00.000000001Z", "9999-12-31T23:59:59Z"],
            [FIRST, "2025-03-01T00:00:00.0Z", "2025-04-01T00:00:00+00:00", "2025-04-31T00:00:00Z", "later", None],
        ),
        ("AFTER", [SECOND, FIRST], ["2025-03-01T00:00:01Z", SECOND], [FIRST, None]),
        (
            "ON",
            ["2025-03-01T12:00:00Z", "2024-02-29T12:00:00Z"],
            [FIRST, "2025-03-01T23:59:59.999Z", "2024-02-29T00:00:00Z"],
            ["2025-03-02T00:00:00Z", "2025-02-28T23:59:59Z", "2025-03-01", "2025-03-01T00:00Z", None],
        ),
        (
            "BETWEEN",
            [FIRST, SECOND],
            [FIRST, "2025-03-01T00:00:00.000Z", "2025-03-02T00:00:00Z", SECOND],
            ["2025-02-28T23:59:59.999Z", "2025-03-02T12:00:00.001Z", "2025-03-02", "", None],
        ),
    ],
)
def test_attribute_types_mean_what_they_mean_in_segments(
    attribute_type: str | None, wanted: list[str], matching: list[str | None], other: list[str | None]
) -> None:
    given = {"Values": wanted} if attribute_type is None else {"AttributeType": attribute_type, "Values": wanted}
    found = read(visit(Attributes={"a": given}))

    # None stands for an event without the attribute.
    events = [*matching, *other]
    held = [value for value in events if found.matches("visit", {} if value is None else {"a": value}, {})]

    assert held == matching


def test_every_attribute_has_to_match() -> None:
    found = read(visit(Attributes={"color": {"Values": ["red", "blue"]}, "size": {"Values": ["L"]}}))

    assert found.matches("visit", {"color": "blue", "size": "L", "more": "x"}, {})
    assert not found.matches("visit", {"color": "blue", "size": "M"}, {})
    assert not found.matches("visit", {"color": "blue"}, {})
    assert not found.matches("visit", {"Color": "blue", "size": "L"}, {})
    assert not found.matches("buy", {"color": "blue", "size": "L"}, {})


@pytest.mark.parametrize(
    ("operator", "matching"),
    [
        ("GREATER_THAN", [10.5, 1e300]),
        ("GREATER_THAN_OR_EQUAL", [10.0, 10.5, 1e300]),
        ("EQUAL", [10.0]),
        ("LESS_THAN_OR_EQUAL", [-10.0, 9.5, 10.0]),
        ("LESS_THAN", [-10.0, 9.5]),
    ],
)
def test_metrics_are_compared(operator: str, matching: list[float]) -> None:
    found = read(visit(Metrics={"price": {"ComparisonOperator": operator, "Value": 10}}))

    assert [
        price for price in (-10.0, 9.5, 10.0, 10.5, 1e300) if found.matches("visit", {}, {"price": price})
    ] == matching
    assert not found.matches("visit", {}, {})
    assert not found.matches("visit", {"price": "10"}, {"Price": 10})


def test_every_metric_has_to_match_beside_the_attributes() -> None:
    found = read(
        visit(
            Attributes={"color": {"Values": ["red"]}},
            Metrics={
                "price": {"ComparisonOperator": "LESS_THAN", "Value": 10},
                "count": {"ComparisonOperator": "EQUAL", "Value": 2},
            },
        )
    )

    assert found.matches("visit", {"color": "red"}, {"price": 9.99, "count": 2})
    assert not found.matches("visit", {"color": "red"}, {"price": 9.99, "count": 3})
    assert not found.matches("visit", {"color": "red"}, {"price": 10, "count": 2})
    assert not found.matches("visit", {}, {"price": 9.99, "count": 2})


def test_dimensions_may_stand_by_themselves() -> None:
    found = read_event_dimensions(visit(Attributes={"color": {"Values": ["red"]}}))

    assert found.event_types == frozenset({"visit"})
    assert found.matches("visit", {"color": "red"}, {})


@pytest.mark.parametrize("given", [None, {}])
def test_a_missing_filter_is_told_by_its_place(given: dict[str, Any] | None) -> None:
    with pytest.raises(BadRequestException) as caught:
        check_event_filter(given, "EventStartCondition.EventFilter")

    assert caught.value.message == "Missing EventStartCondition.EventFilter"


def many(count: int) -> list[str]:
    return [f"v{number}" for number in range(count)]


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        ({}, "Missing EventType"),
        ({"Attributes": {}, "Metrics": {}}, "Missing EventType"),
        ({"EventType": {"Values": []}}, "Invalid Values for EventType"),
        (visit(Attributes={"color": {"Values": []}}), "Invalid Values for color"),
        (visit(Attributes={"EventType": {"Values": []}}), "Invalid Values for EventType"),
        (visit(Attributes={"day": {"AttributeType": "ON", "Values": ["2025-03-01"]}}), "Invalid Values for day"),
        (visit(Attributes={"day": {"AttributeType": "AFTER", "Values": [FIRST, "x"]}}), "Invalid Values for day"),
        (visit(Attributes={"day": {"AttributeType": "BETWEEN", "Values": [FIRST]}}), "Invalid Values for day"),
        (visit(Attributes={"day": {"AttributeType": "BETWEEN", "Values": [SECOND, FIRST]}}), "Invalid Values for day"),
        (visit(Attributes={"day": {"AttributeType": "BETWEEN", "Values": [FIRST] * 3}}), "Invalid Values for day"),
        (
            visit(Metrics={"price": {"ComparisonOperator": "NOT_EQUAL", "Value": 1}}),
            "Invalid ComparisonOperator: NOT_EQUAL",
        ),
        (visit(Attributes={"color": {"Values": ["x" * 1001]}}), "Value exceeds 1000 characters"),
        ({"EventType": {"Values": many(101)}}, "Maximum number of values exceeded: 100"),
        (visit(Attributes={"color": {"Values": many(100)}}), "Maximum number of values exceeded: 100"),
        (
            visit(Metrics={name: {"ComparisonOperator": "EQUAL", "Value": 1} for name in many(101)}),
            "Maximum number of dimensions exceeded: 100",
        ),
    ],
)
def test_check_refuses(dimensions: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequestException) as caught:
        check_event_dimensions(dimensions)

    assert caught.value.message == message


def test_check_accepts_what_is_just_not_too_much() -> None:
    dimensions = {
        "EventType": {"Values": ["visit"]},
        "Attributes": {"color": {"Values": ["x" * 1000, *many(98)]}},
        "Metrics": {name: {"ComparisonOperator": "EQUAL", "Value": 1} for name in many(99)},
    }

    check_event_dimensions(dimensions)

    assert read_event_dimensions(dimensions).matches("visit", {"color": "v0"}, dict.fromkeys(many(99), 1.0))


@pytest.mark.parametrize("dimension_type", ["INCLUSIVE", "EXCLUSIVE"])
def test_system_filters_name_no_events_of_apps(dimension_type: str) -> None:
    event_types = {"DimensionType": dimension_type, "Values": ["_email.open", "visit"]}

    with pytest.raises(BadRequestException) as caught:
        check_event_filter({"FilterType": "SYSTEM", "Dimensions": {"EventType": event_types}}, "EventFilter")

    assert caught.value.message == "Invalid EventType: visit"


def test_logged_events_of_apps_are_read() -> None:
    record = app_record(
        ORIGIN,
        Subject.unknown("e1"),
        {
            "EventType": "visit",
            "Timestamp": "2025-06-30T12:00:00Z",
            "Attributes": {"color": 'gr"ü\n', "attributes": "{}"},
            "Metrics": {"price": 9.5, "count": 2},
        },
        (AT, AT),
        app_session("s1", AT, None),
    )

    assert read_logged(record) == ({"color": 'gr"ü\n', "attributes": "{}"}, {"price": 9.5, "count": 2.0})


def test_logged_events_of_the_service_may_have_no_metrics() -> None:
    record = service_record(ORIGIN, Subject.unknown("e1"), "_email.open", (AT, AT), {"campaign_id": "c1"})

    assert read_logged(record) == ({"campaign_id": "c1"}, {})
    assert read_logged("{}") == ({}, {})

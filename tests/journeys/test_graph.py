"""Where activities lead (journeys.md sections 8 and 14)."""

from typing import Any

import pytest

from repoint.journeys.graph import before, circle, reached, targets_of


def to(*targets: str) -> dict[str, Any]:
    return {"RandomSplit": {"Branches": [{"NextActivity": target} for target in targets]}}


@pytest.mark.parametrize(
    ("activity", "targets"),
    [
        ({"EMAIL": {"NextActivity": "b"}}, ["b"]),
        ({"SMS": {"NextActivity": ""}}, []),
        ({"PUSH": {}}, []),
        ({"CUSTOM": {"NextActivity": "b"}}, ["b"]),
        ({"Wait": {"NextActivity": "b"}}, ["b"]),
        ({"Holdout": {"NextActivity": "b"}}, ["b"]),
        ({"ContactCenter": {"NextActivity": "b"}}, ["b"]),
        ({"ConditionalSplit": {"FalseActivity": "c", "TrueActivity": "b"}}, ["b", "c"]),
        ({"MultiCondition": {"DefaultActivity": "d", "Branches": [{"NextActivity": "b"}, {}]}}, ["b", "d"]),
        ({"RandomSplit": {"Branches": [{"NextActivity": "b"}, {"NextActivity": "b"}]}}, ["b", "b"]),
        ({"RandomSplit": {}}, []),
        ({}, []),
    ],
)
def test_where_each_kind_leads(activity: dict[str, Any], targets: list[str]) -> None:
    assert targets_of(activity) == targets


def test_who_is_reached() -> None:
    activities = {"a": to("b", "c"), "b": to("d", "nowhere"), "c": to("d"), "d": to(), "alone": to("a")}

    assert reached(activities, "a") == ["a", "b", "d", "c"]
    assert reached(activities, "nowhere") == []


@pytest.mark.parametrize(
    ("activities", "found"),
    [
        ({"a": to("a")}, True),
        ({"a": to("b"), "b": to("c"), "c": to("b")}, True),
        ({"a": to("b", "c"), "b": to("d"), "c": to("d"), "d": to()}, False),
        ({"a": to("b", "b"), "b": to()}, False),
        ({"a": to("nowhere")}, False),
        ({"a": to(), "b": to("b")}, False),
    ],
)
def test_ways_back(activities: dict[str, Any], *, found: bool) -> None:
    assert (circle(activities, "a") is not None) == found


def test_long_paths_need_no_stack() -> None:
    activities = {f"{number}": to(f"{number + 1}") for number in range(5000)}

    assert circle(activities, "0") is None
    assert len(reached(activities, "0")) == 5000


def test_what_may_have_been_passed() -> None:
    activities = {"a": to("b", "c"), "b": to("d"), "c": to("d", "nowhere"), "d": to("e"), "e": to()}

    assert before(activities, "a") == {
        "a": frozenset(),
        "b": {"a"},
        "c": {"a"},
        "d": {"a", "b", "c"},
        "e": {"a", "b", "c", "d"},
    }

"""Whose calls a function takes; auth.md section 7 has the ARNs that Pinpoint passes."""

import pytest

from repoint.functions.allow import check_pattern, is_bare, may_call

OURS = "arn:aws:mobiletargeting:us-east-1:111122223333"
APP = "9f1c8a5e0d6b4c7f8a9b0c1d2e3f4a5b"
CAMPAIGN = f"{OURS}:apps/{APP}/campaigns/c1"
JOURNEY = f"{OURS}:apps/{APP}/journeys/j1"
RECOMMENDER = f"{OURS}:recommenders/r1"


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        (f"{OURS}:apps/*", {"campaign", "journey"}),
        (f"{OURS}:apps/{APP}/*", {"campaign", "journey"}),
        (f"{OURS}:apps/{APP}/campaigns/*", {"campaign"}),
        (f"{OURS}:apps/{APP}/campaigns/c1", {"campaign"}),
        (f"{OURS}:apps/{APP}/campaigns/c?", {"campaign"}),
        (f"{OURS}:apps/*/journeys/*", {"journey"}),
        # What the guide has people write.
        (f"{OURS}:apps/{APP}", {"campaign", "journey"}),
        (f"{OURS}:recommenders/*", {"recommender"}),
        (f"{OURS}:*", {"campaign", "journey", "recommender"}),
        ("arn:aws:mobiletargeting:*:*:*", {"campaign", "journey", "recommender"}),
        # A wildcard does not reach over a colon.
        ("arn:aws:mobiletargeting:*:apps/*", set()),
        (f"{OURS}:apps/other/*", set()),
        (f"{OURS}:apps/other", set()),
        (f"{OURS.replace('us-east-1', 'eu-west-1')}:*", set()),
        (f"{OURS}:apps/{APP.upper()}/*", set()),
    ],
)
def test_a_pattern_fits_as_in_a_resource_policy(pattern: str, fits: set[str]) -> None:
    sources = {"campaign": CAMPAIGN, "journey": JOURNEY, "recommender": RECOMMENDER}

    assert {name for name, arn in sources.items() if may_call([pattern], arn)} == fits


def test_one_pattern_of_several_is_enough() -> None:
    assert may_call([f"{OURS}:recommenders/*", f"{OURS}:apps/{APP}/*"], CAMPAIGN)


def test_without_patterns_everybody_may_call() -> None:
    assert may_call(None, None)
    assert may_call(None, CAMPAIGN)


def test_with_patterns_nobody_unnamed_may_call() -> None:
    assert not may_call(["arn:aws:mobiletargeting:*:*:*"], None)
    assert not may_call([], CAMPAIGN)


@pytest.mark.parametrize("pattern", ["*", f"apps/{APP}", "arn:aws:mobiletargeting:us-east-1:apps/*", "${aws:nothing}"])
def test_what_is_no_pattern_is_told(pattern: str) -> None:
    with pytest.raises(ValueError, match="is no "):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "bare"),
    [(f"{OURS}:apps/{APP}", True), (f"{OURS}:apps/{APP}/*", False), (f"{OURS}:apps/*", False), (f"{OURS}:*", False)],
)
def test_a_bare_application_is_known(pattern: str, *, bare: bool) -> None:
    assert is_bare(pattern) == bare

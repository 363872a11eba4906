"""Whose calls a function takes: the setting `allow`, which is the ArnLike condition of a Lambda resource policy."""

import re
from collections.abc import Sequence

from repoint.access.patterns import ARN_PARTS, matcher, read_text, split_arn

# "Replace the * by the project id", says the guide of `apps/*`, and leaves people with a pattern that fits no campaign.
_BARE = re.compile(r"apps/[^/]+")


def may_call(patterns: Sequence[str] | None, source_arn: str | None) -> bool:
    """Whether a campaign, journey, application or recommender may have the function called; None allows everybody."""
    if patterns is None:
        return True
    return source_arn is not None and any(_fits(pattern, source_arn) for pattern in patterns)


def check_pattern(pattern: str) -> None:
    """Raise ValueError, with a text for the operator, for what is no pattern of an ARN."""
    if len(split_arn(read_text(pattern))) != ARN_PARTS:
        raise ValueError(f"{pattern} is no ARN")


def is_bare(pattern: str) -> bool:
    """Whether a pattern names an application where it means what is in it, too."""
    resource = pattern.split(":", ARN_PARTS - 1)[-1]
    return _BARE.fullmatch(resource) is not None and not resource.endswith("*")


def _fits(pattern: str, source_arn: str) -> bool:
    """Each of an ARN's parts by itself: a wildcard does not reach over a colon but in the last part."""
    found = source_arn.split(":", ARN_PARTS - 1)
    parts = split_arn(read_text(pattern))
    if len(found) != ARN_PARTS or len(parts) != ARN_PARTS:
        return False
    tests = [matcher(part, {}) for part in parts]
    if is_bare(pattern):
        found[-1] = "/".join(found[-1].split("/")[:2])
    return all(test is not None and test(part) for test, part in zip(tests, found, strict=True))

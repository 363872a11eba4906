"""The verdict on one endpoint, as the server explains it, in lines for people."""

import json
from collections.abc import Iterator
from typing import Any

Tree = dict[str, Any]

# Members of a criterion that are told in words of their own.
_TOLD = ("Criterion", "IsMatch", "Stored")


def verdict_lines(verdict: Tree) -> Iterator[str]:
    """The conclusion first, then each segment with its groups, entries and criteria."""
    is_or_not = "is" if verdict["IsMember"] else "is not"
    yield f"{verdict['EndpointId']} {is_or_not} a member of {_named(verdict['Segments'][0])}"
    if verdict["IsMember"]:
        yield f"It would{'' if verdict['IsEligible'] else ' not'} be sent to: {_eligibility(verdict)}"
    for segment in verdict["Segments"]:
        yield ""
        yield f"{_sign(segment['IsMember'])} {_named(segment)}, {_kind(segment)}"
        for number, group in enumerate(segment.get("Groups", []), start=1):
            yield from _indented(_group_lines(number, group))


def _eligibility(verdict: Tree) -> str:
    if verdict["IsEligible"]:
        return "it is active, not opted out, and has an address and a channel"
    return "it is inactive or opted out, or has no address or no channel"


def _named(segment: Tree) -> str:
    name = f"{segment['Name']} " if "Name" in segment else ""
    return f"segment {name}({segment['SegmentId']}, version {segment['Version']})"


def _kind(segment: Tree) -> str:
    if segment["SegmentType"] == "IMPORT":
        return "a list that was imported"
    return f"{segment['Include']} of its groups" if segment["Groups"] else "every endpoint"


def _group_lines(number: int, group: Tree) -> Iterator[str]:
    yield f"{_sign(group['IsMember'])} group {number}"
    if group["SourceSegments"]:
        yield f"    in {group['SourceType']} of the segments"
    for source in group["SourceSegments"]:
        yield f"        {_sign(source['IsMember'])} {source['SegmentId']}, version {source['Version']}"
    if group["Dimensions"]:
        yield f"    matches {group['Type']} of the dimensions"
    for position, entry in enumerate(group["Dimensions"], start=1):
        yield f"        {_sign(entry['IsMatch'])} dimension {position}"
        for criterion in entry["Criteria"]:
            yield f"            {_sign(criterion['IsMatch'])} {_criterion(criterion)}"


def _criterion(criterion: Tree) -> str:
    asked = ", ".join(f"{name} {_shown(value)}" for name, value in criterion.items() if name not in _TOLD)
    stored = "nothing" if criterion["Stored"] is None else _shown(criterion["Stored"])
    return f"{criterion['Criterion']}: {asked}; stored is {stored}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _sign(is_so: bool) -> str:  # noqa: FBT001 - its one argument
    return "yes" if is_so else "no "


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"    {line}" for line in lines)

"""Who is a member, worked out in plain Python from segments.md sections 4 to 9, with nothing of the product's.

Written for being read beside the page, not for speed: an endpoint is the document that GetEndpoint answers.
"""

import calendar
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Document = Mapping[str, Any]
Instant = tuple[int, int, int, int, int, int, int]


@dataclass(frozen=True)
class Listed:
    """An imported segment."""

    endpoints: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    # Endpoints that are not registered, by their ids.
    snapshots: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """Everything a segment can be evaluated on."""

    at: datetime
    endpoints: Mapping[str, Document]
    imported: Mapping[str, Listed]
    dynamic: Mapping[str, Document]

    def members(self, segment_id: str) -> dict[str, Document]:
        """All members by their ids; what is registered goes before snapshots of the same id."""
        found = {
            key: snapshot
            for name, listed in self.imported.items()
            for key, snapshot in listed.snapshots.items()
            if self.holds(segment_id, snapshot, name)
        }
        return found | {key: each for key, each in self.endpoints.items() if self.holds(segment_id, each, None)}

    def eligible(self, segment_id: str) -> set[str]:
        """The ids of those that would be sent to."""
        return {key for key, endpoint in self.members(segment_id).items() if is_eligible(endpoint)}

    def holds(self, segment_id: str, endpoint: Document, snapshot_of: str | None) -> bool:
        """Whether a registered endpoint, or a snapshot of an imported segment, is a member."""
        if segment_id in self.imported:
            listed = self.imported[segment_id]
            if snapshot_of is not None:
                return snapshot_of == segment_id
            return endpoint["Id"] in listed.endpoints or endpoint["User"].get("UserId") in listed.users
        definition = self.dynamic[segment_id]
        groups = definition.get("Groups", [])
        is_registered = snapshot_of is None
        verdicts = [self.in_group(group, endpoint, snapshot_of) for group in groups]
        return within(definition.get("Include", "ALL"), verdicts, is_registered=is_registered)

    def in_group(self, group: Document, endpoint: Document, snapshot_of: str | None) -> bool:
        """member(group)."""
        sources = [self.holds(source["Id"], endpoint, snapshot_of) for source in group.get("SourceSegments", [])]
        base = within(group.get("SourceType", "ALL"), sources, is_registered=snapshot_of is None)
        entries = [self.matches(entry, endpoint) for entry in group.get("Dimensions", [])]
        return base and (not entries or combine(group.get("Type", "ALL"), entries))

    def matches(self, entry: Document, endpoint: Document) -> bool:
        """Whether all criteria of an entry hold."""
        behavior, location = entry.get("Behavior", {}), entry.get("Location", {})
        own, shared = endpoint["Attributes"], endpoint["User"].get("UserAttributes", {})
        place = endpoint.get("Location", {})
        verdicts = [attribute(own.get(name, []), given) for name, given in entry.get("Attributes", {}).items()]
        verdicts += [attribute(shared.get(name, []), given) for name, given in entry.get("UserAttributes", {}).items()]
        verdicts += [metric(endpoint["Metrics"].get(name), given) for name, given in entry.get("Metrics", {}).items()]
        verdicts += [demographic(endpoint, name, given) for name, given in entry.get("Demographic", {}).items()]
        if "Recency" in behavior:
            verdicts.append(recency(endpoint["EffectiveDate"], behavior["Recency"], self.at))
        if "Country" in location:
            verdicts.append(one_of(place.get("Country"), location["Country"]))
        if "GPSPoint" in location:
            verdicts.append(near(place.get("Latitude"), place.get("Longitude"), location["GPSPoint"]))
        return all(verdicts)


def is_eligible(endpoint: Document) -> bool:
    """Section 9."""
    is_wanted = endpoint["EndpointStatus"] == "ACTIVE" and endpoint["OptOut"] == "NONE"
    return is_wanted and bool(endpoint.get("Address")) and bool(endpoint.get("ChannelType"))


def combine(combiner: str, verdicts: list[bool]) -> bool:
    """ALL, ANY, NONE."""
    return {"ALL": all(verdicts), "ANY": any(verdicts), "NONE": not any(verdicts)}[combiner]


def within(combiner: str, verdicts: list[bool], *, is_registered: bool) -> bool:
    """The same, where nothing to combine and NONE mean: of all registered endpoints."""
    if not verdicts:
        return is_registered
    return combine(combiner, verdicts) and (combiner != "NONE" or is_registered)


def attribute(stored: list[str], given: Document) -> bool:
    """Section 5."""
    wanted: list[str] = given["Values"]
    kind: str = given.get("AttributeType", "INCLUSIVE")
    if kind in ("INCLUSIVE", "EXCLUSIVE"):
        return any(value in wanted for value in stored) == (kind == "INCLUSIVE")
    if kind == "CONTAINS":
        return any(part in value for value in stored for part in wanted)
    found = [when for value in stored if (when := instant(value))]
    asked = [when for value in wanted if (when := instant(value))]
    if kind == "BETWEEN":
        return any(asked[0] <= when <= asked[1] for when in found)
    compare: dict[str, Callable[[Instant, Instant], bool]] = {
        "BEFORE": lambda when, other: when < other,
        "AFTER": lambda when, other: when > other,
        "ON": lambda when, other: when[:3] == other[:3],
    }
    return any(compare[kind](when, other) for when in found for other in asked)


def instant(text: str) -> Instant | None:
    """Year to nanosecond of an ISO_INSTANT."""
    parts = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", text, re.ASCII)
    if parts is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in parts.groups()[:6])
    if not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 59:
        return None
    # The calendar repeats every 400 years, and Python's begins with the year 1.
    if not 1 <= day <= calendar.monthrange(year + 400, month)[1]:
        return None
    return year, month, day, hour, minute, second, int((parts[7] or "").ljust(9, "0"))


def metric(stored: float | None, given: Document) -> bool:
    """Section 6."""
    if stored is None:
        return False
    value: float = given["Value"]
    verdicts = {
        "GREATER_THAN": stored > value,
        "LESS_THAN": stored < value,
        "GREATER_THAN_OR_EQUAL": stored >= value,
        "LESS_THAN_OR_EQUAL": stored <= value,
        "EQUAL": stored == value,
    }
    return verdicts[given["ComparisonOperator"]]


DURATIONS = {"HR_24": 24, "DAY_7": 7 * 24, "DAY_14": 14 * 24, "DAY_30": 30 * 24}


def recency(effective_date: str, given: Document, at: datetime) -> bool:
    """Section 7."""
    is_active = datetime.fromisoformat(effective_date) >= at - timedelta(hours=DURATIONS[given["Duration"]])
    return is_active if given["RecencyType"] == "ACTIVE" else not is_active


PUSH = {"APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "GCM", "ADM", "BAIDU"}


def demographic(endpoint: Document, name: str, given: Document) -> bool:
    """Section 8."""
    if name == "DeviceType":
        return one_of(None, given)
    if name != "Channel":
        return one_of(endpoint.get("Demographic", {}).get(name), given)
    channel = endpoint.get("ChannelType")
    if channel in PUSH and "PUSH" in given["Values"]:
        return is_inclusive(given)
    return one_of(channel, given)


def is_inclusive(given: Document) -> bool:
    """What is not said is INCLUSIVE."""
    return bool(given.get("DimensionType", "INCLUSIVE") == "INCLUSIVE")


def one_of(stored: str | None, given: Document) -> bool:
    """A set: in it, or not."""
    return (stored in given["Values"]) == is_inclusive(given)


def near(latitude: float | None, longitude: float | None, given: Document) -> bool:
    """Great-circle distance by the haversine formula."""
    if latitude is None or longitude is None:
        return False
    point, limit = given["Coordinates"], float(given.get("RangeInKilometers", 0))
    if not limit:
        return (latitude, longitude) == (rounded(point["Latitude"]), rounded(point["Longitude"]))
    return distance(latitude, longitude, point["Latitude"], point["Longitude"]) <= limit


def distance(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Kilometres, on a sphere of radius 6371 km."""
    here, there = math.radians(latitude), math.radians(other_latitude)
    across = math.sin((there - here) / 2) ** 2
    along = math.sin(math.radians(other_longitude - longitude) / 2) ** 2
    return 2 * 6371 * math.asin(min(1.0, math.sqrt(across + math.cos(here) * math.cos(there) * along)))


def rounded(degrees: float) -> float:
    """To one decimal, half away from zero."""
    return math.copysign(math.floor(abs(degrees) * 10 + 0.5) / 10, degrees)

"""Section 11 of segments.md, line by line."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.segments.conftest import Definition, Import, Shop, group, groups, one, still

NOW = datetime(2025, 6, 30, 12, tzinfo=UTC)

U1 = {"UserId": "u1", "UserAttributes": {"Plan": ["gold"], "City": ["New York City"]}}
U2 = {"UserId": "u2", "UserAttributes": {"Plan": ["silver"], "City": ["Newcastle"]}}
U3 = {"UserId": "u3", "UserAttributes": {"Plan": ["gold", "trial"], "City": ["NEWARK"]}}

ENDPOINTS: dict[str, dict[str, Any]] = {
    "e1": {
        "ChannelType": "EMAIL", "Address": "e1@example.com", "User": U1,
        "Location": {"Country": "US", "Latitude": 47.6, "Longitude": -122.3},
        "Demographic": {"Platform": "ios", "Make": "apple"},
        "Attributes": {"Interests": ["music", "travel"], "Signup": ["2025-01-15T09:30:00Z"]},
        "Metrics": {"Visits": 3}, "EffectiveDate": "2025-06-30T01:00:00Z",
    },
    "e2": {
        "ChannelType": "SMS", "Address": "+12065550100", "User": {"UserId": "u1"}, "Location": {"Country": "US"},
        "Metrics": {"Visits": 10}, "EffectiveDate": "2025-06-20T12:00:00Z", "OptOut": "ALL",
    },
    "e3": {
        "ChannelType": "APNS", "Address": "token3", "User": U2,
        "Location": {"Country": "CA", "Latitude": 49.3, "Longitude": -123.1}, "Demographic": {"Platform": "ios"},
        "Attributes": {"Interests": ["Music"], "Signup": ["2025-03-01T00:00:00Z"]},
        "Metrics": {"Visits": 5}, "EffectiveDate": "2025-06-25T12:00:00Z", "EndpointStatus": "INACTIVE",
    },
    "e4": {
        "ChannelType": "GCM", "Address": "token4", "User": U3,
        "Location": {"Country": "GB", "Latitude": 55.0, "Longitude": -1.6},
        "Demographic": {"Platform": "android", "Make": "google"},
        "Attributes": {"Interests": ["books", "travel"], "Signup": ["2025-03-01T18:45:00Z"]},
        "Metrics": {"Visits": 1}, "EffectiveDate": "2025-05-01T00:00:00Z",
    },
    "e5": {
        "ChannelType": "EMAIL", "Address": "e5@example.com", "Location": {"Country": "FR"},
        "Attributes": {"Signup": ["2025-03-01"]}, "EffectiveDate": "2025-06-16T13:00:00Z",
    },
    "e6": {
        "ChannelType": "CUSTOM", "Address": "https://example.com/hook", "User": {"UserId": "u4"},
        "Attributes": {"Interests": ["travel"]}, "Metrics": {"Visits": -2.5}, "EffectiveDate": "2025-06-23T12:00:00Z",
    },
    "e7": {"User": {"UserId": "u2"}, "EffectiveDate": "2025-06-30T11:59:00Z", "OptOut": "ALL"},
}  # fmt: skip


def interests(values: list[str], **more: str) -> Definition:
    return {"Attributes": {"Interests": {"Values": values, **more}}}


def signup(attribute_type: str, *values: str) -> Definition:
    return {"Attributes": {"Signup": {"AttributeType": attribute_type, "Values": list(values)}}}


def user(name: str, values: list[str], **more: str) -> Definition:
    return {"UserAttributes": {name: {"Values": values, **more}}}


def visits(operator: str, value: float) -> Definition:
    return {"Metrics": {"Visits": {"ComparisonOperator": operator, "Value": value}}}


def recency(recency_type: str, duration: str) -> Definition:
    return {"Behavior": {"Recency": {"RecencyType": recency_type, "Duration": duration}}}


def channel(*values: str) -> Definition:
    return {"Demographic": {"Channel": {"Values": list(values)}}}


def country(*values: str, **more: str) -> Definition:
    return {"Location": {"Country": {"Values": list(values), **more}}}


POINT = {"Coordinates": {"Latitude": 47.6, "Longitude": -122.3}, "RangeInKilometers": 250}
IOS = {"Demographic": {"Platform": {"Values": ["ios"]}}}

# Definitions of section 11 by their number; those based on others are made of their ids.
DEFINITIONS: dict[int, Definition] = {
    1: one(**interests(["music", "books"])),
    2: one(**interests(["music"], AttributeType="EXCLUSIVE")),
    3: one(**user("City", ["ew"], AttributeType="CONTAINS")),
    4: one(**user("Plan", ["gold"]), **channel("EMAIL", "SMS")),
    5: one(**user("Plan", ["trial"], AttributeType="EXCLUSIVE")),
    6: one(**signup("ON", "2025-03-01T12:00:00Z")),
    7: one(**signup("BEFORE", "2025-03-01T00:00:00Z")),
    8: one(**signup("BETWEEN", "2025-01-01T00:00:00Z", "2025-03-01T00:00:00Z")),
    9: one(**visits("GREATER_THAN_OR_EQUAL", 3)),
    10: one(**visits("LESS_THAN", 3)),
    11: one(**recency("ACTIVE", "DAY_7")),
    12: one(**recency("INACTIVE", "DAY_14")),
    13: one(Location={"GPSPoint": POINT}),
    14: one(**country("US", DimensionType="EXCLUSIVE")),
    15: one(**channel("PUSH")),
    16: groups(group(IOS, visits("GREATER_THAN", 5), combiner="ANY")),
    17: groups(group(IOS, visits("GREATER_THAN", 5), combiner="NONE")),
    19: groups(group(country("US"), combiner="NONE"), group(channel("EMAIL", "CUSTOM")), include="ALL"),
    20: groups(group(recency("ACTIVE", "HR_24")), group(visits("EQUAL", 10)), include="NONE"),
    25: {},
}


def based_on(made: dict[int, str], i1: str, i2: str) -> dict[int, Definition]:
    return {
        18: groups(group(interests(["travel"]), sources=[i1])),
        21: groups(group(sources=[made[11], made[9]], source_type="ANY")),
        22: groups(group(sources=[made[11], made[9]], source_type="NONE")),
        23: groups(group(sources=[i2])),
        24: groups(group(country("CA")), group(country("FR"), sources=[i1]), include="ANY"),
    }


MEMBERS = {
    1: "e1 e4", 2: "e2 e3 e4 e5 e6 e7", 3: "e1 e2 e3 e7", 4: "e1 e2", 5: "e1 e2 e3 e5 e6 e7", 6: "e3 e4", 7: "e1",
    8: "e1 e3", 9: "e1 e2 e3", 10: "e4 e6", 11: "e1 e3 e6 e7", 12: "e4", 13: "e1 e3", 14: "e3 e4 e5 e6 e7",
    15: "e3 e4", 16: "e1 e2 e3", 17: "e4 e5 e6 e7", 18: "e1 e4", 19: "e5 e6", 20: "e3 e4 e5 e6",
    21: "e1 e2 e3 e6 e7", 22: "e4 e5", 23: "e1 e2 e4", 24: "e3 e5", 25: "e1 e2 e3 e4 e5 e6 e7",
}  # fmt: skip
ELIGIBLE = {
    1: "e1 e4", 2: "e4 e5 e6", 3: "e1", 4: "e1", 5: "e1 e5 e6", 6: "e4", 7: "e1", 8: "e1", 9: "e1", 10: "e4 e6",
    11: "e1 e6", 12: "e4", 13: "e1", 14: "e4 e5 e6", 15: "e4", 16: "e1", 17: "e4 e5 e6", 18: "e1 e4", 19: "e5 e6",
    20: "e4 e5 e6", 21: "e1 e6", 22: "e4 e5", 23: "e1 e4", 24: "e5", 25: "e1 e4 e5 e6",
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """The application of the example, and its segments by their number."""

    shop: Shop
    segments: dict[int, str]
    imported: str

    def members(self) -> dict[int, str]:
        """Who is a member of each."""
        return {number: " ".join(self.shop.members(segment)) for number, segment in sorted(self.segments.items())}

    def eligible(self) -> dict[int, str]:
        """Who of them would be sent to."""
        return {number: " ".join(self.shop.eligible(segment)) for number, segment in sorted(self.segments.items())}

    def counts(self) -> dict[int, tuple[int, int]]:
        """How many are members, and would be sent to."""
        return {number: self.shop.count(segment) for number, segment in sorted(self.segments.items())}

    def explained(self) -> dict[int, str]:
        """Who is a member of each, as `why` has it."""
        return {
            number: " ".join(each for each in ENDPOINTS if self.shop.why(segment, each)["IsMember"])
            for number, segment in sorted(self.segments.items())
        }


@pytest.fixture
async def example(shop: Shop, imports: Import) -> AsyncIterator[Example]:
    i1 = await imports(endpoints=["e1", "e4", "e5"])
    i2 = await imports(users=["u1", "u3"])
    with still(NOW):
        for endpoint_id, request in ENDPOINTS.items():
            shop.put(endpoint_id, **request)
        made = {number: shop.create(**definition)["Id"] for number, definition in DEFINITIONS.items()}
        more = based_on(made, i1.segment_id, i2.segment_id)
        made |= {number: shop.create(**definition)["Id"] for number, definition in more.items()}
        yield Example(shop, made, i1.segment_id)


def test_members(example: Example) -> None:
    assert example.members() == MEMBERS


def test_eligible(example: Example) -> None:
    assert example.eligible() == ELIGIBLE


def test_counts(example: Example) -> None:
    assert example.counts() == {
        number: (len(MEMBERS[number].split()), len(ELIGIBLE[number].split())) for number in sorted(MEMBERS)
    }


def test_why_agrees(example: Example) -> None:
    assert example.explained() == MEMBERS


def test_no_groups_is_everybody(example: Example) -> None:
    segment = example.shop.create(SegmentGroups={"Groups": []})

    assert " ".join(example.shop.members(segment["Id"])) == MEMBERS[25]


def test_legacy_dimensions_are_one_group(example: Example) -> None:
    segment = example.shop.create(Dimensions={**user("Plan", ["gold"]), **channel("EMAIL", "SMS")})

    assert " ".join(example.shop.members(segment["Id"])) == MEMBERS[4]


def test_e5_gets_a_user(example: Example) -> None:
    example.shop.put("e5", User={"UserId": "u3"})

    assert example.members() == MEMBERS | {
        23: "e1 e2 e4 e5", 4: "e1 e2 e5", 5: "e1 e2 e3 e6 e7", 11: "e1 e3 e5 e6 e7", 21: "e1 e2 e3 e5 e6 e7",
        20: "e3 e4 e6", 22: "e4",
    }  # fmt: skip


def test_e1_is_deleted(example: Example) -> None:
    example.shop.client.delete_endpoint(ApplicationId=example.shop.id, EndpointId="e1")

    gone = {number: members.replace("e1 ", "").replace("e1", "") for number, members in MEMBERS.items()}
    assert (gone[18], gone[23]) == ("e4", "e2 e4")
    assert example.members() == gone
    assert example.shop.get(example.imported)["ImportDefinition"]["Size"] == 3


def test_e1_comes_back(example: Example) -> None:
    example.shop.client.delete_endpoint(ApplicationId=example.shop.id, EndpointId="e1")
    example.shop.put("e1", **ENDPOINTS["e1"])

    assert example.members() == MEMBERS


def test_e3_is_updated_without_status(example: Example) -> None:
    example.shop.put("e3", EffectiveDate="2025-06-25T12:00:00Z")

    now_eligible = {number for number, members in MEMBERS.items() if "e3" in members}
    assert example.members() == MEMBERS
    assert {number for number, members in example.eligible().items() if "e3" in members} == now_eligible

"""The operations on segments, driven by boto3 and by hand (segments.md sections 2, 3, 10 and Errors)."""

import re
from itertools import pairwise
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.queue.worker import Worker
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw
from tests.segments.conftest import Definition, Import, Shop, group, groups, one

UNKNOWN = "0123456789abcdef0123456789abcdef"
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

MUSIC = {"Attributes": {"Interests": {"Values": ["music"]}}}
MUSIC_FILLED = {"Attributes": {"Interests": {"AttributeType": "INCLUSIVE", "Values": ["music"]}}}
ALL_FILLED = {"Type": "ALL", "SourceType": "ALL", "SourceSegments": []}


def bad(message: str) -> tuple[int, str, str]:
    return 400, "BadRequestException", message


def missing(message: str = "Resource not found") -> tuple[int, str, str]:
    return 404, "NotFoundException", message


def test_create_segment_answers_the_new_segment(shop: Shop) -> None:
    answer = shop.raw.send("POST", f"/v1/apps/{shop.id}/segments", {"Name": "fans", **one(**MUSIC), "tags": {"a": "b"}})

    assert answer.status == 201
    segment = answer.json
    assert segment.keys() == {
        "ApplicationId", "Arn", "CreationDate", "Id", "LastModifiedDate", "Name", "SegmentGroups", "SegmentType",
        "Version", "tags",
    }  # fmt: skip
    assert re.fullmatch("[0-9a-f]{32}", segment["Id"])
    assert segment["Arn"] == f"arn:aws:mobiletargeting:us-east-1:000000000000:apps/{shop.id}/segments/{segment['Id']}"
    assert segment["ApplicationId"] == shop.id
    assert re.fullmatch(INSTANT, segment["CreationDate"])
    assert segment["LastModifiedDate"] == segment["CreationDate"]
    assert (segment["Name"], segment["SegmentType"], segment["Version"]) == ("fans", "DIMENSIONAL", 1)
    assert segment["tags"] == {"a": "b"}
    assert segment["SegmentGroups"] == {"Include": "ALL", "Groups": [{**ALL_FILLED, "Dimensions": [MUSIC_FILLED]}]}


def test_get_segment_answers_what_create_segment_did(shop: Shop) -> None:
    segment = shop.create(Name="fans", **one(**MUSIC))

    assert shop.get(segment["Id"]) == segment


def test_legacy_dimensions_are_answered_beside_their_group(shop: Shop) -> None:
    segment = shop.create(Dimensions=MUSIC)

    assert segment["Dimensions"] == MUSIC
    assert segment["SegmentGroups"] == {"Include": "ALL", "Groups": [{**ALL_FILLED, "Dimensions": [MUSIC_FILLED]}]}


def test_a_segment_without_a_definition_has_no_groups_and_need_not_have_a_name(shop: Shop) -> None:
    segment = shop.create()

    assert segment["SegmentGroups"] == {"Include": "ALL", "Groups": []}
    assert "Name" not in segment
    assert segment["tags"] == {}


def test_what_was_given_is_kept(shop: Shop) -> None:
    base = shop.create()["Id"]
    given = {
        "Include": "NONE",
        "Groups": [
            {
                "Type": "ANY",
                "SourceType": "NONE",
                "SourceSegments": [{"Id": base, "Version": 1}],
                "Dimensions": [
                    {
                        "Attributes": {"a.b": {"AttributeType": "ON", "Values": ["2024-02-29T00:00:00Z"]}},
                        "UserAttributes": {"é": {"AttributeType": "CONTAINS", "Values": ["", "%"]}},
                        "Metrics": {"m": {"ComparisonOperator": "LESS_THAN", "Value": -0.5}},
                        "Behavior": {"Recency": {"Duration": "DAY_30", "RecencyType": "INACTIVE"}},
                        "Demographic": {
                            "AppVersion": {"DimensionType": "EXCLUSIVE", "Values": ["1"]},
                            "Channel": {"DimensionType": "INCLUSIVE", "Values": ["PUSH", "IN_APP"]},
                            "DeviceType": {"DimensionType": "INCLUSIVE", "Values": ["x"]},
                            "Make": {"DimensionType": "INCLUSIVE", "Values": ["x"]},
                            "Model": {"DimensionType": "INCLUSIVE", "Values": ["x"]},
                            "Platform": {"DimensionType": "INCLUSIVE", "Values": ["x"]},
                        },
                        "Location": {
                            "Country": {"DimensionType": "INCLUSIVE", "Values": ["US"]},
                            "GPSPoint": {"Coordinates": {"Latitude": 90.0, "Longitude": -180.0}},
                        },
                    },
                ],
            },
        ],
    }

    assert shop.create(SegmentGroups=given)["SegmentGroups"] == given


def test_nulls_are_as_good_as_nothing(shop: Shop) -> None:
    body = {"Name": None, "Dimensions": None, "SegmentGroups": {"Include": None, "Groups": None}}

    answer = shop.raw.send("POST", f"/v1/apps/{shop.id}/segments", body)

    assert answer.json["SegmentGroups"] == {"Include": "ALL", "Groups": []}


def test_names_may_repeat(shop: Shop) -> None:
    assert shop.create(Name="x" * 128)["Id"] != shop.create(Name="x" * 128)["Id"]


# What a definition may not be, and what its maker is told.
LONG = "x" * 101
DATE = "2025-03-01T00:00:00Z"
TOO_MANY_PARTS = "Maximum number of groups, Dimensions and SourceSegments exceeded: 1000"
REFUSED: list[tuple[Definition, str]] = [
    ({"Name": "x" * 129}, "Name exceeds 128 characters"),
    ({"Dimensions": {}, "SegmentGroups": {}}, "Specify Dimensions or SegmentGroups, not both"),
    (groups(include="SOME"), "Invalid Include: SOME"),
    (groups(group(combiner="SOME")), "Invalid Type: SOME"),
    (groups(group(source_type="SOME")), "Invalid SourceType: SOME"),
    (groups({"SourceSegments": [{}]}), "Missing Id"),
    (one(Attributes={"a": {"AttributeType": "LIKE", "Values": ["x"]}}), "Invalid AttributeType: LIKE"),
    (one(Attributes={"a": {}}), "Missing Values"),
    (one(Attributes={"a": {"Values": []}}), "Invalid Values for a"),
    (one(UserAttributes={"a": {"Values": [], "AttributeType": "ON"}}), "Invalid Values for a"),
    (one(Attributes={"a": {"Values": [LONG]}}), "Value exceeds 100 characters"),
    (one(Attributes={"a": {"Values": ["2025-03-01"], "AttributeType": "ON"}}), "Invalid Values for a"),
    (one(Attributes={"a": {"Values": ["2025-02-29T00:00:00Z"], "AttributeType": "BEFORE"}}), "Invalid Values for a"),
    (one(Attributes={"a": {"Values": ["2025-03-01T00:00Z"], "AttributeType": "AFTER"}}), "Invalid Values for a"),
    (one(Attributes={"a": {"Values": [f"{DATE}\n"], "AttributeType": "AFTER"}}), "Invalid Values for a"),
    (one(Attributes={"a": {"Values": ["٢٠٢٥-03-01T00:00:00Z"], "AttributeType": "ON"}}), "Invalid Values for a"),
    (one(UserAttributes={"a": {"Values": [DATE], "AttributeType": "BETWEEN"}}), "Invalid Values for a"),
    (one(UserAttributes={"a": {"Values": [DATE] * 3, "AttributeType": "BETWEEN"}}), "Invalid Values for a"),
    (
        one(Attributes={"a": {"Values": ["2025-03-01T00:00:00.2Z", "2025-03-01T00:00:00.10Z"],
                              "AttributeType": "BETWEEN"}}),
        "Invalid Values for a",
    ),
    (one(Metrics={"a": {"Value": 1}}), "Missing ComparisonOperator"),
    (one(Metrics={"a": {"ComparisonOperator": "EQUAL"}}), "Missing Value"),
    (one(Metrics={"a": {"ComparisonOperator": "NOT_EQUAL", "Value": 1}}), "Invalid ComparisonOperator: NOT_EQUAL"),
    (one(Behavior={"Recency": {"Duration": "DAY_7"}}), "Missing RecencyType"),
    (one(Behavior={"Recency": {"RecencyType": "ACTIVE"}}), "Missing Duration"),
    (one(Behavior={"Recency": {"RecencyType": "IDLE", "Duration": "DAY_7"}}), "Invalid RecencyType: IDLE"),
    (one(Behavior={"Recency": {"RecencyType": "ACTIVE", "Duration": "DAY_8"}}), "Invalid Duration: DAY_8"),
    (one(Demographic={"Channel": {"Values": ["FAX"]}}), "Invalid Channel: FAX"),
    (one(Demographic={"Make": {"Values": []}}), "Invalid Values for Make"),
    (one(Demographic={"Make": {"Values": ["x"], "DimensionType": "MAYBE"}}), "Invalid DimensionType: MAYBE"),
    (one(Location={"Country": {"Values": []}}), "Invalid Values for Country"),
    (one(Location={"GPSPoint": {}}), "Missing Coordinates"),
    (one(Location={"GPSPoint": {"Coordinates": {"Longitude": 0}}}), "Missing Latitude"),
    (one(Location={"GPSPoint": {"Coordinates": {"Latitude": 0}}}), "Missing Longitude"),
    (one(Location={"GPSPoint": {"Coordinates": {"Latitude": 90.1, "Longitude": 0}}}), "Invalid GPSPoint"),
    (one(Location={"GPSPoint": {"Coordinates": {"Latitude": 0, "Longitude": -180.1}}}), "Invalid GPSPoint"),
    (
        one(Location={"GPSPoint": {"Coordinates": {"Latitude": 0, "Longitude": 0}, "RangeInKilometers": -1}}),
        "Invalid GPSPoint",
    ),
    (
        one(Metrics={f"m{number}": {"ComparisonOperator": "EQUAL", "Value": 1} for number in range(101)}),
        "Maximum number of dimensions exceeded: 100",
    ),
    (
        groups(*[group({"Attributes": {"a": {"Values": ["x"]}, "b": {"Values": ["y"]}}})] * 51),
        "Maximum number of dimensions exceeded: 100",
    ),
    (groups(*[{}] * 1001), TOO_MANY_PARTS),
    (groups(group(*[{}] * 500), group(sources=["x"] * 499)), TOO_MANY_PARTS),
    (one(Attributes={"a" * 1024 * 1024: {"Values": ["x"]}}), "Definition exceeds 1048576 bytes"),
    (one(Attributes={"a": {"Values": ["x"] * 101}}), "Maximum number of values exceeded: 100"),
    (
        {"Dimensions": {"Attributes": {"a": {"Values": ["x"] * 60}}, "Demographic": {"Make": {"Values": ["x"] * 41}}}},
        "Maximum number of values exceeded: 100",
    ),
]  # fmt: skip


def test_definitions_that_are_refused(shop: Shop) -> None:
    told = [shop.raw.send("POST", f"/v1/apps/{shop.id}/segments", body) for body, _ in REFUSED]

    assert [answer.json["Message"] for answer in told] == [message for _, message in REFUSED]
    assert {(answer.status, answer.headers["x-amzn-errortype"]) for answer in told} == {(400, "BadRequestException")}
    assert shop.client.get_segments(ApplicationId=shop.id)["SegmentsResponse"]["Item"] == []


def test_an_update_is_refused_alike(shop: Shop) -> None:
    segment = shop.create()["Id"]
    told = [shop.raw.send("PUT", f"/v1/apps/{shop.id}/segments/{segment}", body) for body, _ in REFUSED]

    assert [answer.json["Message"] for answer in told] == [message for _, message in REFUSED]
    assert shop.get(segment)["Version"] == 1


def test_limits_that_are_reached_are_kept(shop: Shop) -> None:
    hundred = {f"a{number}": {"Values": [f"{number}" * 20][:1]} for number in range(100)}
    hundred["a0"] = {"Values": ["x" * 100]}

    segment = shop.create(**one(Attributes=hundred))["Id"]
    parts = shop.create(**groups(group(*[{}] * 500), group(sources=[segment] * 498)))["Id"]

    assert shop.count(segment) == (0, 0)
    assert shop.count(parts) == (0, 0)


def test_bad_tags_are_refused(shop: Shop) -> None:
    reserved = shop.raw.send("POST", f"/v1/apps/{shop.id}/segments", {"tags": {"aws:x": "y"}})
    many = shop.raw.send("POST", f"/v1/apps/{shop.id}/segments", {"tags": {f"k{number}": "" for number in range(51)}})

    assert (reserved.status, many.status) == (400, 400)


def test_unknown_application_is_told_first(shop: Shop) -> None:
    answer = shop.raw.send("POST", f"/v1/apps/{UNKNOWN}/segments", groups(include="SOME"))

    assert (answer.status, answer.json["Message"]) == (404, "Application not found")


def test_body_that_is_no_json(shop: Shop) -> None:
    assert shop.raw.send("POST", f"/v1/apps/{shop.id}/segments", b"{").status == 400


def test_base_segments_must_exist(shop: Shop) -> None:
    base = shop.create()["Id"]
    bases = [{"Id": UNKNOWN}, {"Id": base, "Version": 2}, {"Id": "x' OR 1=1"}]
    create = shop.client.create_segment

    told = [
        refusal(create, ApplicationId=shop.id, WriteSegmentRequest=groups({"SourceSegments": [{"Id": base}, each]}))
        for each in bases
    ]

    assert told == [missing(f"Segment not found: {each['Id']}") for each in bases]


def test_base_segments_are_of_the_same_application(shop: Shop) -> None:
    other = Shop(
        shop.client,
        shop.raw,
        shop.client.create_app(CreateApplicationRequest={"Name": "x"})["ApplicationResponse"]["Id"],
    )
    base = other.create()["Id"]

    told = refusal(shop.create, **groups(group(sources=[base])))

    assert told == missing(f"Segment not found: {base}")


async def test_a_group_has_one_imported_segment_or_several_dynamic_ones(shop: Shop, imports: Import) -> None:
    first, second = (await imports(["e1"])).segment_id, (await imports(["e2"])).segment_id
    dynamic = shop.create()["Id"]
    mixed = bad("A segment group can have one imported segment or several dynamic segments")

    assert refusal(shop.create, **groups(group(sources=[first, second]))) == mixed
    assert refusal(shop.create, **groups(group(sources=[first, dynamic]))) == mixed
    assert refusal(shop.update, segment_id=dynamic, **groups(group(sources=[first, second]))) == mixed
    assert shop.create(**groups(group(sources=[first]), group(sources=[second])))["Version"] == 1
    assert shop.create(**groups(group(sources=[dynamic, dynamic])))["Version"] == 1


def test_a_segment_is_not_based_on_itself(shop: Shop) -> None:
    first = shop.create()["Id"]
    second = shop.create(**groups(group(sources=[first])))["Id"]
    third = shop.create(**groups(group(sources=[second])))["Id"]
    circle = bad("Segment can't be based on itself")

    assert refusal(shop.update, segment_id=first, **groups(group(sources=[first]))) == circle
    assert refusal(shop.update, segment_id=first, **groups(group(sources=[third]))) == circle
    assert (
        refusal(shop.update, segment_id=second, **groups({"SourceSegments": [{"Id": second, "Version": 1}]})) == circle
    )
    assert shop.get(first)["Version"] == 1


def test_segments_nest_ten_deep(shop: Shop) -> None:
    deepest = shop.create(**one(**MUSIC))["Id"]
    for _ in range(10):
        deepest = shop.create(**groups(group(sources=[deepest])))["Id"]

    told = refusal(shop.create, **groups(group(sources=[deepest])))

    assert told == bad("Segments can't be nested deeper than 10")
    assert shop.count(deepest) == (0, 0)


def test_every_update_makes_a_version(shop: Shop) -> None:
    first = shop.create(Name="fans", tags={"a": "b"}, **one(**MUSIC))
    second = shop.update(first["Id"], tags={"c": "d"})
    third = shop.update(first["Id"], Name="all", SegmentGroups={})
    fourth = shop.update(first["Id"], Dimensions=MUSIC)
    fifth = shop.update(first["Id"], Name="listeners")

    assert [each["Version"] for each in (first, second, third, fourth, fifth)] == [1, 2, 3, 4, 5]
    assert [each["Name"] for each in (second, third, fourth, fifth)] == ["fans", "all", "all", "listeners"]
    assert second["SegmentGroups"] == first["SegmentGroups"]
    assert second["LastModifiedDate"] >= first["LastModifiedDate"]
    assert third["SegmentGroups"] == {"Include": "ALL", "Groups": []}
    assert (fourth["Dimensions"], fifth["Dimensions"]) == (MUSIC, MUSIC)
    assert {each["CreationDate"] for each in (second, third, fourth, fifth)} == {first["CreationDate"]}
    assert {tuple(each["tags"].items()) for each in (second, third, fourth, fifth)} == {(("a", "b"),)}


def test_an_update_switches_between_the_two_forms(shop: Shop) -> None:
    segment = shop.create(Dimensions=MUSIC)

    switched = shop.update(segment["Id"], **groups())

    assert "Dimensions" not in switched
    assert switched["SegmentGroups"] == {"Include": "ALL", "Groups": []}


def test_old_versions_stay_readable(shop: Shop) -> None:
    segment = shop.create(Name="1")["Id"]
    for number in range(2, 6):
        shop.update(segment, Name=f"{number}")
    path = f"/v1/apps/{shop.id}/segments/{segment}/versions"

    pages = [shop.raw.send("GET", f"{path}?page-size=2").json]
    while "NextToken" in pages[-1]:
        pages.append(shop.raw.send("GET", f"{path}?page-size=2&token={pages[-1]['NextToken']}").json)

    assert [[each["Version"] for each in page["Item"]] for page in pages] == [[5, 4], [3, 2], [1]]
    assert [each["Name"] for page in pages for each in page["Item"]] == ["5", "4", "3", "2", "1"]
    get = shop.client.get_segment_version
    third = get(ApplicationId=shop.id, SegmentId=segment, Version="3")["SegmentResponse"]
    assert third == pages[1]["Item"][0]


@pytest.mark.parametrize("version", ["0", "-1", "one", "1.0", "%D9%A1", "+1"])
def test_a_version_is_a_positive_integer(shop: Shop, version: str) -> None:
    segment = shop.create()["Id"]

    answer = shop.raw.send("GET", f"/v1/apps/{shop.id}/segments/{segment}/versions/{version}")

    assert (answer.status, answer.json["Message"]) == (400, "Invalid version")


def test_unknown_segments_and_versions(shop: Shop) -> None:
    segment = shop.create()["Id"]
    client = shop.client
    here = {"ApplicationId": shop.id}

    assert refusal(client.get_segment, **here, SegmentId=UNKNOWN) == missing()
    assert refusal(client.delete_segment, **here, SegmentId=UNKNOWN) == missing()
    assert refusal(client.get_segment_versions, **here, SegmentId=UNKNOWN) == missing()
    assert refusal(client.update_segment, **here, SegmentId=UNKNOWN, WriteSegmentRequest={}) == missing()
    assert refusal(client.get_segment_version, **here, SegmentId=segment, Version="2") == missing()
    assert refusal(client.get_segment_version, **here, SegmentId=segment, Version="9" * 30) == missing()
    assert refusal(client.get_segment_version, **here, SegmentId=UNKNOWN, Version="1") == missing()
    bad_update = shop.raw.send("PUT", f"/v1/apps/{shop.id}/segments/{UNKNOWN}", groups(include="SOME"))
    assert bad_update.status == 404


def test_segments_of_another_application_are_unknown(shop: Shop) -> None:
    segment = shop.create()["Id"]
    other = shop.client.create_app(CreateApplicationRequest={"Name": "x"})["ApplicationResponse"]["Id"]
    there: dict[str, Any] = {"ApplicationId": other, "SegmentId": segment}
    client = shop.client

    assert refusal(client.get_segment, **there) == missing()
    assert refusal(client.delete_segment, **there) == missing()
    assert refusal(client.update_segment, **there, WriteSegmentRequest={}) == missing()
    assert refusal(client.get_segment_version, **there, Version="1") == missing()
    assert refusal(client.get_segment_versions, **there) == missing()
    assert shop.raw.send("GET", f"/repoint/v1/apps/{other}/segments/{segment}/count").status == 404
    assert client.get_segments(ApplicationId=other)["SegmentsResponse"]["Item"] == []


def test_get_segments_lists_the_latest_versions_newest_first(shop: Shop) -> None:
    made = [shop.create(Name=f"{number}")["Id"] for number in range(5)]
    shop.update(made[0], Name="changed")

    first = shop.client.get_segments(ApplicationId=shop.id, PageSize="3")["SegmentsResponse"]
    rest = shop.client.get_segments(ApplicationId=shop.id, PageSize="3", Token=first["NextToken"])["SegmentsResponse"]

    assert [each["Id"] for each in first["Item"] + rest["Item"]] == made[::-1]
    assert (rest["Item"][-1]["Name"], rest["Item"][-1]["Version"]) == ("changed", 2)
    assert "NextToken" not in rest


@pytest.mark.parametrize("list_", ["segments", "segments/{segment}/versions"])
def test_pages_that_cannot_be(shop: Shop, list_: str) -> None:
    path = f"/v1/apps/{shop.id}/" + list_.format(segment=shop.create()["Id"])

    told = [
        shop.raw.send("GET", f"{path}?{query}").json["Message"]
        for query in ("page-size=0", "page-size=1001", "token=x")
    ]

    assert told == ["Invalid page-size", "Invalid page-size", "Invalid token"]


def test_delete_segment_answers_the_last_version_and_takes_all(shop: Shop) -> None:
    segment = shop.create(Name="first")["Id"]
    last = shop.update(segment, Name="last")

    answer = shop.client.delete_segment(ApplicationId=shop.id, SegmentId=segment)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["SegmentResponse"] == last
    here: dict[str, Any] = {"ApplicationId": shop.id, "SegmentId": segment}
    assert refusal(shop.client.get_segment, **here) == missing()
    assert refusal(shop.client.get_segment_version, **here, Version="1") == missing()
    assert refusal(shop.client.get_segment_versions, **here) == missing()


def test_a_deleted_base_segment_fails_the_evaluation(shop: Shop) -> None:
    shop.put("e1", ChannelType="EMAIL", Address="a@example.com")
    base = shop.create(**one(**MUSIC))["Id"]
    between = shop.create(**groups(group(sources=[base], source_type="NONE")))["Id"]
    segment = shop.create(**groups(group(sources=[between], source_type="NONE")))["Id"]
    shop.client.delete_segment(ApplicationId=shop.id, SegmentId=base)

    told = [
        shop.raw.send("GET", shop.path(each) + part)
        for each in (between, segment)
        for part in ("/count", "/members", "/members/e1")
    ]

    assert {(answer.status, answer.json["Message"]) for answer in told} == {(409, f"Segment not found: {base}")}


def test_a_chain_that_grew_too_deep_fails_the_evaluation(shop: Shop) -> None:
    made = [shop.create()["Id"] for _ in range(12)]
    for upper, lower in pairwise(made):
        shop.update(upper, **groups(group(sources=[lower])))

    answer = shop.raw.send("GET", shop.path(made[0]) + "/count")

    assert (answer.status, answer.json["Message"]) == (409, "Segments can't be nested deeper than 10")
    assert shop.count(made[1]) == (0, 0)


async def test_an_imported_segment_shows_its_import(shop: Shop, imports: Import) -> None:
    shop.put("e1", ChannelType="EMAIL", Address="a@example.com")
    shop.put("e2", ChannelType="SMS", Address="+12065550100")
    imported = await imports(["e1", "E2", "e2", "nobody"], ["u1"])

    segment = shop.get(imported.segment_id)

    assert (segment["SegmentType"], segment["Version"]) == ("IMPORT", 1)
    assert segment["ImportDefinition"] == {
        "ChannelCounts": {"EMAIL": 1, "SMS": 1}, "ExternalId": "000000000000", "Format": "CSV",
        "RoleArn": "arn:aws:iam::000000000000:role/import", "S3Url": "s3://b/people.csv", "Size": 5,
    }  # fmt: skip
    assert "SegmentGroups" not in segment
    told = refusal(shop.update, segment_id=imported.segment_id, Name="x")
    assert told == bad("Imported segments can't be modified")


@pytest.mark.parametrize("is_complete", [None, False, True])
async def test_how_far_an_import_came_is_no_member_of_its_segment(
    *, is_complete: bool | None, shop: Shop, imports: Import
) -> None:
    segment = shop.get((await imports(["e1"], is_complete=is_complete)).segment_id)

    assert set(segment) == {
        "ApplicationId", "Arn", "CreationDate", "Id", "ImportDefinition", "LastModifiedDate", "SegmentType", "Version",
        "tags",
    }  # fmt: skip


async def test_a_second_import_makes_a_version(shop: Shop, imports: Import) -> None:
    for endpoint_id in ("e1", "e2", "e3"):
        shop.put(endpoint_id, ChannelType="EMAIL", Address=f"{endpoint_id}@example.com")
    segment = (await imports(["e1", "e2"])).segment_id
    pinned = shop.create(**groups({"SourceSegments": [{"Id": segment, "Version": 1}]}))["Id"]
    latest = shop.create(**groups(group(sources=[segment])))["Id"]

    await imports(["e2", "e3"], segment_id=segment)

    assert shop.get(segment)["Version"] == 2
    assert shop.members(segment) == ["e2", "e3"]
    assert shop.members(segment, "&version=1") == ["e1", "e2"]
    assert (shop.members(pinned), shop.members(latest)) == (["e1", "e2"], ["e2", "e3"])


LEFT = """SELECT (SELECT count(*) FROM segment_members) + (SELECT count(*) FROM segment_users)
                 + (SELECT count(*) FROM endpoint_snapshots) AS rows"""


async def test_what_a_deleted_segment_listed_is_cleared(
    shop: Shop, imports: Import, database: Database, worker: Worker
) -> None:
    keys = [f"e{number}" for number in range(12_000)]
    gone, kept = await imports(keys, ["u1"]), await imports(["e1"])

    shop.client.delete_segment(ApplicationId=shop.id, SegmentId=gone.segment_id)
    await worker.drain()

    async with database.connection() as db:
        assert await db.value(Query("left", LEFT)) == 1
    assert shop.get(kept.segment_id)["Version"] == 1


async def test_a_deleted_application_takes_its_segments(
    shop: Shop, imports: Import, database: Database, worker: Worker
) -> None:
    await imports(["e1", "e2"], ["u1"])
    shop.create()

    shop.client.delete_app(ApplicationId=shop.id)
    await worker.drain()

    async with database.connection() as db:
        assert await db.value(Query("left", LEFT)) == 0
        assert await db.value(Query("documents", "SELECT count(*) FROM document_versions")) == 0


def test_segments_are_tagged(shop: Shop) -> None:
    segment = shop.create(tags={"a": "b"})

    shop.client.tag_resource(ResourceArn=segment["Arn"], TagsModel={"tags": {"c": "d"}})

    assert shop.get(segment["Id"])["tags"] == {"a": "b", "c": "d"}
    assert shop.client.list_tags_for_resource(ResourceArn=segment["Arn"])["TagsModel"]["tags"] == {"a": "b", "c": "d"}


def test_too_large_a_body(raw: Raw, shop: Shop) -> None:
    assert raw.send("POST", f"/v1/apps/{shop.id}/segments", b" " * 7_400_000).status == 413

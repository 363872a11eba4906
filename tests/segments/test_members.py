"""Members of imported segments and snapshots, counted, fixed and read in ranges (segments.md sections 4 and 9)."""

import re
from datetime import UTC, datetime
from uuid import UUID

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.segments.audience import Audience, load_audience
from repoint.segments.imported import Imported
from repoint.segments.members import count_members, fix_members, read_members
from repoint.segments.sources import Version
from tests.segments.conftest import Import, Shop, group, groups, one

SNAPSHOT = """
    INSERT INTO endpoint_snapshots (
        application_id, segment_id, version, endpoint_key, endpoint_id, channel_type, address, attributes, metrics,
        country, cohort, endpoint_status, opt_out, opt_out_is_explicit, user_key, user_id, own_user_attributes,
        effective_at, created_at, request_id, size_bound)
    VALUES (%(application_id)s, %(segment_id)s, %(version)s, %(key)s, %(key)s, 'EMAIL', 'a@example.com', '{}', '{}',
            %(country)s, 0, 'ACTIVE', 'NONE', false, 'u1', 'u1', '{"Plan": ["gold"]}', now(), now(), 'r', 0)
"""


@pytest.fixture
def people(shop: Shop) -> Shop:
    """Seven endpoints, e1 to e4 of the US, the others of France."""
    for number in range(1, 8):
        country = "US" if number < 5 else "FR"
        shop.put(
            f"e{number}", ChannelType="EMAIL", Address=f"{number}@example.com", Location={"Country": country},
            User={"UserId": f"u{number % 3}"},
        )  # fmt: skip
    return shop


US = {"Location": {"Country": {"Values": ["US"]}}}


async def snapshots(database: Database, imported: Imported, keys: str, country: str = "US") -> None:
    """Snapshots as an import that registers nothing writes them."""
    async with database.connection() as db:
        for key in keys.split():
            await db.execute(Query("snapshot", SNAPSHOT), {**imported.key, "key": key, "country": country})


async def audience(database: Database, shop: Shop, segment_id: str) -> Audience:
    async with database.connection() as db:
        return await load_audience(db, shop.id, segment_id, at=datetime.now(UTC))


async def read(database: Database, shop: Shop, segment_id: str, rows: int = 2, **span: str) -> list[list[str]]:
    asked = await audience(database, shop, segment_id)
    return [batch.keys async for batch in read_members(database, asked, batch_rows=rows, **span)]  # type: ignore[arg-type]  # its keys only


async def test_a_list_is_read_without_those_that_do_not_exist(
    people: Shop, imports: Import, database: Database
) -> None:
    segment = (await imports(["a-nobody", "e2", "E4", "e5", "f-nobody", "z-nobody"])).segment_id

    assert await read(database, people, segment) == [["e2"], ["e4", "e5"]]
    assert people.members(segment) == ["e2", "e4", "e5"]
    assert people.count(segment) == (3, 3)


async def test_a_list_narrows_and_widens(people: Shop, imports: Import) -> None:
    listed = (await imports(["e1", "e2", "e5", "e6"])).segment_id
    narrowed = group(US, sources=[listed])

    def members(*each: object, **more: str) -> str:
        definition = groups(*each, **more)  # type: ignore[arg-type]  # groups
        return " ".join(people.members(people.create(**definition)["Id"]))

    assert members(narrowed) == "e1 e2"
    assert members(narrowed, include="NONE") == "e3 e4 e5 e6 e7"
    assert members(narrowed, group(US), include="ALL") == "e1 e2"
    assert members(narrowed, group(US), include="ANY") == "e1 e2 e3 e4"
    assert members(group(sources=[listed], source_type="NONE")) == "e3 e4 e7"
    assert members(group(US, sources=[listed], source_type="NONE")) == "e3 e4"
    assert members(group(US, combiner="NONE", sources=[listed])) == "e5 e6"
    assert members(group(sources=[people.create(**groups(narrowed))["Id"]])) == "e1 e2"
    assert members(group(sources=[people.create(**groups(narrowed, include="NONE"))["Id"]])) == "e3 e4 e5 e6 e7"


@pytest.mark.parametrize("is_complete", [None, False])
async def test_a_list_counts_as_it_was_until_its_next_import_has_completed(
    *, is_complete: bool | None, people: Shop, imports: Import
) -> None:
    listed = (await imports(["e1", "e2"])).segment_id
    others = people.create(**groups(group(sources=[listed], source_type="NONE")))["Id"]

    await imports(["e3"], segment_id=listed, is_complete=is_complete)

    assert people.get(listed)["Version"] == 2
    assert (people.members(listed), people.count(listed)) == (["e1", "e2"], (2, 2))
    assert people.members(listed, "&version=2") == ["e3"]
    assert (people.members(others), people.count(others)) == (["e3", "e4", "e5", "e6", "e7"], (5, 5))
    assert people.why(others, "e1")["IsMember"] is False
    assert people.why(listed, "e3")["Segments"][0]["Version"] == 1


async def test_a_list_whose_first_import_has_not_completed_is_what_there_is(people: Shop, imports: Import) -> None:
    listed = (await imports(["e1"], is_complete=None)).segment_id
    assert people.members(listed) == ["e1"]

    await imports(["e2"], segment_id=listed, is_complete=False)
    assert people.members(listed) == ["e2"]


async def test_users_bring_all_their_endpoints_when_they_are_asked_for(people: Shop, imports: Import) -> None:
    segment = (await imports(["e1", "e4"], ["u1", "u9"])).segment_id
    before = people.members(segment)

    people.put("e8", User={"UserId": "u9"})
    people.put("e7", User={"UserId": "u2"})

    assert (before, people.members(segment)) == (["e1", "e4", "e7"], ["e1", "e4", "e8"])


async def test_snapshots_have_their_own_data(people: Shop, imports: Import, database: Database) -> None:
    imported = await imports(["e1"])
    await snapshots(database, imported, "s1 s2")
    await snapshots(database, imported, "s3", country="FR")
    segment = imported.segment_id
    narrowed = people.create(**groups(group(US, sources=[segment])))["Id"]
    of_user = people.create(**groups(group({"UserAttributes": {"Plan": {"Values": ["gold"]}}}, sources=[segment])))[
        "Id"
    ]

    assert people.members(segment) == ["e1", "s1", "s2", "s3"]
    assert people.members(narrowed) == ["e1", "s1", "s2"]
    assert people.members(of_user) == ["s1", "s2", "s3"]
    assert people.count(segment) == (4, 4)
    assert people.client.get_app(ApplicationId=people.id)["ApplicationResponse"]["Id"] == people.id


async def test_snapshots_are_in_no_complement_and_on_no_other_list(
    people: Shop, imports: Import, database: Database
) -> None:
    imported, other = await imports(["e1"]), await imports(["s1", "e2"])
    await snapshots(database, imported, "s1")
    first, second = imported.segment_id, other.segment_id

    def members(definition: dict[str, object]) -> str:
        return " ".join(people.members(people.create(**definition)["Id"]))

    assert members(groups(group(sources=[first], source_type="NONE"))) == "e2 e3 e4 e5 e6 e7"
    assert members(groups(group(sources=[second], source_type="NONE"))) == "e1 e3 e4 e5 e6 e7"
    assert members(groups(group(sources=[first]), group(sources=[second]), include="ALL")) == ""
    assert members(groups(group(sources=[first]), group(sources=[second]), include="ANY")) == "e1 e2 s1"
    assert members(groups(group(sources=[first]), group(US), include="ALL")) == "e1"
    assert members(one(**US)) == "e1 e2 e3 e4"


async def test_members_are_told_by_their_ids(people: Shop, imports: Import, database: Database) -> None:
    people.put("Registered", OptOut="ALL")
    listed = [await imports(["registered"]), await imports([]), await imports([])]
    await snapshots(database, listed[1], "first-one both")
    await snapshots(database, listed[2], "both")
    statement = "UPDATE endpoint_snapshots SET endpoint_id = initcap(endpoint_key) || segment_id"
    async with database.connection() as db:
        await db.execute(Query("ids", statement))
    bases = [group(sources=[each.segment_id]) for each in listed]
    segment = people.create(**groups(*bases, include="ANY"))["Id"]

    found = people.members(segment)

    winner = min(listed[1].segment_id, listed[2].segment_id)
    first, second = (str(UUID(each)) for each in (winner, listed[1].segment_id))
    assert found == [f"Both{first}", f"First-One{second}", "Registered"]


async def test_an_id_counts_once(people: Shop, imports: Import, database: Database) -> None:
    first, second = await imports(["e1"]), await imports([])
    await snapshots(database, first, "e1 e2 s1")
    await snapshots(database, second, "s1 s2")
    both = people.create(
        **groups(group(US), group(sources=[first.segment_id]), group(sources=[second.segment_id]), include="ANY")
    )["Id"]

    asked = await audience(database, people, both)
    batches = [batch async for batch in read_members(database, asked, batch_rows=1)]
    async with database.transaction() as db:
        counted, fixed = await count_members(db, asked), await fix_members(db, asked, "job")
        rows = await db.tuples(Query("fixed", "SELECT endpoint_key, segment_id FROM job_members ORDER BY endpoint_key"))

    expected = ["e1", "e2", "e3", "e4", "s1", "s2"]
    assert [key for batch in batches for key in batch.keys] == expected
    assert [key for batch in batches for key in batch.snapshots] == ["s1", "s2"]
    assert (counted, fixed) == ((6, 6), 6)
    assert [key for key, _ in rows] == expected
    assert [key for key, segment_id in rows if segment_id is not None] == ["s1", "s2"]
    assert people.members(both) == expected


async def test_the_newer_of_two_snapshots_counts(people: Shop, imports: Import, database: Database) -> None:
    old = await imports([])
    new = await imports([], segment_id=old.segment_id)
    await snapshots(database, old, "s1")
    await snapshots(database, new, "s1")
    references = [{"Id": old.segment_id, "Version": 1}, {"Id": old.segment_id, "Version": 2}]
    both = people.create(**groups(*[{"SourceSegments": [each]} for each in references], include="ANY"))["Id"]

    asked = await audience(database, people, both)
    (batch,) = [batch async for batch in read_members(database, asked)]
    async with database.transaction() as db:
        await fix_members(db, asked, "job")
        fixed = await db.tuples(Query("fixed", "SELECT endpoint_key, version FROM job_members"))

    found: dict[str, Version] = batch.snapshots
    assert {key: version.number for key, version in found.items()} == {"s1": 2}
    assert fixed == [("s1", 2)]


async def test_members_are_read_in_a_range(people: Shop, database: Database) -> None:
    everybody = people.create()["Id"]

    assert await read(database, people, everybody, rows=3) == [["e1", "e2", "e3"], ["e4", "e5", "e6"], ["e7"]]
    assert await read(database, people, everybody, after_key="e2", last_key="e5") == [["e3", "e4"], ["e5"]]
    assert await read(database, people, everybody, after_key="e7") == []


async def test_reading_can_be_left(people: Shop, database: Database) -> None:
    asked = await audience(database, people, people.create()["Id"])

    reading = read_members(database, asked, batch_rows=1)
    first = await anext(reading)
    await reading.aclose()

    assert first.keys == ["e1"]


async def test_why_tells_of_lists_and_snapshots(people: Shop, imports: Import, database: Database) -> None:
    imported = await imports(["e1"])
    await snapshots(database, imported, "s1 e2")
    segment = people.create(Name="mine", **groups(group(US, sources=[imported.segment_id])))["Id"]

    listed, snapshot, both, neither = (people.why(segment, each) for each in ("E1", "s1", "e2", "e3"))

    assert (listed["IsMember"], listed["IsSnapshot"]) == (True, False)
    assert (snapshot["IsMember"], snapshot["IsSnapshot"]) == (True, True)
    assert (both["IsMember"], both["IsSnapshot"]) == (True, True)
    assert (neither["IsMember"], neither["IsSnapshot"]) == (False, False)
    root, base = listed["Segments"]
    assert (root["Name"], root["SegmentType"], base["SegmentType"]) == ("mine", "DIMENSIONAL", "IMPORT")
    assert root["Groups"] == [
        {
            "IsMember": True,
            "SourceType": "ALL",
            "SourceSegments": [{"SegmentId": imported.segment_id, "Version": 1, "IsMember": True}],
            "Type": "ALL",
            "Dimensions": [
                {
                    "IsMatch": True,
                    "Criteria": [
                        {
                            "Criterion": "Location.Country",
                            "IsMatch": True,
                            "Stored": "US",
                            "DimensionType": "INCLUSIVE",
                            "Values": ["US"],
                        }
                    ],
                }
            ],
        }
    ]


def test_why_of_nobody(people: Shop) -> None:
    answer = people.raw.send("GET", people.path(people.create()["Id"]) + "/members/nobody")

    assert (answer.status, answer.json["Message"]) == (404, "Endpoint not found")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("version=0", "Invalid version"),
        ("version=2", "Resource not found"),
        ("page-size=0", "Invalid page-size"),
        ("token=x", "Invalid token"),
        ("eligible=yes", "Invalid eligible: yes"),
    ],
)
def test_questions_that_cannot_be(people: Shop, query: str, message: str) -> None:
    answer = people.raw.send("GET", f"{people.path(people.create()['Id'])}/members?{query}")

    assert answer.json["Message"] == message


def test_a_token_is_good_for_its_list_only(people: Shop) -> None:
    path = people.path(people.create()["Id"])
    token = people.raw.send("GET", f"{path}/members?page-size=2").json["NextToken"]

    assert re.fullmatch(r"[\w-]+", token)
    assert people.raw.send("GET", f"{path}/members?page-size=4&token={token}").json["Item"][0] == {"EndpointId": "e3"}
    assert people.raw.send("GET", f"{path}/members?eligible=true&token={token}").status == 400


def test_a_base_segment_that_many_refer_to_is_compiled_once(people: Shop) -> None:
    base = people.create(**one(**US))["Id"]
    for _ in range(9):
        pair = [group(sources=[base]), group(sources=[base, base], source_type="ANY")]
        base = people.create(**groups(*pair, include="ALL"))["Id"]

    assert people.members(base) == ["e1", "e2", "e3", "e4"]
    assert people.count(base) == (4, 4)
    assert people.why(base, "e5")["IsMember"] is False

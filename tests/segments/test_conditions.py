"""Conditions that are no segments: who meets several at once, with the data as it is now."""

from datetime import UTC, datetime
from typing import Any

import pytest

from repoint.contract.errors import BadRequestException
from repoint.db.pool import Database
from repoint.segments.conditions import Condition, IsMember, read_dimensions, who_meets
from repoint.segments.members import Batch
from repoint.segments.sources import Version
from tests.segments.conftest import Import, Shop, group, groups, one
from tests.segments.test_members import snapshots

US = {"Location": {"Country": {"Values": ["US"]}}}
GOLD = {"UserAttributes": {"Plan": {"Values": ["gold"]}}}


@pytest.fixture
def people(shop: Shop) -> Shop:
    """Four endpoints: e1 and e2 of the US, e1 and e3 of users who have the plan gold."""
    for number in range(1, 5):
        country, plan = "US" if number < 3 else "FR", "gold" if number % 2 else "tin"
        user = {"UserId": f"u{number}", "UserAttributes": {"Plan": [plan]}}
        shop.put(f"e{number}", Location={"Country": country}, User=user)
    return shop


async def meet(
    database: Database,
    shop: Shop,
    *conditions: Condition,
    keys: str = "e1 e2 e3 e4",
    snapshots: dict[str, Version] | None = None,
) -> list[str]:
    members = Batch(keys.split(), snapshots or {})
    async with database.connection() as db:
        found = await who_meets(db, shop.id, conditions, members, datetime.now(UTC))
    return [" ".join(sorted(each)) for each in found]


async def test_several_conditions_are_asked_of_some_endpoints_at_once(people: Shop, database: Database) -> None:
    us = IsMember(people.create(**one(**US))["Id"])
    conditions = us, read_dimensions(GOLD), read_dimensions({**US, **GOLD}), us

    assert await meet(database, people, *conditions) == ["e1 e2", "e1 e3", "e1", "e1 e2"]
    assert await meet(database, people, *conditions, keys="e2 e3 nobody") == ["e2", "e3", "", "e2"]
    assert await meet(database, people, *conditions, keys="") == [""] * 4
    assert await meet(database, people) == []


async def test_more_conditions_than_one_statement_takes(people: Shop, database: Database) -> None:
    conditions = [read_dimensions(US if number % 2 else GOLD) for number in range(12)]

    assert await meet(database, people, *conditions) == ["e1 e3", "e1 e2"] * 6


async def test_the_latest_version_counts(people: Shop, database: Database) -> None:
    segment = people.create(**one(**US))["Id"]
    people.update(segment, **one(**GOLD))

    assert await meet(database, people, IsMember(segment)) == ["e1 e3"]


async def test_nobody_is_a_member_of_what_is_gone(people: Shop, database: Database) -> None:
    base = people.create(**one(**US))["Id"]
    others = people.create(**groups(group(sources=[base], source_type="NONE")))["Id"]
    before = await meet(database, people, IsMember(base), IsMember(others), read_dimensions(GOLD))

    people.client.delete_segment(ApplicationId=people.id, SegmentId=base)

    assert before == ["e1 e2", "e3 e4", "e1 e3"]
    assert await meet(database, people, IsMember(base), IsMember(others), read_dimensions(GOLD)) == ["", "", "e1 e3"]
    assert await meet(database, people, IsMember("no id")) == [""]


async def test_members_of_lists(people: Shop, imports: Import, database: Database) -> None:
    imported = await imports(["e1"], ["u4"])
    await snapshots(database, imported, "s1 e2")
    base = imported.segment_id
    narrowed = people.create(**groups(group(US, sources=[base])))["Id"]

    found = await meet(database, people, IsMember(base), IsMember(narrowed), keys="e1 e2 e3 e4 s1 s2")

    assert found == ["e1 e2 e4 s1", "e1 e2 s1"]


async def test_dimensions_are_asked_of_snapshots_own_data(people: Shop, imports: Import, database: Database) -> None:
    imported = await imports()
    await snapshots(database, imported, "s1 e3")
    await snapshots(database, imported, "s2", country="FR")
    version = Version(
        imported.segment_id, imported.version, {}, lists_endpoints=False, lists_users=False, has_snapshots=True
    )

    found = await meet(
        database,
        people,
        read_dimensions(US),
        read_dimensions(GOLD),
        keys="e1 e3 s1 s2",
        snapshots=dict.fromkeys(("e3", "s1", "s2"), version),
    )

    assert found == ["e1 e3 s1", "e1 e3 s1 s2"]


async def test_what_follows_in_the_transaction_is_planned_as_usual(people: Shop, database: Database) -> None:
    async with database.transaction() as db:
        await who_meets(db, people.id, [read_dimensions(US)], Batch(["e1"]), datetime.now(UTC))
        cursor = await db.connection.execute(
            "SELECT current_setting('enable_seqscan') AS a, current_setting('plan_cache_mode') AS b"
        )
        row: Any = await cursor.fetchone()

    assert row == {"a": "on", "b": "auto"}


def test_dimensions_are_held_to_what_segments_may_say() -> None:
    with pytest.raises(BadRequestException):
        read_dimensions({"Attributes": {"City": {"Values": []}}})

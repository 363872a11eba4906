"""How what was told is found: by the index, in the days that matter, whatever the planner knows."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

from repoint.db.pool import Database
from repoint.db.queries import Query, load_queries
from repoint.segments.memberships import ask_look_up
from tests.journeys.splits import JOURNEY, RUN, Scene, split, visit, was

Q = load_queries("repoint.journeys.conditions")


async def test_nothing_is_missed_while_a_day_gets_its_place(scene: Scene, database: Database) -> None:
    for number in range(40):
        await scene.tell(f"e{number}", "_email.open", *["_email.send"] * 100)
    people = [visit(f"e{number}") for number in range(40)]
    days = {"day": datetime.now(UTC).date()}

    async def decide() -> set[str | None]:
        found: set[str | None] = set()
        while not moved.is_set():
            found |= set((await scene.ways(split(was("_email.open")), *people)).values())
        return found

    moved = asyncio.Event()
    deciding = [asyncio.create_task(decide()) for _ in range(4)]
    await asyncio.sleep(0.2)
    async with database.connection() as db:
        await db.value(Query("add_day", "SELECT add_events_day(%(day)s::date)"), days)
    moved.set()

    assert await asyncio.gather(*deciding) == [{"yes"}] * 4


async def test_a_look_up_by_the_index_of_the_days_since_entering(scene: Scene, database: Database) -> None:
    today = datetime.now(UTC).date()
    async with database.connection() as db:
        for days in range(-3, 2):
            day = today + timedelta(days=days)
            await db.value(Query("add_day", "SELECT add_events_day(%(day)s::date)"), {"day": day})
    for number in range(20):
        await scene.tell(f"e{number}", *["_email.send"] * 10)

    asked = [{"key": f"e{number}", "since": datetime.now(UTC).isoformat(), "after": 0} for number in range(250)]
    parameters = {
        "application_id": scene.id,
        "journey_id": JOURNEY,
        "run_id": RUN,
        "asked": json.dumps(asked),
        "event_types": ["_email.open"],
        "activity_ids": ["mail"],
        "rows": 100,
    }
    explain = Query("explain", f"EXPLAIN (ANALYZE, TIMING OFF) {Q.events_about.sql}")
    async with database.transaction() as db:
        _, rows = await db.together(ask_look_up(), (explain, parameters))
    plan = "\n".join(line for (line,) in rows)

    assert "Seq Scan" not in plan
    assert "Sort" not in plan.replace("Sort Key", "")
    before = f"events_{today - timedelta(days=2):%Y%m%d}_journey_id"
    assert all("never executed" in line for line in plan.splitlines() if before in line), plan
    current = f"events_{today:%Y%m%d}_journey_id_endpoint_key_position_idx"
    [line] = [line for line in plan.splitlines() if current in line]
    assert "Index Scan" in line
    assert "loops=250" in line

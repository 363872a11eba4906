"""What is counted, in which scope and for how long; also by several who take at once."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.delivery.caps import DAY, Cap, Caps, Rule, Wish, all_journeys, clear_caps, limited_scopes, take
from repoint.queue import TaskContext
from repoint.settings import Settings

APP = "0" * 31 + "a"
JOURNEY, OTHER, CAMPAIGN = ("0" * 31 + letter for letter in "bcd")
JOURNEYS = all_journeys(APP)
START = datetime(2031, 1, 1, tzinfo=UTC)


def days(count: float) -> timedelta:
    return timedelta(days=count)


def window(most: int, count: int) -> Rule:
    """A TimeframeCap."""
    return Rule(JOURNEYS, most, days(count))


async def ask(database: Database, caps: Caps, at: datetime, *keys: str) -> list[Cap | None]:
    async with database.transaction() as db:
        return await take(db, caps, [Wish(key) for key in keys or ("ann",)], at)


async def went(database: Database, caps: Caps, after: Sequence[timedelta]) -> list[bool]:
    """Whether a message to the same endpoint went, so long after the start each."""
    return [await ask(database, caps, START + each) == [None] for each in after]


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("rules", "after", "expected"),
    [
        ([], [days(0)] * 3, [True, True, True]),
        # DailyCap: a day later it has passed, and not a minute before.
        ([Rule(JOURNEY, 1)], [days(0), DAY - MINUTE, DAY], [True, False, True]),
        ([Rule(JOURNEY, 2)], [days(0), days(0.5), DAY - MINUTE, DAY, DAY + MINUTE], [True, True, False, True, False]),
        # TotalCap: for ever.
        ([Rule(JOURNEY, 2, None)], [days(0), days(0), days(400)], [True, True, False]),
        # TimeframeCap: a sliding window of 1 to 30 days.
        ([window(1, 1)], [days(0), days(1) - MINUTE, days(1)], [True, False, True]),
        ([window(2, 7)], [days(0), days(3), days(7) - MINUTE, days(7), days(8), days(10)], [1, 1, 0, 1, 0, 1]),
        ([window(1, 30)], [days(0), days(30) - MINUTE, days(30)], [True, False, True]),
        ([window(100, 30)], [MINUTE * number for number in range(102)], [True] * 100 + [False] * 2),
        # The strictest refuses, whichever it is; what is refused counts nowhere.
        ([Rule(JOURNEY, 2), window(3, 30)], [days(0), days(0), days(0), days(1), days(1)], [1, 1, 0, 1, 0]),
        ([window(3, 30), Rule(JOURNEY, 2)], [days(0), days(0), days(0), days(1), days(1)], [1, 1, 0, 1, 0]),
        ([Rule(APP, 1), Rule(JOURNEY, 2, None)], [days(0), days(0.5), days(1), days(2)], [1, 0, 1, 0]),
    ],
)
async def test_rules(database: Database, rules: list[Rule], after: list[timedelta], expected: list[bool]) -> None:
    assert await went(database, Caps(APP, rules), after) == [bool(each) for each in expected]


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        # Of its own: another one's count for nothing.
        (Caps(APP, [Rule(OTHER, 1)]), Caps(APP, [Rule(JOURNEY, 1)]), False),
        # JourneyLimits.DailyCap: all journeys, and no campaign.
        (Caps(APP, [Rule(JOURNEYS, 1)]), Caps(APP, [Rule(JOURNEYS, 1)]), True),
        (Caps(APP, [Rule(CAMPAIGN, 1)], [APP]), Caps(APP, [Rule(JOURNEYS, 1)]), False),
        # A journey with limits of its own counts for those that are held to what all do.
        (Caps(APP, [Rule(OTHER, 9)], [JOURNEYS]), Caps(APP, [Rule(JOURNEYS, 1)]), True),
        (Caps(APP, [], [JOURNEYS]), Caps(APP, [Rule(JOURNEYS, 1)]), True),
        # Limits.Daily: campaigns and journeys.
        (Caps(APP, [Rule(CAMPAIGN, 9)], [APP]), Caps(APP, [Rule(APP, 1)]), True),
        (Caps(APP, [Rule(JOURNEY, 9)], [APP, JOURNEYS]), Caps(APP, [Rule(APP, 1)]), True),
        (Caps(APP, [Rule(APP, 1)]), Caps(APP, [Rule(CAMPAIGN, 9), Rule(APP, 1)]), True),
        # Another application.
        (Caps(JOURNEY, [Rule(JOURNEY, 1)]), Caps(APP, [Rule(APP, 1)]), False),
    ],
)
async def test_scopes(database: Database, first: Caps, second: Caps, is_refused: bool) -> None:  # noqa: FBT001 - a table
    assert await ask(database, first, START) == [None]

    [cap] = await ask(database, second, START)

    assert cap == ("DAILY_CAP" if is_refused else None)


async def test_the_first_rule_that_forbids_is_told(database: Database) -> None:
    caps = Caps(APP, [Rule(CAMPAIGN, 1, None, "CAMPAIGN_CAP"), Rule(CAMPAIGN, 1)])

    assert await ask(database, caps, START, "ann", "bob", "ann") == [None, None, "CAMPAIGN_CAP"]


async def test_what_quiet_time_holds_back_counts_as_targeted_only(database: Database) -> None:
    caps = Caps(APP, [Rule(CAMPAIGN, 2, None, "CAMPAIGN_CAP"), Rule(CAMPAIGN, 1)])

    async with database.transaction() as db:
        quiet = await take(db, caps, [Wish("ann", is_sent=False)], START)

    assert quiet == [None]
    assert await ask(database, caps, START) == [None]
    assert await ask(database, caps, START + DAY) == ["CAMPAIGN_CAP"]


async def test_what_is_too_old_for_every_window_is_forgotten(database: Database) -> None:
    caps = Caps(APP, [Rule(JOURNEY, 50), window(50, 2)])
    for count in (0, 29, 31):
        await ask(database, caps, START + days(count))

    async with database.connection() as db:
        rows = await db.rows(Query("counts", "SELECT scope_id, total, sent_at FROM cap_counts"))

    kept = {row["scope_id"].hex: (row["total"], [(each - START).days for each in row["sent_at"]]) for row in rows}
    # Another journey may look back over 30 days.
    assert kept == {JOURNEY: (3, [31]), JOURNEYS: (3, [29, 31])}


async def test_nobody_who_takes_at_once_takes_too_much(database: Database) -> None:
    keys = [f"e{number}" for number in range(20)]
    journey = Caps(APP, [Rule(JOURNEY, 2), window(3, 7)], [APP])
    other = Caps(APP, [window(3, 7)], [APP])
    campaign = Caps(APP, [Rule(CAMPAIGN, 4, None, "CAMPAIGN_CAP"), Rule(APP, 4)])

    async def some(caps: Caps, number: int) -> Counter[tuple[str, str]]:
        # In another order each.
        mine = keys[number:] + keys[:number]
        decided = await ask(database, caps, START, *mine)
        scope = caps.rules[0].scope_id
        return Counter((key, scope) for key, cap in zip(mine, decided, strict=True) if cap is None)

    taken = await asyncio.gather(*(some((journey, other, campaign)[number % 3], number) for number in range(18)))

    sent = sum(taken, Counter[tuple[str, str]]())
    for key in keys:
        of_journey, of_other, of_campaign = (sent[key, scope] for scope in (JOURNEY, JOURNEYS, CAMPAIGN))
        assert of_journey <= 2
        assert of_journey + of_other == 3
        # The campaign counts all, and all tried often enough for it to be full in the end.
        assert of_campaign <= 4
        assert of_journey + of_other + of_campaign >= 4


@pytest.mark.parametrize(
    ("given", "limited"),
    [
        ({}, []),
        ({"Limits": {"Daily": 0}}, []),
        ({"Limits": {"Daily": 3}}, [APP]),
        ({"JourneyLimits": {"DailyCap": 1}}, [JOURNEYS]),
        # How often all of one journey may, limits it alone.
        ({"JourneyLimits": {"TotalCap": 1}}, []),
        ({"JourneyLimits": {"TimeframeCap": {"Cap": 1, "Days": 7}}}, [JOURNEYS]),
        ({"Limits": {"Daily": 3}, "JourneyLimits": {"DailyCap": 1}}, [APP, JOURNEYS]),
    ],
)
async def test_what_somebody_limits(client: Any, database: Database, given: dict[str, Any], limited: list[str]) -> None:
    app = client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"]
    client.update_application_settings(ApplicationId=app, WriteApplicationSettingsRequest=given)

    async with database.connection() as db:
        found = await limited_scopes(db, app)

    assert found == [{APP: app, JOURNEYS: all_journeys(app)}[each] for each in limited]


async def test_counts_of_what_is_gone_are_deleted(database: Database, settings: Settings) -> None:
    caps = Caps(APP, [Rule(JOURNEY, 1), Rule(APP, 9)])
    await ask(database, caps, START, "ann", "bob")

    await clear_caps.run(TaskContext(database, settings, "test"), application_id=APP, scope_id=JOURNEY)

    assert await ask(database, caps, START) == [None]
    async with database.connection() as db:
        rows = await db.rows(Query("counts", "SELECT endpoint_key, scope_id, total FROM cap_counts ORDER BY 1, 2"))
    assert [(row["endpoint_key"], row["scope_id"].hex, row["total"]) for row in rows] == [
        ("ann", APP, 2),
        ("ann", JOURNEY, 1),
        ("bob", APP, 1),
    ]

import asyncio
from typing import cast

from repoint.db.pool import Database
from repoint.db.together import Together


class Work:
    """Groups that are under way until they are let go."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_end = asyncio.Event()

    async def run(self, _database: Database, _application_id: str, items: list[int]) -> list[int]:
        """Begin a group."""
        self.groups.append(items)
        await self.may_end.wait()
        return [item * 10 for item in items]


class Nowhere:
    """Stands for a database, which is only told apart from others here."""


async def answers(work: Work, *, at_once: int, items: int) -> list[int]:
    together = Together(work.run, size=lambda _item: 1, max_size=100, at_once=at_once)
    database = cast("Database", Nowhere())
    calls = []
    for item in range(items):
        calls.append(asyncio.create_task(together.answer(database, "app", item)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    work.may_end.set()
    return await asyncio.gather(*calls)


async def test_calls_that_come_while_a_group_is_under_way_go_together_in_the_next() -> None:
    work = Work()

    found = await answers(work, at_once=1, items=4)

    assert work.groups == [[0], [1, 2, 3]]
    assert found == [0, 10, 20, 30]


async def test_groups_run_side_by_side_up_to_the_limit() -> None:
    work = Work()

    found = await answers(work, at_once=2, items=4)

    assert work.groups == [[0], [1], [2, 3]]
    assert found == [0, 10, 20, 30]

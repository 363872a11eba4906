"""Concurrent writes to one application share a transaction (db/together.py).

Since writers of an application come one after the other anyway (upsert.py), this costs no call any time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from repoint.db.pool import Database
from repoint.db.together import Together
from repoint.endpoints.patch import Patch
from repoint.endpoints.plan import Stamp, microseconds
from repoint.endpoints.upsert import Refusal, Rules, apply_groups

# So that one transaction stays short: others wait for its lock.
MAX_PATCHES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class _Write:
    """The groups of patches of one call, each to be applied wholly or not at all."""

    groups: Sequence[Sequence[Patch]]
    at: datetime
    rules: Rules


async def _apply(database: Database, application_id: str, writes: list[_Write]) -> list[list[Refusal | None]]:
    stamp = Stamp(microseconds(max(write.at for write in writes)), "")
    groups = [group for write in writes for group in write.groups]
    async with database.transaction() as db:
        refusals = iter(await apply_groups(db, application_id, groups, stamp, writes[0].rules))
    return [[next(refusals) for _ in write.groups] for write in writes]


_writes = Together(_apply, size=lambda write: sum(map(len, write.groups)), max_size=MAX_PATCHES)


async def write_together(
    database: Database, application_id: str, groups: Sequence[Sequence[Patch]], at: datetime, rules: Rules
) -> list[Refusal | None]:
    """Apply each group wholly or not at all and commit; for each None, or its first refused patch's position and error.

    Raises NotFoundException when the application does not exist.
    """
    return await _writes.answer(database, application_id, _Write(groups, at, rules))

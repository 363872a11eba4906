"""Claims with an epoch: a worker that was frozen past its lease wakes up to find that what it commits changes nothing.

The row that is worked on has a column `epoch`. Whoever takes the row raises it; whoever commits progress first confirms
that it still has the value that taking gave it, and holds the row until the transaction ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from repoint.db.pool import Db
from repoint.db.queries import Query


class LostClaimError(Exception):
    """Another worker has taken over; the worker that meets this drops the task in silence."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One row, taken by one run of a task; `epoch` is what `confirm` looks for."""

    epoch: int
    key: Mapping[str, object]
    _confirm: Query

    @classmethod
    async def take(cls, db: Db, take: Query, confirm: Query, key: Mapping[str, object]) -> "Claim":
        """Take the row that `key` names.

        `take` raises the row's epoch and returns it as its first column:
        `UPDATE … SET epoch = epoch + 1 WHERE id = %(id)s RETURNING epoch`. `confirm` locks the row if the epoch is
        still the given one, and returns any row then: `SELECT 1 FROM … WHERE id = %(id)s AND epoch = %(epoch)s FOR
        UPDATE`. Raises LostClaimError when `take` finds no row: the work is done, or gone.
        """
        epoch = await db.value(take, key)
        if epoch is None:
            raise LostClaimError(f"{take.name}: nothing to take")
        return cls(epoch, key, confirm)

    async def confirm(self, db: Db) -> None:
        """Hold the row until the transaction ends, as its first statement; LostClaimError when the epoch has moved."""
        if await db.row(self._confirm, {**self.key, "epoch": self.epoch}) is None:
            raise LostClaimError(f"{self._confirm.name}: epoch {self.epoch} is over")

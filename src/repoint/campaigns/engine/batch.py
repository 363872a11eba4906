"""A part of a run that one worker works on: taken for a lease, advanced group by group, and gone when it is done.

A batch remembers how far it is and which messages are on their way; both change in the transaction that writes the
ledger. So whoever takes it over, its worker having died or slept, knows what was finished, what was not begun, and
which messages nobody can tell the end of.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from repoint.contract.shapes import ChannelType
from repoint.db.pool import Database, Db, Row
from repoint.db.queries import load_queries
from repoint.delivery.finished import Counts
from repoint.segments.audience import Audience
from repoint.segments.members import span_end

Q = load_queries("repoint.campaigns.engine")


class Sending(msgspec.Struct, frozen=True):
    """A message that is on its way."""

    key: str
    occurrence: int
    message_id: str
    channel: ChannelType
    # Of a triggered one: when its event was logged.
    at: datetime | None = None


class Trigger(msgspec.Struct, frozen=True):
    """An event of an endpoint, to which a message is to be sent."""

    key: str
    # The event's position in the log.
    occurrence: int
    # When it was logged.
    at: datetime


@dataclass(slots=True)
class Batch:
    """One batch, held by this worker."""

    application_id: str
    run_id: str
    number: int
    sweep: int | None
    # What is left of a range of keys: those above the first, up to the last; None is no end.
    after_key: str
    last_key: str | None
    # What is left of a list of events; None for a range.
    triggers: list[Trigger] | None
    # What is on its way; when the batch was just taken, nobody knows what became of these.
    sending: list[Sending]
    step: int
    epoch: int
    counts: Counts = field(default_factory=dict)

    @property
    def run(self) -> dict[str, object]:
        """What names the run."""
        return {"application_id": self.application_id, "run_id": self.run_id}

    @property
    def key(self) -> dict[str, object]:
        """What names the row."""
        return self.run | {"number": self.number}

    @property
    def holder(self) -> tuple[int, int]:
        """What names this taking of the batch: a worker that lost it can have it again."""
        return self.number, self.epoch

    @property
    def claim(self) -> dict[str, object]:
        """What names the row as long as it is this worker's, and has not gone further."""
        return self.key | {"epoch": self.epoch, "step": self.step}


async def take_batches(db: Db, worker: str, lease_s: float, rows: int, *, held: Sequence[int]) -> list[Batch]:
    """Some batches that nobody works on, none of those that the worker holds; from now on this worker does."""
    parameters = {"worker": worker, "lease_s": lease_s, "rows": rows, "held": list(held)}
    return [read_batch_row(row) for row in await db.rows(Q.take_batches, parameters)]


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the next range of a sweep begins."""

    application_id: str
    run_id: str
    sweep: int
    after_key: str

    @property
    def run(self) -> dict[str, object]:
        """What names the run."""
        return {"application_id": self.application_id, "run_id": self.run_id}


async def next_cut(db: Db, busy: Sequence[str], now: datetime) -> Cut | None:
    """A sweep that has something left to be cut off, held until the transaction ends; none of the runs in `busy`."""
    row = await db.row(Q.next_sweep, {"busy": list(busy), "now": now})
    if row is None:
        return None
    return Cut(row["application_id"].hex, row["run_id"].hex, row["number"], row["cut_key"])


async def cut(  # noqa: PLR0913, PLR0917 - who cuts what off what
    db: Db, database: Database, at: Cut, audience: Audience, rows: int, worker: str, lease_s: float
) -> Batch:
    """Cut a range of so many rows off a sweep that `next_cut` holds; it is this worker's. Raises EvaluationError."""
    last_key = await span_end(database, audience.ranges(only_eligible=False), at.after_key, rows=rows)
    parameters = {
        "application_id": at.application_id,
        "run_id": at.run_id,
        "sweep": at.sweep,
        "after_key": at.after_key,
        "last_key": last_key,
        "worker": worker,
        "lease_s": lease_s,
    }
    row = await db.row(Q.cut, parameters)
    assert row is not None  # noqa: S101 - what is inserted is returned
    return read_batch_row(row)


async def renew(db: Db, worker: str, lease_s: float, batches: Sequence[Batch]) -> None:
    """Keep these batches for another lease, as far as they are still this worker's."""
    held = {"numbers": [each.number for each in batches], "epochs": [each.epoch for each in batches]}
    await db.execute(Q.renew, {**held, "worker": worker, "lease_s": lease_s})


def read_batch_row(row: Row) -> Batch:
    """A row with everything that a batch is."""
    triggers = row["triggers"]
    return Batch(
        row["application_id"].hex,
        row["run_id"].hex,
        row["number"],
        row["sweep"],
        row["after_key"] or "",
        row["last_key"],
        None if triggers is None else msgspec.convert(triggers, list[Trigger]),
        msgspec.convert(row["sending"] or [], list[Sending]),
        row["step"],
        row["epoch"],
        row["counts"],
    )


def add(counts: Counts, more: Counts) -> Counts:
    """Both together."""
    return {name: counts.get(name, 0) + more.get(name, 0) for name in counts | more}

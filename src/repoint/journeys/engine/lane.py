"""A lane: a part of a journey's participants, moved by one worker at a time.

A worker takes a lane for a lease, and is then the only one that moves those in it. The lane remembers which messages
are on their way; that and the participants change in one transaction. So whoever takes it over, its worker having died
or slept, knows who was moved, who was not, and which messages nobody can tell the end of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from repoint.contract.shapes import ChannelType
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries

Q = load_queries("repoint.journeys.engine")


class Sending(msgspec.Struct, frozen=True):
    """A message that is on its way."""

    participant: str
    # Of the endpoint.
    key: str
    occurrence: int
    run_id: str
    activity_id: str
    message_id: str
    channel: ChannelType


@dataclass(slots=True)
class Lane:
    """One lane, held by this worker."""

    application_id: str
    journey_id: str
    number: int
    # What is on its way; when the lane was just taken, nobody knows what became of these.
    sending: list[Sending]
    step: int
    epoch: int
    # Somebody in it has left the journey, which may be over now.
    has_ended_some: bool = False

    @property
    def journey(self) -> dict[str, object]:
        """What names the journey."""
        return {"application_id": self.application_id, "journey_id": self.journey_id}

    @property
    def key(self) -> dict[str, object]:
        """What names the row."""
        return self.journey | {"lane": self.number}

    @property
    def held(self) -> dict[str, object]:
        """What names the row as long as it is this worker's."""
        return self.key | {"epoch": self.epoch}

    @property
    def holder(self) -> tuple[str, int, int]:
        """What names this taking of the lane."""
        return self.journey_id, self.number, self.epoch


async def take_lane(  # noqa: PLR0913 - who takes what
    db: Db, worker: str, lease_s: float, *, held: Sequence[Lane], busy: Sequence[str], now: datetime
) -> Lane | None:
    """A lane in which somebody is due, which this worker moves from now on; None when there is none.

    It is none of those that the worker holds, and of none of the journeys in `busy`.
    """
    parameters = {
        "worker": worker,
        "lease_s": lease_s,
        "held_journeys": [each.journey_id for each in held],
        "held_lanes": [each.number for each in held],
        "busy": list(busy),
        "now": now,
    }
    row = await db.row(Q.take_lane, parameters)
    return None if row is None else _read(row)


async def renew(db: Db, worker: str, lease_s: float, lanes: Sequence[Lane]) -> None:
    """Keep these lanes for another lease, as far as they are still this worker's."""
    held = {
        "journeys": [each.journey_id for each in lanes],
        "lanes": [each.number for each in lanes],
        "epochs": [each.epoch for each in lanes],
    }
    await db.execute(Q.renew, {**held, "worker": worker, "lease_s": lease_s})


async def give_back(db: Db, lane: Lane, wait_s: float, now: datetime) -> None:
    """Leave a lane to whoever comes after some seconds, when somebody in it is due. In a transaction.

    It is held before it is asked who is due: whoever comes in afterwards waits, and then wakes it.
    """
    parameters = lane.held | {"wait_s": wait_s, "now": now}
    await db.together((Q.hold_lane, parameters), (Q.go_by_index, {}), (Q.give_back, parameters))


def read_sending(column: object) -> list[Sending]:
    """What is on its way."""
    return msgspec.convert(column or [], list[Sending])


def _read(row: Row) -> Lane:
    return Lane(
        row["application_id"].hex,
        row["journey_id"].hex,
        row["lane"],
        read_sending(row["sending"]),
        row["step"],
        row["epoch"],
    )

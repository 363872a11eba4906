"""A published journey as the engine sees it: what it says, and where it stands."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.journeys.journey import JOURNEYS, Journey, read_journey

Q = load_queries("repoint.journeys.engine")

State = Literal["ACTIVE", "PAUSED", "CANCELLED", "CLOSED", "COMPLETED"]


@dataclass(frozen=True, slots=True)
class Published:
    """A journey that was published."""

    application_id: str
    id: str
    state: State
    is_deleted: bool
    starts_at: datetime
    ends_at: datetime
    # How long all pauses that are over lasted.
    paused_for: timedelta
    # The segment of its latest run; None before the first one.
    segment_version: int | None
    is_of_users: bool
    # None for one whose document is gone.
    _journey: Journey | None

    @property
    def key(self) -> dict[str, object]:
        """What names it."""
        return {"application_id": self.application_id, "journey_id": self.id}

    @property
    def journey(self) -> Journey:
        """What it says; asked of one that is not deleted."""
        assert self._journey is not None  # noqa: S101 - whoever asks has seen to it
        return self._journey

    @property
    def is_there(self) -> bool:
        """Whether it can be run: its document is there."""
        return self._journey is not None

    def by_its_clock(self, instant: datetime) -> datetime:
        """An instant less all pauses so far: what is counted down stands still in them."""
        try:
            return instant - self.paused_for
        except OverflowError:
            return instant


async def read_published(db: Db, application_id: str, journey_id: str, row: Row) -> Published:
    """A journey from its row and its document."""
    try:
        document = await JOURNEYS.get(db, journey_id, application_id)
    except NotFoundException:
        journey = None
    else:
        journey = read_journey(document, row["defaults"])
    return Published(
        application_id,
        journey_id,
        row["state"],
        row["is_deleted"],
        row["starts_at"],
        row["ends_at"],
        row["paused_for"],
        row["segment_version"],
        row["is_of_users"],
        journey,
    )


async def load_published(db: Db, application_id: str, journey_id: str) -> Published | None:
    """A journey; None when it was never published, or is gone."""
    row = await db.row(Q.read_journey, {"application_id": application_id, "journey_id": journey_id})
    return None if row is None else await read_published(db, application_id, journey_id, row)

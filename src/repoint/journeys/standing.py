"""Where a journey stands (journeys.md section 3): a row since it was published, none for a draft.

Operations write what users ask for, the engine's keeper what time brings; whoever does holds the row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from repoint.contract.shapes import State
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.resources.documents import Document

Q = load_queries("repoint.journeys")

# Parts that a journey's participants are dealt to.
LANES = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """A row of journey_states, as far as operations go by it."""

    state: State
    # When the first may enter.
    starts_at: datetime
    paused_at: datetime | None
    # The application's settings that the journey was published with.
    defaults: dict[str, Any]


def key_of(journey: Document) -> dict[str, object]:
    """What every statement on one journey is given."""
    return {"application_id": journey.application_id, "journey_id": journey.id}


async def lock_standing(db: Db, journey: Document) -> Standing | None:
    """Where a journey stands, None for a draft; nobody else moves it until the transaction ends."""
    row = await db.row(Q.lock_state, key_of(journey))
    return None if row is None else Standing(row["state"], row["starts_at"], row["paused_at"], row["defaults"])


async def read_states(db: Db, application_id: str, journey_ids: Iterable[str]) -> Mapping[str, State]:
    """By journey."""
    ids = list(journey_ids)
    rows = await db.rows(Q.states, {"application_id": application_id, "journey_ids": ids})
    states: dict[str, State] = dict.fromkeys(ids, "DRAFT")
    return states | {row["journey_id"].hex: row["state"] for row in rows}

"""What journeys are told of by the event log, in the transaction that notes the events as read."""

from collections.abc import Sequence

from repoint.db.pool import Db
from repoint.events.consume import subscribes
from repoint.events.log import LoggedEvent
from repoint.journeys.listening.arrivals import note_arrivals
from repoint.journeys.listening.reader import READER
from repoint.journeys.listening.wakes import note_wakes


@subscribes(READER)
async def hear(db: Db, application_id: str, events: Sequence[LoggedEvent]) -> None:
    """Note who is to be let in, and of whom somebody inside may have waited to be told."""
    await note_arrivals(db, application_id, events)
    await note_wakes(db, application_id, events)

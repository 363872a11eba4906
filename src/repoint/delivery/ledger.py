"""The ledger: what became of each endpoint of a run, one row each, kept for who asks why."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from repoint.contract.shapes import ChannelType
from repoint.db.parameters import as_json
from repoint.db.pool import Db, Parameters
from repoint.db.queries import Query, load_queries
from repoint.queue import TaskContext, every
from repoint.queue.forget import forget_old
from repoint.resources.clearing import clears

Q = load_queries("repoint.delivery")

clears(Q.clear_deliveries)
clears(Q.clear_caps)

# Of a message whose worker died while it was on its way.
IN_DOUBT = "IN_DOUBT"


class Entry(msgspec.Struct, frozen=True):
    """What was decided about one endpoint."""

    endpoint_key: str
    # The position of the event that triggered it; 0 in a run over a segment.
    occurrence: int
    # A campaign_send_status, the name of a metric for who was left out before, or IN_DOUBT.
    status: str
    channel_type: ChannelType | None = None
    message_id: str | None = None
    detail: str | None = None
    # It may have gone out, and nobody knows.
    is_in_doubt: bool = False
    # Of a journey, the activity.
    activity_id: str | None = None


def ask_write(application_id: str, run_id: str, at: datetime, entries: Sequence[Entry]) -> tuple[Query, Parameters]:
    """The statement that writes entries; one that was in doubt takes its end, and stays marked."""
    return Q.write_entries, {
        "application_id": application_id,
        "run_id": run_id,
        "at": at,
        "endpoint_keys": as_json(each.endpoint_key for each in entries),
        "occurrences": as_json(each.occurrence for each in entries),
        "statuses": as_json(each.status for each in entries),
        "in_doubt": as_json(each.is_in_doubt for each in entries),
        "channel_types": as_json(each.channel_type for each in entries),
        "message_ids": as_json(each.message_id for each in entries),
        "details": as_json(each.detail for each in entries),
        "activity_ids": as_json(each.activity_id for each in entries),
    }


async def find_entries(
    db: Db, application_id: str, run_id: str, places: Sequence[tuple[str, int]]
) -> set[tuple[str, int]]:
    """Of which of these the ledger tells: keys of endpoints, and occurrences."""
    asked = {
        "application_id": application_id,
        "run_id": run_id,
        "endpoint_keys": as_json(key for key, _ in places),
        "occurrences": as_json(occurrence for _, occurrence in places),
    }
    return {(key, occurrence) for key, occurrence in await db.tuples(Q.find_entries, asked)}


@every(seconds=3600)
async def forget_deliveries(context: TaskContext) -> None:
    """Delete what the ledger says of messages that are older than the event log."""
    await forget_old(context, Q.forget_deliveries, context.settings.event_days)

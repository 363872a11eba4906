"""How often an endpoint may be sent to, counted exactly, also for campaigns that run at once (campaigns.md section 5).

Counts are rows, held from the decision to the commit in the order of their keys: two who want the last message that an
endpoint may have wait for each other, and one of them gets it. What was taken is not given back when the message
fails: Total counts who was targeted, and Daily would otherwise let a failing provider be asked without end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.queue import TaskContext, task
from repoint.resources.clearing import BATCH_ROWS

Q = load_queries("repoint.delivery")

DAY = timedelta(hours=24)
# The highest daily limit there is: older messages are no longer of interest.
_MOST = 100

Cap = Literal["DAILY_CAP", "CAMPAIGN_CAP"]


@dataclass(frozen=True, slots=True)
class Caps:
    """What holds for the messages of one campaign; 0 is no limit."""

    application_id: str
    campaign_id: str
    # Within 24 hours: of this campaign, and of everything in the application together.
    daily: int = 0
    daily_of_all: int = 0
    total: int = 0
    # Somebody limits what is sent together, so these messages count there, whatever their own limits are.
    counts_for_all: bool = False

    @property
    def scopes(self) -> list[str]:
        """Whose counts are kept."""
        own = [self.campaign_id] if self.daily or self.total else []
        return [*own, self.application_id] if self.daily_of_all or self.counts_for_all else own


@dataclass(frozen=True, slots=True)
class Wish:
    """A message that is to go to an endpoint."""

    endpoint_key: str
    # False for one that quiet time holds back: it counts as targeted and not as sent.
    is_sent: bool = True


@dataclass(slots=True)
class _Count:
    total: int
    sent_at: list[datetime]
    has_changed: bool = False


async def take(db: Db, caps: Caps, wishes: Sequence[Wish], now: datetime) -> list[Cap | None]:
    """Count the messages that may go, in their order; for each of the others what forbids it.

    In the caller's transaction, and to be committed before anything is sent. Nothing is asked where nobody counts.
    """
    scopes = caps.scopes
    if not scopes or not wishes:
        return [None] * len(wishes)
    held = {
        "application_id": caps.application_id,
        "scopes": scopes,
        "keys": sorted({each.endpoint_key for each in wishes}),
    }
    _, rows = await db.together((Q.open_caps, held), (Q.hold_caps, held))
    counts = {(key, scope.hex): _Count(total, _last_day(sent_at, now)) for key, scope, total, sent_at in rows}
    decided = [_decide(caps, wish, counts, now) for wish in wishes]
    changed = [_row(*place, count) for place, count in counts.items() if count.has_changed]
    if changed:
        parameters = {"application_id": caps.application_id, "counts": as_json(changed)}
        await db.execute(Q.note_caps, parameters)
    return decided


@task()
async def clear_caps(context: TaskContext, *, application_id: str, campaign_id: str) -> None:
    """Delete the counts of a campaign that is gone, some at a time; begun again, it finds those that are left."""
    key = {"application_id": application_id, "scope_id": campaign_id, "rows": BATCH_ROWS}
    after: str | None = ""
    while after is not None:
        async with context.database.transaction() as db:
            after = await db.value(Q.clear_caps_of, key | {"after": after})


def _decide(caps: Caps, wish: Wish, counts: dict[tuple[str, str], _Count], now: datetime) -> Cap | None:
    own, of_all = (counts.get((wish.endpoint_key, scope)) for scope in (caps.campaign_id, caps.application_id))
    if caps.total and own is not None and own.total >= caps.total:
        return "CAMPAIGN_CAP"
    if wish.is_sent:
        if caps.daily and own is not None and len(own.sent_at) >= caps.daily:
            return "DAILY_CAP"
        if caps.daily_of_all and of_all is not None and len(of_all.sent_at) >= caps.daily_of_all:
            return "DAILY_CAP"
    for count in _present(own, of_all):
        count.total += 1
        count.has_changed = True
        if wish.is_sent:
            count.sent_at = [*count.sent_at, now][-_MOST:]
    return None


def _present(*counts: _Count | None) -> Iterator[_Count]:
    return (count for count in counts if count is not None)


def _last_day(sent_at: Sequence[datetime], now: datetime) -> list[datetime]:
    return [each for each in sent_at if each > now - DAY]


def _row(endpoint_key: str, scope_id: str, count: _Count) -> dict[str, object]:
    return {"endpoint_key": endpoint_key, "scope_id": scope_id, "total": count.total, "sent_at": count.sent_at}

"""How often an endpoint may be sent to, exactly, also by those who send at once (campaigns.md 5, journeys.md 6).

Rules limit what counts together: one campaign or journey, all journeys of an application, everything in it. Counts are
rows, held from the decision to the commit in the order of their keys: two who want the last message that an endpoint
may have wait for each other, and one of them gets it. What was taken is not given back when the message fails: Total
counts who was targeted, and Daily would otherwise let a failing provider be asked without end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.queue import TaskContext, task
from repoint.resources.clearing import BATCH_ROWS

Q = load_queries("repoint.delivery")

DAY = timedelta(hours=24)
# The longest window there is, that of all journeys: older messages are no longer of interest to anybody.
LONGEST = timedelta(days=30)
# The highest limit on what is sent within a time: neither are those before the last so many.
_MOST = 100

Cap = Literal["DAILY_CAP", "CAMPAIGN_CAP"]


@dataclass(frozen=True, slots=True)
class Rule:
    """So many messages may an endpoint have."""

    # What is counted together: the id of a campaign or journey or application, or what `all_journeys` answers.
    scope_id: str
    most: int
    # Until now: a day at most, LONGEST for all journeys. None for ever; there counts what quiet time holds back.
    within: timedelta | None = DAY
    # What is told of a message that it forbids.
    cap: Cap = "DAILY_CAP"


@dataclass(frozen=True, slots=True)
class Caps:
    """What holds for the messages of one campaign or journey: the first of the rules that forbids one is told."""

    application_id: str
    rules: Sequence[Rule] = ()
    # Where others limit what is sent together, so that these messages count, whatever their own rules are.
    counts_for: Sequence[str] = ()

    @property
    def scopes(self) -> list[str]:
        """Whose counts are kept."""
        return list(dict.fromkeys([*(rule.scope_id for rule in self.rules), *self.counts_for]))


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

    def within(self, window: timedelta | None, now: datetime) -> int:
        if window is None:
            return self.total
        after = now - window
        return sum(each > after for each in self.sent_at)


# Of an endpoint, by scope.
_Counts = dict[str, _Count]


def all_journeys(application_id: str) -> str:
    """The scope in which all journeys of an application count together."""
    return uuid5(UUID(application_id), "journeys").hex


async def limited_scopes(db: Db, application_id: str) -> list[str]:
    """The scopes of an application that somebody limits: what counts there has to be counted by all."""
    [(of_all, of_journeys)] = await db.tuples(Q.limited_scopes, {"application_id": application_id})
    scopes = {application_id: of_all, all_journeys(application_id): of_journeys}
    return [scope_id for scope_id, is_limited in scopes.items() if is_limited]


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
    counts: dict[str, _Counts] = {}
    for key, scope, total, sent_at in rows:
        counts.setdefault(key, {})[scope.hex] = _Count(total, sent_at)
    decided = [_decide(caps.rules, wish, counts[wish.endpoint_key], now) for wish in wishes]
    kept = dict.fromkeys(scopes, now - DAY) | {all_journeys(caps.application_id): now - LONGEST}
    changed = [
        _row(key, scope_id, count, kept[scope_id])
        for key, of_endpoint in counts.items()
        for scope_id, count in of_endpoint.items()
        if count.has_changed
    ]
    if changed:
        parameters = {"application_id": caps.application_id, "counts": as_json(changed)}
        await db.execute(Q.note_caps, parameters)
    return decided


@task()
async def clear_caps(context: TaskContext, *, application_id: str, scope_id: str) -> None:
    """Delete the counts of what is gone, some at a time; begun again, it finds those that are left."""
    key = {"application_id": application_id, "scope_id": scope_id, "rows": BATCH_ROWS}
    after: str | None = ""
    while after is not None:
        async with context.database.transaction() as db:
            after = await db.value(Q.clear_caps_of, key | {"after": after})


def _decide(rules: Sequence[Rule], wish: Wish, counts: _Counts, now: datetime) -> Cap | None:
    for rule in rules:
        is_asked = wish.is_sent or rule.within is None
        if is_asked and counts[rule.scope_id].within(rule.within, now) >= rule.most:
            return rule.cap
    for count in counts.values():
        count.total += 1
        count.has_changed = True
        if wish.is_sent:
            count.sent_at.append(now)
    return None


def _row(endpoint_key: str, scope_id: str, count: _Count, after: datetime) -> dict[str, object]:
    sent_at = [each for each in count.sent_at[-_MOST:] if each > after]
    return {"endpoint_key": endpoint_key, "scope_id": scope_id, "total": count.total, "sent_at": sent_at}

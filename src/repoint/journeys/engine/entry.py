"""Letting participants in: the members of a segment range by range, each range in one transaction.

Judged is what endpoints are like (journeys.md section 5); whether a participant may enter once more is decided by the
statement that lets it in. A range and how far the sweep is change together, so nobody is left out or comes in twice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.contract.dates import format_instant
from repoint.contract.errors import NotFoundException
from repoint.db.parameters import as_json
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.endpoints.key import user_key
from repoint.endpoints.timezone import find_zone
from repoint.journeys.engine.published import Published, read_published
from repoint.journeys.standing import LANES
from repoint.journeys.timezone import zone_of
from repoint.queue.tasks import TaskContext
from repoint.segments.audience import Audience, load_audience
from repoint.segments.members import Batch as SomeMembers
from repoint.segments.members import member_documents, read_batch, span_end
from repoint.segments.sources import EvaluationError

log = structlog.get_logger()
Q = load_queries("repoint.journeys.engine")

# Rows of a population that are judged in one transaction.
ENTRY_ROWS = 2000
# The part of a run's counts that the entry counts.
LANE_OF_ENTRY = -1
# Until a sweep is looked at again of which nobody could be let in.
_LATER = timedelta(minutes=1)
_ENTERED = "ENDPOINT_ENTERED"
_OTHER_ZONE = "ENDPOINT_TIMEZONE_MISMATCH"

Members = Mapping[str, Any]
Counts = Counter[str]


@dataclass(frozen=True, slots=True)
class Entering:
    """Participants who come to a journey in one transaction, and what is counted of them."""

    run_id: str
    # By participant: the version of the segment whose snapshot it is, None for all others.
    asked: dict[str, tuple[str, int] | None] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counter)
    # How often they come, where that is not once; whoever does has come before, and enters by none of these.
    times: Mapping[str, int] = field(default_factory=dict)


async def let_in(db: Db, published: Published, entering: Entering, now: datetime) -> None:
    """Let those in who may enter, and count all of them. In a transaction that holds the journey's row."""
    journey, counts = published.journey, entering.counts
    if entering.asked:
        parameters = {
            **published.key,
            "run_id": entering.run_id,
            "is_of_events": journey.is_of_events,
            "most_entries": journey.limits.entries,
            "entered_before": now - journey.limits.entry_interval,
            "asked": as_json(_asked(entering)),
            "lanes": LANES,
            "now": now,
            "activity_id": journey.start_activity,
            "due_at": published.by_its_clock(now),
        }
        _, rows = await db.together((Q.go_by_index, {}), (Q.enter, parameters))
        counts.update({verdict: int(number) for verdict, number in rows if verdict != "DUPLICATE"})
        again = sum(int(number) for verdict, number in rows if verdict == "DUPLICATE")
        if again and published.is_of_users:
            counts["DUPLICATE_USER"] += again
    found = [{"run_id": entering.run_id, "activity_id": "", "counts": counts}]
    if counts[_ENTERED]:
        came = {_ENTERED: counts[_ENTERED]}
        found.append({"run_id": entering.run_id, "activity_id": journey.start_activity, "counts": came})
    await db.execute(Q.add_counts, published.key | {"lane": LANE_OF_ENTRY, "counts": as_json(found)})


def _asked(entering: Entering) -> Iterable[dict[str, object]]:
    for participant, snapshot in entering.asked.items():
        segment_id, version = snapshot or (None, None)
        yield {
            "participant": participant,
            "segment_id": segment_id,
            "segment_version": version,
            "times": entering.times.get(participant, 1),
        }


def refusal(endpoint: Members) -> str | None:
    """The metric of an endpoint that no journey lets in; None for one that may come."""
    if endpoint.get("OptOut") == "ALL":
        return "ENDPOINT_OPT_OUT"
    if endpoint.get("EndpointStatus") == "INACTIVE":
        return "ENDPOINT_INACTIVE"
    if not endpoint.get("Address"):
        return "ENDPOINT_MISSING_ADDRESS"
    return None if endpoint.get("ChannelType") else "ENDPOINT_MISSING_CHANNEL"


async def enter_some(context: TaskContext) -> bool:
    """Let the next range of some sweep in that is due; whether there was any. One that fails keeps no other waiting."""
    sweep: Row | None = None
    try:
        async with context.database.transaction() as db:
            sweep = await db.row(Q.next_sweep, {"now": context.now()})
            if sweep is not None:
                await _enter_range(context, db, sweep)
    except (psycopg.OperationalError, PoolTimeout):
        raise
    except Exception:
        if sweep is None:
            raise
        log.exception("Nobody could be let into a journey", journey_id=sweep["journey_id"].hex)
        async with context.database.connection() as db:
            await db.execute(Q.postpone_sweep, _named(sweep) | {"later": _LATER})
    return sweep is not None


async def _enter_range(context: TaskContext, db: Db, sweep: Row) -> None:
    """Let the next range of a sweep in, and move it on, in the transaction that holds it."""
    now = context.now()
    published = await read_published(db, sweep["application_id"].hex, sweep["journey_id"].hex, sweep)
    last_key = None
    if published.is_there:
        try:
            last_key = await _Range(context, db, published, sweep, now).enter()
        except (EvaluationError, NotFoundException) as error:
            # Without its segment nobody enters; those inside go on (journeys.md section 3).
            log.warning("Nobody enters a journey", journey_id=published.id, reason=str(error))
    await db.execute(Q.move_sweep, _named(sweep) | {"last_key": last_key})
    if last_key is None:
        await db.execute(Q.look_now, published.key | {"now": now})


def _named(sweep: Row) -> dict[str, object]:
    return {name: sweep[name] for name in ("application_id", "run_id", "number")}


@dataclass(frozen=True, slots=True)
class _Range:
    """The next range of a sweep."""

    context: TaskContext
    db: Db
    published: Published
    sweep: Row
    now: datetime

    async def enter(self) -> str | None:
        """Let its members in; the last key of the range, None when it was the last one.

        Raises EvaluationError, and NotFoundException for a segment that is gone.
        """
        database, published, after_key = self.context.database, self.published, self.sweep["cut_key"]
        segment_id = published.journey.segment_id
        if segment_id is None:
            return None
        version = self.sweep["run_version"]
        audience = await load_audience(self.db, published.application_id, segment_id, version, at=self.now)
        ranges = audience.ranges(only_eligible=False)
        last_key = await span_end(database, ranges, after_key, rows=ENTRY_ROWS)
        members = await read_batch(database, ranges, after_key, last_key)
        documents = await member_documents(self.db, published.application_id, members)
        await let_in(self.db, published, self._judge(members, documents, audience), self.now)
        return last_key

    def _judge(self, members: SomeMembers, documents: Mapping[str, Members], audience: Audience) -> Entering:
        entering = Entering(self.sweep["run_id"].hex)
        lists_users = self.published.is_of_users and audience.root.lists_users
        for key in members.keys:
            if (document := documents.get(key)) is None:
                continue
            entering.counts["ENDPOINT_PRODUCED"] += 1
            entering.counts["ENDPOINTS_FROM_USER"] += lists_users
            metric = self._out_of_zone(document) or refusal(document) or self._not_now()
            if metric is not None:
                entering.counts[metric] += 1
            elif self.published.is_of_users:
                self._ask_user(entering, document)
            else:
                version = members.snapshots.get(key)
                entering.asked[key] = None if version is None else (version.segment_id, version.number)
        return entering

    def _ask_user(self, entering: Entering, document: Members) -> None:
        participant = user_key(document.get("User", {}).get("UserId", ""))
        if participant in entering.asked:
            entering.counts["DUPLICATE_USER"] += 1
        elif participant:
            entering.asked[participant] = None

    def _not_now(self) -> str | None:
        return "PAUSED" if self.published.state == "PAUSED" else None

    def _out_of_zone(self, document: Members) -> str | None:
        """Why it has no turn in this sweep; who has no zone is told of in the first one."""
        sweep, schedule = self.sweep, self.published.journey.schedule
        if sweep["zones"] is None:
            return None
        name = zone_of(document, self.published.journey.hours.estimation_methods)
        zone = None if name is None else find_zone(name)
        if zone is None:
            return "ENDPOINT_MISSING_TIMEZONE" if sweep["number"] == 0 else _OTHER_ZONE
        if name in sweep["zones"]:
            ends_at = schedule.end_in(zone)
            return "ENDED" if ends_at is not None and self.now >= ends_at else None
        enters_at = schedule.entry_in(zone, self.published.starts_at)
        return None if enters_at <= sweep["due_at"] and self._has_moved(document) else _OTHER_ZONE

    def _has_moved(self, document: Members) -> bool:
        """Whether it was there before the run and has been written since: it may have missed its turn."""
        begun_at = format_instant(self.sweep["run_due_at"])
        return bool(document.get("CreationDate", "") <= begun_at < document.get("EffectiveDate", ""))

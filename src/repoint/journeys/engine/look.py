"""What becomes of a journey as time goes by: it starts, looks at its segment again, closes, and ends."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.journeys.engine.clearing import clear_journey
from repoint.journeys.engine.published import Published, State
from repoint.journeys.engine.sweeps import sweeps
from repoint.journeys.engine.users import is_of_users
from repoint.journeys.listening.reader import GRACE
from repoint.journeys.listening.reader import has_unread as has_unread_events
from repoint.queue import enqueue
from repoint.segments.audience import Audience

Q = load_queries("repoint.journeys.engine")

# Until one is looked at again that waits for workers to end what they do.
_LATER = timedelta(minutes=1)
# The same for one that waits to be told of events.
_SOON = timedelta(seconds=1)
# How often it is looked whether a segment has changed, for journeys that follow it.
_FOLLOW = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Look:
    """What is done about one journey, in the transaction that holds it."""

    db: Db
    published: Published
    # None for a segment that is gone, and where there is none.
    audience: Audience | None
    zones: Sequence[str]
    now: datetime

    async def do(self) -> None:
        """Do what is due, and say when the next look is."""
        state: State = self.published.state
        if not self.published.is_there and state != "COMPLETED":
            state = "CANCELLED"
        if state in {"ACTIVE", "PAUSED"}:
            await self._go_on(state)
        elif state == "CLOSED":
            await self._try_to_complete()
        else:
            await self._end(state)

    async def _go_on(self, state: State) -> None:
        """Begin the run that is due, and close when nobody is to come any more."""
        published, now = self.published, self.now
        run = await self.db.row(Q.latest_run, published.key)
        if run is not None and await self._waits_for_events():
            begun = await self._begin_due(run)
            await self._set(state, look_at=now + _SOON, has_begun=begun)
            return
        if run is None or now >= self._over_at:
            await self.db.execute(Q.end_sweeps, published.key)
            await self._close(state)
            return
        if run["state"] == "SCHEDULED" and run["due_at"] > now:
            await self._set(state, look_at=min(run["due_at"], published.ends_at))
            return
        begun = await self._begin_due(run)
        if not begun and self._takes_once and not await self.db.value(Q.entry_left, published.key):
            await self._close(state)
            return
        if not published.journey.is_of_events:
            await self.db.execute(Q.complete_runs, published.key | {"now": now})
        await self._set(state, look_at=self._next_look(), has_begun=begun)

    @property
    def _over_at(self) -> datetime:
        """When it closes. What came in time may be read a moment later."""
        ends_at, is_of_events = self.published.ends_at, self.published.journey.is_of_events
        return ends_at + GRACE if is_of_events else ends_at

    async def _waits_for_events(self) -> bool:
        """Whether a journey that is over has still to be told of events that came in time, or to let endpoints in."""
        published = self.published
        if not published.journey.is_of_events or self.now < self._over_at:
            return False
        has_unread = await has_unread_events(self.db, published.application_id, published.ends_at)
        return has_unread or await self.db.value(Q.entry_left, published.key)

    async def _begin_due(self, run: Row) -> bool:
        """Begin the first run, or another one when the segment is to be looked at again; whether one has begun."""
        if run["state"] == "SCHEDULED":
            await self._begin(run["run_id"], run["number"], run["due_at"])
            return True
        slot = self._last_slot()
        if slot is not None and slot > run["due_at"]:
            await self._begin(uuid.uuid4(), run["number"] + 1, slot)
            return True
        if self._has_changed:
            await self._begin(uuid.uuid4(), run["number"] + 1, self.now)
            return True
        return False

    @property
    def _takes_once(self) -> bool:
        journey = self.published.journey
        return not journey.is_of_events and journey.refresh_every is None

    @property
    def _has_changed(self) -> bool:
        """Whether there is a newer version of the segment, for journeys that let its members in then."""
        journey, version = self.published.journey, self.published.segment_version
        if not journey.refreshes_on_update or journey.refresh_every is None or self.audience is None:
            return False
        return version is not None and self.audience.root.number > version

    def _last_slot(self) -> datetime | None:
        """When the segment was last to be looked at; None for a journey that does so once."""
        every, starts_at = self.published.journey.refresh_every, self.published.starts_at
        if not every or self.published.journey.is_of_events:
            return None
        return starts_at + (self.now - starts_at) // every * every

    def _next_look(self) -> datetime:
        journey, ends_at = self.published.journey, self.published.ends_at
        last = self._last_slot()
        if last is None or not journey.refresh_every:
            return self._over_at
        found = min(last + journey.refresh_every, ends_at)
        return min(found, self.now + _FOLLOW) if journey.refreshes_on_update else found

    async def _begin(self, run_id: uuid.UUID, number: int, due_at: datetime) -> None:
        published, journey = self.published, self.published.journey
        version = None if self.audience is None else self.audience.root.number
        named = {"application_id": published.application_id, "run_id": run_id}
        run = {
            **published.key,
            **named,
            "number": number,
            "segment_version": None if journey.refreshes_on_update else version,
            "due_at": due_at,
            "now": self.now,
        }
        await self.db.execute(Q.begin_run, run)
        if self.audience is None:
            return
        for place, sweep in enumerate(sweeps(journey.schedule, self.zones, published.starts_at, due_at)):
            zones = None if sweep.zones is None else list(sweep.zones)
            await self.db.execute(Q.insert_sweep, named | {"number": place, "due_at": sweep.due_at, "zones": zones})

    async def _close(self, state: State) -> None:
        """Nobody comes any more. One that is paused stays so until it is resumed."""
        if state == "PAUSED":
            await self._set("PAUSED", look_at=None)
            return
        await self._try_to_complete()

    async def _try_to_complete(self) -> None:
        """CLOSED as long as somebody is inside, then COMPLETED."""
        key = self.published.key
        await self.db.execute(Q.complete_runs, key | {"now": self.now})
        is_over = not await self.db.value(Q.entry_left, key) and not await self.db.value(Q.somebody_inside, key)
        if is_over:
            await self._set("COMPLETED", look_at=self.now + _LATER if await self._is_at_work() else None)
        else:
            # Workers have it looked at when somebody has left; this is for one that dies just then.
            await self._set("CLOSED", look_at=self.now + _LATER)

    async def _end(self, state: State) -> None:
        """Everybody is taken out, and of a deleted journey everything goes when nobody works on it."""
        key = self.published.key
        await self.db.execute(Q.end_sweeps, key)
        await self.db.execute(Q.cancel_runs, key | {"now": self.now})
        await self.db.execute(Q.wake_lanes, key | {"now": self.now})
        is_at_work = await self._is_at_work()
        if self.published.is_deleted and not is_at_work:
            await enqueue(
                self.db, clear_journey, application_id=self.published.application_id, journey_id=self.published.id
            )
        await self._set(state, look_at=self.now + _LATER if is_at_work else None)

    async def _is_at_work(self) -> bool:
        """Whether workers are not done with a journey that is over; lanes with which they are done go."""
        key = self.published.key
        await self.db.execute(Q.forget_wakes, key)
        await self.db.execute(Q.close_lanes, key)
        return bool(await self.db.value(Q.is_at_work, key))

    async def _set(self, state: State, *, look_at: datetime | None, has_begun: bool = False) -> None:
        published, audience = self.published, self.audience
        version, of_users = published.segment_version, published.is_of_users
        segment_id = None if not published.is_there else published.journey.segment_id
        if has_begun and audience is not None:
            of_users = is_of_users(audience) if version is None else of_users
            version = audience.root.number
        parameters = {
            "state": state,
            "look_at": look_at,
            "segment_id": segment_id,
            "segment_version": version,
            "is_of_users": of_users,
        }
        await self.db.execute(Q.set_journey, published.key | parameters)

"""The messages of those who stand before one: made, reserved, sent and written down, part by part."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from repoint.db.pool import Db
from repoint.delivery.in_turn import send_in_turn
from repoint.journeys.activities.kind import Visit, kind_of
from repoint.journeys.activities.messenger import Messenger
from repoint.journeys.engine.changes import Changes
from repoint.journeys.engine.lane import Sending
from repoint.journeys.engine.sending import NOTHING, Part, Parts, Ready, held_until
from repoint.journeys.engine.session import Session
from repoint.journeys.engine.walk import Stand

log = structlog.get_logger()


async def send_to(session: Session, stand: Stand, visits: Sequence[Visit]) -> None:
    """Send the messages of an activity to those who stand before it, and have them go on."""
    group = session.walk.group(stand, visits)
    kind = kind_of(session.published.journey.activities[group.activity_id])
    assert isinstance(kind, Messenger)  # noqa: S101 - others stand before no message
    try:
        dispatch = await kind.dispatch(group, {})
    except Exception:
        # A mistake of one activity keeps nobody else from going on.
        log.exception("An activity of a journey failed", journey_id=group.journey.id, activity_id=group.activity_id)
        session.walk.postpone(session.changes, visits)
        return
    left = Parts(group, dispatch)
    while left:
        part = left.take(await session.take_seats(group))
        if part.ready:
            await _send_part(session, part)
        else:
            await _pass(session, part)


async def send_reserved(
    session: Session, part: Part, going: Sequence[Ready], held: Mapping[str, datetime] = NOTHING
) -> None:
    """Send messages that are reserved, and have their participants go on."""
    if not going:
        return
    context, at = session.context, session.context.now()
    outcomes = await send_in_turn(context.database, context.settings, [each.message for each in going])
    names = {each.message.id for each in going}
    session.away = [each for each in session.away if each.message_id not in names]
    answers = part.note_outcomes(session.changes, going, outcomes, at, context.now())
    sent = {each.attempt.visit.participant for each in going}
    theirs = [visit for visit in part.visits if visit.participant in sent]
    onward = session.walk.move_all(session.changes, theirs, part.moves(theirs, held, answers))
    await session.walk.go(session.changes, onward)


async def _pass(session: Session, part: Part) -> None:
    """Nobody here gets a message."""
    part.note_silent(session.changes, session.context.now())
    onward = session.walk.move_all(session.changes, part.visits, part.moves(part.visits, NOTHING))
    await session.walk.go(session.changes, onward)


async def _send_part(session: Session, part: Part) -> None:
    await session.wait_for_turn(len(part.ready))
    before = session.changes
    session.changes = before.copy()
    part.note_silent(session.changes, session.context.now())
    try:
        reserved = await _Reserving(session, part).do()
    except Exception:
        # They were not reserved, so nothing has become of them.
        session.changes = before
        raise
    await session.walk.go(session.changes, reserved.onward)
    await session.leave_turn(len(part.ready) - len(reserved.going))
    await send_reserved(session, part, list(reserved.going.values()), reserved.held)


class _Reserving:
    """A part whose messages are being reserved."""

    def __init__(self, session: Session, part: Part) -> None:
        self._session = session
        self._part = part
        # Messages that go, by participant and key; who is held until when; and who goes on without any.
        self.going: dict[tuple[str, str], Ready] = {}
        self.held: dict[str, datetime] = {}
        self.onward: list[Visit] = []

    async def do(self) -> "_Reserving":
        """Reserve them. Raises as `Steps.take` does."""
        await self._session.take_step(self._reserve)
        return self

    async def _reserve(self, db: Db, written: Changes) -> list[Sending]:
        """Once more when a transaction failed: what it says last is what was committed."""
        part, walk, now = self._part, self._session.walk, self._session.context.now()
        verdicts = await part.dispatch.decide(db, [each.attempt for each in part.ready], now)
        part.note_refused(written, verdicts, now)
        going = [each for each, verdict in zip(part.ready, verdicts, strict=True) if verdict is None]
        self.going = {(each.attempt.visit.participant, each.attempt.endpoint_key): each for each in going}
        self.held = held_until(part, verdicts)
        sent = {participant for participant, _ in self.going}
        others = [visit for visit in part.visits if visit.participant not in sent]
        self.onward = walk.move_all(written, others, part.moves(others, self.held))
        return [part.sending(each) for each in going]

"""Messages that were on their way when a lane was taken over: they are in doubt, whatever is done.

They are sent again under the same ids, unless their channel's setting says that twice is worse than never, or the
endpoint, the clock or the message speak against it now.
"""

from collections.abc import Sequence
from datetime import datetime

from repoint.db.pool import Db
from repoint.delivery.finished import Finished
from repoint.journeys.activities.kind import Visit, kind_of
from repoint.journeys.activities.messenger import Attempt, Messenger
from repoint.journeys.engine.changes import Changes
from repoint.journeys.engine.lane import Sending
from repoint.journeys.engine.messaging import send_reserved
from repoint.journeys.engine.sending import Part, Ready, in_doubt, sort_out
from repoint.journeys.engine.session import Session
from repoint.journeys.engine.visits import these_visits
from repoint.journeys.engine.walk import Stand


async def settle(session: Session, *, may_repeat: bool) -> None:
    """Deal with all that was on its way; nothing is sent again that failed before for an unknown reason."""
    lost = session.lane.sending
    while lost:
        stand = lost[0].run_id, lost[0].activity_id
        part = await _part(session, stand, [each for each in lost if (each.run_id, each.activity_id) == stand])
        participants = {lost[0].participant}
        if part is not None:
            participants |= _some(lost, stand, await session.take_seats(part.group))
        some = [each for each in lost if (each.run_id, each.activity_id) == stand and each.participant in participants]
        lost = [each for each in lost if each not in some]
        await _Settling(session, part, some, lost, may_repeat=may_repeat).do()


def note_unknown(session: Session, lost: Sequence[Sending]) -> None:
    """Note messages of which nobody will ever know more, and of whose endpoints neither."""
    for each in lost:
        finished = Finished(session.context.now())
        finished.entries.append(in_doubt(each, "UNKNOWN"))
        finished.count("UNKNOWN")
        session.changes.take_in(each.run_id, each.activity_id, finished)


def _some(lost: Sequence[Sending], stand: Stand, most: int) -> set[str]:
    """The first participants who stand there, of so many messages at most."""
    there = [each.participant for each in lost if (each.run_id, each.activity_id) == stand]
    # One whose messages do not all fit is left for later.
    return set(there[:most]) - set(there[most:])


async def _part(session: Session, stand: Stand, lost: Sequence[Sending]) -> Part | None:
    """Those who still stand where these messages are from; None when nobody does."""
    async with session.context.database.transaction() as db:
        found = await these_visits(db, session.published, [each.participant for each in lost])
    visits = [visit for visit in found if (visit.run_id, visit.activity_id) == stand and visit.endpoints]
    activity = session.published.journey.activities.get(stand[1])
    if not visits or activity is None:
        return None
    kind = kind_of(activity)
    assert isinstance(kind, Messenger)  # noqa: S101 - others send no message
    group = session.walk.group(stand, visits)
    return Part(group, await kind.dispatch(group, {each.key: each.message_id for each in lost}), visits)


class _Settling:
    """Some messages that were on their way, from one activity; others are left for later."""

    def __init__(
        self,
        session: Session,
        part: Part | None,
        some: Sequence[Sending],
        others: Sequence[Sending],
        *,
        may_repeat: bool,
    ) -> None:
        self._session = session
        # None when nobody stands there any more.
        self._part = part
        self._some = some
        self._others = others
        self._may_repeat = may_repeat

    async def do(self) -> None:
        """Say of each what becomes of it, write that, and send those again that may be."""
        session, part = self._session, self._part
        before = session.changes.copy()
        try:
            if part is None:
                note_unknown(session, self._some)
                await self._reserve([])
                return
            again, held, onward = await self._decide(part)
        except Exception:
            # None of that was written, so it is still to be decided.
            session.changes = before
            raise
        await session.walk.go(session.changes, onward)
        await send_reserved(session, part, again, held)

    async def _decide(self, part: Part) -> tuple[list[Ready], dict[str, datetime], list[Visit]]:
        """Write what becomes of each: those that are sent again, who is held until when, and who goes on."""
        session, now = self._session, self._session.context.now()
        names = {(each.participant, each.key) for each in self._some}
        attempts = [each for each in part.dispatch.attempts if (each.visit.participant, each.endpoint_key) in names]
        found = {(each.visit.participant, each.endpoint_key) for each in attempts}
        note_unknown(session, [each for each in self._some if (each.participant, each.key) not in found])
        # Those with endpoints that were held, or not yet begun, are asked about once more.
        held = {
            each.visit.participant: now
            for each in part.dispatch.attempts
            if (each.visit.participant, each.endpoint_key) not in names
        }
        again, gone = self._judge(part, attempts)
        part.note_lost(session.changes, gone, now)
        part.note_in_doubt(session.changes, again, now)
        repeated = {each.attempt.visit.participant for each in again}
        ended = [
            visit for visit in part.visits if visit.participant in {each.participant for each in self._some} - repeated
        ]
        onward = session.walk.move_all(session.changes, ended, part.moves(ended, held))
        await self._reserve([part.sending(each) for each in again])
        return again, held, onward

    def _judge(self, part: Part, attempts: Sequence[Attempt]) -> tuple[list[Ready], list[Attempt]]:
        """Those that are sent again, and the others."""
        now = self._session.context.now()
        ready, gone = sort_out(attempts)
        again = [each for each in ready if self._may_repeat and part.dispatch.may_repeat(each.attempt, now)]
        kept = {id(each) for each in again}
        return again, [*gone, *(each.attempt for each in ready if id(each) not in kept)]

    async def _reserve(self, again: Sequence[Sending]) -> None:
        async def reserve(_db: Db, _written: Changes) -> list[Sending]:
            return [*again, *self._others]

        await self._session.take_step(reserve, sends=bool(again))

"""What a message activity sends to a group, as the engine steps through it."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from repoint.delivery.finished import LOST, Finished
from repoint.delivery.ledger import IN_DOUBT, Entry
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome
from repoint.delivery.records import Delivered, delivered_of
from repoint.journeys.activities.kind import Group, Move, Visit
from repoint.journeys.activities.messenger import Attempt, Dispatch, Held, Refusal, Verdict
from repoint.journeys.engine.changes import Changes
from repoint.journeys.engine.lane import Sending

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that may go out, and to whom."""

    attempt: Attempt
    message: Message


@dataclass(slots=True)
class Part:
    """Some participants at a message activity, all of whose messages are reserved at once."""

    group: Group
    dispatch: Dispatch
    visits: Sequence[Visit]
    ready: list[Ready] = field(default_factory=list)
    # Those endpoints for which there is no message.
    silent: list[Attempt] = field(default_factory=list)

    def sending(self, ready: Ready) -> Sending:
        """As the lane notes it while it is on its way."""
        attempt, group, message = ready.attempt, self.group, ready.message
        return Sending(
            attempt.visit.participant,
            attempt.endpoint_key,
            group.occurrence(attempt.visit),
            group.run_id,
            group.activity_id,
            message.id,
            message.channel_type,
        )

    def note_silent(self, changes: Changes, now: datetime) -> None:
        """Note those endpoints for which there is no message."""
        finished = Finished(now)
        for attempt in self.silent:
            if attempt.status is not None:
                self.dispatch.refused(finished, attempt, Refusal(attempt.status), now)
            elif not isinstance(attempt.judged, Message):
                self.dispatch.delivered(finished, attempt, delivered_of(attempt.recipient, attempt.judged, now))
        self._take_in(changes, finished)

    def note_refused(self, changes: Changes, verdicts: Sequence[Verdict], now: datetime) -> None:
        """Note those messages that do not go now, or ever."""
        finished = Finished(now)
        for ready, verdict in zip(self.ready, verdicts, strict=True):
            if isinstance(verdict, Refusal):
                self.dispatch.refused(finished, ready.attempt, verdict, now)
        self._take_in(changes, finished)

    def note_outcomes(
        self, changes: Changes, sent: Sequence[Ready], outcomes: Sequence[Outcome], at: datetime, now: datetime
    ) -> dict[str, list[Mapping[str, str]]]:
        """Note what became of messages that went out; the answers of custom channels, by participant."""
        finished = Finished(now)
        answers: dict[str, list[Mapping[str, str]]] = {}
        for ready, outcome in zip(sent, outcomes, strict=True):
            attempt = ready.attempt
            delivered = Delivered(attempt.recipient, outcome, at, ready.message)
            self.dispatch.delivered(finished, attempt, delivered)
            if answer := self.dispatch.answer(attempt, outcome):
                answers.setdefault(attempt.visit.participant, []).append(answer)
        self._take_in(changes, finished)
        return answers

    def note_lost(self, changes: Changes, attempts: Iterable[Attempt], now: datetime) -> None:
        """Note messages that were on their way, and of which nobody will ever know more."""
        finished = Finished(now)
        for attempt in attempts:
            self.dispatch.delivered(finished, attempt, Delivered(attempt.recipient, LOST, now))
        self._take_in(changes, finished)

    def note_in_doubt(self, changes: Changes, repeated: Iterable[Ready], now: datetime) -> None:
        """Note messages that are sent again."""
        finished = Finished(now)
        for ready in repeated:
            finished.entries.append(in_doubt(self.sending(ready), IN_DOUBT))
        self._take_in(changes, finished)

    def moves(
        self,
        participants: Iterable[Visit],
        held: Mapping[str, datetime],
        answers: Mapping[str, Sequence[Mapping[str, str]]] = NOTHING,
    ) -> list[Move]:
        """What becomes of participants whose messages have been dealt with, but for those that are held."""
        next_id = self.group.activity.get("NextActivity") or None
        return [
            Move(visit.participant, waits_until=held[visit.participant], is_absolute=True)
            if visit.participant in held
            else Move(visit.participant, next_id=next_id, is_performed=True, answers=answers.get(visit.participant, ()))
            for visit in participants
        ]

    def _take_in(self, changes: Changes, finished: Finished) -> None:
        changes.take_in(self.group.run_id, self.group.activity_id, finished)


class Parts:
    """A group, of which parts are taken one after the other."""

    def __init__(self, group: Group, dispatch: Dispatch) -> None:
        self._group = group
        self._dispatch = dispatch
        self._left = deque(group.visits)
        self._attempts: dict[str, list[Attempt]] = {}
        for attempt in dispatch.attempts:
            self._attempts.setdefault(attempt.visit.participant, []).append(attempt)

    def __bool__(self) -> bool:
        """Whether somebody is left."""
        return bool(self._left)

    def take(self, most: int) -> Part:
        """The next part, of so many messages at most, or those of one participant: they stay together."""
        visits: list[Visit] = []
        part = Part(self._group, self._dispatch, visits)
        while self._left:
            ready, silent = sort_out(self._attempts.get(self._left[0].participant, ()))
            if part.ready and len(part.ready) + len(ready) > most:
                break
            visits.append(self._left.popleft())
            part.ready += ready
            part.silent += silent
        return part


def held_until(part: Part, verdicts: Sequence[Verdict]) -> dict[str, datetime]:
    """By participant that has to wait, until when: the first of its messages that may go then."""
    found: dict[str, datetime] = {}
    for ready, verdict in zip(part.ready, verdicts, strict=True):
        if isinstance(verdict, Held):
            participant = ready.attempt.visit.participant
            found[participant] = min(verdict.until, found.get(participant, verdict.until))
    return found


def in_doubt(sending: Sending, status: str) -> Entry:
    """What the ledger says of a message whose end nobody knows."""
    return Entry(
        sending.key,
        sending.occurrence,
        status,
        sending.channel,
        sending.message_id,
        LOST.detail,
        is_in_doubt=True,
        activity_id=sending.activity_id,
    )


def sort_out(attempts: Iterable[Attempt]) -> tuple[list[Ready], list[Attempt]]:
    """Those for which there is a message, and the others."""
    ready, silent = [], []
    for attempt in attempts:
        if attempt.status is None and isinstance(attempt.judged, Message):
            ready.append(Ready(attempt, attempt.judged))
        else:
            silent.append(attempt)
    return ready, silent

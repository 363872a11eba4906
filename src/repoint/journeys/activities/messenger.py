"""What message activities do beyond others: they say what is sent to whom, and what is told of it.

The engine calls in this order: `dispatch` with no transaction open; `decide` in the transaction that reserves, and
again when that failed; then it sends what may go (`delivery/in_turn.py`), and calls `refused` and `delivered` for what
the next transaction writes. Participants move on to NextActivity, whatever became of their messages, unless one is
held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from repoint.db.pool import Db
from repoint.delivery.finished import Finished
from repoint.delivery.judge import Judged
from repoint.delivery.outcome import Outcome
from repoint.delivery.recipient import Recipient
from repoint.delivery.records import Delivered
from repoint.events.records import JourneyStatus
from repoint.journeys.activities.kind import Group, Kind, Visit


@dataclass(frozen=True, slots=True)
class Attempt:
    """One endpoint of a participant at a message activity."""

    visit: Visit
    endpoint_key: str
    recipient: Recipient
    # Its message, or why there is none.
    judged: Judged
    # Told in place of a message: UNSUPPORTED_CHANNEL, for example.
    status: JourneyStatus | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that does not go, and what is told of it."""

    status: JourneyStatus
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A message that waits: its participant stays until then, and comes again with `is_waiting`."""

    until: datetime


# None lets the message go.
Verdict = Refusal | Held | None


class Dispatch(Protocol):
    """What a message activity sends to one group."""

    # In any order; a participant without any just moves on. Of one with `is_waiting` those are left out of which the
    # ledger tells already, by run and occurrence.
    attempts: Sequence[Attempt]

    async def decide(self, db: Db, attempts: Sequence[Attempt], now: datetime) -> Sequence[Verdict]:
        """Of these, which have messages: quiet time, then caps, which are taken. Changes nothing but the database."""

    def may_repeat(self, attempt: Attempt, now: datetime) -> bool:
        """Whether a message that may have gone out is sent again now, under the same id and with no caps taken."""

    def refused(self, finished: Finished, attempt: Attempt, why: Refusal, at: datetime) -> None:
        """Add a line of the ledger, a record and counts for one that got nothing, `Attempt.status` and all."""

    def delivered(self, finished: Finished, attempt: Attempt, delivered: Delivered) -> None:
        """Add the same, for one whose message was handed over, has been lost, or could not be made."""

    def answer(self, attempt: Attempt, outcome: Outcome) -> Mapping[str, str] | None:
        """What a custom channel answered about the endpoint, for later splits; None for nothing."""


@runtime_checkable
class Messenger(Kind, Protocol):
    """A kind of message activity."""

    async def dispatch(self, group: Group, message_ids: Mapping[str, str]) -> Dispatch:
        """Make the group's messages; those of endpoints in `message_ids` have these ids, having been sent before."""

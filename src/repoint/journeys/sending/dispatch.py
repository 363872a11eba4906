"""The messages of one group at a message activity: what may go now, and what is told of it (see messenger.py)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from repoint.db.pool import Db
from repoint.delivery.caps import Caps, Wish, take
from repoint.delivery.finished import Finished
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome
from repoint.delivery.records import Delivered
from repoint.journeys.activities.kind import Group
from repoint.journeys.activities.messenger import Attempt, Refusal, Verdict
from repoint.journeys.sending.told import Teller
from repoint.journeys.sending_hours import SendingHours
from repoint.journeys.timezone import zone_of

_CAPPED = Refusal("DAILY_CAP")


class GroupDispatch:
    """See `Dispatch`."""

    def __init__(self, group: Group, attempts: Sequence[Attempt], caps: Caps, teller: Teller) -> None:
        self.attempts = attempts
        self._group = group
        self._caps = caps
        self._teller = teller
        self._at_most_once = group.context.settings.at_most_once_channels
        self._hours = SendingHours(group.journey.hours, teller.activity_type)
        # By key, of those who have messages; found now, as no transaction is open yet.
        methods = group.journey.hours.estimation_methods
        self._zones = {
            each.endpoint_key: zone_of(each.recipient.data, methods)
            for each in attempts
            if self._hours.is_restricted and isinstance(each.judged, Message)
        }

    async def decide(self, db: Db, attempts: Sequence[Attempt], now: datetime) -> Sequence[Verdict]:
        """See `Dispatch`: whoever is held or dropped takes no caps."""
        verdicts = [self._verdict(attempt, now) for attempt in attempts]
        asking = [number for number, verdict in enumerate(verdicts) if verdict is None]
        caps = await take(db, self._caps, [Wish(attempts[number].endpoint_key) for number in asking], now)
        for number, cap in zip(asking, caps, strict=True):
            verdicts[number] = None if cap is None else _CAPPED
        return verdicts

    def may_repeat(self, attempt: Attempt, now: datetime) -> bool:
        """See `Dispatch`: not on channels where that may never be, and not at times when nothing is sent."""
        message = attempt.judged
        if not isinstance(message, Message) or message.channel_type in self._at_most_once:
            return False
        return self._verdict(attempt, now) is None

    def refused(self, finished: Finished, attempt: Attempt, why: Refusal, at: datetime) -> None:
        """See `Dispatch`."""
        self._teller.refused(finished, attempt, self._group.occurrence(attempt.visit), why, at)

    def delivered(self, finished: Finished, attempt: Attempt, delivered: Delivered) -> None:
        """See `Dispatch`."""
        self._teller.delivered(finished, attempt, self._group.occurrence(attempt.visit), delivered)

    def answer(self, _attempt: Attempt, outcome: Outcome) -> Mapping[str, str] | None:
        """See `Dispatch`."""
        return outcome.event_attributes

    def _verdict(self, attempt: Attempt, now: datetime) -> Verdict:
        return self._hours.verdict(now, self._zones.get(attempt.endpoint_key))

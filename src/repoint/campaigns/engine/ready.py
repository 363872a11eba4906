"""Messages that are made and may go out, beside those for whom there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

from repoint.campaigns.engine.batch import Sending
from repoint.campaigns.engine.candidate import Candidate
from repoint.delivery.compose import Unrendered
from repoint.delivery.finished import LOST
from repoint.delivery.ledger import IN_DOUBT, Entry
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that may go out, and to whom."""

    candidate: Candidate
    message: Message

    def sending(self) -> Sending:
        """As the batch notes it while it is on its way."""
        candidate, message = self.candidate, self.message
        return Sending(candidate.key, candidate.occurrence, message.id, message.channel_type, candidate.triggered_at)


# Somebody who was to get a message, and why there is none.
Without = tuple[Candidate, Outcome | Unrendered]


def sort_out(wanted: Sequence[Candidate]) -> tuple[list[Ready], list[Without]]:
    """The messages of these, and those who have none."""
    ready, without = [], []
    for candidate in wanted:
        judged = candidate.judged
        assert judged is not None  # noqa: S101 - whoever is open has been judged
        if isinstance(judged, Message):
            ready.append(Ready(candidate, judged))
        else:
            without.append((candidate, judged))
    return ready, without


def in_doubt(ready: Ready) -> Entry:
    """What the ledger says of one that is sent again."""
    candidate, message = ready.candidate, ready.message
    return Entry(
        candidate.key, candidate.occurrence, IN_DOUBT, message.channel_type, message.id, LOST.detail, is_in_doubt=True
    )

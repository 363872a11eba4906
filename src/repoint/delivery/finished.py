"""What became of recipients, as it is written in one step: lines of the ledger, records for the log, counts."""

from dataclasses import dataclass, field
from datetime import datetime

from repoint.contract.shapes import ChannelType
from repoint.delivery.ledger import Entry
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.records import Delivered, Recorder
from repoint.delivery.sent import Sent
from repoint.delivery.suppression import Reason
from repoint.endpoints.amend import Gone
from repoint.events.emit import Event
from repoint.events.records import Subject

# By the names of metrics.
Counts = dict[str, int]

# Of a message that was on its way when its worker died.
LOST = Outcome(Status.UNKNOWN_FAILURE, 500, "its worker died while it was on its way", is_in_doubt=True)


@dataclass(slots=True)
class Finished:
    """What is written in the next step, as of an instant."""

    at: datetime
    entries: list[Entry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    bounced: list[tuple[ChannelType, str, Reason]] = field(default_factory=list)
    # Endpoints whose address turned out to be no more.
    gone: list[Gone] = field(default_factory=list)
    counts: Counts = field(default_factory=dict)

    def copy(self) -> "Finished":
        """The same, to be added to."""
        lists = [*self.entries], [*self.events], [*self.sent], [*self.bounced], [*self.gone]
        return Finished(self.at, *lists, {**self.counts})

    def count(self, name: str, by: int = 1) -> None:
        """Count something."""
        self.counts[name] = self.counts.get(name, 0) + by

    def note(self, endpoint_key: str, delivered: Delivered, recorder: Recorder, subject: Subject) -> None:
        """Add what the channel's own records tell of a message to an endpoint, and what follows from its end."""
        recipient = delivered.recipient
        events, sent = recorder.record(delivered, subject)
        self.events += events
        if sent is not None:
            self.sent.append(sent)
        if delivered.outcome.is_gone:
            self.gone.append((endpoint_key, recipient.channel_type, recipient.address))
        if delivered.is_hard_bounce and delivered.message is not None:
            self.bounced.append((delivered.message.channel_type, delivered.message.address, "BOUNCE"))

"""What became of recipients, as it is written: a line of the ledger, records for the log, counts."""

from dataclasses import dataclass, field
from datetime import datetime

from repoint.campaigns.engine.batch import Counts
from repoint.campaigns.engine.run import Run
from repoint.delivery.ledger import Entry
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.recipient import Recipient
from repoint.delivery.records import Delivered, subject_of
from repoint.delivery.sent import Sent
from repoint.delivery.suppression import Reason
from repoint.contract.shapes import ChannelType
from repoint.endpoints.key import endpoint_key
from repoint.events.emit import Event
from repoint.events.records import CampaignStatus, Subject, campaign_send

# campaign_send_status by what a provider answered.
_STATUSES: dict[Status, CampaignStatus] = {
    Status.SUCCESSFUL: "SUCCESS",
    Status.THROTTLED: "THROTTLED",
    Status.TEMPORARY_FAILURE: "TRANSIENT_FAILURE",
    Status.PERMANENT_FAILURE: "FAILURE_PERMANENT",
    Status.UNKNOWN_FAILURE: "UNKNOWN",
    Status.OPT_OUT: "FAILURE_PERMANENT",
    Status.DUPLICATE: "DUPLICATE_ADDRESS",
}
_PUSH = frozenset({"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM"})
# What is no failure of a run when it happens to everybody.
_NO_FAILURES = frozenset({"SUCCESS", "DUPLICATE_ADDRESS", "QUIET_TIME", "DAILY_CAP", "CAMPAIGN_CAP", "HOLDOUT", "EXPIRED"})


@dataclass(slots=True)
class Finished:
    """What is written in the next step of a batch, as of an instant."""

    at: datetime
    entries: list[Entry] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    bounced: list[tuple[ChannelType, str, Reason]] = field(default_factory=list)
    counts: Counts = field(default_factory=dict)

    def copy(self) -> "Finished":
        """The same, to be added to."""
        return Finished(
            self.at, [*self.entries], [*self.events], [*self.sent], [*self.bounced], {**self.counts}
        )

    def count(self, name: str, by: int = 1) -> None:
        """Count something."""
        self.counts[name] = self.counts.get(name, 0) + by


class Writer:
    """Makes what is written of a run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def held_back(  # noqa: PLR0913, PLR0917 - what is told
        self, finished: Finished, recipient: Recipient, occurrence: int, status: CampaignStatus, at: datetime,
        detail: str | None = None,
    ) -> None:
        """Somebody who gets nothing, of whom it is told as of a send."""
        _count(finished, status)
        key, channel = endpoint_key(recipient.client_id), recipient.channel_type
        finished.entries.append(Entry(key, occurrence, status, channel, None, detail))
        finished.events.append(self._event(key, subject_of(recipient), recipient, status, at, detail))

    def delivered(self, finished: Finished, delivered: Delivered, occurrence: int) -> None:
        """Somebody whose message was handed over, or could not be."""
        recipient, outcome = delivered.recipient, delivered.outcome
        status = self._status(outcome)
        _count(finished, status)
        key, subject = endpoint_key(recipient.client_id), subject_of(recipient)
        detail = None if status == "SUCCESS" else outcome.detail
        entry = Entry(
            key, occurrence, status, recipient.channel_type, recipient.message_id, detail, outcome.is_in_doubt
        )
        finished.entries.append(entry)
        finished.events.append(self._event(key, subject, recipient, status, delivered.at, outcome.detail))
        events, sent = self._run.recorder.record(delivered, subject)
        finished.events += events
        if sent is not None:
            finished.sent.append(sent)
        if delivered.is_hard_bounce and delivered.message is not None:
            finished.bounced.append((delivered.message.channel_type, delivered.message.address, "BOUNCE"))

    def _status(self, outcome: Outcome) -> CampaignStatus:
        if self._run.custom is not None and not outcome.is_sent:
            return "CUSTOM_DELIVERY_FAILURE"
        return _STATUSES[outcome.status]

    def _event(  # noqa: PLR0913, PLR0917 - what is told
        self, key: str, subject: Subject, recipient: Recipient, status: CampaignStatus, at: datetime, detail: str | None
    ) -> Event:
        run = self._run
        record = campaign_send(
            run.recorder.origin,
            subject,
            at,
            run.told,
            delivery_type="CUSTOM" if run.custom is not None else recipient.channel_type,
            status=status,
            status_message=detail if recipient.channel_type in _PUSH and run.custom is None else None,
        )
        return Event(run.application_id, "_campaign.send", at, record, key)


def _count(finished: Finished, status: CampaignStatus) -> None:
    finished.count(status)
    if status == "SUCCESS":
        finished.count("SUCCESSFUL")
    elif status not in _NO_FAILURES:
        finished.count("FAILED")

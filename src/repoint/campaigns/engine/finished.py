"""What became of recipients, as it is written: a line of the ledger, records for the log, counts."""

from datetime import datetime

from repoint.campaigns.engine.batch import Sending
from repoint.campaigns.engine.candidate import UNWRITTEN, Candidate
from repoint.campaigns.engine.run import Run
from repoint.db.parameters import storable
from repoint.delivery.finished import LOST, Finished
from repoint.delivery.ledger import Entry
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.records import Delivered, subject_of
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
_NO_FAILURES = frozenset(
    {"SUCCESS", "DUPLICATE_ADDRESS", "QUIET_TIME", "DAILY_CAP", "CAMPAIGN_CAP", "HOLDOUT", "EXPIRED"}
)


class Writer:
    """Makes what is written of a run."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def left_out(self, finished: Finished, candidate: Candidate) -> None:
        """Somebody whom the run does not try to reach: a metric, and no record."""
        assert candidate.left_out is not None  # noqa: S101 - that is why it is here
        finished.count(candidate.left_out)
        if candidate.left_out not in UNWRITTEN:
            channel = None if candidate.recipient is None else candidate.recipient.channel_type
            finished.entries.append(Entry(candidate.key, candidate.occurrence, candidate.left_out, channel))

    def held_back(self, finished: Finished, candidate: Candidate, status: CampaignStatus, at: datetime) -> None:
        """Somebody who gets nothing, of whom it is told as of a send."""
        _count(finished, status)
        recipient, detail = candidate.known, None if candidate.detail is None else storable(candidate.detail)
        entry = Entry(candidate.key, candidate.occurrence, status, recipient.channel_type, None, detail)
        finished.entries.append(entry)
        finished.events.append(self._event(candidate, subject_of(recipient), status, at, detail))

    def delivered(self, finished: Finished, delivered: Delivered, candidate: Candidate) -> None:
        """Somebody whose message was handed over, or could not be."""
        recipient, outcome = delivered.recipient, delivered.outcome
        status, detail = self._status(outcome), storable(outcome.detail)
        _count(finished, status)
        entry = Entry(
            candidate.key,
            candidate.occurrence,
            status,
            recipient.channel_type,
            recipient.message_id,
            None if status == "SUCCESS" else detail,
            outcome.is_in_doubt,
        )
        finished.entries.append(entry)
        subject = subject_of(recipient)
        finished.events.append(self._event(candidate, subject, status, delivered.at, detail))
        finished.note(candidate.key, delivered, self._run.recorder, subject)

    def _status(self, outcome: Outcome) -> CampaignStatus:
        if self._run.custom is not None and not outcome.is_sent:
            return "CUSTOM_DELIVERY_FAILURE"
        return _STATUSES[outcome.status]

    def _event(
        self, candidate: Candidate, subject: Subject, status: CampaignStatus, at: datetime, detail: str | None
    ) -> Event:
        run, channel_type = self._run, candidate.known.channel_type
        is_custom = run.custom is not None
        record = campaign_send(
            run.recorder.origin,
            subject,
            at,
            run.told,
            delivery_type="CUSTOM" if is_custom else channel_type,
            status=status,
            status_message=detail if channel_type in _PUSH and not is_custom else None,
        )
        return Event(run.application_id, "_campaign.send", at, record, candidate.key)


def lose(finished: Finished, sending: Sending) -> None:
    """A message that was on its way, of which nobody will ever know more; there is no endpoint to tell of it."""
    _count(finished, "UNKNOWN")
    entry = Entry(
        sending.key, sending.occurrence, "UNKNOWN", sending.channel, sending.message_id, LOST.detail, is_in_doubt=True
    )
    finished.entries.append(entry)


def _count(finished: Finished, status: CampaignStatus) -> None:
    finished.count(status)
    if status == "SUCCESS":
        finished.count("SUCCESSFUL")
    elif status not in _NO_FAILURES:
        finished.count("FAILED")

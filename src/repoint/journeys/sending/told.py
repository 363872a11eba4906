"""What is told of a journey's messages: a line of the ledger, records, metrics (journeys.md sections 11 and 12)."""

from dataclasses import dataclass
from datetime import datetime

from repoint.db.parameters import storable
from repoint.delivery.finished import Finished
from repoint.delivery.ledger import Entry
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.recipient import Source
from repoint.delivery.records import Delivered, Recorder, subject_of
from repoint.events.emit import Event
from repoint.events.records import JourneyActivityType, JourneyStatus, JourneyStep, Origin, Subject, journey_send
from repoint.journeys.activities.kind import Group
from repoint.journeys.activities.messenger import Attempt, Refusal

# journey_send_status by what a provider answered, and the metric that is raised.
_DELIVERED: dict[Status, tuple[JourneyStatus, str]] = {
    Status.SUCCESSFUL: ("SUCCESS", "SUCCESS"),
    Status.THROTTLED: ("THROTTLED", "THROTTLED"),
    Status.TEMPORARY_FAILURE: ("FAILURE", "TRANSIENT_FAILURE"),
    Status.PERMANENT_FAILURE: ("FAILURE_PERMANENT", "FAILURE_PERMANENT"),
    Status.UNKNOWN_FAILURE: ("FAILURE", "UNKNOWN"),
    Status.OPT_OUT: ("FAILURE_PERMANENT", "FAILURE_PERMANENT"),
    Status.DUPLICATE: ("FAILURE_PERMANENT", "FAILURE_PERMANENT"),
}
_CUSTOM_FAILURE: tuple[JourneyStatus, str] = ("CUSTOM_DELIVERY_FAILURE", "CUSTOM_DELIVERY_FAILURE")
# Whoever is asked refuses us: no role, no policy.
_FORBIDDEN = 403
# Metrics of what was not handed over, where they have another name.
_REFUSED: dict[JourneyStatus, str] = {
    "QUIET_TIME_MISSING_TIMEZONE": "QUIET_TIME",
    # Nothing was recommended.
    "FAILURE": "SERVICE_FAILURE",
}
# What is counted at every message activity, beside ENDPOINT_ENTERED.
METRICS = (
    "SUCCESS",
    "QUIET_TIME",
    "DAILY_CAP",
    "THROTTLED",
    "TRANSIENT_FAILURE",
    "SERVICE_FAILURE",
    "FAILURE_PERMANENT",
    "UNSUPPORTED_CHANNEL",
    "UNKNOWN",
)
CUSTOM_METRICS = (*METRICS, "CUSTOM_DELIVERY_FAILURE")


def step_of(group: Group) -> JourneyStep:
    """Where a group stands, as records tell it."""
    return JourneyStep(group.journey.id, group.run_id, group.activity_id)


def teller_of(group: Group, activity_type: JourneyActivityType, source: Source) -> "Teller":
    """What tells of the messages of a group."""
    step = step_of(group)
    origin = Origin(group.context.settings.account_id, group.journey.application_id)
    return Teller(step, activity_type, Recorder(origin, source, group.run_id, attributes=step.attributes()))


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of the messages of one activity in one run."""

    step: JourneyStep
    activity_type: JourneyActivityType
    recorder: Recorder

    def refused(self, finished: Finished, attempt: Attempt, occurrence: int, why: Refusal, at: datetime) -> None:
        """Of somebody who gets nothing."""
        recipient, subject = attempt.recipient, subject_of(attempt.recipient)
        detail = _reason(attempt, why)
        finished.count(_REFUSED.get(why.status, why.status))
        entry = Entry(
            attempt.endpoint_key,
            occurrence,
            why.status,
            recipient.channel_type or None,
            detail=detail,
            activity_id=self.step.activity_id,
        )
        finished.entries.append(entry)
        if why.status != "UNSUPPORTED_CHANNEL":
            self._tell_of_waiting(finished, attempt, subject, at)
        self._tell(finished, attempt, subject, at, why.status)

    def delivered(self, finished: Finished, attempt: Attempt, occurrence: int, delivered: Delivered) -> None:
        """Of somebody whose message was handed over, or could not be."""
        recipient, outcome = delivered.recipient, delivered.outcome
        status, metric = self._status(outcome)
        finished.count(metric)
        entry = Entry(
            attempt.endpoint_key,
            occurrence,
            status,
            recipient.channel_type,
            recipient.message_id,
            None if outcome.is_sent else storable(outcome.detail),
            outcome.is_in_doubt,
            self.step.activity_id,
        )
        finished.entries.append(entry)
        subject = subject_of(recipient)
        self._tell_of_waiting(finished, attempt, subject, delivered.at)
        self._tell(finished, attempt, subject, delivered.at, status, outcome)
        finished.note(attempt.endpoint_key, delivered, self.recorder, subject)

    def _status(self, outcome: Outcome) -> tuple[JourneyStatus, str]:
        is_refused = outcome.status == Status.PERMANENT_FAILURE and outcome.status_code == _FORBIDDEN
        if self.activity_type == "CUSTOM" and not outcome.is_sent and not is_refused:
            return _CUSTOM_FAILURE
        return _DELIVERED[outcome.status]

    def _tell_of_waiting(self, finished: Finished, attempt: Attempt, subject: Subject, at: datetime) -> None:
        if attempt.visit.is_waiting:
            self._tell(finished, attempt, subject, at, "QUIET_TIME_WAIT_FINISHED")

    def _tell(  # noqa: PLR0913, PLR0917 - what it tells
        self,
        finished: Finished,
        attempt: Attempt,
        subject: Subject,
        at: datetime,
        status: JourneyStatus,
        outcome: Outcome | None = None,
    ) -> None:
        record = journey_send(
            self.recorder.origin,
            subject,
            at,
            self.step,
            activity_type=self.activity_type,
            status=status,
            code=None if outcome is None else outcome.status_code,
            # Of what a function or webhook said only the code is told, twice, as Pinpoint did.
            message=None if outcome is None or self.activity_type == "CUSTOM" else storable(outcome.detail),
            answered=None if outcome is None else outcome.event_attributes,
        )
        application_id = self.recorder.origin.application_id
        finished.events.append(Event(application_id, "_journey.send", at, record, attempt.endpoint_key))


def _reason(attempt: Attempt, why: Refusal) -> str | None:
    """Why it gets nothing, in words; None where the status says it all."""
    detail = why.detail
    if detail is None and why.status == "FAILURE" and isinstance(attempt.judged, Outcome):
        detail = attempt.judged.detail
    return None if detail is None else storable(detail)

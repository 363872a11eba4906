"""What is logged of a message (events.md sections 7 and 8): made here for everything that is sent, whoever sends it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import msgspec

from repoint.contract.shapes import EndpointResponse
from repoint.delivery.compose import Unrendered, refused
from repoint.delivery.message import Email, Message, Sms
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.phone_number import country, e164
from repoint.delivery.recipient import Recipient, Source, own_context
from repoint.delivery.sent import Sent
from repoint.delivery.sms_parts import count_parts
from repoint.endpoints.key import endpoint_key
from repoint.events.email_records import Bounce, EmailRecords, Mail, direct
from repoint.events.emit import Event
from repoint.events.records import Origin, Subject
from repoint.events.sms_records import Outcome as Word
from repoint.events.sms_records import Sms as SmsTold
from repoint.events.sms_records import Status as Words
from repoint.events.sms_records import sms_record

# Enhanced status codes that say that the address itself is wrong (RFC 3463): 5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10, 5.2.1.
_BAD_ADDRESS = re.compile(r"\b5\.(?:1\.(?:1|2|3|6|10)|2\.1)\b")


class Delivered(msgspec.Struct, frozen=True):
    """One recipient and how the message to it ended."""

    recipient: Recipient
    outcome: Outcome
    # When handing over began.
    at: datetime
    # None when there was none to hand over.
    message: Message | None = None
    # There was none because its template and this recipient's values do not go together.
    could_not_be_rendered: bool = False

    @property
    def is_out(self) -> bool:
        """Whether it has gone out, or may have."""
        return self.message is not None and (self.outcome.is_sent or self.outcome.is_in_doubt)

    @property
    def is_hard_bounce(self) -> bool:
        """Whether the receiving side said at once that there is no such mailbox."""
        if self.message is None or not isinstance(self.message.content, Email):
            return False
        return self.outcome.status == Status.PERMANENT_FAILURE and _BAD_ADDRESS.search(self.outcome.detail) is not None


def delivered_of(recipient: Recipient, why: Outcome | Unrendered, at: datetime) -> Delivered:
    """A recipient for whom there was no message to hand over."""
    if isinstance(why, Unrendered):
        return Delivered(recipient, refused(400, why.reason), at, could_not_be_rendered=True)
    return Delivered(recipient, why, at)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Makes the records of one send."""

    origin: Origin
    source: Source
    # A UUID, of the request or the run.
    request_id: str
    trace_id: str | None = None
    # The `attributes()` of the campaign's run or the journey's step; None for a direct send.
    attributes: dict[str, str] | None = None

    def record(self, delivered: Delivered, subject: Subject | None = None) -> tuple[list[Event], Sent | None]:
        """What is logged of one recipient now, and what is kept of its message for who tells of it later.

        Neither for notifications and calls of a direct send, nor for whom there was no message to begin with. Who has
        the recipient's `subject_of` already hands it in.
        """
        told = self._told(delivered)
        if told is None:
            return [], None
        recipient = delivered.recipient
        subject = subject or subject_of(recipient)
        if isinstance(told, Mail):
            found = self._of_email(delivered, subject, told)
        else:
            found = self._of_sms(delivered, subject, told)
        application_id, key = self.origin.application_id, _key(recipient)
        events = [Event(application_id, event_type, delivered.at, record, key) for event_type, record in found]
        return events, self._sent(delivered, told) if delivered.is_out else None

    def _told(self, delivered: Delivered) -> Mail | SmsTold | None:
        """What records tell of the message; None where there are none."""
        message, content = delivered.message, delivered.message and delivered.message.content
        if isinstance(content, Email) and message is not None:
            return self._mail(delivered, content)
        if isinstance(content, Sms) and message is not None:
            return self._sms(delivered, message.address, content)
        if delivered.could_not_be_rendered and delivered.recipient.channel_type == "EMAIL":
            channel = self.source.channels["EMAIL"].members
            sender = self.source.member("EmailMessage").get("FromAddress") or channel["FromAddress"]
            return self._mail(delivered, Email("", b"", sender, ""))
        if delivered.outcome.status == Status.OPT_OUT and delivered.recipient.channel_type == "SMS":
            is_promotional = self.source.member("SMSMessage").get("MessageType") == "PROMOTIONAL"
            unsent = Sms("", "PROMOTIONAL" if is_promotional else "TRANSACTIONAL")
            return self._sms(delivered, e164(delivered.recipient.address), unsent)
        return None

    def _sent(self, delivered: Delivered, told: Mail | SmsTold) -> Sent:
        recipient = delivered.recipient
        return Sent(
            recipient.message_id,
            delivered.at,
            recipient.channel_type,
            recipient.client_id,
            _key(recipient),
            told,
            delivered.outcome.provider_message_id,
            delivered.outcome.receipt_ids,
            awaits_receipt=isinstance(told, SmsTold)
            and (not delivered.outcome.is_sent or bool(delivered.outcome.receipt_ids)),
        )

    def _of_email(self, delivered: Delivered, subject: Subject, mail: Mail) -> Iterator[tuple[str, str]]:
        """Types and records of an e-mail."""
        at, outcome = delivered.at, delivered.outcome
        records = EmailRecords(self.origin, subject, mail)
        if delivered.could_not_be_rendered:
            template = self.source.templates.get("EMAIL")
            name = "" if template is None else template.name
            told = records.rendering_failure(at, template_name=name, error_message=outcome.detail)
            yield "_email.rendering_failure", told
            return
        if not delivered.is_out and not delivered.is_hard_bounce:
            return
        yield "_email.send", records.send(at)
        if outcome.is_sent and not mail.awaits_delivery:
            # A relay that has taken it is the last that tells of it without being asked.
            yield "_email.delivered", records.delivered(at, smtp_response=outcome.detail, reporting_mta="")
        elif found := _BAD_ADDRESS.search(outcome.detail):
            bounce = Bounce("Permanent", "General", "failed", found[0], outcome.detail)
            yield "_email.hardbounce", records.hardbounce(at, bounce)

    def _of_sms(self, delivered: Delivered, subject: Subject, told: SmsTold) -> Iterator[tuple[str, str]]:
        """Types and records of a text message."""
        at = (delivered.at, delivered.at)
        for word, status in _words(delivered.outcome):
            yield f"_SMS.{word}", sms_record(self.origin, subject, at, told, outcome=word, status=status)

    def _mail(self, delivered: Delivered, content: Email) -> Mail:
        recipient, outcome = delivered.recipient, delivered.outcome
        return Mail(
            recipient.message_id,
            delivered.at,
            content.from_address,
            recipient.address,
            content.subject,
            content.headers(),
            self._attributes(recipient),
            awaits_delivery=outcome.tells_of_delivery or not outcome.is_sent,
        )

    def _sms(self, delivered: Delivered, number: str, content: Sms) -> SmsTold:
        recipient = delivered.recipient
        return SmsTold(
            self.request_id,
            recipient.message_id,
            number,
            "Promotional" if content.message_type == "PROMOTIONAL" else "Transactional",
            count_parts(content.body),
            content.origination_number or content.sender_id or delivered.outcome.sent_from,
            country(number),
            self.attributes or {},
            own_context(self.source, recipient),
        )

    def _attributes(self, recipient: Recipient) -> dict[str, str]:
        if self.attributes is not None:
            return self.attributes
        return direct(own_context(self.source, recipient), self.trace_id)


def _words(outcome: Outcome) -> tuple[tuple[Word, Words], ...]:
    """Types and record_status of an SMS's records."""
    if outcome.is_in_doubt:
        return (("BUFFERED", "PENDING"),)
    if outcome.receipt_ids:
        return (("BUFFERED", "SUCCESSFUL"),)
    if outcome.is_sent:
        # Without receipts of carriers, having been taken is all that will ever be known.
        return ("BUFFERED", "SUCCESSFUL"), ("SUCCESS", "SUCCESSFUL")
    if outcome.status == Status.OPT_OUT:
        return (("OPTOUT", "OPTED_OUT"),)
    return (("FAILURE", "UNKNOWN"),)


def subject_of(recipient: Recipient) -> Subject:
    """Whom the records of a message to it are about."""
    if recipient.endpoint is None:
        return Subject.unknown(recipient.client_id)
    return Subject.of(cast("EndpointResponse", recipient.endpoint))


def _key(recipient: Recipient) -> str | None:
    return None if recipient.endpoint is None else endpoint_key(recipient.client_id)

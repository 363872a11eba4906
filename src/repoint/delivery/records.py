"""What is logged of a message (events.md sections 7 and 8): made here for everything that is sent, whoever sends it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from repoint.contract.shapes import EndpointResponse
from repoint.delivery.message import Email, Message, Sms
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.phone_number import country
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


@dataclass(frozen=True, slots=True)
class Delivered:
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

    def events(self, delivered: Delivered) -> Iterator[Event]:
        """What is logged of one recipient now; notifications and calls of a direct send are not."""
        recipient = delivered.recipient
        makes = _MAKERS.get(recipient.channel_type)
        if makes is None:
            return
        subject = _subject(recipient)
        for event_type, record in makes(self, delivered, subject):
            yield Event(self.origin.application_id, event_type, delivered.at, record, _key(recipient))

    def sent(self, delivered: Delivered) -> Sent | None:
        """What is kept of a message for who tells of it later; None when it has not gone out, or nobody will."""
        message = delivered.message
        if message is None or not delivered.is_out or not isinstance(message.content, Email | Sms):
            return None
        told = self._mail(delivered, message) if isinstance(message.content, Email) else self._sms(delivered, message)
        recipient = delivered.recipient
        return Sent(
            message.id,
            delivered.at,
            message.channel_type,
            recipient.client_id,
            _key(recipient),
            told,
            delivered.outcome.provider_message_id,
        )

    def of_email(self, delivered: Delivered, subject: Subject) -> Iterator[tuple[str, str]]:
        """Types and records of an e-mail."""
        at, outcome, message = delivered.at, delivered.outcome, delivered.message
        if message is None:
            if delivered.could_not_be_rendered:
                yield "_email.rendering_failure", self._rendering_failure(delivered, subject)
            return
        if not delivered.is_out and not delivered.is_hard_bounce:
            return
        records = EmailRecords(self.origin, subject, self._mail(delivered, message))
        yield "_email.send", records.send(at)
        if outcome.is_sent:
            # A relay that has taken it is the last that tells of it without being asked.
            yield "_email.delivered", records.delivered(at, smtp_response=outcome.detail, reporting_mta="")
        elif found := _BAD_ADDRESS.search(outcome.detail):
            bounce = Bounce("Permanent", "General", "failed", found[0], outcome.detail)
            yield "_email.hardbounce", records.hardbounce(at, bounce)

    def of_sms(self, delivered: Delivered, subject: Subject) -> Iterator[tuple[str, str]]:
        """Types and records of a text message; nothing for one that never was."""
        if delivered.message is None and delivered.outcome.status != Status.OPT_OUT:
            return
        told = self._sms(delivered, delivered.message)
        for word, status in _words(delivered.outcome):
            at = (delivered.at, delivered.at)
            yield f"_SMS.{word}", sms_record(self.origin, subject, at, told, outcome=word, status=status)

    def _rendering_failure(self, delivered: Delivered, subject: Subject) -> str:
        recipient, template = delivered.recipient, self.source.templates.get("EMAIL")
        sender = self.source.member("EmailMessage").get("FromAddress", "")
        attributes = self._attributes(recipient)
        mail = Mail(recipient.message_id, delivered.at, sender, recipient.address, "", [], attributes)
        name = "" if template is None else template.name
        records = EmailRecords(self.origin, subject, mail)
        return records.rendering_failure(delivered.at, template_name=name, error_message=delivered.outcome.detail)

    def _mail(self, delivered: Delivered, message: Message) -> Mail:
        assert isinstance(message.content, Email)  # noqa: S101 - asked of e-mails only
        content, recipient = message.content, delivered.recipient
        headers, attributes = headers_of(content.mime), self._attributes(recipient)
        return Mail(
            message.id, delivered.at, content.from_address, recipient.address, content.subject, headers, attributes
        )

    def _sms(self, delivered: Delivered, message: Message | None) -> SmsTold:
        recipient = delivered.recipient
        content = None if message is None else message.content
        sms = content if isinstance(content, Sms) else None
        given = sms.message_type if sms else self.source.member("SMSMessage").get("MessageType")
        number = recipient.address if message is None else message.address
        return SmsTold(
            self.request_id,
            recipient.message_id,
            number,
            "Promotional" if given == "PROMOTIONAL" else "Transactional",
            count_parts(sms.body) if sms else 1,
            (sms.origination_number or sms.sender_id) if sms else None,
            country(number),
            self.attributes or {},
            own_context(self.source, recipient),
        )

    def _attributes(self, recipient: Recipient) -> dict[str, str]:
        if self.attributes is not None:
            return self.attributes
        return direct(own_context(self.source, recipient), self.trace_id)


_MAKERS: dict[str, Callable[[Recorder, Delivered, Subject], Iterator[tuple[str, str]]]] = {
    "EMAIL": Recorder.of_email,
    "SMS": Recorder.of_sms,
}


def _words(outcome: Outcome) -> tuple[tuple[Word, Words], ...]:
    """Types and record_status of an SMS's records."""
    if outcome.is_sent:
        # Without receipts of carriers, having been taken is all that will ever be known.
        return ("BUFFERED", "SUCCESSFUL"), ("SUCCESS", "SUCCESSFUL")
    if outcome.is_in_doubt:
        return (("BUFFERED", "PENDING"),)
    if outcome.status == Status.OPT_OUT:
        return (("OPTOUT", "OPTED_OUT"),)
    return (("FAILURE", "UNKNOWN"),)


def headers_of(mime: bytes) -> list[tuple[str, str]]:
    """The headers of a message, unfolded."""
    head = mime.partition(b"\r\n\r\n")[0].decode("utf-8", "replace").replace("\r\n ", " ").replace("\r\n\t", " ")
    pairs = [line.partition(":") for line in head.split("\r\n")]
    return [(name, value.strip()) for name, colon, value in pairs if colon]


def _subject(recipient: Recipient) -> Subject:
    if recipient.endpoint is None:
        return Subject.unknown(recipient.client_id)
    return Subject.of(cast("EndpointResponse", recipient.endpoint))


def _key(recipient: Recipient) -> str | None:
    return None if recipient.endpoint is None else endpoint_key(recipient.client_id)

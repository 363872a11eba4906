"""What others tell of messages that went out: recipients by links, mail servers by signed callbacks.

Operations without a route: http/public.py dispatches them when the signature of a link or a callback admits to them.
What is told of a message that nobody knows, or no longer, is passed over.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.shapes import ChannelType
from repoint.delivery.sent import Sent, find_sent
from repoint.delivery.suppression import Reason, suppress
from repoint.endpoints.amend import opt_out
from repoint.endpoints.documents import documents_by_key
from repoint.endpoints.project import check_application_id
from repoint.events.email_records import Bounce, Complaint, EmailRecords, Mail, Visit
from repoint.events.emit import Event, emit
from repoint.events.records import Origin, Subject
from repoint.operation import Call, Input, Output, internal

MAX_REPORTS = 1000

# Kinds and records of what a visit is.
Makes = Callable[[EmailRecords, datetime, Visit], list[tuple[str, str]]]


@internal()
async def note_open(call: Call, arguments: Input) -> Output:
    """A message's picture was asked for."""
    await _note(call, arguments, lambda records, at, visit: [("open", records.open(at, visit))])


@internal()
async def note_click(call: Call, arguments: Input) -> Output:
    """A link was followed: to `Url`, and to unsubscribe when `IsUnsubscribe`."""
    url = arguments["Url"]

    def made(records: EmailRecords, at: datetime, visit: Visit) -> list[tuple[str, str]]:
        found = [("click", records.click(at, visit, url))]
        return [*found, ("unsubscribe", records.unsubscribe(at, visit, url))] if arguments["IsUnsubscribe"] else found

    await _note(call, arguments, made)


@internal()
async def note_unsubscribe(call: Call, arguments: Input) -> Output:
    """A mail program unsubscribed for its owner: the endpoint is opted out of everything.

    Raises NotFoundException when the message is forgotten, so that nobody is told to be unsubscribed who is not.
    """
    application_id, message_id = arguments["ApplicationId"], arguments["MessageId"]
    sent = (await find_sent(call.db, application_id, [message_id])).get(message_id)
    if sent is None or sent.endpoint_key is None:
        raise NotFoundException("Message not found")
    # Before the event: whoever writes endpoints takes these locks in this order.
    await opt_out(call, application_id, sent.client_id)
    await _note(call, arguments, lambda records, at, visit: [("unsubscribe", records.unsubscribe(at, visit, ""))])


async def _note(call: Call, arguments: Input, make: Makes) -> None:
    """Log what a visit is."""
    application_id, message_id = arguments["ApplicationId"], arguments["MessageId"]
    known = await _known(call, application_id, [message_id])
    if message_id in known:
        sent, records = known[message_id]
        visit = Visit(call.source_ip, call.user_agent)
        await emit(call.db, [_event(application_id, sent, *each) for each in make(records, call.now, visit)])


class Report(msgspec.Struct, rename="pascal", forbid_unknown_fields=True, kw_only=True):
    """One thing that a mail server tells of a message."""

    # As SendMessages told it, or the whole Message-ID.
    message_id: str
    event: Literal["delivered", "hardbounce", "softbounce", "complaint", "rejected"]
    # When it happened; now when not told.
    at: str | None = None
    # Enhanced status such as 5.1.1, and the server's words.
    status: str = ""
    diagnostic: str = ""
    reporting_mta: str = ""
    feedback_id: str = ""
    feedback_type: str = ""
    user_agent: str = ""


_decode = msgspec.json.Decoder(list[Report] | Report).decode

# What makes the record of each kind.
_MAKES: Mapping[str, Callable[[EmailRecords, Report, datetime], str]] = {
    "delivered": lambda records, report, at: records.delivered(
        at, smtp_response=report.diagnostic, reporting_mta=report.reporting_mta
    ),
    "hardbounce": lambda records, report, at: records.hardbounce(at, _bounce(report, "Permanent", "failed")),
    "softbounce": lambda records, report, at: records.softbounce(at, _bounce(report, "Transient", "delayed")),
    "complaint": lambda records, report, at: records.complaint(
        at, Complaint(report.feedback_id, report.feedback_type, report.user_agent, at)
    ),
    "rejected": lambda records, report, at: records.rejected(at, report.diagnostic),
}
_SUPPRESSES: dict[str, Reason] = {"hardbounce": "BOUNCE", "complaint": "COMPLAINT"}


@internal()
async def note_reports(call: Call, arguments: Input) -> Output:
    """Reports as JSON in `Body`, one or a list: `{"Noted": 1, "Unknown": ["message id", …]}`.

    Raises BadRequestException for what is no such JSON; then none is noted. Raises NotFoundException for what is no
    application's id.
    """
    application_id = arguments["ApplicationId"]
    check_application_id(application_id)
    reports = [(_bare_id(report.message_id), report) for report in _read(arguments["Body"])]
    known = await _known(call, application_id, [message_id for message_id, _ in reports])
    events, bounced = [], []
    for message_id, report in reports:
        if message_id in known:
            sent, records = known[message_id]
            record = _MAKES[report.event](records, report, _instant(report, call.now))
            events.append(_event(application_id, sent, report.event, record))
            bounced += _bounced(sent, report)
    await emit(call.db, events)
    if call.settings.suppress_bounced:
        await suppress(call.db, bounced, call.now)
    unknown = [report.message_id for message_id, report in reports if message_id not in known]
    return {"Noted": len(events), "Unknown": unknown}


def _read(body: bytes) -> list[Report]:
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestException(f"Invalid report: {error}") from None
    reports = found if isinstance(found, list) else [found]
    if len(reports) > MAX_REPORTS:
        raise BadRequestException(f"Number of reports exceeds the limit of {MAX_REPORTS}")
    return reports


def _bounce(report: Report, bounce_type: Literal["Permanent", "Transient"], action: str) -> Bounce:
    return Bounce(
        bounce_type, "General", action, report.status, report.diagnostic, report.feedback_id, report.reporting_mta
    )


def _bare_id(message_id: str) -> str:
    return message_id.strip("<>").partition("@")[0]


def _instant(report: Report, now: datetime) -> datetime:
    if report.at is None:
        return now
    at = parse_instant(report.at)
    if at is None:
        raise BadRequestException(f"Invalid At: {report.at[:100]}")
    return at


def _bounced(sent: Sent, report: Report) -> list[tuple[ChannelType, str, Reason]]:
    """The address, if nothing should be sent there any more."""
    if report.event not in _SUPPRESSES or not isinstance(sent.told, Mail):
        return []
    return [("EMAIL", sent.told.destination, _SUPPRESSES[report.event])]


async def _known(call: Call, application_id: str, message_ids: Sequence[str]) -> dict[str, tuple[Sent, EmailRecords]]:
    """The e-mails among these messages, each with what makes its records."""
    found = await find_sent(call.db, application_id, message_ids)
    keys = {sent.endpoint_key for sent in found.values() if sent.endpoint_key is not None}
    documents = await documents_by_key(call.db, application_id, list(keys))
    subjects = {key: Subject.of(document) for key, document in documents.items()}
    origin = Origin(call.settings.account_id, application_id)
    known = {}
    for message_id, sent in found.items():
        if isinstance(sent.told, Mail):
            subject = subjects.get(sent.endpoint_key or "") or Subject.unknown(sent.client_id)
            known[message_id] = sent, EmailRecords(origin, subject, sent.told)
    return known


def _event(application_id: str, sent: Sent, kind: str, record: str) -> Event:
    # As in its record, the event's time is that of the message.
    return Event(application_id, f"_email.{kind}", sent.sent_at, record, sent.endpoint_key)

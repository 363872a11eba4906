"""What others tell of messages that went out: recipients by links, mail servers by signed callbacks.

Operations without a route: http/public.py dispatches them when the signature of a link or a callback admits to them.
What is told of a message that nobody knows, or no longer, is passed over.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

import msgspec
import structlog

from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.delivery.sent import find_sent
from repoint.delivery.ses_events import read_ses_event
from repoint.delivery.told import Told, bare_id, note_told
from repoint.endpoints.amend import opt_out
from repoint.endpoints.project import check_application_id
from repoint.events.email_records import Bounce, Complaint, EmailRecords, Visit
from repoint.operation import Call, Input, Output, internal

log = structlog.get_logger()

MAX_REPORTS = 1000


@internal()
async def note_open(call: Call, arguments: Input) -> Output:
    """A message's picture was asked for."""
    visit = _visit(call)
    await _note(call, arguments, Told(_named(arguments), "open", lambda records: records.open(call.now, visit)))


@internal()
async def note_click(call: Call, arguments: Input) -> Output:
    """A link was followed: to `Url`, and to unsubscribe when `IsUnsubscribe`."""
    ids, visit, url = _named(arguments), _visit(call), arguments["Url"]
    told = [Told(ids, "click", lambda records: records.click(call.now, visit, url))]
    if arguments["IsUnsubscribe"]:
        told.append(Told(ids, "unsubscribe", lambda records: records.unsubscribe(call.now, visit, url)))
    await _note(call, arguments, *told)


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
    visit = _visit(call)
    told = Told(_named(arguments), "unsubscribe", lambda records: records.unsubscribe(call.now, visit, ""))
    await _note(call, arguments, told)


def _named(arguments: Input) -> tuple[str]:
    return (arguments["MessageId"],)


def _visit(call: Call) -> Visit:
    return Visit(call.source_ip, call.user_agent)


async def _note(call: Call, arguments: Input, *told: Told) -> None:
    await note_told(call.db, call.settings, call.now, told, application_id=arguments["ApplicationId"])


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


@internal()
async def note_reports(call: Call, arguments: Input) -> Output:
    """Reports as JSON in `Body`, one or a list: `{"Noted": 1, "Unknown": ["message id", …]}`.

    Raises BadRequestException for what is no such JSON; then none is noted. Raises NotFoundException for what is no
    application's id.
    """
    application_id = arguments["ApplicationId"]
    check_application_id(application_id)
    reports = _read(arguments["Body"])
    told = [_told(report, call.now) for report in reports]
    noted = await note_told(call.db, call.settings, call.now, told, application_id=application_id)
    unknown = {each.message_ids[0] for each in noted.unknown}
    return {
        "Noted": noted.count,
        "Unknown": [report.message_id for report in reports if bare_id(report.message_id) in unknown],
    }


def _told(report: Report, now: datetime) -> Told:
    at = _instant(report, now)
    made = _MAKES[report.event]
    return Told(
        (bare_id(report.message_id),), report.event, lambda records: made(records, report, at), report.feedback_id
    )


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


def _instant(report: Report, now: datetime) -> datetime:
    if report.at is None:
        return now
    at = parse_instant(report.at)
    if at is None:
        raise BadRequestException(f"Invalid At: {report.at[:100]}")
    return at


@internal()
async def note_ses_event(call: Call, arguments: Input) -> Output:
    """What a topic tells of e-mails of any application, its `Message` with its `Key`: `{"Noted": 1, "Unknown": [id]}`.

    What is none of Amazon SES's events is passed over, and logged: SES itself sends a greeting to a new topic.
    """
    told = read_ses_event(arguments["Message"], arguments["Key"], call.now)
    if told is None:
        log.info("A topic's message is no event of Amazon SES", topic_arn=arguments["TopicArn"], key=arguments["Key"])
    noted = await note_told(call.db, call.settings, call.now, told or [])
    return {"Noted": noted.count, "Unknown": [each.message_ids[0] for each in noted.unknown]}

"""What others tell of messages that went out: recipients by links, mail servers by signed callbacks.

Operations without a route: http/public.py dispatches them when the signature of a link or a callback admits to them.
What is told of a message that nobody knows is kept for a while (told.py).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.delivery.sent import find_sent
from repoint.delivery.telling import Click, Delivery, Rejection, Told, What, bare_id
from repoint.delivery.told import note_told
from repoint.endpoints.amend import opt_out
from repoint.endpoints.project import check_application_id
from repoint.events.email_records import Bounce, Complaint, Visit
from repoint.operation import Call, Input, Output, internal

MAX_REPORTS = 1000


@internal()
async def note_open(call: Call, arguments: Input) -> Output:
    """A message's picture was asked for."""
    await _note(call, arguments, Told(_named(arguments), "open", call.now, _visit(call)))


@internal()
async def note_click(call: Call, arguments: Input) -> Output:
    """A link was followed: to `Url`, and to unsubscribe when `IsUnsubscribe`."""
    ids, click = _named(arguments), Click(_visit(call), arguments["Url"])
    told = [Told(ids, "click", call.now, click)]
    if arguments["IsUnsubscribe"]:
        told.append(Told(ids, "unsubscribe", call.now, click))
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
    told = Told(_named(arguments), "unsubscribe", call.now, Click(_visit(call), ""))
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

# What a report of each kind tells.
_WHATS: Mapping[str, Callable[[Report], What]] = {
    "delivered": lambda report: Delivery(report.diagnostic, report.reporting_mta),
    "hardbounce": lambda report: _bounce(report, "Permanent", "failed"),
    "softbounce": lambda report: _bounce(report, "Transient", "delayed"),
    "complaint": lambda report: Complaint(report.feedback_id, report.feedback_type, report.user_agent),
    "rejected": lambda report: Rejection(report.diagnostic),
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
    what = _WHATS[report.event](report)
    return Told((bare_id(report.message_id),), report.event, _instant(report, now), what, report.feedback_id)


def _read(body: bytes) -> list[Report]:
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
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

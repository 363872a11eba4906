"""Reading the audit record, and forgetting what is old: operations of ours, for `repoint audit` and the console."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate

import msgspec

from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException
from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.operation import Call, Input, Output, extension
from repoint.queue import TaskContext, every
from repoint.queue.forget import forget_old

_queries = load_queries("repoint.access")

MAX_PAGE_SIZE = 1000
DEFAULT_PAGE_SIZE = 100
# What an answer says beside its records.
_FRAME_BYTES = 1000
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@extension("GET", "/repoint/v1/audit")
async def list_audit_records(call: Call, arguments: Input) -> Output:
    """Records, newest first: `{"Item": […], "Position", "NextToken"}`.

    `since` (from then on) and `until` (before then) are instants, `user` and `event` names, `without` is the event to
    leave out; `page-size` is 1 to 1,000, by default 100; `token` is the NextToken of the page before, and goes before
    `until`. With `after`, a Position: what was added since, in the order in which it was, which is nearly that of time;
    Position is then where the page ends, so that who asks again with it misses nothing and gets nothing twice.

    A page is also full when no further record fits into an answer.
    """
    size = _page_size(arguments.get("page-size", str(DEFAULT_PAGE_SIZE)))
    # First, and nothing beyond it: what is added meanwhile is left to whoever asks with `after`.
    position = await call.db.value(_queries.last_record)
    given = {name: arguments.get(name) for name in ("user", "event", "without")} | {"up_to": position, "rows": size + 1}
    if "after" in arguments:
        rows = await call.db.rows(_queries.added_records, given | {"after": _position(arguments["after"])})
        page = _fitting(rows[:size], call.settings.body_limit_bytes)
        last = page[-1]["id"] if len(rows) > len(page) else position
        return {"Item": [_record(row) for row in page], "Position": str(last)}
    rows = await call.db.rows(_queries.newest_records, given | _time(arguments))
    page = _fitting(rows[:size], call.settings.body_limit_bytes)
    answer = {"Item": [_record(row) for row in page], "Position": str(position)}
    return answer | ({"NextToken": _token(page[-1])} if len(rows) > len(page) else {})


@every(seconds=3600)
async def forget_audit_records(context: TaskContext) -> None:
    """Delete records older than `audit_days`, some at a time."""
    await forget_old(context, _queries.delete_records, context.settings.audit_days)


def _fitting(rows: Sequence[Row], limit_bytes: int) -> Sequence[Row]:
    """As many of them as an answer can hold, but one at least."""
    ends = accumulate((len(row["record"].encode()) + 1 for row in rows), initial=_FRAME_BYTES)
    count = sum(end <= limit_bytes for end in ends) - 1
    return rows[: max(count, 1)]


def _record(row: Row) -> msgspec.Raw:
    return msgspec.Raw(row["record"].encode())


def _time(arguments: Input) -> dict[str, object]:
    """From when on, and the place that everything stands before: the token's, or else that of `until`."""
    time_before, id_before = _instant(arguments, "until") or _END_OF_TIME, 0
    if "token" in arguments:
        moment, _, number = arguments["token"].partition("_")
        time_before, id_before = _parsed(moment, "token"), _position(number, "token")
    return {"since": _instant(arguments, "since"), "time_before": time_before, "id_before": id_before}


def _token(row: Row) -> str:
    return f"{row['occurred_at'].astimezone(UTC).replace(tzinfo=None).isoformat()}_{row['id']}"


def _instant(arguments: Input, name: str) -> datetime | None:
    return _parsed(arguments[name], name) if name in arguments else None


def _parsed(text: str, name: str) -> datetime:
    moment = parse_instant(text)
    if moment is None:
        raise BadRequestException(f"Invalid {name}")
    return moment


def _position(text: str, name: str = "after") -> int:
    if re.fullmatch(r"[0-9]{1,18}", text) is None:
        raise BadRequestException(f"Invalid {name}")
    return int(text)


def _page_size(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text) is None or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise BadRequestException("Invalid page-size")
    return int(text)

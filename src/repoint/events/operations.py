"""Reading the event log, for `repoint events` and the console (events.md)."""

import re
from datetime import UTC, datetime

import msgspec

from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException
from repoint.db.pool import Row
from repoint.db.queries import load_queries
from repoint.events.horizon import MARGIN, settled
from repoint.operation import Call, Input, Output, extension
from repoint.resources.clearing import clears

Q = load_queries("repoint.events")

MAX_PAGE_SIZE = 1000
DEFAULT_PAGE_SIZE = 100
_START_OF_TIME = datetime(1970, 1, 2, tzinfo=UTC)
_TOKEN = re.compile(r"(\d{1,18})(?:\.(\d{1,14}))?")

for _statement in (Q.clear_events, Q.clear_readers, Q.clear_set_aside):
    clears(_statement)


@extension("GET", "/repoint/v1/apps/{ApplicationId}/events", one_statement=True)
async def list_events(call: Call, arguments: Input) -> Output:
    """Events in the order of the log: `{"Item": [{"Position", "Record"}, …], "After"}`.

    `after` is the After of the page before; with `after=end` the page is empty and After is where the log ends now.
    Without it the page begins at `since`, an instant, or at the beginning of the log. `type` leaves only events of
    that type, `page-size` is 1 to 1,000, by default 100. Who asks again with After misses nothing and gets nothing
    twice, whatever is added meanwhile; a page may be empty and yet not the last for ever.
    """
    size = _page_size(arguments.get("page-size", str(DEFAULT_PAGE_SIZE)))
    end = await settled(call.db)
    if arguments.get("after") == "end":
        return {"Item": [], "After": _token(end.position, end.oldest)}
    position, since = _start(arguments)
    parameters = {
        "application_id": arguments["ApplicationId"],
        "event_type": arguments.get("type"),
        "after": position,
        "since": since,
        "up_to": end.position,
        "rows": size,
    }
    rows = await call.db.rows(Q.list_events, parameters)
    is_full = len(rows) == size
    after = (
        _token(rows[-1]["position"], rows[-1]["logged_at"] - MARGIN) if is_full else _token(end.position, end.oldest)
    )
    return {"Item": [_item(row) for row in rows], "After": after}


def _item(row: Row) -> Output:
    return {"Position": row["position"], "Record": msgspec.Raw(row["record"].encode())}


def _start(arguments: Input) -> tuple[int, datetime]:
    if "after" in arguments:
        found = _TOKEN.fullmatch(arguments["after"])
        if found is None:
            raise BadRequestException(f"Invalid after: {arguments['after'][:100]}")
        return int(found[1]), datetime.fromtimestamp(int(found[2] or 0) / 1000, UTC)
    if "since" in arguments:
        since = parse_instant(arguments["since"])
        if since is None:
            raise BadRequestException(f"Invalid since: {arguments['since'][:100]}")
        return 0, since
    return 0, _START_OF_TIME


def _token(position: int, since: datetime) -> str:
    return f"{position}.{max(0, int(since.timestamp() * 1000))}"


def _page_size(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise BadRequestException(f"page-size must be between 1 and {MAX_PAGE_SIZE}")
    return int(text)

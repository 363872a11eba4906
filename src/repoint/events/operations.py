"""Reading the event log, for `repoint events` and the console (events.md)."""

import asyncio
import re
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from repoint.contract.dates import parse_instant
from repoint.contract.errors import BadRequestException
from repoint.db.queries import load_queries
from repoint.events.horizon import MARGIN, settled
from repoint.operation import Call, Input, Output, extension, whole_number
from repoint.resources.clearing import clears

Q = load_queries("repoint.events")

MAX_PAGE_SIZE = 1000
DEFAULT_PAGE_SIZE = 100
MAX_WAIT_S = 20
# How often who waits looks.
LOOK_S = 0.1
_START_OF_TIME = datetime(1970, 1, 2, tzinfo=UTC)
_TOKEN = re.compile(r"(\d{1,18})(?:\.(\d{1,14}))?")

for _statement in (Q.clear_events, Q.clear_readers, Q.clear_set_aside):
    clears(_statement)


@extension("GET", "/repoint/v1/apps/{ApplicationId}/events", in_steps=True)
async def list_events(call: Call, arguments: Input) -> Output:
    """Events in the order of the log: `{"Item": [{"Position", "Record"}, …], "After"}`.

    `after` is the After of the page before; `last` asks for the newest ones instead, that many (0 to 1,000), and After
    is then where the log ends now. Without both the page begins at `since`, an instant, or at the beginning of the log.
    `type` leaves only events of that type, `page-size` is 1 to 1,000, by default 100. With `wait`, 0 to 20 seconds, an
    empty page is answered only after that time. Who asks again with After misses nothing and gets nothing twice,
    whatever is added meanwhile.
    """
    if "last" in arguments:
        return await _newest(call, arguments, whole_number(arguments, "last", range(MAX_PAGE_SIZE + 1)))
    size = whole_number(arguments, "page-size", range(1, MAX_PAGE_SIZE + 1), default=DEFAULT_PAGE_SIZE)
    wait_s = whole_number(arguments, "wait", range(MAX_WAIT_S + 1), default=0)
    position, since = _start(arguments)
    looked_s = time.monotonic()
    while True:
        page, position, since = await _page(call, arguments, size, position, since)
        if page["Item"] or time.monotonic() - looked_s >= wait_s:
            return page
        await asyncio.sleep(LOOK_S)


async def _page(
    call: Call, arguments: Input, size: int, position: int, since: datetime
) -> tuple[dict[str, Any], int, datetime]:
    """A page, and where the next one begins."""
    async with call.statement() as db:
        end = await settled(db)
        parameters = _filter(arguments) | {"after": position, "since": since, "up_to": end.position, "rows": size}
        _, rows = await db.together((Q.go_in_order, {}), (Q.list_events, parameters))
    position, since = end.position, end.oldest
    if len(rows) == size:
        position, logged_at, _ = rows[-1]
        since = logged_at - MARGIN
    return {"Item": [_item(row) for row in rows], "After": _token(position, since)}, position, since


async def _newest(call: Call, arguments: Input, rows: int) -> Output:
    async with call.statement() as db:
        end = await settled(db)
        parameters = _filter(arguments) | {"up_to": end.position, "rows": rows}
        _, found = await db.together((Q.go_in_order, {}), (Q.newest_events, parameters))
    return {"Item": [_item(row) for row in reversed(found)], "After": _token(end.position, end.oldest)}


def _filter(arguments: Input) -> dict[str, object]:
    return {"application_id": arguments["ApplicationId"], "event_type": arguments.get("type")}


def _item(row: tuple[int, datetime, str]) -> Output:
    position, _, record = row
    return {"Position": position, "Record": msgspec.Raw(record.encode())}


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

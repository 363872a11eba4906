"""Looking at the readers of an application's log and steering them: operations of ours (`repoint stream`)."""

from dataclasses import dataclass

from repoint.contract.dates import format_instant, parse_instant
from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.pool import Db, Row
from repoint.db.queries import load_queries
from repoint.events.horizon import MARGIN, settled
from repoint.operation import Call, Input, Output, extension

Q = load_queries("repoint.events")

_PATH = "/repoint/v1/apps/{ApplicationId}/event-readers"


@extension("GET", _PATH, one_statement=True)
async def list_event_readers(call: Call, arguments: Input) -> Output:
    """Who reads the application's events, and how far each has come: `{"Item": [{"Name", "State", …}]}`.

    State is READING, PAUSED, or RETRYING with LastError and NextTry. Delivered, SetAside and Dropped count events;
    LagSeconds is the age of the oldest event not yet read, 0 when there is none, and Unread how many there are, counted
    up to 10,000.
    """
    return {"Item": await _items(call, arguments)}


@extension("POST", f"{_PATH}/{{Reader}}/pause")
async def pause_event_reader(call: Call, arguments: Input) -> Output:
    """Have a reader wait, from after the batch under way."""
    return await _change(call, arguments, {"is_paused": True})


@extension("POST", f"{_PATH}/{{Reader}}/resume")
async def resume_event_reader(call: Call, arguments: Input) -> Output:
    """Have a reader go on where it is, at once even if it waits for its next try."""
    return await _change(call, arguments, {"is_paused": False})


@extension("POST", f"{_PATH}/{{Reader}}/replay")
async def replay_event_reader(call: Call, arguments: Input) -> Output:
    """Have a reader read again what was logged since `From`, an instant; the log goes back as long as it is kept."""
    since = parse_instant(str(arguments.get("From")))
    if since is None:
        raise BadRequestException(f"Invalid From: {str(arguments.get('From'))[:100]}")
    return await _change(call, arguments, {"since": since})


async def _change(call: Call, arguments: Input, change: dict[str, object]) -> Output:
    """Change a reader; its batch under way comes again."""
    parameters = {"application_id": arguments["ApplicationId"], "name": arguments["Reader"]}
    if await call.db.execute(Q.change_reader, {"is_paused": None, "since": None, **parameters, **change}) == 0:
        raise NotFoundException
    return next(item for item in await _items(call, arguments) if item["Name"] == arguments["Reader"])


async def _items(call: Call, arguments: Input) -> list[Output]:
    end = await settled(call.db)
    parameters = {"application_id": arguments["ApplicationId"], "up_to": end.position, "margin": MARGIN}
    return [_item(row) for row in await call.db.rows(Q.list_readers, parameters)]


@dataclass(frozen=True, slots=True)
class ReaderState:
    """How one reader stands; counts are of events, from its beginning."""

    application_id: str
    name: str
    # Failures in a row of the batch at hand.
    failures: int
    delivered: int
    set_aside: int
    dropped: int
    # The age of the oldest event that it has not read.
    lag_s: float


async def all_readers(db: Db) -> list[ReaderState]:
    """Every reader of every application."""
    rows = await db.rows(Q.all_readers, {"margin": MARGIN})
    return [ReaderState(**row | {"application_id": row["application_id"].hex}) for row in rows]


def _item(row: Row) -> Output:
    item = {
        "Name": row["name"],
        "State": "PAUSED" if row["is_paused"] else "RETRYING" if row["failures"] else "READING",
        "Delivered": row["delivered"],
        "SetAside": row["set_aside"],
        "Dropped": row["dropped"],
        "Unread": row["unread"],
        "LagSeconds": round(row["lag_s"], 3),
    }
    if not row["failures"]:
        return item
    failing = {"Failures": row["failures"], "LastError": row["last_error"], "NextTry": format_instant(row["retry_at"])}
    return item | failing

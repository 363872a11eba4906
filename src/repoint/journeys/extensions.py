"""What Amazon has no operation for: which messages of a journey are in doubt."""

from typing import Any

from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException
from repoint.db.pool import Row
from repoint.journeys.journey import JOURNEYS
from repoint.journeys.standing import Q, key_of
from repoint.operation import Call, Input, Output, extension
from repoint.resources.pages import Page, read_page

PATH = "/repoint/v1/apps/{ApplicationId}/journeys/{JourneyId}"
RESOURCE = "apps/{ApplicationId}/journeys/{JourneyId}"

# More than any journey has.
_MOST = 2**31 - 1


@extension("GET", f"{PATH}/doubts", resource=RESOURCE, does=("GetJourneyRuns",))
async def list_journey_doubts(call: Call, arguments: Input) -> Output:
    """Messages of a journey of which a crash left in doubt whether they had gone out, and what became of them since.

    In pages (`page-size`, `token`), those of the newest run first.
    """
    journey = await JOURNEYS.get(call.db, arguments["JourneyId"], arguments["ApplicationId"])
    scope = f"{journey.application_id}/{journey.id}"
    page = read_page(call.operation, scope, arguments.get("page-size"), arguments.get("token"))
    rows = await call.db.rows(Q.doubts, key_of(journey) | {"rows": page.size + 1} | _place(page))
    items, token = page.cut(rows, lambda last: (f"{last['number']}", last["endpoint_key"], f"{last['occurrence']}"))
    answer: dict[str, Any] = {"Item": [_doubt(row) for row in items]}
    return answer if token is None else answer | {"NextToken": token}


def _place(page: Page) -> dict[str, object]:
    """The item of the page before that this one goes on behind."""
    if page.after is None:
        return {"number": _MOST, "after_key": "", "after_occurrence": 0}
    try:
        number, key, occurrence = page.after
        return {"number": int(number), "after_key": key, "after_occurrence": int(occurrence)}
    except ValueError:
        raise BadRequestException("Invalid token") from None


def _doubt(row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {
        "RunId": row["run_id"].hex,
        "EndpointId": row["endpoint_id"],
        "Status": row["status"],
        "DecidedAt": format_instant(row["decided_at"]),
    }
    return told | {member: row[name] for member, name in _OF_MESSAGE.items() if row[name] is not None}


_OF_MESSAGE = {"JourneyActivityId": "activity_id", "ChannelType": "channel_type", "MessageId": "message_id"}

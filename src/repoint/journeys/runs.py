"""The runs of a journey as GetJourneyRuns shows them (journeys.md section 10)."""

from repoint.contract.dates import format_instant
from repoint.contract.errors import BadRequestException
from repoint.contract.shapes import JourneyRunResponse, JourneyRunsResponse
from repoint.db.pool import Db, Row
from repoint.journeys.standing import Q, key_of
from repoint.resources.documents import Document
from repoint.resources.pages import Page

# More than any journey has.
_MOST = 2**31 - 1


async def list_runs(db: Db, journey: Document, page: Page) -> JourneyRunsResponse:
    """One page of the journey's runs, newest first. Raises BadRequestException for a token of another list."""
    rows = await db.rows(Q.newest_runs, key_of(journey) | {"below": _below(page), "rows": page.size + 1})
    items, token = page.cut(rows, lambda last: (f"{last['number']}",))
    shown: JourneyRunsResponse = {"Item": [_answer(row) for row in items]}
    return shown if token is None else shown | {"NextToken": token}


def _below(page: Page) -> int:
    if page.after is None:
        return _MOST
    try:
        (number,) = page.after
        return int(number)
    except ValueError:
        raise BadRequestException("Invalid token") from None


def _answer(row: Row) -> JourneyRunResponse:
    return {
        "CreationTime": format_instant(row["created_at"]),
        "LastUpdateTime": format_instant(row["updated_at"]),
        "RunId": row["run_id"].hex,
        "Status": row["state"],
    }

"""Every row that failed in an import: kept beside the job, told in pages or as a stream, forgotten after a while."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from repoint.db.pool import Database, Db
from repoint.db.queries import load_queries
from repoint.endpoints.plan import TOO_MANY_ENDPOINTS
from repoint.jobs.job import Work
from repoint.queue import TaskContext, every
from repoint.resources.clearing import BATCH_ROWS, clears

Q = load_queries("repoint.jobs")

clears(Q.clear_errors)

# Rows of one statement of a stream.
_READ_AT_ONCE = 5_000

# Reasons that begin with the member they are about; a few name it otherwise than a file does.
_NAMED = re.compile(r"(?:Missing|Invalid) ([A-Z][A-Za-z]+(?:\..+?)?)(?::.*)?", re.DOTALL)
_FIELDS = {
    "EndpointId": "Id",
    "Latitude": "Location.Latitude",
    "Longitude": "Location.Longitude",
}

# Where a row stands: its object, the last line of its batch, its place among those that failed there, from 1.
Place = tuple[int, int, int]
START: Place = (0, -1, 0)


@dataclass(frozen=True, slots=True)
class RowFailure:
    """A row that failed, or (without a line) the rest of an object."""

    line_no: int | None
    reason: str

    @property
    def field(self) -> str | None:
        """The field at fault, as the contract names it; None where the reason names none."""
        if self.line_no is None:
            return None
        if self.reason == TOO_MANY_ENDPOINTS:
            return "User.UserId"
        found = _NAMED.fullmatch(self.reason)
        return None if found is None else _FIELDS.get(found[1], found[1])

    def tell(self, object_url: str) -> str:
        """The line of a job's Failures (jobs.md section 10)."""
        place = "" if self.line_no is None else f":{self.line_no}"
        return f"{object_url}{place}: {self.reason}"


async def keep_errors(  # noqa: PLR0913 - where the rows stand
    db: Db, work: Work, object_url: str, failures: Sequence[RowFailure], *, object_no: int, line_no: int
) -> None:
    """Keep what failed in the batch of an object that ends with a line."""
    errors = msgspec.json.encode([(each.line_no, each.field, each.reason) for each in failures]).decode()
    batch = {"object_no": object_no, "line_no": line_no, "object_url": object_url, "errors": errors}
    await db.execute(Q.keep_errors, {**work.key, **batch})


async def read_errors(
    db: Db, application_id: str, job_id: str, after: Place, rows: int
) -> list[tuple[Place, dict[str, Any]]]:
    """Up to so many of the rows that failed, behind a place: where each stands, and what is told of it."""
    object_no, line_no, place = after
    behind = {"object_no": object_no, "line_no": line_no, "place": place, "rows": rows}
    found = await db.tuples(Q.read_errors, {"application_id": application_id, "job_id": job_id, **behind})
    return [((row[0], row[1], row[2]), _error(row[3], *row[4])) for row in found]


async def stream_errors(database: Database, application_id: str, job_id: str) -> AsyncIterator[bytes]:
    """All rows that failed, a JSON object a line."""
    encode = msgspec.json.Encoder().encode_lines
    after = START
    while True:
        async with database.connection() as db:
            found = await read_errors(db, application_id, job_id, after, _READ_AT_ONCE)
        if not found:
            return
        yield encode([error for _, error in found])
        after = found[-1][0]


def _error(object_url: str, line_no: int | None, field: str | None, reason: str) -> dict[str, Any]:
    error = {"Object": object_url, "Line": line_no, "Field": field, "Reason": reason}
    return {name: value for name, value in error.items() if value is not None}


@every(seconds=3600)
async def forget_errors(context: TaskContext) -> None:
    """Clear what failed in imports that ended long ago, and dry runs as old as that altogether."""
    before = context.now() - timedelta(days=context.settings.import_error_days)
    for statement in (Q.forget_errors, Q.forget_dry_runs):
        is_more = True
        while is_more:
            async with context.database.transaction() as db:
                is_more = await db.execute(statement, {"before": before, "rows": BATCH_ROWS}) > 0

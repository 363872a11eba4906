"""A job as a worker holds it, and as the contract shows it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from repoint.contract.dates import format_instant
from repoint.db.pool import Db, Row
from repoint.db.queries import Query, load_queries
from repoint.files.file import FileChangedError, FilesError
from repoint.queue import Claim, TaskContext
from repoint.segments.imported import Imported

Q = load_queries("repoint.jobs")

# A dry run is no job of the contract, whose operations do not know it.
Type = Literal["DRY_RUN", "EXPORT", "IMPORT"]

# A job taken up this often without coming on is given up: what ended these tries would end them all.
MAX_TRIES = 5

# What a store says of itself, not of what was asked for.
_PASSING = frozenset({"EndpointUnreachable", "InternalError", "ServiceUnavailable", "SlowDown"})


@dataclass(slots=True)
class Found:
    """What this try has learnt about its file, for a quicker way where there is one."""

    # A later batch names an endpoint that an earlier one did.
    has_repeats: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """A job in the hands of the worker that took it up."""

    context: TaskContext
    claim: Claim
    application_id: str
    job_id: str
    # As it was when it was taken up.
    row: Row
    wind_up: "WindUp"
    found: Found = field(default_factory=Found)

    @property
    def is_dry_run(self) -> bool:
        """Whether it only judges."""
        return bool(self.row["type"] == "DRY_RUN")

    @property
    def imported(self) -> Imported | None:
        """The version of a segment that an import fills; None when it fills none."""
        if self.row["type"] != "IMPORT" or self.row["segment_id"] is None:
            return None
        return Imported(self.application_id, self.row["segment_id"], self.row["segment_version"])

    @property
    def key(self) -> dict[str, object]:
        """The parameters that name the job in every statement."""
        return {"application_id": self.application_id, "job_id": self.job_id}

    @property
    def definition(self) -> dict[str, Any]:
        """The request with its defaults."""
        definition: dict[str, Any] = self.row["definition"]
        return definition

    @property
    def is_last_try(self) -> bool:
        """Whether a failure that may pass is now to be taken for one that stays."""
        return bool(self.row["tries"] >= MAX_TRIES)

    @property
    def is_given_up(self) -> bool:
        """Whether even the last try did not come on."""
        return bool(self.row["tries"] > MAX_TRIES)


class Outcome(NamedTuple):
    """What a job has come to."""

    # Definitions that were handled well.
    imported: int
    # It has COMPLETED; else it has FAILED.
    is_complete: bool


# What else happens in the transaction that ends a job.
WindUp = Callable[[Db, Work, Outcome], Awaitable[None]]


async def take_job(context: TaskContext, application_id: str, job_id: str, wind_up: WindUp) -> Work:
    """Take up a job where it stands. Raises LostClaimError when it has ended or is gone."""
    key = {"application_id": application_id, "job_id": job_id}
    async with context.database.transaction() as db:
        claim = await Claim.take(db, Q.take_job, Q.confirm_job, key)
        row = await db.row(Q.taken_job, key)
    assert row is not None  # noqa: S101 - the transaction holds it
    return Work(context, claim, application_id, job_id, row, wind_up)


def stays(work: Work, error: FilesError) -> str:
    """What to report of a store that failed; raises `error` itself when another try may find it better."""
    if error.code in _PASSING and not work.is_last_try:
        raise error
    return "The object has changed" if isinstance(error, FileChangedError) else error.code


async def fail_job(work: Work, failure: str) -> None:
    """End a job whose remaining pieces all fail for one reason. Raises LostClaimError."""
    await _end(work, Q.fail_job, failure=failure)


async def finish_job(work: Work) -> None:
    """End a job whose pieces are all done or failed. Raises LostClaimError."""
    await _end(work, Q.finish_job)


async def _end(work: Work, query: Query, **parameters: object) -> None:
    async with work.context.database.transaction() as db:
        await work.claim.confirm(db)
        [row] = await db.tuples(query, {**work.key, **parameters, "now": work.context.now()})
        await work.wind_up(db, work, Outcome(*row))


def document(row: Row) -> dict[str, Any]:
    """The ImportJobResponse or ExportJobResponse of a row; while CREATED without counters (jobs.md section 10)."""
    shown = {
        "ApplicationId": row["application_id"].hex,
        "Id": row["id"],
        "Type": "EXPORT" if row["type"] == "EXPORT" else "IMPORT",
        "JobStatus": row["status"],
        "Definition": row["definition"],
        "CreationDate": format_instant(row["created_at"]),
    }
    if row["status"] not in ("CREATED", "PREPARING_FOR_INITIALIZATION"):
        shown |= {
            "TotalPieces": row["total_pieces"],
            "CompletedPieces": row["completed_pieces"],
            "FailedPieces": row["failed_pieces"],
            "TotalProcessed": row["total_processed"],
            "TotalFailures": row["total_failures"],
        }
    if row["failures"]:
        shown["Failures"] = row["failures"]
    if row["completed_at"] is not None:
        shown["CompletionDate"] = format_instant(row["completed_at"])
    return shown

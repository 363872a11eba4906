"""A job as a worker holds it, and as the contract shows it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

from repoint.contract.dates import format_instant
from repoint.db.pool import Database, Db, Row
from repoint.db.queries import load_queries
from repoint.files.file import FileChangedError, FilesError
from repoint.queue import Claim, TaskContext

Q = load_queries("repoint.jobs")

Type = Literal["EXPORT", "IMPORT"]

# A job taken up this often without coming on is given up: what ended these tries would end them all.
MAX_TRIES = 5

# What a store says of itself, not of what was asked for.
_PASSING = frozenset({"EndpointUnreachable", "InternalError", "ServiceUnavailable", "SlowDown"})

# One job at a time in a worker (jobs.md section 12), so that its memory is that of one.
_turns: WeakKeyDictionary[Database, asyncio.Lock] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Work:
    """A job in the hands of the worker that took it up."""

    context: TaskContext
    claim: Claim
    application_id: str
    job_id: str
    # As it was when it was taken up.
    row: Row

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


@asynccontextmanager
async def take_job(context: TaskContext, application_id: str, job_id: str) -> AsyncIterator[Work]:
    """Take up a job where it stands, when no other runs in this worker.

    Raises LostClaimError when it has ended or is gone.
    """
    key = {"application_id": application_id, "job_id": job_id}
    async with _turns.setdefault(context.database, asyncio.Lock()):
        async with context.database.transaction() as db:
            claim = await Claim.take(db, Q.take_job, Q.confirm_job, key)
            row = await db.row(Q.taken_job, key)
        assert row is not None  # noqa: S101 - the transaction holds it
        yield Work(context, claim, application_id, job_id, row)


def stays(work: Work, error: FilesError) -> str:
    """What to report of a store that failed; raises `error` itself when another try may find it better."""
    if error.code in _PASSING and not work.is_last_try:
        raise error
    return "The object has changed" if isinstance(error, FileChangedError) else error.code


async def fail_job(work: Work, failure: str) -> None:
    """End a job whose remaining pieces all fail for one reason. Raises LostClaimError."""
    async with work.context.database.transaction() as db:
        await work.claim.confirm(db)
        await db.execute(Q.fail_job, {**work.key, "failure": failure, "now": work.context.now()})
        await forget_parts(db, work)


async def finish_job(work: Work) -> None:
    """End a job whose pieces are all done or failed. Raises LostClaimError."""
    async with work.context.database.transaction() as db:
        await work.claim.confirm(db)
        await db.execute(Q.finish_job, {**work.key, "now": work.context.now()})
        await forget_parts(db, work)


async def forget_parts(db: Db, work: Work) -> None:
    """Drop what the job was cut into."""
    await db.execute(Q.delete_objects, work.key)
    await db.execute(Q.delete_pieces, work.key)


def document(row: Row) -> dict[str, Any]:
    """The ImportJobResponse or ExportJobResponse of a row; while CREATED without counters (jobs.md section 10)."""
    shown = {
        "ApplicationId": row["application_id"].hex,
        "Id": row["id"],
        "Type": row["type"],
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

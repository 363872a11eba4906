"""What becomes of a batch of rows: registered, listed in the import's segment, kept there as snapshots, or only judged.

The table of jobs.md section 3, within the transaction of the batch.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.errors import UniqueViolation

from repoint.contract.errors import ContractError, NotFoundException
from repoint.db.cells import text_cell
from repoint.db.pool import Db
from repoint.endpoints.key import user_key
from repoint.endpoints.patch import Patch
from repoint.endpoints.plan import Stamp, microseconds
from repoint.endpoints.upsert import Rules, apply_rows
from repoint.jobs import dry_run
from repoint.jobs.formats import Row
from repoint.jobs.job import Q, Work
from repoint.jobs.snapshots import define_snapshots
from repoint.queue import LostClaimError
from repoint.segments.imported import Imported, list_endpoints, list_users


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some rows."""

    # The line and the reason of each that failed, in their order.
    failures: list[tuple[int, str]]
    # How many said that they are not ACTIVE and were applied all the same.
    statuses_ignored: int


async def apply(db: Db, work: Work, rows: list[Row]) -> Outcome:
    """Apply the rows in order. Raises LostClaimError when the application is gone.

    The caller's transaction holds the application, the job, and the segment if there is one.
    """
    try:
        outcomes = iter(await _apply_patches(db, work, [row.patch for row in rows if row.patch is not None]))
    except NotFoundException as error:
        raise LostClaimError("the application is gone") from error
    failures, statuses_ignored = [], 0
    for row in rows:
        refusal = row.failure if row.patch is None else next(outcomes)
        if refusal is not None:
            failures.append((row.line_no, str(refusal)))
        elif row.is_status_ignored:
            statuses_ignored += 1
    users = [user_key(user_id) for row in rows for user_id in row.user_ids]
    if users and work.imported is not None:
        await list_users(db, work.imported, users)
    return Outcome(failures, statuses_ignored)


async def _apply_patches(db: Db, work: Work, patches: list[Patch]) -> Sequence[ContractError | None]:
    """For each patch None, or why it was refused."""
    if not patches:
        return []
    stamp = Stamp(microseconds(work.context.now()), str(uuid.UUID(work.job_id)))
    rules = Rules.of(work.context.settings)
    registers = work.definition["RegisterEndpoints"]
    if work.is_dry_run:
        return await dry_run.judge(db, work, patches, stamp, rules, registers=registers)
    if not registers:
        assert work.imported is not None  # noqa: S101 - CreateImportJob refuses an import that does neither
        return await define_snapshots(db, work.imported, patches, stamp, registered_in=work.application_id)
    outcomes = await apply_rows(db, work.application_id, patches, stamp, rules)
    if work.imported is not None:
        good = {patch.key for patch, refusal in zip(patches, outcomes, strict=True) if refusal is None}
        await _list(db, work, work.imported, good)
    return outcomes


async def _list(db: Db, work: Work, imported: Imported, keys: set[str]) -> None:
    """Add endpoints to the import's segment. Files hardly ever repeat one, and so a COPY takes half as long."""
    if not work.found.has_repeats:
        try:
            async with db.connection.transaction():
                await _copy_members(db, imported, sorted(keys))
        except UniqueViolation:
            work.found.has_repeats = True
        else:
            return
    await list_endpoints(db, imported, keys)


async def _copy_members(db: Db, imported: Imported, keys: list[str]) -> None:
    place = f"{imported.application_id}\t{imported.segment_id}\t{imported.version}"
    async with db.copy(Q.copy_members) as copy:
        await copy.write("".join([f"{place}\t{text_cell(key)}\n" for key in keys]))

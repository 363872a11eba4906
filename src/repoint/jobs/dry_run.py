"""Judging the rows of an import without changing the application.

What a row would come to depends on what is stored and on the rows before it, which may be millions. So the rules run
for real, on an application that exists nowhere else: under the dry run's own id stand copies of what the rows touch,
made batch by batch, and what the rows before have made of them. It is cleared as a deleted application is.
"""

from collections.abc import Sequence

from repoint.contract.errors import ContractError
from repoint.db.parameters import as_json
from repoint.db.pool import Db
from repoint.db.queries import load_queries
from repoint.endpoints.patch import Patch
from repoint.endpoints.plan import Stamp
from repoint.endpoints.upsert import Rules, apply_rows
from repoint.jobs.job import Work
from repoint.jobs.snapshots import define_snapshots
from repoint.resources.clearing import clears
from repoint.segments.imported import Imported

Q = load_queries("repoint.jobs")
ENDPOINTS = load_queries("repoint.endpoints")

clears(Q.clear_dry_run_users)


async def judge(  # noqa: PLR0913 - what an import applies, and how
    db: Db, work: Work, patches: Sequence[Patch], stamp: Stamp, rules: Rules, *, registers: bool
) -> Sequence[ContractError | None]:
    """For each patch None, or why an import would refuse it."""
    own_id = work.job_id
    if not registers:
        imported = Imported(own_id, own_id, 1)
        return await define_snapshots(db, imported, patches, stamp, registered_in=work.application_id)
    await _copy_touched(db, work.application_id, own_id, patches)
    await db.execute(Q.pretend_application, {"dry_run_id": own_id})
    outcomes = await apply_rows(db, own_id, patches, stamp, rules)
    await db.execute(Q.end_pretence, {"dry_run_id": own_id})
    return outcomes


async def _copy_touched(db: Db, application_id: str, own_id: str, patches: Sequence[Patch]) -> None:
    key = {"application_id": application_id, "dry_run_id": own_id}
    touched = {
        "keys": as_json({patch.key for patch in patches}),
        "user_keys": as_json({patch.user_key for patch in patches if patch.user_key}),
    }
    await db.together(
        (ENDPOINTS.go_by_index, {}), (Q.copy_names, key), (Q.bar_recounts, key), (Q.copy_touched, key | touched)
    )

"""Locks that last until the transaction ends.

Whoever needs more than one takes them in the order of this file; then nobody waits in a circle.
"""

from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries

Q = load_queries("repoint.resources")


async def lock_application(db: Db, application_id: str) -> None:
    """Be the only writer of this application's endpoints; the others, and DeleteApp, wait.

    Says nothing about whether the application exists: look afterwards, in a statement of its own, which then sees what
    the writers before have committed.
    """
    await db.execute(*ask_lock(application_id))


def ask_lock(application_id: str) -> tuple[Query, dict[str, str]]:
    """The statement of `lock_application`, for those who send it together with others."""
    return Q.lock_application, {"application_id": application_id}


async def hold_application(db: Db, application_id: str) -> None:
    """Keep the application from being deleted, beside any number of other holders; for writing below it.

    Raises NotFoundException when there is none.
    """
    if await db.row(*ask_hold(application_id)) is None:
        raise NotFoundException("Application not found")


def ask_hold(application_id: str) -> tuple[Query, dict[str, str]]:
    """The statement of `hold_application`, for those who send it together with others: no row when there is none."""
    return Q.hold_application, {"application_id": application_id}


async def lock_quota(db: Db, kind: str) -> None:
    """Be the only one who counts the documents of this kind against their quota."""
    await db.execute(Q.lock_quota, {"kind": kind})

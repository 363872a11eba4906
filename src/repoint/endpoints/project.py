"""Whether there is the application that endpoints are written to."""

import re

from repoint.contract.errors import NotFoundException
from repoint.db.queries import load_queries
from repoint.operation import Call, Input

Q = load_queries("repoint.endpoints")

_ID = re.compile("[0-9a-f]{32}")


def check_application_id(application_id: str) -> None:
    """Raise NotFoundException for what is no id at all: the database could not even be asked for it."""
    if not _ID.fullmatch(application_id):
        raise NotFoundException("Application not found")


async def require_project(call: Call, arguments: Input) -> None:
    """Raise NotFoundException for an unknown project: told before a mistake in a member (protocol.md section 3.4)."""
    async with call.database.connection() as db:
        if await db.row(Q.application, {"application_id": arguments["ApplicationId"]}) is None:
            raise NotFoundException("Application not found")

"""Run one operation: authorise, built?, project exists, held error, the operation, commit.

The order is protocol.md section 3.4. Everything that runs an operation comes through here: the API, the console, a
command on the database itself.
"""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from psycopg.errors import DeadlockDetected, SerializationFailure

from repoint.access import policy
from repoint.contract.errors import ContractError, NotFoundException, NotImplementedException
from repoint.db.pool import Database
from repoint.operation import REGISTRY, Bound, Call, Input, Output, Principal
from repoint.settings import Settings

# How often a transaction is tried that others made the victim of a deadlock.
ATTEMPTS = 4

# Registered by the room that keeps applications: raises NotFoundException for an unknown one. `call.db` is open.
ProjectCheck = Callable[[Call, str], Awaitable[None]]
_project_checks: list[ProjectCheck] = []


def checks_projects(check: ProjectCheck) -> ProjectCheck:
    """Register the check that every operation on a project passes first."""
    _project_checks.append(check)
    return check


async def dispatch(call: Call, arguments: Input, held: ContractError | None = None) -> Output:
    """Answer one call. `held` is a mistake in a member, told only after the project is known to exist.

    Raises the contract's errors; whatever else rises is a bug.
    """
    policy.authorise(call, arguments)
    bound = REGISTRY.get(call.operation)
    if bound is None:
        raise NotImplementedException(f"{call.operation} is not available in this version")
    if held is not None:
        await _refuse(bound, call, arguments, held)
    if bound.in_steps:
        if not bound.checks_project and "ApplicationId" in arguments:
            async with call.statement():
                await _check_project(call, arguments)
        return await bound.run(call, arguments)
    for _ in range(ATTEMPTS - 1):
        try:
            return await _run(bound, call, arguments)
        except (DeadlockDetected, SerializationFailure):
            continue
    return await _run(bound, call, arguments)


async def dispatch_local(settings: Settings, database: Database, operation: str, arguments: Input) -> Output:
    """Run an operation on the database itself, as the one who holds it: for commands that need no server.

    Raises the contract's errors, as `dispatch` does.
    """
    principal = Principal("local", "local", f"arn:aws:iam::{settings.account_id}:root")
    call = Call(operation, str(uuid.uuid4()), datetime.now(UTC), principal, settings.regions[0], settings, database)
    return await dispatch(call, arguments)


async def _run(bound: Bound, call: Call, arguments: Input) -> Output:
    async with call.statement() if bound.one_statement else call.step():
        if not bound.checks_project:
            await _check_project(call, arguments)
        return await bound.run(call, arguments)


async def _check_project(call: Call, arguments: Input) -> None:
    project = arguments.get("ApplicationId")
    if isinstance(project, str):
        for check in _project_checks:
            await check(call, project)


async def _refuse(bound: Bound, call: Call, arguments: Input, held: ContractError) -> None:
    async with call.step():
        await _check_project(call, arguments)
        if bound.target is not None and not isinstance(held, NotFoundException):
            await bound.target(call, arguments)
    raise held

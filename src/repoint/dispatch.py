"""Run one operation: authorise, built?, project exists, held error, the operation, audit, commit.

The order is protocol.md section 3.4. Everything that runs an operation comes through here: the API, the console, a
command on the database itself.
"""

import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from psycopg.errors import DeadlockDetected, SerializationFailure

from repoint.access import audit
from repoint.contract.errors import ContractError, NotFoundException, NotImplementedException
from repoint.db.pool import Database
from repoint.operation import REGISTRY, Audit, Bound, Call, Input, Output, Principal
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

    Raises the contract's errors; whatever else rises is a bug. Either is recorded as a success is (access/audit.py).
    """
    recorded = audit.kind(call.operation).audit
    try:
        output = await _answer(call, arguments, held, recorded)
    except Exception as error:
        audit.record_failure(call, arguments, error)
        raise
    if recorded == "group":
        audit.record_success(call, arguments, output)
    return output


async def _answer(call: Call, arguments: Input, held: ContractError | None, recorded: Audit) -> Output:
    if call.principal.rights is not None:
        await call.principal.rights.check(call, arguments)
    bound = REGISTRY.get(call.operation)
    if bound is None:
        raise NotImplementedException(f"{call.operation} is not available in this version")
    if held is not None:
        await _refuse(bound, call, arguments, held)
    if bound.in_steps:
        return await _run_in_steps(bound, call, arguments, recorded)
    for _ in range(ATTEMPTS - 1):
        try:
            return await _run(bound, call, arguments, recorded)
        except (DeadlockDetected, SerializationFailure):
            continue
    return await _run(bound, call, arguments, recorded)


async def dispatch_local(settings: Settings, database: Database, operation: str, arguments: Input) -> Output:
    """Run an operation on the database itself, as the one who holds it: for commands that need no server.

    Raises the contract's errors, as `dispatch` does.
    """
    principal = Principal("local", "local", f"arn:aws:iam::{settings.account_id}:root")
    call = Call(operation, str(uuid.uuid4()), datetime.now(UTC), principal, settings.regions[0], settings, database)
    return await dispatch(call, arguments)


async def _run_in_steps(bound: Bound, call: Call, arguments: Input, recorded: Audit) -> Output:
    if not bound.checks_project and "ApplicationId" in arguments:
        async with call.statement():
            await _check_project(call, arguments)
    if recorded == "transaction":
        call.record_by(lambda db, output: audit.record_change(db, call, arguments, output))
    output = await bound.run(call, arguments)
    if call.is_unrecorded:
        async with call.step():
            await call.record(output)
    return output


async def _run(bound: Bound, call: Call, arguments: Input, recorded: Audit) -> Output:
    is_change = recorded == "transaction"
    # A change and its record commit together, so a single statement is not alone then.
    async with call.statement() if bound.one_statement and not is_change else call.step() as db:
        if not bound.checks_project:
            await _check_project(call, arguments)
        output = await bound.run(call, arguments)
        if is_change:
            await audit.record_change(db, call, arguments, output)
        return output


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

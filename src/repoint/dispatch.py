"""Run one operation: authorise, built?, project exists, held error, the operation, commit.

The order is protocol.md section 3.4. Everything that runs an operation comes through here: the API, the console, a
command on the database itself.
"""

from collections.abc import Awaitable, Callable

from repoint.access import policy
from repoint.contract.errors import ContractError, NotFoundException, NotImplementedException
from repoint.operation import REGISTRY, Bound, Call, Input, Output

# Registered by the room that keeps applications: raises NotFoundException for an unknown one.
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
    project = arguments.get("ApplicationId")
    if isinstance(project, str) and (held is not None or not bound.checks_project):
        await _check_project(call, project)
    if held is not None:
        await _refuse(bound, call, arguments, held)
    if bound.in_steps:
        return await bound.run(call, arguments)
    async with call.step():
        return await bound.run(call, arguments)


async def _check_project(call: Call, project: str) -> None:
    for check in _project_checks:
        await check(call, project)


async def _refuse(bound: Bound, call: Call, arguments: Input, held: ContractError) -> None:
    if bound.target is not None and not isinstance(held, NotFoundException):
        async with call.step():
            await bound.target(call, arguments)
    raise held

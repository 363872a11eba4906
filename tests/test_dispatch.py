"""The order of checks below the API, and the transaction that an operation runs in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg.errors import DeadlockDetected, RaiseException

from repoint.contract.errors import BadRequestException, NotFoundException, NotImplementedException
from repoint.db.pool import Database, Db
from repoint.db.queries import Query
from repoint.dispatch import ATTEMPTS, dispatch
from repoint.operation import (
    EXTENSIONS,
    REGISTRY,
    Bound,
    Call,
    Extension,
    Input,
    Output,
    Principal,
    extension,
    operation,
)
from repoint.settings import Settings
from tests.fixtures.extensions import only_here

UNKNOWN = {"ApplicationId": "0123456789abcdef0123456789abcdef"}
COUNT = Query("count", "SELECT count(*) AS number FROM probe")
INSERT = Query("insert", "INSERT INTO probe VALUES (1)")
DEADLOCK = Query("deadlock", "DO $$ BEGIN RAISE EXCEPTION 'victim' USING ERRCODE = 'deadlock_detected'; END $$")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    with only_here():
        yield


@pytest.fixture
async def probe(database: Database) -> Database:
    """A database with a table to write to."""
    async with database.connection() as db:
        await db.execute(Query("create", "CREATE TABLE probe (number integer)"))
    return database


def call(name: str, settings: Settings, database: Database) -> Call:
    principal = Principal("AKIA", "ana", "arn:aws:iam::000000000000:user/ana")
    now = datetime(2026, 11, 21, tzinfo=UTC)
    return Call(name, "request", now, principal, "us-east-1", settings, database)


async def written(database: Database) -> int:
    async with database.connection() as db:
        return int(await db.value(COUNT))


async def test_unbuilt_operation_is_told(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(REGISTRY, "CreateJourney", raising=False)

    with pytest.raises(NotImplementedException, match="CreateJourney is not available in this version"):
        await dispatch(call("CreateJourney", settings, database), UNKNOWN)


async def test_operation_commits_at_its_end(settings: Settings, probe: Database) -> None:
    @extension("POST", "/repoint/v1/probe", resource="probe")
    async def write_probe(call: Call, _arguments: Input) -> Output:
        await call.db.execute(INSERT)
        return await written(call.database)

    inside = await dispatch(call("WriteProbe", settings, probe), {})

    assert (inside, await written(probe)) == (0, 1)


async def test_refused_operation_leaves_nothing(settings: Settings, probe: Database) -> None:
    @extension("POST", "/repoint/v1/probe", resource="probe")
    async def write_probe(call: Call, _arguments: Input) -> Output:
        await call.db.execute(INSERT)
        raise BadRequestException("No")

    with pytest.raises(BadRequestException):
        await dispatch(call("WriteProbe", settings, probe), {})

    assert await written(probe) == 0


async def test_one_statement_commits_itself(settings: Settings, probe: Database) -> None:
    @extension("POST", "/repoint/v1/probe", resource="probe", one_statement=True, audit="group")
    async def write_probe(call: Call, _arguments: Input) -> Output:
        await call.db.execute(INSERT)
        return await written(call.database)

    assert await dispatch(call("WriteProbe", settings, probe), {}) == 1


async def test_operation_in_steps_has_a_transaction_only_in_a_step(settings: Settings, probe: Database) -> None:
    @extension("POST", "/repoint/v1/probe", resource="probe", in_steps=True)
    async def write_probe(call: Call, _arguments: Input) -> Output:
        async with call.step() as outer, call.step() as inner:
            await inner.execute(INSERT)
            is_one = inner is outer and call.db is outer
        with pytest.raises(RuntimeError, match="WriteProbe has no open transaction"):
            _ = call.db
        return is_one

    assert await dispatch(call("WriteProbe", settings, probe), {}) is True
    assert await written(probe) == 1


async def test_victim_of_a_deadlock_is_run_again(settings: Settings, probe: Database) -> None:
    tries = 0

    @extension("POST", "/repoint/v1/probe", resource="probe")
    async def write_probe(call: Call, _arguments: Input) -> Output:
        nonlocal tries
        tries += 1
        await call.db.execute(INSERT)
        if tries < ATTEMPTS:
            await call.db.execute(DEADLOCK)

    await dispatch(call("WriteProbe", settings, probe), {})

    assert (tries, await written(probe)) == (ATTEMPTS, 1)


async def test_deadlock_without_end_is_a_bug(settings: Settings, probe: Database) -> None:
    @extension("POST", "/repoint/v1/probe", resource="probe")
    async def write_probe(call: Call, _arguments: Input) -> Output:
        await call.db.execute(DEADLOCK)

    with pytest.raises(DeadlockDetected):
        await dispatch(call("WriteProbe", settings, probe), {})


async def test_other_failure_is_not_tried_again(settings: Settings, database: Database) -> None:
    tries = 0

    @extension("POST", "/repoint/v1/probe", resource="probe")
    async def write_probe(call: Call, _arguments: Input) -> Output:
        nonlocal tries
        tries += 1
        await call.db.execute(Query("fail", "DO $$ BEGIN RAISE EXCEPTION 'broken'; END $$"))

    with pytest.raises(RaiseException):
        await dispatch(call("WriteProbe", settings, database), {})

    assert tries == 1


@pytest.mark.parametrize("kind", [{}, {"one_statement": True}, {"in_steps": True}])
async def test_unknown_project_is_told_before_the_operation(
    settings: Settings, database: Database, kind: dict[str, Any]
) -> None:
    @extension("POST", "/repoint/v1/{ApplicationId}/probe", resource="probe", **kind)
    async def read_probe(_call: Call, _arguments: Input) -> Output:
        raise AssertionError("the operation was run")

    with pytest.raises(NotFoundException, match="Application not found"):
        await dispatch(call("ReadProbe", settings, database), UNKNOWN)


async def test_operation_may_check_its_project_itself(settings: Settings, database: Database) -> None:
    @extension("POST", "/repoint/v1/{ApplicationId}/probe", resource="probe", checks_project=True)
    async def read_probe(_call: Call, _arguments: Input) -> Output:
        return "run"

    assert await dispatch(call("ReadProbe", settings, database), UNKNOWN) == "run"


async def test_held_error_is_told_after_what_the_path_names(settings: Settings, database: Database) -> None:
    missing: list[Db] = []

    async def target(call: Call, _arguments: Input) -> None:
        missing.append(call.db)
        raise NotFoundException

    async def run(_call: Call, _arguments: Input) -> Output:
        raise AssertionError("the operation was run")

    EXTENSIONS["Probe"] = Extension(
        "PUT", "/repoint/v1/probe", 200, "repoint:Probe", "probe", raw_body=False, audit="group"
    )
    REGISTRY["Probe"] = Bound("Probe", run, one_statement=False, in_steps=False, checks_project=False, target=target)
    held = BadRequestException("Invalid Name")

    with pytest.raises(NotFoundException, match="Resource not found"):
        await dispatch(call("Probe", settings, database), {}, held)

    assert len(missing) == 1


async def test_held_error_is_told_instead_of_running(settings: Settings, database: Database) -> None:
    @extension("POST", "/repoint/v1/probe", resource="probe")
    async def read_probe(_call: Call, _arguments: Input) -> Output:
        raise AssertionError("the operation was run")

    with pytest.raises(BadRequestException, match="Invalid Name"):
        await dispatch(call("ReadProbe", settings, database), {}, BadRequestException("Invalid Name"))


def test_function_that_is_no_operation_is_told() -> None:
    async def create_nothing(_call: Call, _arguments: Input) -> Output:
        return None

    with pytest.raises(LookupError, match="create_nothing is no operation of the contract"):
        operation()(create_nothing)


def test_operation_that_is_bound_twice_is_told() -> None:
    async def get_apps(_call: Call, _arguments: Input) -> Output:
        return None

    with pytest.raises(ValueError, match="GetApps is bound twice"):
        operation()(get_apps)

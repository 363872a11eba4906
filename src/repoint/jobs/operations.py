"""Creating, reading and listing import and export jobs (jobs.md)."""

import re
from typing import Any

from psycopg.types.json import Json

from repoint.contract.errors import (
    BadRequestException,
    NotFoundException,
    NotImplementedException,
    TooManyRequestsException,
)
from repoint.db.pool import Db
from repoint.files.store import bucket_is_allowed, role_is_known
from repoint.jobs.exports import run_export
from repoint.jobs.imports import run_import
from repoint.jobs.job import Q, Type, document
from repoint.jobs.objects import parse_url
from repoint.jobs.probe import probe
from repoint.operation import Call, Input, operation
from repoint.queue import enqueue
from repoint.resources.clearing import clears
from repoint.resources.documents import on_delete
from repoint.resources.lock import hold_application, lock_quota
from repoint.resources.pages import age_key, read_page
from repoint.settings import Settings

_ROLE_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)


@operation(in_steps=True)
async def create_import_job(call: Call, arguments: Input) -> dict[str, Any]:
    """Check the request, look into the file (no transaction is open then), and queue the job."""
    request = arguments["ImportJobRequest"]
    definition = _import_definition(request, call.settings)
    await probe(call.settings, definition)
    async with call.step() as db:
        row = await _insert(db, call, arguments["ApplicationId"], "IMPORT", definition)
        limit = call.settings.max_active_import_jobs
        if await db.value(Q.count_active, {"type": "IMPORT"}) > limit:
            raise TooManyRequestsException(f"Exceeded maximum number of active import jobs: {limit}")
        await enqueue(db, run_import, application_id=arguments["ApplicationId"], job_id=row["Id"])
        await call.record(row)
    return row


@operation()
async def create_export_job(call: Call, arguments: Input) -> dict[str, Any]:
    """Queue the job; whether its bucket can be written is seen when it runs (jobs.md section 11)."""
    definition = _export_definition(arguments["ExportJobRequest"], call.settings)
    row = await _insert(call.db, call, arguments["ApplicationId"], "EXPORT", definition)
    await enqueue(call.db, run_export, application_id=arguments["ApplicationId"], job_id=row["Id"])
    return row


@operation()
async def get_import_job(call: Call, arguments: Input) -> dict[str, Any]:
    """One import job."""
    return await _get(call, arguments, "IMPORT")


@operation()
async def get_export_job(call: Call, arguments: Input) -> dict[str, Any]:
    """One export job."""
    return await _get(call, arguments, "EXPORT")


@operation()
async def get_import_jobs(call: Call, arguments: Input) -> dict[str, Any]:
    """A page of the application's import jobs, newest first."""
    return await _list(call, arguments, "IMPORT")


@operation()
async def get_export_jobs(call: Call, arguments: Input) -> dict[str, Any]:
    """A page of the application's export jobs, newest first."""
    return await _list(call, arguments, "EXPORT")


@on_delete("app")
async def delete_jobs(db: Db, _call: Call, application_id: str) -> None:
    """A deleted application's jobs go; a worker that is at one finds it gone with its next batch and stops."""
    await db.execute(Q.delete_jobs, {"application_id": application_id})


clears(Q.clear_objects)
clears(Q.clear_pieces)


def _import_definition(request: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The request with its defaults (jobs.md section 2), after the checks that need no look at anything."""
    registers, defines = request.get("RegisterEndpoints", True), request.get("DefineSegment", False)
    if not registers and not defines:
        raise BadRequestException("RegisterEndpoints and DefineSegment can't both be false")
    if defines:
        raise NotImplementedException("DefineSegment is not available in this version")
    for member in ("S3Url", "RoleArn", "Format"):
        _require(request, member)
    _check_url(request, "S3Url", settings)
    _check_role(request, settings)
    if request.get("SegmentId"):
        raise BadRequestException("SegmentId requires DefineSegment")
    return {
        "DefineSegment": defines,
        "ExternalId": request.get("ExternalId") or settings.account_id,
        "Format": request["Format"],
        "RegisterEndpoints": registers,
        "RoleArn": request["RoleArn"],
        "S3Url": request["S3Url"],
    }


def _export_definition(request: dict[str, Any], settings: Settings) -> dict[str, Any]:
    for member in ("S3UrlPrefix", "RoleArn"):
        _require(request, member)
    _check_url(request, "S3UrlPrefix", settings)
    _check_role(request, settings)
    if request.get("SegmentId"):
        raise NotImplementedException("Exporting a segment is not available in this version")
    if "SegmentVersion" in request:
        raise BadRequestException("SegmentVersion requires SegmentId")
    return {"RoleArn": request["RoleArn"], "S3UrlPrefix": request["S3UrlPrefix"]}


def _require(request: dict[str, Any], member: str) -> None:
    if not request.get(member):
        raise BadRequestException(f"Missing {member}")


def _check_url(request: dict[str, Any], member: str, settings: Settings) -> None:
    location = parse_url(request[member])
    if location is None:
        raise BadRequestException(f"Invalid {member}")
    if not bucket_is_allowed(settings, location.bucket):
        raise BadRequestException(f"Invalid {member}: the bucket {location.bucket} is not allowed on this server")


def _check_role(request: dict[str, Any], settings: Settings) -> None:
    role_arn = request["RoleArn"]
    if _ROLE_ARN.fullmatch(role_arn) is None or not role_is_known(settings, role_arn):
        raise BadRequestException("Invalid RoleArn")


async def _insert(
    db: Db, call: Call, application_id: str, job_type: Type, definition: dict[str, Any]
) -> dict[str, Any]:
    await hold_application(db, application_id)
    if job_type == "IMPORT":
        # Whoever creates one at the same time waits here, and then counts this one too.
        await lock_quota(db, "import job")
    row = await db.row(
        Q.insert_job,
        {
            "application_id": application_id,
            "job_id": call.new_id(),
            "type": job_type,
            "definition": Json(definition),
            "now": call.now,
        },
    )
    assert row is not None  # noqa: S101 - an insert returns its row
    return document(row)


async def _get(call: Call, arguments: Input, job_type: Type) -> dict[str, Any]:
    key = {"application_id": arguments["ApplicationId"], "job_id": arguments["JobId"], "type": job_type}
    row = await call.db.row(Q.get_job, key)
    if row is None:
        raise NotFoundException
    return document(row)


async def _list(call: Call, arguments: Input, job_type: Type) -> dict[str, Any]:
    application_id = arguments["ApplicationId"]
    page = read_page(call.operation, application_id, arguments.get("PageSize"), arguments.get("Token"))
    created_before, id_before = page.before()
    rows = await call.db.rows(
        Q.newest_jobs,
        {
            "application_id": application_id,
            "type": job_type,
            "created_before": created_before,
            "id_before": id_before,
            "rows": page.size + 1,
        },
    )
    items, token = page.cut(rows, lambda last: age_key(last["created_at"], last["id"]))
    found: dict[str, Any] = {"Item": [document(row) for row in items]}
    return found if token is None else found | {"NextToken": token}

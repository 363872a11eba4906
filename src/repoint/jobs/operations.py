"""Creating, reading and listing import and export jobs (jobs.md)."""

from typing import Any

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.db.pool import Db
from repoint.db.queries import Query
from repoint.jobs.create import check_role, check_url, create_import, insert, require
from repoint.jobs.exports import run_export
from repoint.jobs.job import Q, Type, document
from repoint.operation import Call, Input, operation
from repoint.queue import enqueue
from repoint.resources.clearing import clear_application, clears
from repoint.resources.documents import on_delete
from repoint.resources.lock import hold_application
from repoint.resources.pages import age_key, read_page
from repoint.segments.segment import SEGMENTS
from repoint.segments.sources import load_sources
from repoint.settings import Settings


@operation(in_steps=True)
async def create_import_job(call: Call, arguments: Input) -> dict[str, Any]:
    """Check the request, look into the file (no transaction is open then), and queue the job."""
    return document(await create_import(call, arguments["ApplicationId"], arguments["ImportJobRequest"]))


@operation()
async def create_export_job(call: Call, arguments: Input) -> dict[str, Any]:
    """Queue the job; whether its bucket can be written is seen when it runs (jobs.md section 11)."""
    application_id, request = arguments["ApplicationId"], arguments["ExportJobRequest"]
    definition = _export_definition(request, call.settings)
    await hold_application(call.db, application_id)
    exported = await _exported(call.db, application_id, request)
    row = await insert(call, application_id, "EXPORT", definition, exported)
    await enqueue(call.db, run_export, application_id=application_id, job_id=row["id"])
    return document(row)


async def _exported(db: Db, application_id: str, request: dict[str, Any]) -> tuple[str, int] | None:
    """The segment and its version, the latest complete one unless one is named; None for all endpoints.

    Raises NotFoundException.
    """
    segment_id = request.get("SegmentId")
    if not segment_id:
        return None
    reference = {"Id": segment_id, "Version": request.get("SegmentVersion")}
    found = (await load_sources(db, application_id, [reference])).get(reference)
    if found is None:
        raise NotFoundException
    return segment_id, found.number


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


@operation()
async def get_segment_import_jobs(call: Call, arguments: Input) -> dict[str, Any]:
    """A page of the import jobs that fill or filled a segment, newest first."""
    return await _list_of_segment(call, arguments, "IMPORT")


@operation()
async def get_segment_export_jobs(call: Call, arguments: Input) -> dict[str, Any]:
    """A page of the export jobs of a segment, newest first."""
    return await _list_of_segment(call, arguments, "EXPORT")


@on_delete("app")
async def delete_jobs(db: Db, _call: Call, application_id: str) -> None:
    """A deleted application's jobs go; a worker that is at one finds it gone with its next batch and stops."""
    for row in await db.rows(Q.delete_jobs, {"application_id": application_id}):
        if row["type"] == "DRY_RUN":
            await enqueue(db, clear_application, application_id=row["id"])


clears(Q.clear_objects)


def _export_definition(request: dict[str, Any], settings: Settings) -> dict[str, Any]:
    for member in ("S3UrlPrefix", "RoleArn"):
        require(request, member)
    prefix = check_url(request, "S3UrlPrefix", settings).key
    if settings.s3 is None and not {".", ".."}.isdisjoint(prefix.split("/")):
        # S3 takes such keys; the folder that stands in for it would lead out of itself.
        raise BadRequestException("Invalid S3UrlPrefix: '.' and '..' are no parts of a key here")
    check_role(request, settings)
    if "SegmentVersion" in request and not request.get("SegmentId"):
        raise BadRequestException("SegmentVersion requires SegmentId")
    shown = ("RoleArn", "S3UrlPrefix", "SegmentId", "SegmentVersion")
    return {member: request[member] for member in shown if request.get(member)}


async def _get(call: Call, arguments: Input, job_type: Type) -> dict[str, Any]:
    key = {"application_id": arguments["ApplicationId"], "job_id": arguments["JobId"], "type": job_type}
    row = await call.db.row(Q.get_job, key)
    if row is None:
        raise NotFoundException
    return document(row)


async def _list(call: Call, arguments: Input, job_type: Type) -> dict[str, Any]:
    application_id = arguments["ApplicationId"]
    return await _page(call, arguments, Q.newest_jobs, application_id, {"type": job_type})


async def _list_of_segment(call: Call, arguments: Input, job_type: Type) -> dict[str, Any]:
    application_id, segment_id = arguments["ApplicationId"], arguments["SegmentId"]
    await SEGMENTS.get(call.db, segment_id, application_id)
    wanted = {"type": job_type, "segment_id": segment_id}
    return await _page(call, arguments, Q.newest_segment_jobs, f"{application_id}/{segment_id}", wanted)


async def _page(call: Call, arguments: Input, query: Query, scope: str, wanted: dict[str, object]) -> dict[str, Any]:
    page = read_page(call.operation, scope, arguments.get("PageSize"), arguments.get("Token"))
    created_before, id_before = page.before()
    behind = {"created_before": created_before, "id_before": id_before, "rows": page.size + 1}
    rows = await call.db.rows(query, {"application_id": arguments["ApplicationId"], **wanted, **behind})
    items, token = page.cut(rows, lambda last: age_key(last["created_at"], last["id"]))
    found: dict[str, Any] = {"Item": [document(row) for row in items]}
    return found if token is None else found | {"NextToken": token}

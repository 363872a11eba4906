"""How an import comes to be: its request checked, its file probed, its segment and its task made with it."""

import re
from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Json

from repoint.contract.errors import BadRequestException, TooManyRequestsException
from repoint.db.pool import Db, Row
from repoint.files.file import RESERVED
from repoint.files.store import bucket_is_allowed, role_is_known
from repoint.jobs.imports import run_import
from repoint.jobs.job import Q, Type, document
from repoint.jobs.objects import Location, parse_url
from repoint.jobs.probe import probe
from repoint.operation import Call
from repoint.queue import enqueue
from repoint.resources.lock import hold_application, lock_quota
from repoint.segments.imported import Imported, define, require_imported
from repoint.segments.segment import MAX_NAME_LENGTH, SEGMENTS, check_segment
from repoint.settings import Settings

_ROLE_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:iam::\d{12}:role/[\w+=,.@/-]+", re.ASCII)

Request = Mapping[str, Any]


async def create_import(
    call: Call, application_id: str, request: Request, *, is_dry_run: bool = False, keeps_status: bool = False
) -> Row:
    """Check an ImportJobRequest, look into the file (no transaction is open then), and queue the job; its row.

    Raises what jobs.md section 4 lists. A dry run defines no segment.
    """
    definition = _definition(request, call.settings)
    segment_id = request.get("SegmentId") or None
    if segment_id is not None:
        async with call.step() as db:
            await require_imported(db, application_id, segment_id)
    await probe(call.settings, definition)
    async with call.step() as db:
        await hold_application(db, application_id)
        segment = None
        if definition["DefineSegment"] and not is_dry_run:
            imported = await define(call, application_id, definition, segment_id)
            definition |= await _shown(db, imported)
            segment = (imported.segment_id, imported.version)
        job_type: Type = "DRY_RUN" if is_dry_run else "IMPORT"
        row = await insert(call, application_id, job_type, definition, segment, keeps_status=keeps_status)
        await _check_quota(call)
        await enqueue(db, run_import, application_id=application_id, job_id=row["id"])
        await call.record(document(row))
    return row


async def insert(  # noqa: PLR0913 - a job's columns
    call: Call,
    application_id: str,
    job_type: Type,
    definition: dict[str, Any],
    segment: tuple[str, int] | None = None,
    *,
    keeps_status: bool = False,
) -> Row:
    """Add a job to the open step, with the segment that it fills or writes and its version."""
    segment_id, version = segment or (None, None)
    row = await call.db.row(
        Q.insert_job,
        {
            "application_id": application_id,
            "job_id": call.new_id(),
            "type": job_type,
            "definition": Json(definition),
            "now": call.now,
            "segment_id": segment_id,
            "segment_version": version,
            "keeps_status": keeps_status,
        },
    )
    assert row is not None  # noqa: S101 - an insert returns its row
    return row


async def _check_quota(call: Call) -> None:
    # Whoever creates one at the same time waits here, and then counts this one too.
    await lock_quota(call.db, "import job")
    limit = call.settings.max_active_import_jobs
    if await call.db.value(Q.count_active_imports) > limit:
        raise TooManyRequestsException(f"Exceeded maximum number of active import jobs: {limit}")


def _definition(request: Request, settings: Settings) -> dict[str, Any]:
    """The request with its defaults (jobs.md section 2), after the checks that need no look at anything."""
    registers, defines = request.get("RegisterEndpoints", True), request.get("DefineSegment", False)
    if not registers and not defines:
        raise BadRequestException("RegisterEndpoints and DefineSegment can't both be false")
    for member in ("S3Url", "RoleArn", "Format"):
        require(request, member)
    location = check_url(request, "S3Url", settings)
    check_role(request, settings)
    if request.get("SegmentId") and not defines:
        raise BadRequestException("SegmentId requires DefineSegment")
    definition = {
        "DefineSegment": defines,
        "ExternalId": request.get("ExternalId") or settings.account_id,
        "Format": request["Format"],
        "RegisterEndpoints": registers,
        "RoleArn": request["RoleArn"],
        "S3Url": request["S3Url"],
    }
    return definition | (_naming(request, location) if defines else {})


def _naming(request: Request, location: Location) -> dict[str, Any]:
    """A segment that is there already keeps its name unless another one is sent."""
    name = request.get("SegmentName")
    if name:
        check_segment({"Name": name})
    elif not request.get("SegmentId"):
        name = _name_of(location)
    return {"SegmentName": name} if name else {}


def _name_of(location: Location) -> str:
    """The last part of the path, the extension of a file taken off."""
    folder, _, name = location.key.rpartition("/")
    if not name:
        return (folder.rpartition("/")[2] or location.bucket)[:MAX_NAME_LENGTH]
    plain = name.removesuffix(".gz")
    return (plain.rpartition(".")[0] or plain or name)[:MAX_NAME_LENGTH]


async def _shown(db: Db, imported: Imported) -> dict[str, Any]:
    """What the job's definition tells of the segment."""
    name = (await SEGMENTS.get(db, imported.segment_id)).content.get("Name")
    return {"SegmentId": imported.segment_id} | ({"SegmentName": name} if name else {})


def require(request: Request, member: str) -> None:
    """Raises BadRequestException for a member that is missing or empty."""
    if not request.get(member):
        raise BadRequestException(f"Missing {member}")


def check_url(request: Request, member: str, settings: Settings) -> Location:
    """The place that an S3 URL names.

    Raises BadRequestException for none, for one that the operator keeps back, and for what is Repoint's own.
    """
    location = parse_url(request[member])
    if location is None:
        raise BadRequestException(f"Invalid {member}")
    if not bucket_is_allowed(settings, location.bucket):
        raise BadRequestException(f"Invalid {member}: the bucket {location.bucket} is not allowed on this server")
    if f"{location.key}/".startswith(RESERVED):
        raise BadRequestException(f"Invalid {member}: {RESERVED} is Repoint's own")
    return location


def check_role(request: Request, settings: Settings) -> None:
    """Raises BadRequestException for a RoleArn that is none, or that the operator has not listed."""
    role_arn = request["RoleArn"]
    if _ROLE_ARN.fullmatch(role_arn) is None or not role_is_known(settings, role_arn):
        raise BadRequestException("Invalid RoleArn")

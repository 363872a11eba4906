"""What Amazon has no operation for: dry runs, imports that keep statuses, and a verdict for every row."""

from datetime import timedelta
from typing import Any

from repoint.contract.errors import BadRequestException, NotFoundException
from repoint.contract.walk import Faults, walk
from repoint.db.pool import Row
from repoint.jobs.create import create_import
from repoint.jobs.errors import START, Place, read_errors, stream_errors
from repoint.jobs.job import Q, document
from repoint.operation import Binary, Call, Input, Output, extension
from repoint.resources.pages import Page, read_page

PATH = "/repoint/v1/apps/{ApplicationId}/jobs/import"
RESOURCE = "apps/{ApplicationId}/jobs/import"
JOB_PATH, JOB_RESOURCE = f"{PATH}/{{JobId}}", f"{RESOURCE}/{{JobId}}"


@extension("POST", PATH, resource=RESOURCE, does=("CreateImportJob",), status=201, in_steps=True)
async def start_import(call: Call, arguments: Input) -> Output:
    """CreateImportJob with two members more: `DryRun` and `KeepStatus`, both false by default.

    With DryRun every row is judged as the import would and nothing is changed; the answer's job is known here alone,
    not to the operations of the contract. With KeepStatus endpoints get the EndpointStatus that their rows have.
    """
    row = await create_import(
        call,
        arguments["ApplicationId"],
        _request(arguments),
        is_dry_run=_flag(arguments, "DryRun"),
        keeps_status=_flag(arguments, "KeepStatus"),
    )
    return _report(row)


@extension("GET", JOB_PATH, resource=JOB_RESOURCE, does=("GetImportJob",))
async def report_import(call: Call, arguments: Input) -> Output:
    """An import or dry run as GetImportJob shows it, and beyond that `DryRun`, `KeepStatus` and `StatusesIgnored`.

    StatusesIgnored counts the rows applied whose EndpointStatus was another than ACTIVE and was not kept.
    """
    return _report(await _find(call, arguments))


@extension("GET", f"{JOB_PATH}/errors", resource=JOB_RESOURCE, does=("GetImportJob",))
async def list_import_errors(call: Call, arguments: Input) -> Output:
    """Every row that failed so far, in the order of the files, in pages: Object, Line, Field if known, Reason.

    An error without a Line is that of the object's rest. With `format=ndjson` all of them come at once, one a line.
    Raises NotFoundException once they were cleared, `import_error_days` after the job's end.
    """
    row = await _find(call, arguments)
    limit = call.now - timedelta(days=call.settings.import_error_days)
    if row["total_failures"] and row["completed_at"] is not None and row["completed_at"] < limit:
        days = call.settings.import_error_days
        raise NotFoundException(f"The rows that failed were kept for {days} days and are cleared")
    application_id, job_id = arguments["ApplicationId"], arguments["JobId"]
    form = arguments.get("format", "json")
    if form == "ndjson":
        return Binary("application/x-ndjson", stream_errors(call.database, application_id, job_id))
    if form != "json":
        raise BadRequestException(f"Invalid format: {form}")
    page = read_page(call.operation, job_id, arguments.get("page-size"), arguments.get("token"))
    found = await read_errors(call.db, application_id, job_id, _place(page), page.size + 1)
    items, token = page.cut(found, lambda last: tuple(map(str, last[0])))
    answer: dict[str, Any] = {"Item": [error for _, error in items]}
    return answer if token is None else answer | {"NextToken": token}


def _place(page: Page) -> Place:
    if page.after is None:
        return START
    try:
        object_no, line_no, place = map(int, page.after)
    except ValueError:
        raise BadRequestException("Invalid token") from None
    return object_no, line_no, place


async def _find(call: Call, arguments: Input) -> Row:
    key = {"application_id": arguments["ApplicationId"], "job_id": arguments["JobId"]}
    row = await call.db.row(Q.get_any_import, key)
    if row is None:
        raise NotFoundException
    return row


def _report(row: Row) -> dict[str, Any]:
    ours = {
        "DryRun": row["type"] == "DRY_RUN",
        "KeepStatus": row["keeps_status"],
        "StatusesIgnored": row["statuses_ignored"],
    }
    return document(row) | ours


def _request(arguments: Input) -> dict[str, Any]:
    """The members of an ImportJobRequest, read as the contract's operation reads them."""
    faults: Faults = []
    request: dict[str, Any] = walk("ImportJobRequest", arguments, "ImportJobRequest", faults)
    if faults:
        raise faults[0]
    return request


def _flag(arguments: Input, name: str) -> bool:
    value = arguments.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise BadRequestException(f"Invalid {name}: must be true or false")
    return value

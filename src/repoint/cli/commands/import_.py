"""`repoint import`: endpoints out of a local file, or out of a bucket."""

import uuid
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from repoint.cli.follow import check_completed, follow, tell_failures
from repoint.cli.mistake import Mistake
from repoint.cli.objects import Place, open_to_send, upload
from repoint.cli.progress import bytes_bar
from repoint.cli.remote import Application, EndpointUrl, Remote, RoleArn, label

BUCKET = "repoint-imports"
FORMATS: dict[str, Literal["CSV", "JSON"]] = {".csv": "CSV", ".json": "JSON", ".jsonl": "JSON", ".ndjson": "JSON"}

app = typer.Typer()


@app.command(name="import")
def import_endpoints(  # noqa: PLR0913 - options of a command
    source: Annotated[
        str, typer.Argument(help="A local file, which is uploaded, or s3://bucket/key-or-prefix.", metavar="FILE|URL")
    ],
    application_id: Application,
    *,
    file_format: Annotated[
        Literal["CSV", "JSON"] | None,
        typer.Option(
            "--format", case_sensitive=False, help="CSV, or JSON with one object a line.", show_default="by the name"
        ),
    ] = None,
    segment_name: Annotated[
        str | None, typer.Option("--segment-name", help="Also make a segment of them, with this name.")
    ] = None,
    segment_id: Annotated[
        str | None, typer.Option("--segment", help="Make them the next version of this imported segment.")
    ] = None,
    only_segment: Annotated[
        bool, typer.Option("--only-segment", help="Save no endpoints: their data lives in the segment alone.")
    ] = False,
    is_dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Judge every row as the import would, and change nothing.")
    ] = False,
    keeps_status: Annotated[
        bool, typer.Option("--keep-status", help="Take over EndpointStatus; otherwise all become ACTIVE.")
    ] = False,
    bucket: Annotated[str, typer.Option(help="Bucket that a local file is uploaded to.")] = BUCKET,
    role_arn: RoleArn = "arn:aws:iam::000000000000:role/repoint",
    endpoint_url: EndpointUrl = None,
) -> None:
    """Register the endpoints of a file; prints a line for each row that failed.

    Exit code 0: every row was imported; 3: some rows failed; 1: the import failed.
    """
    chosen = file_format or format_by_name(source)
    remote = Remote(endpoint_url)
    url = source if "://" in source else upload_file(remote, Path(source), bucket)
    request = {
        "S3Url": url,
        "RoleArn": role_arn,
        "Format": chosen,
        "RegisterEndpoints": not only_segment,
        "DefineSegment": segment_name is not None or segment_id is not None,
        "SegmentName": segment_name,
        "SegmentId": segment_id,
        "DryRun": is_dry_run,
        "KeepStatus": keeps_status,
    }
    path = f"/repoint/v1/apps/{label(application_id)}/jobs/import"
    job = remote.json("POST", path, content=request)
    job = follow(job, lambda: remote.json("GET", f"{path}/{job['Id']}"))
    tell_failures(job)
    tell_end(job)
    check_completed(job)


def tell_end(job: dict[str, Any]) -> None:
    """Sum up what the job has done."""
    what = "Dry run" if job["DryRun"] else "Job"
    typer.echo(
        f"{what} {job['Id']} {job['JobStatus']}: {job['TotalProcessed']} rows, {job['TotalFailures']} failed", err=True
    )
    if job["StatusesIgnored"]:
        told = f"{job['StatusesIgnored']} rows say that they are not ACTIVE, which is ignored without --keep-status"
        typer.echo(told, err=True)
    if "SegmentId" in job["Definition"] and not job["DryRun"]:
        typer.echo(f"Segment {job['Definition']['SegmentId']}", err=True)


def format_by_name(name: str) -> Literal["CSV", "JSON"]:
    """What a file's name says, `.gz` apart; raises Mistake when that is nothing."""
    suffix = Path(name.removesuffix(".gz")).suffix.lower()
    if suffix not in FORMATS:
        raise Mistake(f"the name of {name} does not tell its format: add --format CSV or --format JSON")
    return FORMATS[suffix]


def upload_file(remote: Remote, file: Path, bucket: str) -> str:
    """Upload under a key that nobody else has; the object's URL."""
    place = Place(bucket, f"{uuid.uuid4().hex}/{file.name}")
    with open_to_send(file) as source, bytes_bar(f"Uploading {file.name}", file.stat().st_size) as progress:
        upload(remote, source, place, progress)
    return f"{place}"

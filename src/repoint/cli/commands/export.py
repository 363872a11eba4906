"""`repoint export`: the endpoints of an application, or of a segment, into a bucket or into a local file."""

import gzip
import shutil
import tempfile
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import typer

from repoint.cli.follow import check_completed, follow, tell_failures
from repoint.cli.objects import Place, download, list_objects, parse_place
from repoint.cli.remote import Application, EndpointUrl, Remote, RoleArn
from repoint.cli.whole_file import whole_file

BUCKET = "repoint-exports"

app = typer.Typer()


@app.command()
def export(  # noqa: PLR0913 - options of a command
    application_id: Application,
    *,
    segment_id: Annotated[
        str | None, typer.Option("--segment", help="Only the members of this segment.", show_default="every endpoint")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="A version of the segment.", show_default="the latest")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="s3://bucket/prefix, or a local file; one that ends in .gz stays packed.",
            show_default="s3://repoint-exports/<application>/",
        ),
    ] = None,
    bucket: Annotated[str, typer.Option(help="Bucket that an export to a local file goes through.")] = BUCKET,
    role_arn: RoleArn = "arn:aws:iam::000000000000:role/repoint",
    endpoint_url: EndpointUrl = None,
) -> None:
    """Write endpoints as one JSON object a line, packed with gzip; prints the objects that were written.

    Exit code 0: every endpoint was exported; 3: some could not be written; 1: the export failed.
    """
    remote = Remote(endpoint_url)
    is_local = to is not None and "://" not in to
    prefix = f"s3://{bucket}/{application_id}/" if is_local or to is None else to
    parse_place(prefix)
    request = {"S3UrlPrefix": prefix, "RoleArn": role_arn, "SegmentId": segment_id, "SegmentVersion": version}
    request = {member: value for member, value in request.items() if value is not None}
    job = remote.call("create_export_job", ApplicationId=application_id, ExportJobRequest=request)
    job = follow(job, lambda: remote.call("get_export_job", ApplicationId=application_id, JobId=job["Id"]))
    tell_failures(job)
    check_completed(job)
    places = written_objects(remote, prefix, job["Id"])
    if is_local and to is not None:
        fetch(remote, places, Path(to))
        typer.echo(f"{job['TotalProcessed']} endpoints exported to {to}", err=True)
    else:
        for place in places:
            typer.echo(f"{place}")
        typer.echo(f"{job['TotalProcessed']} endpoints exported", err=True)


def written_objects(remote: Remote, prefix: str, job_id: str) -> list[Place]:
    """The job's objects in their order: `<prefix>/<job id>_<piece>.gz`."""
    place = parse_place(prefix if prefix.endswith("/") else f"{prefix}/")
    ours = Place(place.bucket, f"{place.key}{job_id}_")
    return [Place(place.bucket, item["Key"]) for item in list_objects(remote, ours)]


def fetch(remote: Remote, places: list[Place], target: Path) -> None:
    """Download the objects into one local file: gzip files one behind the other are a gzip file."""
    with whole_file(target) as sink:
        if target.suffix == ".gz":
            download_all(remote, places, sink)
            return
        with tempfile.TemporaryFile() as packed:
            download_all(remote, places, cast("BinaryIO", packed))
            packed.seek(0)
            with gzip.open(packed) as lines:
                shutil.copyfileobj(lines, sink)


def download_all(remote: Remote, places: list[Place], sink: BinaryIO) -> None:
    """Download one object after the other into the same file."""
    for place in places:
        download(remote, place, sink, lambda _: None)

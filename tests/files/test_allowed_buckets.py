"""The operator's list of buckets: asked when a job is created, when it runs, and for files."""

from pathlib import Path
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.files.store import FilesError, bucket_is_allowed, open_files
from repoint.queue.worker import Worker
from repoint.settings import Settings
from tests.fixtures.refusal import refusal
from tests.fixtures.server import Raw, Serve, make_client

ROLE = "arn:aws:iam::000000000000:role/import"
IMPORT = {"Format": "CSV", "RegisterEndpoints": True, "RoleArn": ROLE}


@pytest.fixture
def files_dir(settings: Settings) -> Path:
    """Two buckets with a file each."""
    for bucket in ("mine", "other"):
        folder = settings.files_dir / bucket
        folder.mkdir(parents=True)
        folder.joinpath("a.csv").write_text("ChannelType,Address,Id\nEMAIL,ana@example.com,e1\n", encoding="utf-8")
    return settings.files_dir


def test_any_bucket_is_allowed_until_some_are_listed() -> None:
    assert bucket_is_allowed(Settings(), "mine")
    assert bucket_is_allowed(Settings(allowed_buckets=("mine",)), "mine")
    assert not bucket_is_allowed(Settings(allowed_buckets=("mine",)), "min")
    assert not bucket_is_allowed(Settings(allowed_buckets=()), "mine")


def test_jobs_on_other_buckets_are_refused_when_created(serve: Serve, files_dir: Path) -> None:
    client = make_client(serve(allowed_buckets=("mine",)))
    app = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]["Id"]

    def create_import(url: str) -> Any:
        return client.create_import_job(ApplicationId=app, ImportJobRequest=IMPORT | {"S3Url": url})

    def create_export(url: str) -> Any:
        return client.create_export_job(ApplicationId=app, ExportJobRequest={"RoleArn": ROLE, "S3UrlPrefix": url})

    told = "the bucket other is not allowed on this server"
    assert refusal(create_import, url="s3://other/a.csv") == (400, "BadRequestException", f"Invalid S3Url: {told}")
    assert refusal(create_export, url="s3://other/x/") == (400, "BadRequestException", f"Invalid S3UrlPrefix: {told}")
    assert create_import("s3://mine/a.csv")["ImportJobResponse"]["JobStatus"] == "CREATED"
    assert create_export("s3://mine/x/")["ExportJobResponse"]["JobStatus"] == "CREATED"
    assert (files_dir / "mine" / "a.csv").exists()
    client.close()


async def test_worker_asks_again(
    client: Any, settings: Settings, database: Database, worker: Worker, files_dir: Path
) -> None:
    app = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]["Id"]
    request = IMPORT | {"S3Url": "s3://other/a.csv"}
    imported = client.create_import_job(ApplicationId=app, ImportJobRequest=request)["ImportJobResponse"]["Id"]
    request = {"RoleArn": ROLE, "S3UrlPrefix": "s3://other/x/"}
    exported = client.create_export_job(ApplicationId=app, ExportJobRequest=request)["ExportJobResponse"]["Id"]

    await Worker(database, settings.model_copy(update={"allowed_buckets": ("mine",)})).drain()
    await worker.drain()

    job = client.get_import_job(ApplicationId=app, JobId=imported)["ImportJobResponse"]
    assert (job["JobStatus"], job["Failures"]) == ("FAILED", ["s3://other/a.csv: AccessDenied"])
    job = client.get_export_job(ApplicationId=app, JobId=exported)["ExportJobResponse"]
    assert (job["JobStatus"], len(job["Failures"])) == ("FAILED", 1)
    assert job["Failures"][0].endswith(": AccessDenied")
    assert not (files_dir / "other" / "x").exists()


def test_files_of_other_buckets_are_refused(serve: Serve, files_dir: Path) -> None:
    raw = Raw(serve(allowed_buckets=("mine",)))

    refused = [
        raw.send("GET", "/repoint/v1/files/other"),
        raw.send("GET", "/repoint/v1/files/other/objects/a.csv"),
        raw.send("POST", "/repoint/v1/files/other/uploads", {"Key": "b.csv"}),
    ]

    text = "AccessDenied: the bucket other is not among allowed_buckets"
    assert [(answer.status, answer.json["Message"]) for answer in refused] == [(400, text)] * 3
    assert [item["Key"] for item in raw.send("GET", "/repoint/v1/files/mine").json["Item"]] == ["a.csv"]
    assert (files_dir / "other" / "a.csv").exists()


async def test_every_way_to_a_bucket_is_closed(settings: Settings, files_dir: Path) -> None:
    narrowed = settings.model_copy(update={"allowed_buckets": ("mine",)})

    async with open_files(narrowed) as files:
        found = await files.head("mine", "a.csv")
        with pytest.raises(FilesError, match="AccessDenied"):
            await files.head("other", "a.csv")
        with pytest.raises(FilesError, match="AccessDenied"):
            await anext(files.list("other"))
        with pytest.raises(FilesError, match="AccessDenied"):
            await anext(files.read("other", "a.csv", etag="x"))
        with pytest.raises(FilesError, match="AccessDenied"):
            await files.delete("other", "a.csv")
        with pytest.raises(FilesError, match="AccessDenied"):
            files.write("other", "b.csv")

    assert found is not None
    assert (files_dir / "other" / "a.csv").exists()

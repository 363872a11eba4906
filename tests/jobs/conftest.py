"""Jobs as a client sees them: an application, a bucket to fill, and a worker that runs when it is told to."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.files.store import Files, open_files
from repoint.queue.worker import Worker
from repoint.settings import Settings
from tests.fixtures.s3 import S3Server
from tests.fixtures.server import Raw

ROLE = "arn:aws:iam::000000000000:role/import"

# Direct parameters replace the fixture of the same name.
both_stores = pytest.mark.parametrize("store_name", ["folder", "s3"])


@pytest.fixture
def store_name() -> str:
    """Which store `s3://` leads to."""
    return "folder"


@pytest.fixture
def settings(settings: Settings, store_name: str, request: pytest.FixtureRequest) -> Settings:
    """The test's settings, with `s3://` leading to the store of the test."""
    if store_name == "folder":
        return settings
    server: S3Server = request.getfixturevalue("s3")
    return server.settings(settings)


class Bucket:
    """The test's bucket."""

    def __init__(self, name: str, files: Files) -> None:
        self.name = name
        self.files = files

    def url(self, key: str = "") -> str:
        """The S3 URL of a key or prefix."""
        return f"s3://{self.name}/{key}"

    async def put(self, key: str, content: str | bytes) -> str:
        """Write an object; its URL."""
        async with self.files.write(self.name, key) as writer:
            await writer.write(content.encode() if isinstance(content, str) else content)
        return self.url(key)

    async def get(self, key: str) -> bytes:
        """The bytes of an object."""
        item = await self.files.head(self.name, key)
        assert item is not None
        async with aclosing(self.files.read(self.name, key, etag=item.etag)) as chunks:
            return b"".join([chunk async for chunk in chunks])

    async def keys(self, prefix: str = "") -> list[str]:
        """The keys of the bucket."""
        return [item.key async for item in self.files.list(self.name, prefix)]

    async def exported(self, prefix: str = "") -> list[dict[str, Any]]:
        """The endpoints of all `.gz` objects, in order."""
        found = []
        for key in await self.keys(prefix):
            assert key.endswith(".gz")
            found += [json.loads(line) for line in gzip.decompress(await self.get(key)).splitlines()]
        return found


@pytest.fixture
async def bucket(settings: Settings, store_name: str, request: pytest.FixtureRequest) -> AsyncIterator[Bucket]:
    """An empty bucket in the store of the test."""
    if store_name == "s3":
        name = request.getfixturevalue("s3").bucket
    else:
        name = "bucket"
        (settings.files_dir / name).mkdir(parents=True)
    async with open_files(settings) as files:
        yield Bucket(name, files)


class Jobs:
    """One application's jobs, through boto3 and a worker in the test's process."""

    def __init__(self, client: Any, raw: Raw, database: Database, settings: Settings, application_id: str) -> None:
        self.client = client
        self.raw = raw
        self.application_id = application_id
        self.database = database
        self._settings = settings

    def of(self, application_id: str) -> "Jobs":
        """The jobs of another application."""
        return Jobs(self.client, self.raw, self.database, self._settings, application_id)

    def set_worker(self, **settings: Any) -> None:
        """Have a worker with these settings."""
        self._settings = self._settings.model_copy(update=settings)

    async def work(self) -> None:
        """Run the worker until nothing is queued."""
        await Worker(self.database, self._settings).drain()

    async def wait(self, job: dict[str, Any], until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The job as soon as it is so."""
        get = self.get_import if job["Type"] == "IMPORT" else self.get_export
        async with asyncio.timeout(60):
            while not until(found := await asyncio.to_thread(get, job["Id"])):  # noqa: ASYNC110 - it is asked over HTTP
                await asyncio.sleep(0.01)
        return found

    def create_import(self, url: str, file_format: str = "CSV", **more: Any) -> dict[str, Any]:
        """Create an import job that registers endpoints; what CreateImportJob answers."""
        request = {"S3Url": url, "Format": file_format, "RoleArn": ROLE, **more}
        answer = self.client.create_import_job(ApplicationId=self.application_id, ImportJobRequest=request)
        job: dict[str, Any] = answer["ImportJobResponse"]
        return job

    def get_import(self, job_id: str) -> dict[str, Any]:
        """What GetImportJob answers."""
        answer = self.client.get_import_job(ApplicationId=self.application_id, JobId=job_id)
        job: dict[str, Any] = answer["ImportJobResponse"]
        return job

    async def run_import(self, url: str, file_format: str = "CSV", **more: Any) -> dict[str, Any]:
        """Import to the end; the job as it ended."""
        job = await asyncio.to_thread(self.create_import, url, file_format, **more)
        await self.work()
        return self.get_import(job["Id"])

    async def define(self, url: str, file_format: str = "CSV", **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Import into a segment, to the end; the job as it ended, and its segment."""
        job = await self.run_import(url, file_format, DefineSegment=True, **more)
        return job, self.get_segment(job["Definition"]["SegmentId"])

    def create_export(self, url: str, **more: Any) -> dict[str, Any]:
        """What CreateExportJob answers."""
        request = {"S3UrlPrefix": url, "RoleArn": ROLE, **more}
        answer = self.client.create_export_job(ApplicationId=self.application_id, ExportJobRequest=request)
        job: dict[str, Any] = answer["ExportJobResponse"]
        return job

    def get_export(self, job_id: str) -> dict[str, Any]:
        """What GetExportJob answers."""
        answer = self.client.get_export_job(ApplicationId=self.application_id, JobId=job_id)
        job: dict[str, Any] = answer["ExportJobResponse"]
        return job

    async def run_export(self, url: str, **more: Any) -> dict[str, Any]:
        """Export to the end; the job as it ended."""
        job = self.create_export(url, **more)
        await self.work()
        return self.get_export(job["Id"])

    def get_segment(self, segment_id: str) -> dict[str, Any]:
        """What GetSegment answers."""
        answer = self.client.get_segment(ApplicationId=self.application_id, SegmentId=segment_id)
        segment: dict[str, Any] = answer["SegmentResponse"]
        return segment

    def create_segment(self, **request: Any) -> str:
        """CreateSegment; its id."""
        answer = self.client.create_segment(ApplicationId=self.application_id, WriteSegmentRequest=request)
        segment_id: str = answer["SegmentResponse"]["Id"]
        return segment_id

    def members(self, segment_id: str, version: int | None = None) -> list[str]:
        """The ids of a segment's members; a snapshot's ends with a star."""
        asked = "" if version is None else f"&version={version}"
        page = self.ours("GET", f"segments/{segment_id}/members?page-size=1000{asked}")
        return [item["EndpointId"] + ("*" if "SnapshotOf" in item else "") for item in page["Item"]]

    def ours(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """What an operation of our own answers, below this application."""
        target = f"/repoint/v1/apps/{self.application_id}/{path}"
        answer = self.raw.send(method, target, b"" if body is None else body)
        assert answer.status < 300, answer.body
        return answer.json

    def get_endpoint(self, endpoint_id: str) -> dict[str, Any]:
        """What GetEndpoint answers."""
        answer = self.client.get_endpoint(ApplicationId=self.application_id, EndpointId=endpoint_id)
        endpoint: dict[str, Any] = answer["EndpointResponse"]
        return endpoint

    def update_endpoint(self, endpoint_id: str, **request: Any) -> None:
        """UpdateEndpoint."""
        self.client.update_endpoint(ApplicationId=self.application_id, EndpointId=endpoint_id, EndpointRequest=request)


@pytest.fixture
def jobs(client: Any, raw: Raw, worker: Worker, database: Database, settings: Settings) -> Jobs:  # noqa: ARG001 - looks that no task is left
    """The jobs of a new application."""
    application = client.create_app(CreateApplicationRequest={"Name": "Harbour Line"})["ApplicationResponse"]
    return Jobs(client, raw, database, settings, application["Id"])

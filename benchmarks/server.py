"""The product under measurement: a real `repoint serve` with its own processes, spoken to over HTTP as users do.

A superuser's connection to the embedded database is open beside that: bounds are measured in the very same server.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, LiteralString

import boto3
import psycopg
from psycopg.conninfo import make_conninfo
from signed import Signer, send

from repoint.db.cluster import SUPERUSER
from repoint.db.embedded import running_url
from repoint.db.programs import server_programs

BUCKET = "bench"
ROLE = "arn:aws:iam::000000000000:role/bench"
POLL_S = 0.1
# Signatures are good for five minutes.
RESIGN_S = 120.0
# The settings of whoever runs this are not what is measured.
FOREIGN = ("AWS_", "REPOINT_", "PG", "PYTHONDONTWRITEBYTECODE")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """What a process of the product is started with."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "PYTHONUNBUFFERED": "1", **settings}


@contextmanager
def serving(settings: Mapping[str, str] = MappingProxyType({})) -> Iterator["Server"]:
    """A server on a temporary folder and a free port, as long as the block lasts; `settings` are its environment."""
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as name, Path(name, "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "repoint.cli.main", "serve", "--data-dir", f"{name}/data", "--port", "0"],
            # Away from any `repoint.toml`.
            cwd=name,
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C reaches this program alone, which stops the server in order.
            start_new_session=True,
        )
        try:
            exports = _exports(process)
            if "AWS_SECRET_ACCESS_KEY" not in exports:
                raise NotMeasured("the server did not start:\n" + Path(log.name).read_text(encoding="utf-8"))
            yield Server(Path(name), process.pid, exports)
        finally:
            process.terminate()
            process.communicate()


class Server:
    """One running server, its first key, and its database."""

    def __init__(self, folder: Path, pid: int, exports: dict[str, str]) -> None:
        self.folder = folder
        self.bucket = folder / "data" / "files" / BUCKET
        self.bucket.mkdir(parents=True)
        self.database_url = make_conninfo(running_url(folder / "data") or "", user=SUPERUSER)
        self.database = psycopg.connect(self.database_url, autocommit=True)
        self._pid = pid
        url, region = exports["AWS_ENDPOINT_URL_PINPOINT"], exports["AWS_DEFAULT_REGION"]
        access_key_id, secret = exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"]
        self.signer = Signer(url, access_key_id, secret, region)
        self.client = boto3.client(
            "pinpoint",
            endpoint_url=url,
            region_name=region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret,
        )

    def call(self, method: str, path: str, document: Any = None) -> Any:
        """Call an operation of ours; its answer."""
        connection = self.signer.connect()
        status, body = send(connection, self.signer.sign(method, path, document))
        connection.close()
        if status // 100 != 2:  # noqa: PLR2004 - any success
            raise NotMeasured(f"{method} {path} was answered {status}: {body!r}")
        return json.loads(body)

    @contextmanager
    def application(self) -> Iterator[str]:
        """The id of a fresh application; afterwards it is deleted, and nothing of it is left."""
        answer = self.client.create_app(CreateApplicationRequest={"Name": "bench"})
        application_id: str = answer["ApplicationResponse"]["Id"]
        yield application_id
        self.client.delete_app(ApplicationId=application_id)
        self.settle()

    def settle(self) -> None:
        """Wait until no task is left, then clean up, so that no run pays for what another one has left behind."""
        while self.value("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"):
            time.sleep(0.1)
        self.database.execute("VACUUM")
        self.database.execute("CHECKPOINT")

    def import_s(
        self,
        application_id: str,
        path: Path,
        count: int,
        each_poll: Callable[[], None] = lambda: None,
        **members: object,
    ) -> float:
        """Seconds from CreateImportJob to COMPLETED of a file in the bucket, all of whose `count` rows must be good.

        `members` are further ones of the request.
        """
        started = time.perf_counter()
        answer = self.client.create_import_job(
            ApplicationId=application_id,
            ImportJobRequest={
                "Format": "CSV" if path.suffix == ".csv" else "JSON",
                "RegisterEndpoints": True,
                "RoleArn": ROLE,
                "S3Url": f"s3://{BUCKET}/{path.name}",
                **members,
            },
        )
        job = f"/v1/apps/{application_id}/jobs/import/{answer['ImportJobResponse']['Id']}"
        return self._wait(job, count, each_poll) - started

    def export_s(self, application_id: str, prefix: str, count: int) -> float:
        """Seconds from CreateExportJob to COMPLETED of all `count` endpoints to a prefix in the bucket."""
        started = time.perf_counter()
        answer = self.client.create_export_job(
            ApplicationId=application_id,
            ExportJobRequest={"RoleArn": ROLE, "S3UrlPrefix": f"s3://{BUCKET}/{prefix}"},
        )
        job = f"/v1/apps/{application_id}/jobs/export/{answer['ExportJobResponse']['Id']}"
        return self._wait(job, count, lambda: None) - started

    def api(self) -> int:
        """The process of the API."""
        for pid in _children(self._pid):
            if "api" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0"):
                return pid
        raise NotMeasured("the API is gone")

    def worker(self) -> list[int]:
        """The process of the worker, and those of its children that parse an import."""
        for pid in _children(self._pid):
            if "worker" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0"):
                return [pid, *_children(pid)]
        raise NotMeasured("the worker is gone")

    def value(self, query: LiteralString) -> Any:
        """The first value that a query gives."""
        row = self.database.execute(query).fetchone()
        return row and row[0]

    def _wait(self, path: str, count: int, each_poll: Callable[[], None]) -> float:
        """When the job was seen COMPLETED. Asking must cost next to nothing beside it: signed once, sent again."""
        connection = self.signer.connect()
        while True:
            request, signed_at = self.signer.sign("GET", path), time.perf_counter()
            while (now := time.perf_counter()) < signed_at + RESIGN_S:
                job = json.loads(send(connection, request)[1])
                if job.get("JobStatus") in ("COMPLETED", "FAILED", None):
                    connection.close()
                    _check(job, count)
                    return now
                each_poll()
                time.sleep(POLL_S)


def program(name: str) -> Path:
    """A program of the embedded PostgreSQL, such as `pgbench`."""
    return server_programs() / name


class NotMeasured(SystemExit):
    """Ends the benchmark without a figure; the text tells why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"not measured: {reason}")


def _check(job: dict[str, Any], count: int) -> None:
    if (job.get("JobStatus"), job.get("TotalProcessed"), job.get("TotalFailures")) != ("COMPLETED", count, 0):
        raise NotMeasured(f"the job did not end as it must: {job}")


def _exports(process: "subprocess.Popen[str]") -> dict[str, str]:
    """The `export` lines that the server prints once it answers."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    exports: dict[str, str] = {}
    for line in process.stdout:
        exports |= dict(re.findall(r"^export (\w+)=(\S+)$", line))
        if line.startswith("Ctrl-C"):
            break
    return exports


def _children(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text(encoding="ascii").split()]

"""An event stream to a server that speaks Kinesis: records a second from the log, through a real worker.

The server is one of our own in a process of its own, which reads each PutRecords and answers it without keeping
anything. Two bounds: reading the log alone, `SELECT record` in the steps of a reader on one connection; and the server
itself, the same requests put by one client without any log. The figure is against the slower of the two, as no stream
can be faster than either.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from aiohttp import web
from figure import Figure, arguments, exit_code
from server import NotMeasured, Server, serving

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/bench"
ROLE = "arn:aws:iam::000000000000:role/bench"
BATCH = 500
RECORD = json.dumps(
    {
        "event_type": "product.viewed",
        "event_timestamp": 1714553000100,
        "client": {"client_id": "endpoint-1"},
        "attributes": {f"attribute-{n}": "x" * 40 for n in range(10)},
        "awsAccountId": "000000000000",
    }
)
FILL = """
    INSERT INTO events (application_id, occurred_at, event_type, endpoint_key, is_repeat, record)
    SELECT %s, now(), 'product.viewed', 'endpoint-' || n %% 1000, false, %s FROM generate_series(1, %s) AS n
"""
READ = """
    SELECT position, record::text FROM events WHERE application_id = %s AND position > %s ORDER BY position LIMIT 500
"""


# It hangs from a request to /hang on until one to /answer.
answers = asyncio.Event()
answers.set()


async def _change(request: web.Request) -> web.Response:
    (answers.clear if request.path == "/hang" else answers.set)()
    return web.Response()


async def _answer(request: web.Request) -> web.Response:
    body = await request.json()
    await answers.wait()
    answer: dict[str, Any] = {"StreamDescription": {"StreamStatus": "ACTIVE"}}
    if "Records" in body:
        results = [{"SequenceNumber": "1", "ShardId": "0"}] * len(body["Records"])
        answer = {"FailedRecordCount": 0, "Records": results}
    return web.Response(body=json.dumps(answer), content_type="application/x-amz-json-1.1")


def run_server() -> None:
    """Be the server; its port is the first line of the output."""

    async def run() -> None:
        app = web.Application(client_max_size=16 << 20)
        app.router.add_post("/", _answer)
        app.router.add_post("/hang", _change)
        app.router.add_post("/answer", _change)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


@contextmanager
def kinesis() -> Iterator[str]:
    """The URL of a server."""
    with subprocess.Popen([sys.executable, __file__, "server"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def read_log(server: Server, application_id: str, count: int) -> float:
    """Records a second, read as a reader reads them and dropped."""
    started, position, seen = time.perf_counter(), 0, 0
    while rows := server.database.execute(READ, (application_id, position)).fetchall():
        position, seen = rows[-1][0], seen + len(rows)
    if seen != count:
        raise NotMeasured(f"{seen} events in the log instead of {count}")
    return count / (time.perf_counter() - started)


def put_bare(url: str, count: int) -> float:
    """Records a second that the server takes from one client."""
    return asyncio.run(_put_bare(url, count))


async def _put_bare(url: str, count: int) -> float:
    from repoint.aws import open_client  # noqa: PLC0415 - the server's process has no use for it
    from repoint.tables import AwsCredentials, AwsService  # noqa: PLC0415 - likewise

    key = AwsCredentials(access_key_id="bench", secret_access_key="bench")  # type: ignore[arg-type]  # noqa: S106 - read
    service = AwsService(endpoint_url=url, credentials=key)
    records = [{"Data": RECORD.encode(), "PartitionKey": f"endpoint-{n}"} for n in range(BATCH)]
    async with open_client("kinesis", service, region="us-east-1", role_arn=ROLE) as client:
        started = time.perf_counter()
        for _ in range(count // BATCH):
            await client.put_records(StreamName="bench", Records=records)
        return count / (time.perf_counter() - started)


def stream(server: Server, application_id: str, count: int) -> float:
    """Records a second of a replay of the whole log; prints the worker's greatest memory."""
    reader = f"/repoint/v1/apps/{application_id}/event-readers"
    request = {"DestinationStreamArn": ARN, "RoleArn": ROLE}
    server.client.put_event_stream(ApplicationId=application_id, WriteEventStream=request)
    (worker, *_) = server.worker()
    before = _delivered(server, reader)
    started, most = time.perf_counter(), 0
    server.call("POST", f"{reader}/stream/replay", {"From": "2000-01-01T00:00:00Z"})
    while _delivered(server, reader) - before < count:
        most = max(most, psutil.Process(worker).memory_info().rss)
        time.sleep(0.05)
    seconds = time.perf_counter() - started
    print(f"  the worker had {most / (1 << 20):.0f} MiB at most")
    server.client.delete_event_stream(ApplicationId=application_id)
    return count / seconds


def _delivered(server: Server, reader: str) -> int:
    (found,) = server.call("GET", reader)["Item"]
    return int(found["Delivered"])


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=1_000_000)
    figure = Figure("log to a Kinesis-compatible server", "records/s", must=0.5, aim=0.8, more_is_better=True)
    with kinesis() as url:
        key = {"access_key_id": "bench", "secret_access_key": "bench"}
        settings = {"REPOINT_KINESIS": json.dumps({"endpoint_url": url, "credentials": key})}
        with serving(settings) as server, server.application() as application_id:
            server.database.execute(FILL, (application_id, RECORD, given.count))
            server.settle()
            for _ in range(given.runs):
                bound = min(read_log(server, application_id, given.count), put_bare(url, given.count // 5))
                figure.add(bound, stream(server, application_id, given.count))
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(run_server() if sys.argv[1:] == ["server"] else main())

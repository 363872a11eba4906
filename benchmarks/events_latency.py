"""How soon an event can be seen, and whether a sink that hangs is felt by who puts events.

One client puts one event a call and waits until `GET …/events` shows it, as `repoint events tail --follow` does; the
bound is the promise, 300 ms, against the 99th percentile. The same is printed while an import runs. Then one client
puts 20 events a call, with a stream to a server that answers, and with the same stream when the server hangs: the 95th
percentiles of the calls.
"""

import http.client
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from figure import Figure, arguments, exit_code
from population import endpoints
from server import BUCKET, NotMeasured, Server, serving
from signed import send
from stream_events import ARN, ROLE, kinesis

PROMISE_MS = 300.0
EVENTS = 20


def percentile(values: list[float], share: int) -> float:
    """The value that `share` per cent are below."""
    return statistics.quantiles(values, n=100)[share - 1]


def put(server: Server, connection: http.client.HTTPConnection, application_id: str, number: int, events: int) -> float:
    """Put events of one endpoint; the seconds that it took."""
    told = {
        f"{number}-{each}": {
            "EventType": "x",
            "Timestamp": "2026-11-21T10:00:00Z",
            "Attributes": {"n": f"{number}"},
        }
        for each in range(events)
    }
    batch = {"BatchItem": {f"e{number % 100}": {"Endpoint": {}, "Events": told}}}
    request = server.signer.sign("POST", f"/v1/apps/{application_id}/events", batch)
    started = time.perf_counter()
    status, body = send(connection, request)
    if status != 202:  # noqa: PLR2004 - Accepted
        raise NotMeasured(f"PutEvents was answered {status}: {body!r}")
    return time.perf_counter() - started


def visible_ms(server: Server, application_id: str, calls: int) -> float:
    """From PutEvents' answer to the event in a page of the log, 99th percentile."""
    writing, reading = server.signer.connect(), server.signer.connect()
    path = f"/repoint/v1/apps/{application_id}/events"
    after = _page(server, reading, f"{path}?last=0")["After"]
    durations = []
    for number in range(calls):
        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(_look, server, reading, f"{path}?after={after}&wait=20")
            put(server, writing, application_id, number, 1)
            answered_at = time.perf_counter()
            after, seen_at = looking.result()
        durations.append(max(0.0, seen_at - answered_at) * 1000)
    return percentile(durations, 99)


def _look(server: Server, connection: http.client.HTTPConnection, path: str) -> tuple[str, float]:
    """Where the next page begins, and when this one was there."""
    after: str = _page(server, connection, path)["After"]
    return after, time.perf_counter()


def _page(server: Server, connection: http.client.HTTPConnection, path: str) -> Any:
    status, body = send(connection, server.signer.sign("GET", path))
    if status != 200:  # noqa: PLR2004 - OK
        raise NotMeasured(f"{path} was answered {status}: {body!r}")
    return json.loads(body)


def put_p95_ms(server: Server, application_id: str, calls: int) -> float:
    """The 95th percentile of the calls."""
    connection = server.signer.connect()
    return percentile([put(server, connection, application_id, n, EVENTS) * 1000 for n in range(calls)], 95)


def tell(url: str, path: str) -> None:
    """Have the sink hang or answer."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    connection.request("POST", path)
    connection.getresponse().read()
    connection.close()


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, calls=200, endpoints=1_000_000)
    visible = Figure("accepted to visible, p99", "ms", must=1.0)
    hanging = Figure("PutEvents with a sink that hangs, p95", "ms", must=1.5)
    with kinesis() as url, tempfile.TemporaryDirectory() as folder:
        key = {"access_key_id": "bench", "secret_access_key": "bench"}
        settings = {"REPOINT_KINESIS": json.dumps({"endpoint_url": url, "credentials": key})}
        with serving(settings) as server, server.application() as application_id:
            for _ in range(given.runs):
                visible.add(PROMISE_MS, visible_ms(server, application_id, given.calls))
            _while_importing(server, application_id, Path(folder), given.endpoints, given.calls)
            request = {"DestinationStreamArn": ARN, "RoleArn": ROLE}
            server.client.put_event_stream(ApplicationId=application_id, WriteEventStream=request)
            for _ in range(given.runs):
                answering = put_p95_ms(server, application_id, given.calls)
                tell(url, "/hang")
                hanging.add(answering, put_p95_ms(server, application_id, given.calls))
                tell(url, "/answer")
    return exit_code([visible, hanging])


def _while_importing(server: Server, application_id: str, folder: Path, count: int, calls: int) -> None:
    """Print how soon events can be seen while an import of another application runs."""
    path = folder / "import.ndjson"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(endpoint)}\n" for endpoint in endpoints(count))
    server.bucket.mkdir(parents=True, exist_ok=True)
    path.replace(server.bucket / path.name)
    with server.application() as other:
        request = {"Format": "JSON", "RegisterEndpoints": True, "RoleArn": ROLE, "S3Url": f"s3://{BUCKET}/{path.name}"}
        job = server.client.create_import_job(ApplicationId=other, ImportJobRequest=request)["ImportJobResponse"]
        p99_ms = visible_ms(server, application_id, calls)
        now = server.client.get_import_job(ApplicationId=other, JobId=job["Id"])["ImportJobResponse"]
        print(f"  while an import ran, {now.get('TotalProcessed', 0):,} rows of {count:,} far: p99 {p99_ms:.0f} ms")


if __name__ == "__main__":
    sys.exit(main())

"""PutEvents, signed, on one API process: 32 connections of `wrk` send requests that were signed before.

Each request has 100 events of 20 endpoints, five each; in the first figure with the endpoint in full, in the second
with `Endpoint: {}`. The bound is the log alone: COPY of the very records that the calls left there into the log table,
in chunks of 1 MB on one connection:

    COPY events (application_id, occurred_at, event_type, endpoint_key, event_hash, is_repeat, record) FROM STDIN

Needs `wrk`, which is installed from the distribution where that can be done.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figure import Figure, arguments, exit_code
from population import endpoints
from server import NotMeasured, Server, serving
from update_endpoint import CONNECTIONS, output, require_wrk

EVENTS = 100
ENDPOINTS = 20
CHUNK_BYTES = 1 << 20
NOBODY = "00000000-0000-0000-0000-000000000000"
IN = "COPY events (application_id, occurred_at, event_type, endpoint_key, event_hash, is_repeat, record) FROM STDIN"
OUT = """
    COPY (
        SELECT
            '00000000-0000-0000-0000-000000000000', occurred_at, event_type, endpoint_key, event_hash, is_repeat, record
        FROM events LIMIT 200000
    ) TO STDOUT
"""


class Load:
    """Two ways to put the same load on a server."""

    def __init__(self, server: Server, application_id: str, count: int, seconds: int) -> None:
        self._server = server
        self._seconds = seconds
        self._path = f"/v1/apps/{application_id}/events"
        self._endpoints = list(endpoints(count))

    def bound(self) -> float:
        """Records a second into the log table."""
        with self._server.database.cursor() as cursor:
            with cursor.copy(OUT) as copy:
                lines = [bytes(line) for line in copy]
            self._server.settle()
            started = time.perf_counter()
            with cursor.copy(IN) as copy:
                for chunk in _chunks(lines):
                    copy.write(chunk)
            seconds = time.perf_counter() - started
        self._server.database.execute("DELETE FROM events WHERE application_id = %s", (NOBODY,))
        return len(lines) / seconds

    def product(self, *, is_full: bool) -> float:
        """Events a second; every call must have been accepted."""
        self._server.settle()
        requests = self._server.folder / "requests"
        with requests.open("wb") as file:
            for number in range(len(self._endpoints) // ENDPOINTS):
                some = self._endpoints[number * ENDPOINTS : (number + 1) * ENDPOINTS]
                batch = {endpoint["Id"]: _item(endpoint, number, is_full=is_full) for endpoint in some}
                request = self._server.signer.sign("POST", self._path, {"BatchItem": batch}).raw()
                file.write(b"%d\n%s" % (len(request), request))
        command: list[str | Path] = ["wrk", "-t", "1", "-c", CONNECTIONS, "-d", f"{self._seconds}s", "--timeout", "20s"]
        command += ["-s", Path(__file__).with_name("replay.lua"), f"http://{self._server.signer.host}", "--", requests]
        told: dict[str, Any] = json.loads(output(command).splitlines()[-1])
        if told["refused"] or told["broken"]:
            raise NotMeasured(f"not every call was accepted: {told}")
        print(f"  half of the calls took {told['p50_ms']} ms or less, 99 % {told['p99_ms']} ms or less")
        return float(told["requests"] * EVENTS / told["us"] * 1e6)


def _item(endpoint: dict[str, Any], number: int, *, is_full: bool) -> dict[str, Any]:
    told = {name: value for name, value in endpoint.items() if name != "Id"}
    events = {
        f"{number}-{each}": {
            "EventType": "_session.start" if each == 0 else "product.viewed",
            "Timestamp": f"2026-11-21T10:00:{each:02}.123Z",
            "Attributes": {"product": f"p-{each}", "category": "books", "page": "/products/books"},
            "Metrics": {"price": 12.5, "position": float(each)},
            "Session": {"Id": f"s-{number}", "StartTimestamp": "2026-11-21T09:59:50Z"},
            "AppPackageName": "com.example.shop",
            "SdkName": "aws-amplify",
            "ClientSdkVersion": "6.0.1",
        }
        for each in range(EVENTS // ENDPOINTS)
    }
    return {"Endpoint": told if is_full else {}, "Events": events}


def _chunks(lines: list[bytes]) -> Iterator[bytes]:
    some: list[bytes] = []
    size = 0
    for line in lines:
        some.append(line)
        size += len(line)
        if size >= CHUNK_BYTES:
            yield b"".join(some)
            some, size = [], 0
    yield b"".join(some)


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=10_000, seconds=10)
    require_wrk()
    full = Figure("signed PutEvents, endpoints in full", "events/s", must=0.08, aim=0.15, more_is_better=True)
    bare = Figure("the same with Endpoint: {}", "events/s", must=1.5, aim=2, more_is_better=True)
    with serving() as server, server.application() as application_id:
        load = Load(server, application_id, given.count, given.seconds)
        load.product(is_full=True)
        for _ in range(given.runs):
            events = load.product(is_full=True)
            full.add(load.bound(), events)
            bare.add(events, load.product(is_full=False))
    return exit_code([full, bare])


if __name__ == "__main__":
    sys.exit(main())

"""UpdateEndpoint, signed, on one API process: 32 connections of `wrk` send requests that were signed before.

Each request changes one of 10,000 endpoints, naming every kind of member. The bound is what any such call must do at
least, one durable upsert of its own in the same PostgreSQL: UPSERT below on TABLE, run by

    pgbench --no-vacuum -M prepared -c 32 -j 2 -T 10 -D count=10000 -D document='{"Address": …}' -f upsert.sql

Needs `wrk`, which is installed from the distribution where that can be done.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from figure import Figure, arguments, exit_code
from population import endpoints
from server import NotMeasured, Server, program, serving
from signed import send

CONNECTIONS = "32"
TABLE = """
    CREATE TABLE bound_upsert (application_id uuid, endpoint_key text COLLATE "C", document jsonb NOT NULL,
                               PRIMARY KEY (application_id, endpoint_key))
"""
UPSERT = """
    \\set id random(1, :count)
    INSERT INTO bound_upsert
    VALUES ('00000000-0000-0000-0000-000000000000', 'endpoint-' || CAST(:id AS text), CAST(:document AS jsonb))
    ON CONFLICT (application_id, endpoint_key) DO UPDATE SET document = excluded.document;
"""


class Load:
    """Two ways to put the same load on a server."""

    def __init__(self, server: Server, application_id: str, count: int, seconds: int) -> None:
        self._server = server
        self._seconds = seconds
        # The path names the endpoint.
        self._calls = [
            (f"/v1/apps/{application_id}/endpoints/{endpoint.pop('Id')}", endpoint) for endpoint in endpoints(count)
        ]
        self._script = server.folder / "upsert.sql"
        self._script.write_text(UPSERT, encoding="ascii")
        server.database.execute(TABLE)

    def bound(self) -> float:
        """Upserts a second."""
        self._server.settle()
        command: list[str | Path] = [program("pgbench"), "--no-vacuum", "-M", "prepared", "-c", CONNECTIONS, "-j", "2"]
        command += ["-T", str(self._seconds), "-D", f"count={len(self._calls)}"]
        command += ["-D", f"document={json.dumps(self._calls[0][1])}", "-f", self._script, self._server.database_url]
        return float(re.findall(r"^tps = ([\d.]+)", output(command), re.MULTILINE)[0])

    def product(self) -> float:
        """Calls a second; every one must have been accepted."""
        self._server.settle()
        requests = self._server.folder / "requests"
        with requests.open("wb") as file:
            for path, document in self._calls:
                request = self._server.signer.sign("PUT", path, document).raw()
                file.write(b"%d\n%s" % (len(request), request))
        command: list[str | Path] = ["wrk", "-t", "1", "-c", CONNECTIONS, "-d", f"{self._seconds}s"]
        command += ["-s", Path(__file__).with_name("replay.lua"), f"http://{self._server.signer.host}", "--", requests]
        told: dict[str, Any] = json.loads(output(command).splitlines()[-1])
        if told["refused"] or told["broken"]:
            raise NotMeasured(f"not every call was accepted: {told}")
        print(f"  half of the calls took {told['p50_ms']} ms or less, 99 % {told['p99_ms']} ms or less")
        return float(told["requests"] / told["us"] * 1e6)

    def fill(self) -> None:
        """Write every row of the bound and of the product once, so that all calls are updates."""
        upsert = "INSERT INTO bound_upsert SELECT %s, 'endpoint-' || id, %s FROM generate_series(1, %s) AS id"
        parameters = ("00000000-0000-0000-0000-000000000000", json.dumps(self._calls[0][1]), len(self._calls))
        self._server.database.execute(upsert, parameters)
        connection = self._server.signer.connect()
        for path, document in self._calls:
            status, body = send(connection, self._server.signer.sign("PUT", path, document))
            if status != 202:  # noqa: PLR2004 - Accepted
                raise NotMeasured(f"a call was answered {status}: {body!r}")
        connection.close()


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=10_000, seconds=10)
    require_wrk()
    figure = Figure("signed UpdateEndpoint", "calls/s", must=0.1, aim=0.2, more_is_better=True)
    with serving() as server, server.application() as application_id:
        load = Load(server, application_id, given.count, given.seconds)
        load.fill()
        for _ in range(given.runs):
            bound = load.bound()
            figure.add(bound, load.product())
    return exit_code([figure])


def require_wrk() -> None:
    """Install `wrk` if it is missing and that is allowed, or say what to do."""
    if shutil.which("wrk") is None and shutil.which("apt-get") and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "wrk"], check=False, stdout=subprocess.DEVNULL)
    if shutil.which("wrk") is None:
        raise NotMeasured("the load generator `wrk` is missing; install it, on Debian: apt-get install wrk")


def output(command: list[str | Path]) -> str:
    """What a program prints; it must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotMeasured(f"{command[0]} failed: {done.stderr or done.stdout}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())

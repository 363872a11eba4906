"""Export of 1,000,000 endpoints to `.gz` objects in the bucket, from CreateExportJob to COMPLETED.

The bound makes the same documents in the same PostgreSQL, with the plan that the server likes best, and throws them
away where they are made, neither sent nor packed nor stored:

    COPY (SELECT endpoint_document(e, u)
          FROM endpoints e LEFT JOIN users u USING (application_id, user_key)) TO '/dev/null';
"""

import gzip
import shutil
import sys
import time

from figure import Figure, arguments, exit_code
from population import write_ndjson
from server import NotMeasured, Server, serving

BOUND = """
    COPY (SELECT endpoint_document(e, u)
          FROM endpoints e LEFT JOIN users u USING (application_id, user_key)) TO '/dev/null'
"""


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=1_000_000)
    figure = Figure(f"export of {given.count:,} endpoints", "s", must=1.3)
    with serving() as server:
        path = server.bucket / "endpoints.ndjson"
        write_ndjson(path, given.count)
        application = server.client.create_app(CreateApplicationRequest={"Name": "bench"})["ApplicationResponse"]
        server.import_s(application["Id"], path, given.count)
        server.database.execute("ANALYZE")
        for _ in range(given.runs):
            server.settle()
            bound_s = copy_s(server)
            figure.add(bound_s, server.export_s(application["Id"], "exports/", given.count))
            check(server, given.count)
    return exit_code([figure])


def copy_s(server: Server) -> float:
    """Seconds that the bound takes."""
    started = time.perf_counter()
    server.database.execute(BOUND)
    return time.perf_counter() - started


def check(server: Server, count: int) -> None:
    """Look that every endpoint is there, and take the objects away."""
    lines = 0
    for path in (server.bucket / "exports").glob("*.gz"):
        with gzip.open(path) as file:
            lines += sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    if lines != count:
        raise NotMeasured(f"{lines:,} lines were exported")
    shutil.rmtree(server.bucket / "exports")


if __name__ == "__main__":
    sys.exit(main())

"""Import of 250,000 endpoints that also fills a segment (DefineSegment), from CreateImportJob to COMPLETED.

The bound is the import of the same file without a segment. Beside it the import that only fills the segment
(RegisterEndpoints false) is measured, which may take no longer than one that registers. Each run imports into a fresh
application.
"""

import sys
from pathlib import Path

from figure import Figure, arguments, exit_code
from population import write_ndjson
from server import NotMeasured, Server, serving

SEGMENT = "SELECT document -> 'ImportDefinition' ->> 'Size' FROM documents WHERE kind = 'segment'"


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=250_000)
    both = Figure("import with DefineSegment", "s", must=1.3)
    only = Figure("import into a segment alone", "s", must=1.3)
    with serving() as server:
        path = server.bucket / "endpoints.ndjson"
        write_ndjson(path, given.count)
        for _ in range(given.runs):
            bound_s = import_s(server, path, given.count)
            both.add(bound_s, import_s(server, path, given.count, DefineSegment=True))
            only.add(bound_s, import_s(server, path, given.count, DefineSegment=True, RegisterEndpoints=False))
    return exit_code([both, only])


def import_s(server: Server, path: Path, count: int, **members: bool) -> float:
    """Seconds of one import into a fresh application, whose segment must hold every row."""
    with server.application() as application_id:
        taken_s = server.import_s(application_id, path, count, **members)
        if "DefineSegment" in members and server.value(SEGMENT) != f"{count}":
            raise NotMeasured("the segment does not hold every row")
    return taken_s


if __name__ == "__main__":
    sys.exit(main())

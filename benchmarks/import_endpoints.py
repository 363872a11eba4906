"""Import of 250,000 endpoints from the bucket, from CreateImportJob to COMPLETED, and of the same file once more.

The bound is what any import must do at least, make the same bytes durable in the same PostgreSQL:

    CREATE TABLE bound_lines (line text);
    COPY bound_lines FROM STDIN;   -- the file's own lines, sent in chunks of 1 MB, committed

Each run imports into a fresh application. All rows of the second import are updates; its bound is the first one.
"""

import sys
import time
from pathlib import Path

from figure import Figure, arguments, exit_code
from population import write_csv, write_ndjson
from server import NotMeasured, Server, serving

CHUNK_BYTES = 1_000_000
FILES = {"NDJSON": ("endpoints.ndjson", write_ndjson), "CSV": ("endpoints.csv", write_csv)}


def main() -> int:
    """Measure both formats; the exit code."""
    given = arguments(__doc__, count=250_000)
    figures = []
    with serving() as server:
        for file_format, (name, write) in FILES.items():
            path = server.bucket / name
            write(path, given.count)
            first = Figure(f"{file_format} import", "s", must=4, aim=2.5)
            again = Figure(f"{file_format} import of the same file again", "s", must=1.5)
            figures += [first, again]
            for _ in range(given.runs):
                run(server, path, given.count, first, again)
            path.unlink()
    return exit_code(figures)


def run(server: Server, path: Path, count: int, first: Figure, again: Figure) -> None:
    """One bound and the product after it."""
    bound_s = copy_s(server, path)
    with server.application() as application_id:
        first_s = server.import_s(application_id, path, count)
        first.add(bound_s, first_s)
        again.add(first_s, server.import_s(application_id, path, count))


def copy_s(server: Server, path: Path) -> float:
    """Seconds that the bound takes."""
    server.database.execute("CREATE TABLE bound_lines (line text)")
    started = time.perf_counter()
    with server.database.cursor().copy("COPY bound_lines FROM STDIN") as copy, path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            copy.write(chunk)
    taken_s = time.perf_counter() - started
    # The text format of COPY takes lines as they are, as long as none has a tab or a backslash.
    if server.value("SELECT sum(octet_length(line) + 1) FROM bound_lines") != path.stat().st_size:
        raise NotMeasured("COPY did not take the lines as they are")
    server.database.execute("DROP TABLE bound_lines")
    server.settle()
    return taken_s


if __name__ == "__main__":
    sys.exit(main())

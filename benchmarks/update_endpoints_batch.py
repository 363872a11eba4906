"""UpdateEndpointsBatch of 100, signed, on one API process: 250,000 new endpoints over 8 connections, in rows a second.

The bound is the product's own import of the same endpoints, CreateImportJob to COMPLETED, also in rows a second. Either
writes into a fresh application. Batches are signed before the time is taken; a batch must be accepted at once.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from figure import Figure, arguments, exit_code
from population import Endpoint, endpoints, write_ndjson
from server import NotMeasured, Server, serving
from signed import Request, send

BATCH = 100
CONNECTIONS = 8


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=250_000)
    figure = Figure("UpdateEndpointsBatch of 100", "rows/s", must=0.3, more_is_better=True)
    with serving() as server:
        path = server.bucket / "endpoints.ndjson"
        write_ndjson(path, given.count)
        for _ in range(given.runs):
            with server.application() as application_id:
                bound_s = server.import_s(application_id, path, given.count)
            with server.application() as application_id:
                product_s = send_s(server, application_id, given.count)
            figure.add(given.count / bound_s, given.count / product_s)
    return exit_code([figure])


def send_s(server: Server, application_id: str, count: int) -> float:
    """Seconds from the first batch to the last answer."""
    path = f"/v1/apps/{application_id}/endpoints"
    requests = [server.signer.sign("PUT", path, {"Item": items}) for items in batches(endpoints(count))]
    # Each connection sends every eighth batch, one after the other.
    shares = [requests[start::CONNECTIONS] for start in range(CONNECTIONS)]
    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(lambda share: send_all(server, share), shares))
    return time.perf_counter() - started


def batches(items: Iterator[Endpoint]) -> Iterator[list[Endpoint]]:
    """The items in lists of 100."""
    while batch := list(islice(items, BATCH)):
        yield batch


def send_all(server: Server, requests: list[Request]) -> None:
    """Send requests over one connection; each must be accepted."""
    connection = server.signer.connect()
    for request in requests:
        status, body = send(connection, request)
        if status != 202:  # noqa: PLR2004 - Accepted
            raise NotMeasured(f"a batch was answered {status}: {body!r}")
    connection.close()


if __name__ == "__main__":
    sys.exit(main())

"""Members of a segment of 500,000 among 1,000,000 endpoints, read in batches by the reader that exports and runs use.

The bound sends the same ids out of the same PostgreSQL in one go and in no order: `COPY (SELECT …) TO STDOUT`. That is
done for a dynamic segment and for a list that was imported. The memory of the reading process is looked at, and how
many ids come in a second over HTTP is printed.
"""

import asyncio
import json
import resource
import sys
import time
from datetime import UTC, datetime

from figure import Figure, arguments, exit_code
from segment_population import CRITERIA, fill
from server import NotMeasured, Server, serving
from signed import send

from repoint.db.pool import Database
from repoint.segments.audience import load_audience
from repoint.segments.members import read_members

DYNAMIC = """
    COPY (SELECT endpoint_key FROM endpoints
          WHERE application_id = %(application_id)s AND (metrics ->> 'Visits')::double precision >= 50) TO STDOUT
"""
LISTED = """
    COPY (SELECT e.endpoint_key FROM segment_members m JOIN endpoints e USING (application_id, endpoint_key)
          WHERE m.application_id = %(application_id)s AND m.segment_id = %(segment_id)s) TO STDOUT
"""
LIST = """
    INSERT INTO segment_members SELECT application_id, %(segment_id)s, 1, endpoint_key FROM endpoints
    WHERE application_id = %(application_id)s AND (metrics ->> 'Visits')::double precision >= 50
"""
IMPORTED = """
    WITH segment AS (
        INSERT INTO documents (kind, id, application_id, document, tags, created_at, modified_at, version)
        VALUES ('segment', %(segment_id)s, %(application_id)s, '{"ImportDefinition": {}}', '{}', now(), now(), 1)
        RETURNING *)
    INSERT INTO document_versions SELECT kind, id, version, document, modified_at FROM segment
"""
LISTED_ID = "0123456789abcdef0123456789abcdef"
MAX_GROWTH_MB = 32
PAGES = 20


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=1_000_000)
    figures = [
        Figure(f"members, {kind} segment of {given.count // 2:,}", "ids/s", must=0.5, more_is_better=True)
        for kind in ("dynamic", "imported")
    ]
    with serving() as server:
        application = server.client.create_app(CreateApplicationRequest={"Name": "bench"})["ApplicationResponse"]["Id"]
        fill(server.database, application, given.count)
        answer = server.client.create_segment(
            ApplicationId=application, WriteSegmentRequest={"Dimensions": CRITERIA[2]}
        )
        segments = {DYNAMIC: answer["SegmentResponse"]["Id"], LISTED: LISTED_ID}
        for statement in (IMPORTED, LIST):
            server.database.execute(statement, {"application_id": application, "segment_id": LISTED_ID})
        server.database.execute("VACUUM ANALYZE segment_members")
        for _ in range(given.runs):
            for figure, (bound, segment_id) in zip(figures, segments.items(), strict=True):
                count, rate = copied(server, bound, application, segment_id)
                figure.add(rate, asyncio.run(read(server, application, segment_id, count)))
        print(f"\nover HTTP: {over_http(server, application, segments[DYNAMIC]):,.0f} ids/s")
    return exit_code(figures)


def copied(server: Server, bound: str, application_id: str, segment_id: str) -> tuple[int, float]:
    """How many ids the bound sends, and how many in a second."""
    started, count = time.perf_counter(), 0
    with server.database.cursor().copy(bound, {"application_id": application_id, "segment_id": segment_id}) as rows:
        for _ in rows:
            count += 1
    return count, count / (time.perf_counter() - started)


async def read(server: Server, application_id: str, segment_id: str, count: int) -> float:
    """Ids in a second by the reader, which must find all and keep none."""
    database = Database(server.database_url)
    await database.open()
    found, memory_mb, started = 0, _peak_mb(), time.perf_counter()
    async with database.connection() as db:
        audience = await load_audience(db, application_id, segment_id, at=datetime.now(UTC))
    async for batch in read_members(database, audience):
        found += len(batch.keys)
    rate, growth_mb = found / (time.perf_counter() - started), _peak_mb() - memory_mb
    await database.close()
    if found != count or growth_mb > MAX_GROWTH_MB:
        raise NotMeasured(f"{found:,} of {count:,} members were read, memory grew by {growth_mb:.0f} MB")
    return rate


def over_http(server: Server, application_id: str, segment_id: str) -> float:
    """Ids in a second by the first pages of the operation."""
    path = f"/repoint/v1/apps/{application_id}/segments/{segment_id}/members?page-size=1000"
    connection, started, found, token = server.signer.connect(), time.perf_counter(), 0, ""
    for _ in range(PAGES):
        page = json.loads(send(connection, server.signer.sign("GET", path + token))[1])
        found += len(page["Item"])
        if "NextToken" not in page:
            break
        token = f"&token={page['NextToken']}"
    return found / (time.perf_counter() - started)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())

"""The worker's side of an export: ranges of endpoint keys become `.gz` objects, one a piece (jobs.md section 11).

Which keys make a piece, and who the members of a segment are, is fixed when the job starts; a piece begun by a killed
worker is written anew. Endpoints are read in short statements, each over before its lines go to the bucket, while the
next one runs.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from isal import isal_zlib

from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db
from repoint.db.queries import Query, load_queries
from repoint.files.file import Files, FilesError
from repoint.files.store import open_files
from repoint.jobs.job import Outcome, Q, Work, fail_job, finish_job, stays, take_job
from repoint.jobs.objects import parse_url
from repoint.queue import TaskContext, enqueue, task
from repoint.resources.clearing import clears
from repoint.segments.audience import Audience, load_audience
from repoint.segments.imported import Imported
from repoint.segments.members import fix_members
from repoint.segments.segment import SEGMENTS
from repoint.segments.sources import EvaluationError

SEGMENT_QUERIES = load_queries("repoint.segments")

log = structlog.get_logger()

# jobs.md section 10.
PIECE_ENDPOINTS = 100_000
# Pieces that are written at once.
_AT_ONCE = min(os.cpu_count() or 2, 4)
# One statement reads this many.
_READ_AT_ONCE = 2_000
_GZIP_WINDOW_BITS = 31
_FASTEST = 1


class Part(NamedTuple):
    """Lines of a piece that were read in one statement; None for none."""

    lines: str | None
    endpoints: int
    # None when there was nothing left to read.
    last_key: str | None


@dataclass(frozen=True, slots=True)
class Piece:
    """Endpoints with keys above `after_key` up to `last_key`; none when both are empty."""

    piece_no: int
    after_key: str
    last_key: str


class ExportError(Exception):
    """The export cannot be finished, whoever tries; the text is what the job reports."""


clears(Q.clear_pieces)
clears(Q.clear_job_members)


# One job at a time in a worker (jobs.md section 12), so that its memory is that of one. The job counts its own tries.
@task(retries=None, is_alone=True)
async def run_export(context: TaskContext, *, application_id: str, job_id: str) -> None:
    """Bring an export job to its end, from the first piece that is not written."""
    work = await take_job(context, application_id, job_id, _wind_up)
    prefix = work.definition["S3UrlPrefix"]
    if work.is_given_up:
        await fail_job(work, f"{prefix}: Given up after several tries")
        return
    try:
        if not work.row["total_pieces"] and not await _begin(work):
            log.info("Export job waits for an import", job_id=job_id)
            return
        async with open_files(context.settings, role_arn=work.definition["RoleArn"]) as files:
            await _write_pieces(work, files)
    except FilesError as error:
        await fail_job(work, f"{prefix}: {stays(work, error)}")
        return
    except (ExportError, EvaluationError) as error:
        await fail_job(work, f"{prefix}: {error}")
        return
    await finish_job(work)
    log.info("Export job ended", job_id=job_id)


async def _wind_up(db: Db, work: Work, _outcome: Outcome) -> None:
    await db.execute(Q.delete_pieces, work.key)
    await db.execute(Q.delete_job_members, work.key)


async def wake_waiting(db: Db, imported: Imported) -> None:
    """Queue the exports that may have waited for an import to close this version of its segment."""
    for row in await db.rows(Q.wake_exports, {"application_id": imported.application_id}):
        await enqueue(db, run_export, application_id=imported.application_id, job_id=row["id"])


async def _begin(work: Work) -> bool:
    """Fix the members, if it is a segment's export, and the pieces; False when an import has to end first."""
    async with work.context.database.transaction() as db:
        await work.claim.confirm(db)
        if work.row["segment_id"] is None:
            await _cut_pieces(db, work, Q.last_key, Q.piece_end)
            return True
        audience = await _filled_audience(db, work)
        if audience is None:
            return False
        await db.execute(Q.delete_job_members, work.key)
        await fix_members(db, audience, work.job_id)
        await _cut_pieces(db, work, Q.last_member, Q.member_piece_end)
        return True


async def _filled_audience(db: Db, work: Work) -> Audience | None:
    """Whom the job writes, all imports below having ended; None when it has to wait for one.

    Looked up until it stays the same: an import may have ended, or a definition changed, while it was asked for.
    """
    audience, judged = await _audience(db, work), None
    while audience.versions() != judged:
        if await _must_wait(db, work, audience):
            return None
        judged = audience.versions()
        audience = await _audience(db, work)
    return audience


async def _audience(db: Db, work: Work) -> Audience:
    segment_id, version = work.row["segment_id"], work.row["segment_version"]
    try:
        return await load_audience(db, work.application_id, segment_id, version, at=work.context.now())
    except NotFoundException as error:
        raise _segment_gone(segment_id) from error


def _segment_gone(segment_id: str) -> ExportError:
    return ExportError(f"Segment not found: {segment_id}")


async def _must_wait(db: Db, work: Work, audience: Audience) -> bool:
    """Whether one of the versions that the members come from is still being filled; the job is PENDING_JOB then.

    Such an import is held while the job is noted as waiting, so that its end cannot be missed.
    """
    for version in audience.sources.below(audience.root):
        key = {"segment_id": version.segment_id, "version": version.number}
        if version.is_imported and await db.row(Q.hold_filling_import, {**work.key, **key}) is not None:
            await db.execute(Q.begin_waiting, work.key)
            return True
    return False


async def _cut_pieces(db: Db, work: Work, last: Query, end: Query) -> None:
    """Fix the ranges of keys that the pieces write; one empty piece when there is nobody."""
    await db.execute(Q.begin_cutting, work.key)
    await db.execute(Q.delete_pieces, work.key)
    very_last = await db.value(last, work.key) or ""
    count, after_key, last_key = 0, "", None
    while last_key != very_last:
        found = await db.value(end, {**work.key, "after_key": after_key, "endpoints": PIECE_ENDPOINTS})
        last_key = very_last if found is None else found
        piece = {"piece_no": count, "after_key": after_key, "last_key": last_key}
        await db.execute(Q.insert_piece, {**work.key, **piece})
        count, after_key = count + 1, last_key
    await db.execute(Q.end_cutting, {**work.key, "total_pieces": count})


async def _write_pieces(work: Work, files: Files) -> None:
    """Write what is left, some pieces at once: making documents keeps a processor of the database busy a connection.

    The first error ends them all.
    """
    async with work.context.database.connection() as db:
        left = iter([Piece(**row) for row in await db.rows(Q.pieces_left, work.key)])

    async def write_some() -> None:
        for piece in left:
            await _write(work, files, piece)

    writing = [asyncio.create_task(write_some()) for _ in range(_AT_ONCE)]
    try:
        await asyncio.gather(*writing)
    finally:
        for each in writing:
            each.cancel()
        await asyncio.gather(*writing, return_exceptions=True)


async def _write(work: Work, files: Files, piece: Piece) -> None:
    """Write one object and note that it is there. Raises FilesError and LostClaimError."""
    location = parse_url(work.definition["S3UrlPrefix"])
    assert location is not None  # noqa: S101 - checked when the job was created
    key = f"{location.key}{'/' if location.key and not location.key.endswith('/') else ''}"
    key += f"{work.job_id}_{piece.piece_no:05}.gz"
    packer = isal_zlib.compressobj(_FASTEST, wbits=_GZIP_WINDOW_BITS)
    written = 0
    async with files.write(location.bucket, key) as writer:
        async for part in _parts(work, piece):
            written += part.endpoints
            if packed := await asyncio.to_thread(packer.compress, (part.lines or "").encode()):
                await writer.write(packed)
        await writer.write(packer.flush())
        # What a worker writes that has been taken over must not replace what its successor wrote.
        await _confirm(work)
    async with work.context.database.transaction() as db:
        await work.claim.confirm(db)
        await db.execute(Q.delete_piece, {**work.key, "piece_no": piece.piece_no})
        if work.row["segment_id"] is not None:
            await db.execute(
                Q.delete_piece_members, {**work.key, "after_key": piece.after_key, "last_key": piece.last_key}
            )
        await db.execute(Q.advance_export, {**work.key, "processed": written})


async def _confirm(work: Work) -> None:
    """Raises LostClaimError, and ExportError when the segment was deleted meanwhile."""
    segment_id = work.row["segment_id"]
    async with work.context.database.connection() as db:
        await work.claim.confirm(db)
        if segment_id is not None and not await SEGMENTS.hold(db, segment_id, work.application_id):
            raise _segment_gone(segment_id)


async def _parts(work: Work, piece: Piece) -> AsyncGenerator[Part, None]:
    """The lines of a piece, part by part, the next one being read while one is taken."""
    reading = asyncio.create_task(_read(work, piece.after_key, piece.last_key))
    try:
        while (part := await reading).last_key is not None:
            reading = asyncio.create_task(_read(work, part.last_key, piece.last_key))
            yield part
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(work: Work, after_key: str, last_key: str) -> Part:
    parameters = {**work.key, "after_key": after_key, "last_key": last_key, "endpoints": _READ_AT_ONCE}
    if work.row["segment_id"] is None:
        async with work.context.database.connection() as db:
            [row] = await db.tuples(Q.read_lines, parameters)
        return Part(*row)
    async with work.context.database.transaction() as db:
        _, [row] = await db.together((SEGMENT_QUERIES.go_by_index, {}), (Q.read_member_lines, parameters))
    *part, lost_of = row
    if lost_of is not None:
        # The segment that the snapshot belonged to is being cleared away.
        raise _segment_gone(lost_of)
    return Part(*part)

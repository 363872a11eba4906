"""The worker's side of an export: ranges of endpoint keys become `.gz` objects, one a piece (jobs.md section 11).

Which keys make a piece is fixed when the job starts; a piece begun by a killed worker is written anew. Endpoints are
read in short statements, each over before its lines go to the bucket, while the next one runs.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import structlog
from isal import isal_zlib

from repoint.db.pool import Row
from repoint.files.file import Files, FilesError
from repoint.files.store import open_files
from repoint.jobs.job import Q, Work, fail_job, finish_job, stays, take_job
from repoint.jobs.objects import parse_url
from repoint.queue import TaskContext, task

log = structlog.get_logger()

# jobs.md section 10.
PIECE_ENDPOINTS = 100_000
# Pieces that are written at once.
_AT_ONCE = min(os.cpu_count() or 2, 4)
# One statement reads this many.
_READ_AT_ONCE = 2_000
_GZIP_WINDOW_BITS = 31
_FASTEST = 1


@dataclass(frozen=True, slots=True)
class Piece:
    """Endpoints with keys above `after_key` up to `last_key`; none when both are empty."""

    piece_no: int
    after_key: str
    last_key: str


@task(retries=20)
async def run_export(context: TaskContext, *, application_id: str, job_id: str) -> None:
    """Bring an export job to its end, from the first piece that is not written."""
    async with take_job(context, application_id, job_id) as work:
        if work.is_given_up:
            await fail_job(work, f"{work.definition['S3UrlPrefix']}: Given up after several tries")
            return
        if not work.row["total_pieces"]:
            await _cut_pieces(work)
        try:
            async with open_files(context.settings, role_arn=work.definition["RoleArn"]) as files:
                await _write_pieces(work, files)
        except FilesError as error:
            await fail_job(work, f"{work.definition['S3UrlPrefix']}: {stays(work, error)}")
            return
        await finish_job(work)
    log.info("Export job ended", job_id=job_id)


async def _cut_pieces(work: Work) -> None:
    """Fix the ranges of keys that the pieces write; one empty piece when there is no endpoint."""
    async with work.context.database.transaction() as db:
        await work.claim.confirm(db)
        await db.execute(Q.begin_cutting, work.key)
        await db.execute(Q.delete_pieces, work.key)
        very_last = await db.value(Q.last_key, work.key) or ""
        count, after_key, last_key = 0, "", None
        while last_key != very_last:
            end = await db.value(Q.piece_end, {**work.key, "after_key": after_key, "endpoints": PIECE_ENDPOINTS})
            last_key = very_last if end is None else end
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
            written += part["endpoints"]
            if packed := await asyncio.to_thread(packer.compress, part["lines"].encode()):
                await writer.write(packed)
        await writer.write(packer.flush())
        # What a worker writes that has been taken over must not replace what its successor wrote.
        await _confirm(work)
    async with work.context.database.transaction() as db:
        await work.claim.confirm(db)
        await db.execute(Q.delete_piece, {**work.key, "piece_no": piece.piece_no})
        await db.execute(Q.advance_export, {**work.key, "processed": written})


async def _confirm(work: Work) -> None:
    async with work.context.database.connection() as db:
        await work.claim.confirm(db)


async def _parts(work: Work, piece: Piece) -> AsyncGenerator[Row, None]:
    """The lines of a piece, part by part, the next one being read while one is taken."""
    reading = asyncio.create_task(_read(work, piece.after_key, piece.last_key))
    try:
        while (part := await reading)["endpoints"]:
            reading = asyncio.create_task(_read(work, part["last_key"], piece.last_key))
            yield part
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(work: Work, after_key: str, last_key: str) -> Row:
    parameters = {**work.key, "after_key": after_key, "last_key": last_key, "endpoints": _READ_AT_ONCE}
    async with work.context.database.connection() as db:
        row = await db.row(Q.read_lines, parameters)
    assert row is not None  # noqa: S101 - an aggregate is one row
    return row

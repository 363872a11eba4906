"""The worker's side of an import: cut what lies under the URL into pieces, then apply it line after line.

Every batch of lines is one transaction that holds the endpoints, the counters and the place to go on, so a worker that
is killed costs nothing but what it had not committed. Objects are read and parsed ahead of that, in file order.
"""

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, replace

import structlog

from repoint.contract.errors import NotFoundException
from repoint.db.pool import Db
from repoint.files.file import Files, FilesError, url
from repoint.files.store import open_files
from repoint.jobs.apply import apply
from repoint.jobs.cut import PIECE_DEFINITIONS, cut_pieces
from repoint.jobs.errors import RowFailure, keep_errors
from repoint.jobs.exports import wake_waiting
from repoint.jobs.formats import Format, Row, report
from repoint.jobs.job import Outcome, Q, Work, fail_job, finish_job, stays, take_job
from repoint.jobs.lines import Block, ObjectError, after_line, blocks, short_lines, unpack
from repoint.jobs.objects import CompressedError, parse_url
from repoint.jobs.parsers import Parsers, Request, open_parsers
from repoint.queue import LostClaimError, TaskContext, enqueue, task
from repoint.resources.clearing import clear_application
from repoint.resources.lock import hold_application, lock_application
from repoint.segments.imported import finish, hold
from repoint.settings import Settings

log = structlog.get_logger()

# A batch of long lines is applied before it has the rows it might have.
MAX_BATCH_BYTES = 4 * 1024 * 1024
_MAX_PARSE_PROCESSES = 4
# jobs.md section 10.
MAX_FAILURES = 100
# Objects are fetched in groups of this size.
_FETCHED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Source:
    """An object of the import, and where in it the job stands."""

    object_no: int
    key: str
    etag: str
    pieces: int
    header: str
    failure: str | None
    # The last line applied.
    line_no: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What is applied in one transaction: a block's rows, or that the rest of an object has failed."""

    source: Source
    last_line_no: int = 0
    rows: asyncio.Task[list[Row]] | None = None
    # The object ends with it.
    is_last: bool = True
    failure: str | None = None


class SegmentGoneError(Exception):
    """The segment that the import fills was deleted."""


# One job at a time in a worker (jobs.md section 12), so that its memory is that of one. The job counts its own tries.
@task(retries=None, is_alone=True)
async def run_import(context: TaskContext, *, application_id: str, job_id: str) -> None:
    """Bring an import job to its end, from where it stands."""
    work = await take_job(context, application_id, job_id, _wind_up)
    s3_url = work.definition["S3Url"]
    try:
        await _run(work)
    except FilesError as error:
        await fail_job(work, f"{s3_url}: {stays(work, error)}")
    except SegmentGoneError:
        await fail_job(work, f"{s3_url}: Segment not found: {work.row['segment_id']}")


async def _run(work: Work) -> None:
    s3_url, file_format = work.definition["S3Url"], work.definition["Format"]
    location = parse_url(s3_url)
    assert location is not None  # noqa: S101 - checked when the job was created
    if work.is_given_up:
        await fail_job(work, f"{s3_url}: Given up after several tries")
        return
    async with open_files(work.context.settings, role_arn=work.definition["RoleArn"]) as files:
        if not work.row["total_pieces"]:
            try:
                pieces = await cut_pieces(work, files, location)
            except CompressedError:
                pieces = 0
            if not pieces:
                await fail_job(work, f"{s3_url}: No objects with format {file_format} found")
                return
        async with open_parsers(_parse_processes(work.context.settings)) as parsers:
            steps = _steps(work, files, parsers, location.bucket, file_format)
            with _rare_collections():
                await _apply_all(work, location.bucket, ahead(steps, size=1))
    if work.imported is not None:
        async with work.context.database.transaction() as db:
            await work.claim.confirm(db)
            await db.execute(Q.begin_completing, work.key)
    await finish_job(work)
    log.info("Import job ended", job_id=work.job_id)


async def _wind_up(db: Db, work: Work, outcome: Outcome) -> None:
    """Close the segment with what it holds, also when the job FAILED, and drop what only the job needed."""
    await db.execute(Q.delete_objects, work.key)
    if work.is_dry_run:
        await enqueue(db, clear_application, application_id=work.job_id)
    if work.imported is not None:
        await finish(db, work.imported, outcome.imported, is_complete=outcome.is_complete)
        await wake_waiting(db, work.imported)


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Look for cycles a few times a batch, not at every 700 of its many rows, which hold none: a sixth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(100_000, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _parse_processes(settings: Settings) -> int:
    return settings.import_parse_processes or max(1, min((os.cpu_count() or 2) - 1, _MAX_PARSE_PROCESSES))


async def _sources(work: Work) -> AsyncIterator[Source]:
    """The objects that are left, the first one from where the job stands in it."""
    row = work.row
    line_no, next_no = row["line_no"], row["object_no"]
    while True:
        parameters = {**work.key, "object_no": next_no, "rows": _FETCHED_AT_ONCE}
        async with work.context.database.connection() as db:
            found = await db.rows(Q.next_objects, parameters)
        if not found:
            return
        for source in found:
            yield Source(**source, line_no=line_no)
            line_no = 0
        next_no = found[-1]["object_no"] + 1


async def _steps(
    work: Work, files: Files, parsers: Parsers, bucket: str, file_format: Format
) -> AsyncGenerator[Step, None]:
    """All steps that are left, in file order; blocks are handed to the parsers as they are read."""
    async for source in _sources(work):
        if source.failure is not None:
            yield Step(source, failure=source.failure)
            continue
        step = Step(source, source.line_no)
        try:
            async with contextlib.aclosing(_blocks(work, files, bucket, source, file_format)) as found:
                async for block in found:
                    if step.rows is not None:
                        yield replace(step, is_last=False)
                    keeps_status = work.row["keeps_status"]
                    request = Request(file_format, source.header, block.first_line_no, block.data, keeps_status)
                    step = Step(source, block.last_line_no, parsers.start(request))
        except FilesError as error:
            yield replace(step, failure=stays(work, error))
        except ObjectError as error:
            yield replace(step, failure=str(error))
        else:
            yield step


async def _blocks(
    work: Work, files: Files, bucket: str, source: Source, file_format: Format
) -> AsyncGenerator[Block, None]:
    # A CSV file's rows begin behind its header.
    done = max(source.line_no, 1 if file_format == "CSV" else 0)
    async with contextlib.aclosing(files.read(bucket, source.key, etag=source.etag)) as chunks:
        text = await unpack(chunks)
        lines = short_lines(after_line(text.chunks, done))
        max_lines = work.context.settings.import_batch_rows
        async for block in blocks(lines, first_line_no=done + 1, max_lines=max_lines, max_bytes=MAX_BATCH_BYTES):
            yield block


async def ahead(steps: AsyncGenerator[Step, None], *, size: int) -> AsyncGenerator[Step, None]:
    """The same steps, up to `size` of them prepared while one is applied."""
    waiting: asyncio.Queue[Step | Exception | None] = asyncio.Queue(size)

    async def prepare() -> None:
        try:
            async for step in steps:
                await waiting.put(step)
            await waiting.put(None)
        except Exception as error:  # noqa: BLE001 - it is raised where the steps are taken
            await waiting.put(error)

    preparing = asyncio.create_task(prepare())
    try:
        while (step := await waiting.get()) is not None:
            if isinstance(step, Exception):
                raise step
            yield step
    finally:
        preparing.cancel()
        await asyncio.gather(preparing, return_exceptions=True)
        await steps.aclose()


async def _apply_all(work: Work, bucket: str, steps: AsyncGenerator[Step, None]) -> None:
    # How many definitions of the current object have been applied.
    count = work.row["definition_count"]
    async with contextlib.aclosing(steps):
        async for step in steps:
            rows = await step.rows if step.rows is not None else []
            await _apply(work, url(bucket, step.source.key), step, rows, count)
            count = 0 if step.is_last else count + len(rows)


async def _apply(work: Work, object_url: str, step: Step, rows: list[Row], count: int) -> None:
    """Commit a step: its endpoints, what became of its rows, and where the job goes on."""
    pieces_before, pieces_behind = _pieces_done(step.source, count), _pieces_done(step.source, count + len(rows))
    pieces_left = step.source.pieces - pieces_behind if step.is_last else 0
    async with work.context.database.transaction() as db:
        await _hold(db, work)
        outcome = await apply(db, work, rows)
        failures = [RowFailure(line_no, report(why)) for line_no, why in outcome.failures]
        progress = {
            "processed": sum(row.definitions for row in rows),
            "failed": len(failures),
            "statuses_ignored": outcome.statuses_ignored,
            "completed_pieces": pieces_behind - pieces_before + (0 if step.failure else pieces_left),
            "failed_pieces": pieces_left if step.failure else 0,
            "object_no": step.source.object_no + step.is_last,
            "line_no": 0 if step.is_last else step.last_line_no,
            "definition_count": 0 if step.is_last else count + len(rows),
        }
        if step.failure is not None:
            failures.append(RowFailure(None, step.failure))
        if failures:
            # A failure without rows comes behind the batch that ended with that line, perhaps in an earlier try.
            place = step.last_line_no + (step.rows is None)
            await keep_errors(db, work, object_url, failures, object_no=step.source.object_no, line_no=place)
        told = [failure.tell(object_url) for failure in failures[:MAX_FAILURES]]
        await db.execute(Q.advance_import, {**work.key, **progress, "failures": told})


async def _hold(db: Db, work: Work) -> None:
    """Keep what a batch is written to until it commits.

    Raises LostClaimError when the application or the job is gone, or the job another worker's, and SegmentGoneError.
    """
    # DeleteApp takes application and job in this order, too.
    if work.is_dry_run:
        try:
            await hold_application(db, work.application_id)
        except NotFoundException as error:
            raise LostClaimError("the application is gone") from error
    else:
        await lock_application(db, work.application_id)
    await work.claim.confirm(db)
    if work.imported is not None and not await hold(db, work.imported):
        raise SegmentGoneError


def _pieces_done(source: Source, count: int) -> int:
    """How many pieces so many definitions complete; the last one is complete only with its object."""
    return min(count // PIECE_DEFINITIONS, source.pieces - 1)

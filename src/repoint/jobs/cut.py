"""The first half of an import: each object is read once as a whole, checked, and cut into pieces (jobs.md section 10).

What makes an object unusable is found here, before any of its rows is applied: a bad header, bytes that are not UTF-8,
a gzip stream cut short, one byte over the size limit. Objects are noted with their ETags; what changes later fails.
"""

import contextlib
from dataclasses import dataclass

from repoint.files.file import FileObject, Files, FilesError
from repoint.jobs.columns import HeaderError, read_header
from repoint.jobs.formats import MAX_LINE_BYTES, Format, is_blank
from repoint.jobs.job import Q, Work, stays
from repoint.jobs.lines import ObjectError, Scan, unpack
from repoint.jobs.objects import Location, importable, over_limit

# jobs.md section 10.
PIECE_DEFINITIONS = 10_000
# Objects are noted in groups of this size.
_NOTED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Cut:
    """An object as it will be read; `failure` says why none of it can be."""

    item: FileObject
    pieces: int = 1
    # The first line of a CSV file.
    header: str = ""
    failure: str | None = None
    # Unpacked.
    size_bytes: int = 0


async def cut_pieces(work: Work, files: Files, location: Location) -> int:
    """Note what the import will read, and set TotalPieces; returns it, 0 when there is nothing to read.

    Raises FilesError when the bucket cannot be listed, and LostClaimError.
    """
    async with work.context.database.transaction() as db:
        await work.claim.confirm(db)
        await db.execute(Q.begin_cutting, work.key)
        await db.execute(Q.delete_objects, work.key)
    size_bytes, pieces, noted = 0, 0, 0
    waiting: list[Cut] = []
    async with contextlib.aclosing(importable(files, location, work.definition["Format"])) as items:
        async for item in items:
            room_bytes = work.context.settings.import_size_limit_bytes - size_bytes
            cut = await _cut(work, files, location.bucket, item, room_bytes)
            size_bytes += cut.size_bytes
            pieces += cut.pieces
            waiting.append(cut)
            if len(waiting) == _NOTED_AT_ONCE:
                noted = await _note(work, waiting, noted)
                waiting.clear()
    await _note(work, waiting, noted)
    if pieces:
        async with work.context.database.transaction() as db:
            await work.claim.confirm(db)
            await db.execute(Q.end_cutting, {**work.key, "total_pieces": pieces})
    return pieces


async def _note(work: Work, cuts: list[Cut], noted: int) -> int:
    """Write down objects in order; how many there are now."""
    rows = [
        {
            **work.key,
            "object_no": noted + i,
            "key": cut.item.key,
            "etag": cut.item.etag,
            "pieces": cut.pieces,
            "header": cut.header,
            "failure": cut.failure,
        }
        for i, cut in enumerate(cuts)
    ]
    async with work.context.database.transaction() as db:
        await work.claim.confirm(db)
        await db.execute_many(Q.insert_object, rows)
    return noted + len(cuts)


async def _cut(work: Work, files: Files, bucket: str, item: FileObject, room_bytes: int) -> Cut:
    scan = Scan()
    try:
        async with contextlib.aclosing(files.read(bucket, item.key, etag=item.etag)) as chunks:
            text = await unpack(chunks)
            await scan.read(text.chunks, max_bytes=room_bytes)
    except FilesError as error:
        return Cut(item, failure=stays(work, error))
    except ObjectError as error:
        return Cut(item, failure=str(error))
    if scan.size_bytes > room_bytes:
        return Cut(item, failure=over_limit(work.context.settings.import_size_limit_bytes))
    return _judge(item, scan, work.definition["Format"], is_packed=text.is_packed)


def _judge(item: FileObject, scan: Scan, file_format: Format, *, is_packed: bool) -> Cut:
    header, failure = "", None
    definitions = scan.line_count
    if file_format == "CSV":
        definitions -= not is_blank(scan.first_line)
        try:
            header = check_header(scan.first_line)
        except HeaderError as error:
            failure = str(error)
    if scan.bad_line_no is not None:
        failure = f"Not UTF-8 at line {scan.bad_line_no}"
    pieces = 1 if is_packed else max(1, -(-definitions // PIECE_DEFINITIONS))
    return Cut(item, pieces, header, failure, scan.size_bytes)


def check_header(line: bytes) -> str:
    """The first line of a CSV file as text, without its end; raises HeaderError when no row can be read by it."""
    if len(line) > MAX_LINE_BYTES:
        raise HeaderError(f"Invalid header: longer than {MAX_LINE_BYTES:,} bytes")
    try:
        header = line.decode().rstrip("\r")
    except UnicodeDecodeError as error:
        raise HeaderError("Invalid header: not UTF-8") from error
    read_header(header)
    return header

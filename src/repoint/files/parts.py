"""The parts of an upload: objects of the bucket itself, below `.repoint/uploads/<upload id>/`, until they are one.

So any API server can take any part, a part sent twice replaces itself, and the folder needs nothing that S3 lacks.
"""

from contextlib import aclosing

from repoint.contract.errors import BadRequestException, ConflictException
from repoint.files.file import RESERVED, FileObject, Files

PART_BYTES = 4 << 20
# 39 GiB an object: far above what one job imports.
MAX_PARTS = 10_000


async def put_part(files: Files, bucket: str, upload_id: str, number: int, body: bytes) -> None:
    """Keep part `number` (from 1), replacing an earlier one of this number. Raises FilesError."""
    async with files.write(bucket, _part_key(upload_id, number)) as writer:
        await writer.write(body)


async def join_parts(files: Files, bucket: str, upload_id: str, key: str, *, count: int) -> FileObject:
    """Write parts 1 to `count` as one object; a `count` of 0 is an empty one.

    Raises BadRequestException for a part that is missing or not counted, FilesError; then nothing appears.
    """
    parts = [found async for found in files.list(bucket, _folder(upload_id))] if count else []
    _check_complete(upload_id, {part.key for part in parts}, count)
    async with files.write(bucket, key) as writer:
        for part in parts:
            async with aclosing(files.read(bucket, part.key, etag=part.etag)) as chunks:
                async for chunk in chunks:
                    await writer.write(chunk)
    joined = await files.head(bucket, key)
    if joined is None:
        raise ConflictException(f"s3://{bucket}/{key} was removed at once")
    return joined


async def delete_parts(files: Files, bucket: str, upload_id: str) -> None:
    """Remove every part. Raises FilesError."""
    for key in [found.key async for found in files.list(bucket, _folder(upload_id))]:
        await files.delete(bucket, key)


def _check_complete(upload_id: str, there: set[str], count: int) -> None:
    for number in range(1, count + 1):
        if _part_key(upload_id, number) not in there:
            raise BadRequestException(f"Part {number} of {count} is missing")
    if len(there) > count:
        raise BadRequestException(f"Invalid Parts: {count}, but {len(there)} were sent")


def _folder(upload_id: str) -> str:
    return f"{RESERVED}uploads/{upload_id}/"


def _part_key(upload_id: str, number: int) -> str:
    return f"{_folder(upload_id)}{number:05d}"

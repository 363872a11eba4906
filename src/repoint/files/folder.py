"""Files in `<data folder>/files/<bucket>/…`, which stands in for S3 where none is configured.

Needs a file system that tells upper from lower case and keeps names as they are, as those of Linux do. Links are not
followed: a bucket holds only what lies in its own folder. Names and their exceptions: layout.py.
"""

import asyncio
import errno
import os
import stat
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from io import IOBase
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from repoint.files.file import FileChangedError, FileObject, FilesError, Writer, check_bucket, url
from repoint.files.layout import SCRATCH, check_folder_key, check_prefix, places
from repoint.files.look import etag as etag_of
from repoint.files.look import find, look
from repoint.files.place import make_folder, place
from repoint.files.walk import walk

CHUNK_BYTES = 1 << 20
PAGE_SIZE = 1000

T = TypeVar("T")


class FolderFiles:
    """`Files` below one folder; blocking calls run in threads."""

    def __init__(self, folder: Path) -> None:
        # Links above the buckets are the operator's own business: a data folder may live anywhere.
        self._folder = folder.resolve()

    async def list(self, bucket: str, prefix: str = "", *, after: str = "") -> AsyncGenerator[FileObject, None]:
        """See `Files.list`."""
        check_prefix(prefix)
        found = walk(await _run(self._bucket, bucket), prefix, after)
        while page := await _run(lambda: [*islice(found, PAGE_SIZE)]):
            for item in page:
                yield item

    async def head(self, bucket: str, key: str) -> FileObject | None:
        """See `Files.head`."""
        check_folder_key(key)
        return await _run(lambda: find(self._bucket(bucket), key))

    async def read(
        self, bucket: str, key: str, *, etag: str, start: int = 0, size_bytes: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """See `Files.read`; an object replaced after it was opened is read to its end as it was."""
        check_folder_key(key)
        with await _run(lambda: _open(self._bucket(bucket), key, start)) as file:
            left = size_bytes
            while left is None or left > 0:
                chunk, status = await _run(_next, file, CHUNK_BYTES if left is None else min(left, CHUNK_BYTES))
                # What was dropped in by hand may be written over in place.
                if etag_of(status) != etag:
                    raise FileChangedError(bucket, key)
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk

    @asynccontextmanager
    async def write(self, bucket: str, key: str) -> AsyncIterator[Writer]:
        """See `Files.write`; the first object makes the bucket."""
        check_folder_key(key)
        folder = await _run(lambda: self._bucket(bucket, make=True))
        file = await _run(_scratch, folder)
        try:
            writer = FolderWriter(file)
            yield writer
            await writer.flush()
            await _run(_finish, file, folder, key)
        finally:
            await _run(_discard, file)

    async def delete(self, bucket: str, key: str) -> None:
        """See `Files.delete`."""
        check_folder_key(key)
        await _run(lambda: _delete(self._bucket(bucket), key))

    def _bucket(self, bucket: str, *, make: bool = False) -> Path:
        check_bucket(bucket)
        folder = self._folder / bucket
        status = look(folder)
        if status and not stat.S_ISDIR(status.st_mode):
            raise FilesError("AccessDenied", f"{folder} is no folder")
        if not status and not make:
            raise FilesError("NoSuchBucket", f"the bucket {bucket} does not exist")
        make_folder(folder)
        return folder


class FolderWriter:
    """A `Writer` that gathers small pieces, so that a thread is asked once a chunk."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._buffer = bytearray()

    async def write(self, data: bytes | memoryview) -> None:
        """See `Writer.write`."""
        self._buffer += data
        if len(self._buffer) >= CHUNK_BYTES:
            await self.flush()

    async def flush(self) -> None:
        """Hand on what is gathered."""
        gathered, self._buffer = self._buffer, bytearray()
        await _run(self._file.write, gathered)


def _open(bucket: Path, key: str, start: int) -> BinaryIO:
    for path in places(bucket, key):
        status = look(path)
        if status and stat.S_ISREG(status.st_mode):
            # It may just have made way for a folder; then it is at its next place.
            with suppress(FileNotFoundError, IsADirectoryError):
                file = path.open("rb")
                file.seek(start)
                return file
    raise FilesError("NoSuchKey", f"{url(bucket.name, key)} does not exist")


def _next(file: BinaryIO, size_bytes: int) -> tuple[bytes, os.stat_result]:
    return file.read(size_bytes), os.fstat(file.fileno())


def _scratch(bucket: Path) -> BinaryIO:
    folder = bucket / SCRATCH
    make_folder(folder)
    return open(folder / uuid.uuid4().hex, "xb", opener=partial(os.open, mode=0o600))


def _finish(file: BinaryIO, bucket: Path, key: str) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    place(Path(file.name), bucket, key)


def _discard(file: BinaryIO) -> None:
    file.close()
    Path(file.name).unlink(missing_ok=True)


def _delete(bucket: Path, key: str) -> None:
    for path in places(bucket, key):
        status = look(path)
        if status and stat.S_ISREG(status.st_mode):
            path.unlink(missing_ok=True)


async def clear_scratch(folder: Path, *, older_than_s: float) -> None:
    """Remove what killed writers left in any bucket below `folder`. Raises FilesError."""
    await _run(_clear_scratch, folder, time.time() - older_than_s)


def _clear_scratch(folder: Path, before: float) -> None:
    for path in folder.glob(f"*/{SCRATCH}/*"):
        with suppress(FileNotFoundError):
            if path.lstat().st_mtime < before:
                path.unlink()


async def _run(function: Callable[..., T], *arguments: object) -> T:
    """Run a blocking call in a thread; tell the system's refusals as S3 would."""
    thread = asyncio.ensure_future(asyncio.to_thread(function, *arguments))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        # A thread cannot be stopped: whoever closes its file next must not be faster, nor may one be left open.
        await asyncio.wait([thread])
        if thread.exception() is None and isinstance(opened := thread.result(), IOBase):
            opened.close()
        raise
    except PermissionError as error:
        raise FilesError("AccessDenied", str(error)) from error
    except OSError as error:
        code = "InsufficientStorage" if error.errno in {errno.ENOSPC, errno.EDQUOT} else "InternalError"
        raise FilesError(code, str(error)) from error

"""One file of a bucket's folder, seen as an object. Links are refused here."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from repoint.files.file import FileObject, FilesError
from repoint.files.layout import places


def find(bucket: Path, key: str) -> FileObject | None:
    """The object of this key, None when neither of its places has a file."""
    for path in places(bucket, key):
        status = look(path)
        if status and stat.S_ISREG(status.st_mode):
            return describe(key, status)
    return None


def look(path: Path) -> os.stat_result | None:
    """The status of a file or folder, None for nothing.

    Raises FilesError `AccessDenied` for a link, what lies behind one, and what is no file at all.
    """
    try:
        status = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise FilesError("AccessDenied", f"{path} is neither a file nor a folder; links are not followed")
    if path.resolve() != path:
        raise FilesError("AccessDenied", f"{path} lies behind a link; links are not followed")
    return status


def describe(key: str, status: os.stat_result) -> FileObject:
    """What a listing shows of this file."""
    return FileObject(key, status.st_size, etag(status), datetime.fromtimestamp(status.st_mtime, UTC))


def etag(status: os.stat_result) -> str:
    """Changes with every change: what the product writes is a new inode, what is written by hand has a new time."""
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"

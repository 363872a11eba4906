"""Putting a finished file where its key lives, whole and durable."""

import os
import stat
from pathlib import Path

from repoint.files.layout import is_plain, odd_place
from repoint.files.look import look

# Another writer may put a file where a folder was just made; then it is made again.
_TRIES = 5


def place(scratch: Path, bucket: Path, key: str) -> None:
    """Move `scratch`, whose bytes are on disk, to the place of `key`; what was there before is replaced in one step."""
    odd = odd_place(bucket, key)
    if is_plain(key) and _place_plain(scratch, bucket, bucket / key):
        odd.unlink(missing_ok=True)
        return
    make_folder(odd.parent)
    scratch.replace(odd)
    _sync(odd.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably; one that exists is left as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _place_plain(scratch: Path, bucket: Path, target: Path) -> bool:
    """False when a folder has the name: then the object belongs at its odd place."""
    for last in (*[False] * (_TRIES - 1), True):
        try:
            _make_way(bucket, target.parent)
            scratch.replace(target)
        except IsADirectoryError:
            return False
        except (NotADirectoryError, FileExistsError):
            if last:
                raise
        else:
            _sync(target.parent)
            return True
    return False


def _make_way(bucket: Path, folder: Path) -> None:
    """Make the folders below the bucket; an object that has a folder's name moves to its odd place."""
    if folder == bucket:
        return
    _make_way(bucket, folder.parent)
    status = look(folder)
    if status and stat.S_ISDIR(status.st_mode):
        return
    if status:
        odd = odd_place(bucket, str(folder.relative_to(bucket)))
        make_folder(odd.parent)
        folder.replace(odd)
        _sync(odd.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

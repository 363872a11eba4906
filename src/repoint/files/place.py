"""Putting a finished file where its key lives, whole and durable."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repoint.files.file import RESERVED
from repoint.files.layout import is_plain, odd_place
from repoint.files.look import look

_LOCK = f"{RESERVED}lock"
# Files are full of people: nobody else on the machine reads them.
_MODE = 0o700


def place(scratch: Path, bucket: Path, key: str) -> None:
    """Move `scratch`, whose bytes are on disk, to the place of `key`; what was there before is replaced in one step.

    Raises FilesError `AccessDenied` for a way that leads through a link, OSError.
    """
    odd = odd_place(bucket, key)
    if is_plain(key) and _place_at_once(scratch, bucket, bucket / key, odd):
        return
    with _locked(bucket, fcntl.LOCK_EX):
        if is_plain(key):
            target = bucket / key
            _make_way(bucket, target.parent)
            if _replace(scratch, target, odd):
                return
        make_folder(odd.parent)
        scratch.replace(odd)
        _sync(odd.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably; one that exists is left as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True, mode=_MODE)
    _sync(folder.parent)


@contextmanager
def _locked(bucket: Path, kind: int) -> Iterator[None]:
    """Keep writers of this process and of others apart: objects make way for folders in more than one step."""
    with (bucket / _LOCK).open("ab") as lock:
        fcntl.flock(lock, kind)
        yield


def _place_at_once(scratch: Path, bucket: Path, target: Path, odd: Path) -> bool:
    """Where nothing must make way, one step is enough, which others may take at the same time.

    A process that is frozen in it then holds up nobody who does the same.
    """
    with _locked(bucket, fcntl.LOCK_SH):
        way = list(target.relative_to(bucket).parents)[:-1]
        if not all(status and stat.S_ISDIR(status.st_mode) for status in (look(bucket / folder) for folder in way)):
            return False
        return _replace(scratch, target, odd)


def _replace(scratch: Path, target: Path, odd: Path) -> bool:
    """False when a folder has the name: then the object belongs at its odd place."""
    try:
        scratch.replace(target)
    except IsADirectoryError:
        return False
    _sync(target.parent)
    # It may have made way for a folder that is gone by now.
    odd.unlink(missing_ok=True)
    return True


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
    folder.mkdir(exist_ok=True, mode=_MODE)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

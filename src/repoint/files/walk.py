"""Listing a bucket's folder in the order of S3: ascending by key in UTF-8 bytes."""

import os
import stat
from collections.abc import Iterator
from heapq import merge
from pathlib import Path

from repoint.files.file import MAX_KEY_BYTES, RESERVED, FileObject, FilesError
from repoint.files.layout import ODD, is_plain, odd_key, odd_place
from repoint.files.look import describe, find, look


def walk(bucket: Path, prefix: str, after: str) -> Iterator[FileObject]:
    """See `Files.list`. Memory: the names in the folders on the way to one object, and the keys at odd places."""
    last = None
    for found in merge(
        _plain(bucket, prefix, after), _odd(bucket, prefix, after), key=lambda found: found.key.encode()
    ):
        if found.key != last and (prefix.startswith(RESERVED) or not found.key.startswith(RESERVED)):
            last = found.key
            yield found


def _plain(bucket: Path, prefix: str, after: str) -> Iterator[FileObject]:
    folder = prefix.rpartition("/")[0]
    if folder and not is_plain(folder):
        return
    look(bucket / folder)  # refuses a link on the way
    yield from _folder(bucket, f"{folder}/".encode() if folder else b"", prefix.encode(), after.encode())


def _folder(bucket: Path, folder: bytes, prefix: bytes, after: bytes) -> Iterator[FileObject]:
    """The objects of one folder (`b""` or ending in `/`) and of those in it."""
    if len(folder) > MAX_KEY_BYTES:
        raise FilesError(
            "KeyTooLongError", f"s3://{bucket.name}/{folder[:100]!r}… is longer than {MAX_KEY_BYTES} bytes"
        )
    for name in _names(os.fsencode(bucket) + b"/" + folder):
        key = folder + name
        if not key.startswith(prefix) or key == RESERVED.encode():
            continue
        if key > after and not name.endswith(b"/"):
            found = _file(bucket, key)
            if found:
                yield found
        # Every key in a folder starts with the folder's own, so what `after` starts with may hold greater ones.
        elif name.endswith(b"/") and (key > after or after.startswith(key)):
            yield from _folder(bucket, key, prefix, after)


def _names(path: bytes) -> list[bytes]:
    """Names in one folder, folders ending in `/`: in byte order that is where their objects belong."""
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name + b"/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _file(bucket: Path, key: bytes) -> FileObject | None:
    """One file of a folder; when another object has just taken its place, it is where it was moved to."""
    try:
        text = key.decode()
    except UnicodeDecodeError as error:
        raise FilesError("InvalidArgument", f"s3://{bucket.name}/{key!r} is not named in UTF-8") from error
    try:
        status = os.lstat(os.fsencode(bucket) + b"/" + key)
    except (FileNotFoundError, NotADirectoryError):
        return find(bucket, text)
    return describe(text, status) if stat.S_ISREG(status.st_mode) else find(bucket, text)


def _odd(bucket: Path, prefix: str, after: str) -> Iterator[FileObject]:
    keys = [key for key in _odd_keys(bucket) if key.startswith(prefix) and key.encode() > after.encode()]
    for key in sorted(keys, key=str.encode):
        status = look(odd_place(bucket, key))
        if status:
            yield describe(key, status)


def _odd_keys(bucket: Path) -> Iterator[str]:
    for folder, _, names in os.walk(bucket / ODD):
        for name in names:
            path = Path(folder, name)
            key = odd_key(str(path.relative_to(bucket / ODD)))
            # Whatever else someone may have left there is no object.
            if odd_place(bucket, key) == path:
                yield key

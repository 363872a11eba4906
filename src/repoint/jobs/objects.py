"""Which objects an import reads (jobs.md section 5)."""

import contextlib
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Literal

from repoint.files.file import MAX_KEY_BYTES, FileChangedError, FileObject, Files, FilesError
from repoint.jobs.formats import MAX_LINE_BYTES, Format
from repoint.jobs.lines import ObjectError, unpack

# S3 made buckets with capitals and underscores once.
_URL = re.compile(r"s3://([A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9])(?:/(.*))?", re.DOTALL)

# What an object holds.
Kind = Literal["CSV", "JSON", "compressed"]
_EXTENSIONS: dict[str, Kind] = {
    "csv": "CSV",
    "json": "JSON",
    "jsonl": "JSON",
    "ndjson": "JSON",
    "zip": "compressed",
    "bz2": "compressed",
    "zst": "compressed",
    "zstd": "compressed",
}
# First bytes of zip, bzip2 and zstd.
COMPRESSED = (b"PK\x03\x04", b"BZh", b"\x28\xb5\x2f\xfd")
_BLANK = b" \t\r\n\v\f"


@dataclass(frozen=True, slots=True)
class Location:
    """A bucket and what follows it in an S3 URL: one key, a prefix, or nothing."""

    bucket: str
    key: str


def parse_url(url: str) -> Location | None:
    """`s3://bucket/key-or-prefix`; None when it is no such URL."""
    match = _URL.fullmatch(url)
    if match is None or len((match[2] or "").encode()) > MAX_KEY_BYTES:
        return None
    return Location(match[1], match[2] or "")


class CompressedError(Exception):
    """The one object that was named is packed by something else than gzip."""


async def importable(files: Files, location: Location, file_format: Format) -> AsyncGenerator[FileObject, None]:
    """The objects of this format under `location`, ascending by key.

    An object of exactly the key is taken alone and trusted to be of the format. Raises FilesError, and CompressedError
    when that one object is packed by something else than gzip.
    """
    async with contextlib.aclosing(files.list(location.bucket, location.key)) as found:
        async for item in found:
            # Of all keys with a prefix the prefix itself comes first.
            is_exact = item.key == location.key
            if item.size_bytes == 0 or item.key.endswith("/"):
                if is_exact and not item.key.endswith("/"):
                    return
                continue
            kind = await _kind(files, location.bucket, item)
            if is_exact and kind == "compressed":
                raise CompressedError
            # What cannot be read is taken along, so that somebody is told.
            if is_exact or kind in (file_format, None):
                yield item
            if is_exact:
                return


async def _kind(files: Files, bucket: str, item: FileObject) -> Kind | None:
    """What an object holds, by its name, else by its first byte; None when that cannot be read."""
    name = item.key.rpartition("/")[2].lower().removesuffix(".gz")
    if "." in name and (kind := _EXTENSIONS.get(name.rpartition(".")[2])):
        return kind
    try:
        head = await read_head(files, bucket, item, lambda text: bool(text.lstrip(_BLANK)))
    except (FileChangedError, ObjectError):
        return None
    except FilesError as error:
        if error.code == "NoSuchKey":
            return None
        raise
    if head.startswith(COMPRESSED):
        return "compressed"
    return "JSON" if head.lstrip(_BLANK).startswith(b"{") else "CSV"


async def read_head(files: Files, bucket: str, item: FileObject, is_enough: Callable[[bytes], bool]) -> bytes:
    """The first bytes of an object, unpacked, until they are enough or a line's limit is passed.

    Raises FilesError, and ObjectError for a broken gzip stream.
    """
    head = b""
    async with contextlib.aclosing(files.read(bucket, item.key, etag=item.etag)) as chunks:
        text = await unpack(chunks)
        async for chunk in text.chunks:
            head += chunk
            if len(head) > MAX_LINE_BYTES or is_enough(head):
                break
    return head


def over_limit(limit_bytes: int) -> str:
    """What is said of an import that has more bytes than it may."""
    units = ((1024**3, "GB"), (1024**2, "MB"), (1024, "KB"), (1, "bytes"))
    size, unit = next((limit_bytes // size, unit) for size, unit in units if limit_bytes % size == 0)
    return f"Import size exceeds the maximum of {size} {unit}"

"""What every store of files promises, and how it fails: buckets, keys and errors are those of S3."""

import re
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

# Keys below it are the product's own (parts of unfinished uploads). Listings leave them out unless asked for by prefix.
RESERVED = ".repoint/"
MAX_KEY_BYTES = 1024

# The rules of today, and the signs of names that Amazon made long ago and other servers still make.
_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_OLD_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")
_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


class FilesError(Exception):
    """A store refused or failed. `code` is S3's own error code where it has one.

    Codes of ours: `EndpointUnreachable` (no usable answer), `NoCredentials`, `InsufficientStorage` (the disk is full).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class FileChangedError(FilesError):
    """The object is not the one that was pinned by its ETag any more."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__("PreconditionFailed", f"{url(bucket, key)} changed while it was read")


@dataclass(frozen=True, slots=True)
class FileObject:
    """One object as a listing shows it. `etag` is opaque, without quotes, and another one after every change."""

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime


class Writer(Protocol):
    """Takes the bytes of one object, in order."""

    async def write(self, data: bytes | memoryview) -> None:
        """Append; raises FilesError."""


class Files(Protocol):
    """A store of objects; every method raises FilesError (`NoSuchBucket`, `NoSuchKey`, `AccessDenied`, …)."""

    def list(self, bucket: str, prefix: str = "", *, after: str = "") -> AsyncGenerator[FileObject, None]:
        """Objects whose key starts with `prefix` and is greater than `after`, ascending by key in UTF-8 byte order."""

    async def head(self, bucket: str, key: str) -> FileObject | None:
        """The object of exactly this key; None when there is none."""

    def read(
        self, bucket: str, key: str, *, etag: str, start: int = 0, size_bytes: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Yield the object's bytes from `start` on, `size_bytes` of them or up to its end; nothing past its end.

        Raises FileChangedError as soon as the object is known not to be that of `etag`, at the latest before the last
        bytes are yielded; `NoSuchKey` when it is gone. Close it (`contextlib.aclosing`) when leaving early.
        """

    def write(self, bucket: str, key: str) -> AbstractAsyncContextManager[Writer]:
        """Write one object: it appears whole, and durable, at a clean exit; an exception leaves what was there."""

    async def delete(self, bucket: str, key: str) -> None:
        """Remove the object; no error when there is none."""


def url(bucket: str, key: str) -> str:
    """`s3://bucket/key`, as jobs and messages name an object."""
    return f"s3://{bucket}/{key}"


def check_bucket(bucket: str, *, is_new: bool = True) -> None:
    """Raise FilesError `InvalidBucketName` for a name that S3 would not make; unless new, for one it never made.

    Source: docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html. Every store asks this first.
    """
    is_valid = _BUCKET.fullmatch(bucket) and not _IP_ADDRESS.fullmatch(bucket)
    if not is_valid and (is_new or not _OLD_BUCKET.fullmatch(bucket)):
        raise FilesError("InvalidBucketName", f"{bucket!r} is not a valid bucket name")


def check_key(key: str) -> None:
    """Raise FilesError `InvalidArgument` for no key or one that isn't Unicode, `KeyTooLongError` over 1024 bytes."""
    try:
        size_bytes = len(key.encode())
    except UnicodeEncodeError as error:
        raise FilesError("InvalidArgument", f"the key {key!r} is not valid Unicode") from error
    if size_bytes == 0:
        raise FilesError("InvalidArgument", "the key is empty")
    if size_bytes > MAX_KEY_BYTES:
        raise FilesError("KeyTooLongError", f"the key {key[:100]!r}… is longer than {MAX_KEY_BYTES} bytes")

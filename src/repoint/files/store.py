"""The way in to files: `open_files` gives the store that the settings name."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from repoint.files.file import FileChangedError, FileObject, Files, FilesError, Writer
from repoint.files.folder import FolderFiles
from repoint.files.s3 import open_s3
from repoint.settings import Settings

__all__ = [
    "FileChangedError",
    "FileObject",
    "Files",
    "FilesError",
    "Writer",
    "bucket_is_allowed",
    "open_files",
    "role_is_known",
]


def open_files(settings: Settings, *, role_arn: str | None = None) -> AbstractAsyncContextManager[Files]:
    """The S3 of `settings.s3`, or the folder that stands in for it; use it on one event loop, close it after use.

    `role_arn` picks among `settings.s3.roles`; raises FilesError `AccessDenied` when roles are given and it is not one
    of them (ask `role_is_known` first). Without a role, and in a folder, the server's own credentials serve. What is
    opened refuses every bucket that `settings.allowed_buckets` leaves out, also with `AccessDenied`.
    """
    opened = _open(settings, role_arn)
    return opened if settings.allowed_buckets is None else _narrowed(opened, frozenset(settings.allowed_buckets))


def bucket_is_allowed(settings: Settings, bucket: str) -> bool:
    """Whether the operator lets callers name this bucket: any, until `settings.allowed_buckets` lists some."""
    return settings.allowed_buckets is None or bucket in settings.allowed_buckets


def role_is_known(settings: Settings, role_arn: str) -> bool:
    """Whether a job may name this role: any may be named until `settings.s3.roles` lists some (jobs.md section 13)."""
    return settings.s3 is None or not settings.s3.roles or role_arn in settings.s3.roles


def _open(settings: Settings, role_arn: str | None) -> AbstractAsyncContextManager[Files]:
    if settings.s3 is None:
        return nullcontext(FolderFiles(settings.files_dir))
    if role_arn is None:
        return open_s3(settings.s3, settings.s3.credentials)
    if not role_is_known(settings, role_arn):
        raise FilesError("AccessDenied", f"no credentials are set for {role_arn}")
    return open_s3(settings.s3, settings.s3.roles.get(role_arn, settings.s3.credentials))


@asynccontextmanager
async def _narrowed(opened: AbstractAsyncContextManager[Files], allowed: frozenset[str]) -> AsyncIterator[Files]:
    async with opened as files:
        yield _AllowedFiles(files, allowed)


class _AllowedFiles:
    """A store of which only some buckets may be used. The worker asks here too, whatever was allowed at the create."""

    def __init__(self, files: Files, allowed: frozenset[str]) -> None:
        self._files = files
        self._allowed = allowed

    def list(self, bucket: str, prefix: str = "", *, after: str = "") -> AsyncGenerator[FileObject, None]:
        return self._checked(bucket).list(bucket, prefix, after=after)

    async def head(self, bucket: str, key: str) -> FileObject | None:
        return await self._checked(bucket).head(bucket, key)

    def read(
        self, bucket: str, key: str, *, etag: str, start: int = 0, size_bytes: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        return self._checked(bucket).read(bucket, key, etag=etag, start=start, size_bytes=size_bytes)

    def write(self, bucket: str, key: str) -> AbstractAsyncContextManager[Writer]:
        return self._checked(bucket).write(bucket, key)

    async def delete(self, bucket: str, key: str) -> None:
        await self._checked(bucket).delete(bucket, key)

    def _checked(self, bucket: str) -> Files:
        if bucket not in self._allowed:
            raise FilesError("AccessDenied", f"the bucket {bucket} is not among allowed_buckets")
        return self._files

"""The way in to files: `open_files` gives the store that the settings name."""

from contextlib import AbstractAsyncContextManager, nullcontext

from repoint.files.file import FileChangedError, FileObject, Files, FilesError, Writer
from repoint.files.folder import FolderFiles
from repoint.files.s3 import open_s3
from repoint.settings import Settings

__all__ = ["FileChangedError", "FileObject", "Files", "FilesError", "Writer", "open_files", "role_is_known"]


def open_files(settings: Settings, *, role_arn: str | None = None) -> AbstractAsyncContextManager[Files]:
    """The S3 of `settings.s3`, or the folder that stands in for it; use it on one event loop, close it after use.

    `role_arn` picks among `settings.s3.roles`; raises FilesError `AccessDenied` when roles are given and it is not one
    of them (ask `role_is_known` first). Without a role, and in a folder, the server's own credentials serve.
    """
    if settings.s3 is None:
        return nullcontext(FolderFiles(settings.files_dir))
    if role_arn is None:
        return open_s3(settings.s3, settings.s3.credentials)
    if not role_is_known(settings, role_arn):
        raise FilesError("AccessDenied", f"no credentials are set for {role_arn}")
    return open_s3(settings.s3, settings.s3.roles.get(role_arn, settings.s3.credentials))


def role_is_known(settings: Settings, role_arn: str) -> bool:
    """Whether a job may name this role: any may be named until `settings.s3.roles` lists some (jobs.md section 13)."""
    return settings.s3 is None or not settings.s3.roles or role_arn in settings.s3.roles

"""Removing what nobody will finish: uploads begun and left, and the scratch files of killed writers."""

from datetime import timedelta

import structlog

from repoint.db.queries import load_queries
from repoint.files.file import FilesError
from repoint.files.folder import clear_scratch
from repoint.files.parts import delete_parts
from repoint.files.store import open_files
from repoint.queue import TaskContext, every

UPLOAD_LASTS = timedelta(days=1)

_queries = load_queries("repoint.files")
log = structlog.get_logger()


@every(seconds=3600)
async def clear_uploads(context: TaskContext) -> None:
    """Forget uploads begun more than a day ago, complete or not, and remove the parts that they have left."""
    async with context.database.connection() as db:
        old = await db.rows(_queries.old_uploads, {"before": context.now() - UPLOAD_LASTS})
    async with open_files(context.settings) as files:
        for upload in old:
            try:
                await delete_parts(files, upload["bucket"], upload["id"])
            except FilesError as error:
                if error.code != "NoSuchBucket":
                    # The parts are still there; the next run tries again.
                    log.warning("Could not clear an upload", upload_id=upload["id"], reason=str(error))
                    continue
            async with context.database.connection() as db:
                await db.execute(_queries.delete_upload, {"id": upload["id"]})


@every(seconds=3600)
async def clear_folder(context: TaskContext) -> None:
    """Remove scratch files that have not been written to for a day."""
    if context.settings.s3 is None:
        await clear_scratch(context.settings.files_dir, older_than_s=UPLOAD_LASTS.total_seconds())

"""The data folder of a `serve`: it can be written, and nobody else serves from it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repoint.cli.mistake import Mistake
from repoint.db.folder_lock import FolderLock


@contextmanager
def held_folder(folder: Path) -> Iterator[None]:
    """Make the folder if need be and hold it; raises Mistake when it cannot be written or is served from already."""
    lock = FolderLock(folder / "serve.lock")
    try:
        # Others may pass through: under root the database runs as a user of its own.
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        is_ours = lock.acquire()
    except OSError as error:
        raise Mistake(
            f"the data folder {folder.absolute()} cannot be written: {error.strerror}. "
            "Choose another one with --data-dir"
        ) from error
    if not is_ours:
        raise Mistake(
            f"another `repoint serve` (process {lock.holder()}) runs on {folder.absolute()}. "
            "Stop it first, or choose another folder with --data-dir"
        )
    try:
        yield
    finally:
        lock.release()

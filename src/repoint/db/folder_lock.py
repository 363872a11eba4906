"""A lock on a folder, held by one process and let go by the kernel when it ends, however it ends."""

import fcntl
import os
from pathlib import Path


class FolderLock:
    """An exclusive lock by a file that also tells the holder's process number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock, or keep it; False when another process has it. Raises OSError if the file is out of reach."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        os.ftruncate(file, 0)
        os.write(file, str(os.getpid()).encode())
        self._file = file
        return True

    def holder(self) -> str:
        """The process number that the holder left in the file."""
        return self._path.read_text(encoding="ascii").strip()

    def release(self) -> None:
        """Let go; without effect when the lock is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

"""`file:///folder`: NDJSON files in a folder that the operator allowed, one for each UTC day."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from repoint.events.log import LoggedEvent, SetAside, UnreachableError
from repoint.events.sinks.sink import Destination, DestinationError, Sink, leads

Answer = TypeVar("Answer")

# Of their own: a disk on a network that is away holds a thread for as long, and nothing else may wait for these.
_threads = ThreadPoolExecutor(8, "event-files")


@leads(r"file:///.+")
@asynccontextmanager
async def open_file(destination: Destination) -> AsyncIterator[Sink]:
    """A folder below one of `event_folders`; symbolic links do not lead out of it."""
    yield FileSink(await _in_thread(lambda: _allowed_folder(destination)), destination.application_id)


def _allowed_folder(destination: Destination) -> Path:
    try:
        folder = Path(unquote(urlsplit(destination.address).path)).resolve()
    except (ValueError, RuntimeError) as error:  # a NUL in it; symbolic links in a circle
        raise DestinationError(f"{destination.address} is no path") from error
    if not any(folder.is_relative_to(allowed.resolve()) for allowed in destination.settings.event_folders):
        raise DestinationError(f"{folder} is in none of the folders of the setting event_folders")
    return folder


class FileSink:
    """Files `<application>-<day>.ndjson`, the day being that on which the first event of a batch was logged."""

    def __init__(self, folder: Path, application_id: str) -> None:
        self._folder = folder
        self._application_id = application_id

    async def check(self) -> None:
        """See `Sink.check`: the folder is there, or can be made, and can be written to."""
        try:
            await _in_thread(self._try)
        except OSError as error:
            raise DestinationError(f"{self._folder} cannot be written to: {error.strerror}") from error

    async def put(self, events: Sequence[LoggedEvent]) -> list[SetAside]:
        """See `Sink.put`: appended, and on the disk when this returns."""
        path = self._folder / f"{self._application_id}-{events[0].logged_at:%Y-%m-%d}.ndjson"
        lines = "".join([f"{event.record}\n" for event in events]).encode()
        try:
            await _in_thread(lambda: _append(path, lines))
        except OSError as error:
            raise UnreachableError(f"{path} cannot be written to: {error.strerror}") from error
        return []

    def _try(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        probe = self._folder / f".{self._application_id}.probe"
        probe.touch()
        probe.unlink()


async def _in_thread(function: Callable[[], Answer]) -> Answer:
    return await asyncio.get_running_loop().run_in_executor(_threads, function)


def _append(path: Path, lines: bytes) -> None:
    """Append whole lines; what a crash left of a line before is cut off first.

    Raises OSError also while somebody else appends: one who was taken for dead, and who would cut off what we write.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        end = file.seek(0, os.SEEK_END)
        whole = _end_of_last_line(file.fileno(), end)
        file.truncate(whole)
        file.seek(whole)
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _end_of_last_line(descriptor: int, end: int) -> int:
    """How much of the file is whole lines."""
    step = 1 << 16
    while end > 0:
        start = max(0, end - step)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0

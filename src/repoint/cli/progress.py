"""Progress of long work: a bar on a terminal, and elsewhere plain lines when something is worth one."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskProgressColumn, TextColumn, TransferSpeedColumn

from repoint.cli.objects import Progress as ByteProgress

# Lines go where they do not mix with what a command was asked to print.
_console = Console(stderr=True)


@contextmanager
def bytes_bar(what: str, total_bytes: int) -> Iterator[ByteProgress]:
    """Progress of a transfer; without a terminal one line when it is done."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=_console, disable=not _console.is_terminal) as bar:
        task = bar.add_task(what, total=total_bytes)
        yield lambda count: bar.advance(task, count)
    if not _console.is_terminal:
        typer.echo(f"{what}: {total_bytes} bytes", err=True)


class JobProgress:
    """Progress of one import or export job, from the documents that GetImportJob or GetExportJob answers."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.fields[status]:<28}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[processed]} processed, {task.fields[failed]} failed"),
        )
        self._bar = Progress(*columns, console=_console, disable=not _console.is_terminal)
        self._task = self._bar.add_task("", total=None, status="CREATED", processed=0, failed=0)
        self._last_line = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, job: dict[str, Any]) -> None:
        """Show how far the job is."""
        status, pieces = job["JobStatus"], job.get("TotalPieces")
        done = job.get("CompletedPieces", 0) + job.get("FailedPieces", 0)
        counts = {"processed": job.get("TotalProcessed", 0), "failed": job.get("TotalFailures", 0)}
        self._bar.update(self._task, total=pieces, completed=done, status=status, **counts)
        line = f"{status}: {counts['processed']} processed, {counts['failed']} failed, {done} of {pieces or '?'} pieces"
        if not _console.is_terminal and line != self._last_line:
            sys.stderr.write(line + "\n")
            self._last_line = line

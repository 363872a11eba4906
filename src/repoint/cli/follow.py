"""Watching a job to its end."""

import time
from collections.abc import Callable
from typing import Any

import typer

from repoint.cli.mistake import Mistake
from repoint.cli.progress import JobProgress

# Soon at first, since most jobs are small; then rarely enough to cost nothing.
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0

EXIT_FAILURES = 3


def follow(job: dict[str, Any], look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Show the job's progress until it is COMPLETED or FAILED; the job as it is then, and as `look` tells it.

    The job runs on the server: Ctrl-C only ends the watching.
    """
    pause_s = FIRST_PAUSE_S
    try:
        with JobProgress() as progress:
            while True:
                progress.show(job)
                if job["JobStatus"] in {"COMPLETED", "FAILED"}:
                    return job
                time.sleep(pause_s)
                pause_s = min(pause_s * 1.3, LONGEST_PAUSE_S)
                job = look()
    except KeyboardInterrupt:
        raise Mistake(f"no longer watched; job {job['Id']} goes on") from None


def tell_failures(job: dict[str, Any]) -> None:
    """Print the job's failures; of an import's, which may be more than a job tells, the rest has a command."""
    failures = job.get("Failures", [])
    for failure in failures:
        typer.echo(failure)
    if job.get("TotalFailures", 0) > len(failures):
        more = job["TotalFailures"] - len(failures)
        typer.echo(f"… and {more} more: repoint import-errors {job['Id']} --app {job['ApplicationId']}", err=True)


def error_line(error: dict[str, Any]) -> str:
    """A row that failed, as the line of a job's failures."""
    place = f":{error['Line']}" if "Line" in error else ""
    return f"{error['Object']}{place}: {error['Reason']}"


def check_completed(job: dict[str, Any]) -> None:
    """End the command: with a Mistake when the job FAILED, with EXIT_FAILURES when some rows did."""
    if job["JobStatus"] == "FAILED":
        raise Mistake(f"job {job['Id']} failed: {job['FailedPieces']} of {job['TotalPieces']} pieces")
    if job.get("TotalFailures"):
        raise typer.Exit(EXIT_FAILURES)

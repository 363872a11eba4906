import sys
from datetime import UTC, datetime


def say(message: str) -> None:
    """Tell what a long-running command does, on standard error, with the time."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sys.stderr.write(f"{stamp} {message}\n")
    sys.stderr.flush()

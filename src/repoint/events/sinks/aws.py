"""What Kinesis and Firehose have in common: batches of records, of which each can fail by itself."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from repoint.aws import AwsError, aws_errors
from repoint.events.log import SetAside, UnreachableError
from repoint.events.sinks.pieces import Limits, pieces
from repoint.events.sinks.sink import DestinationError

# Records of a batch that failed are put again after these waits, more or less; then the batch is left to the reader.
WAITS_S = (0.1, 0.3, 0.9)


@dataclass(frozen=True, slots=True)
class Entry:
    """One record as its service takes it."""

    position: int
    # The members of the request's record.
    record: dict[str, object]
    # As the service counts it.
    size_bytes: int


# Sends records in one request; answers the service's result of each, in order, with an ErrorCode where one failed.
Put = Callable[[list[dict[str, object]]], Awaitable[list[dict[str, Any]]]]


async def put_entries(entries: Sequence[Entry], put: Put, limits: Limits, *, most_bytes: int) -> list[SetAside]:
    """Put records in order, in requests within `limits`; those over `most_bytes` are answered as set aside.

    Raises UnreachableError, also when some records fail again and again.
    """
    fitting = [entry for entry in entries if entry.size_bytes <= most_bytes]
    for piece in pieces([(entry.record, entry.size_bytes) for entry in fitting], limits):
        await _put_until_taken(piece, put)
    return [
        SetAside(entry.position, f"{entry.size_bytes} bytes; the destination takes {most_bytes} at most")
        for entry in entries
        if entry.size_bytes > most_bytes
    ]


async def _put_until_taken(records: list[dict[str, object]], put: Put) -> None:
    """Put again those that fail, with longer and longer waits; what was taken is not put again."""
    total = len(records)
    for wait_s in (*WAITS_S, None):
        results = await put(records)
        if len(results) != len(records):
            raise UnreachableError(f"{len(results)} results for {len(records)} records")
        failed = [index for index, result in enumerate(results) if result.get("ErrorCode")]
        if not failed:
            return
        if wait_s is None:
            # An ErrorMessage may tell more than we want to know; the code is enough.
            codes = Counter(str(results[index]["ErrorCode"]) for index in failed)
            told = ", ".join(f"{code} ({count})" for code, count in codes.most_common(3))
            raise UnreachableError(f"{len(failed)} of {total} records failed {len(WAITS_S) + 1} times: {told}")
        records = [records[index] for index in failed]
        await asyncio.sleep(wait_s * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, hides nothing


@contextmanager
def checking(address: str) -> Iterator[None]:
    """Tell what is wrong with a destination in full: no event has been sent to be quoted."""
    try:
        with aws_errors():
            yield
    except AwsError as error:
        raise DestinationError(f"{address}: {error}") from error


@contextmanager
def putting(address: str) -> Iterator[None]:
    """Tell why nothing could be put, without what the service says to it: that may quote an event."""
    try:
        with aws_errors():
            yield
    except AwsError as error:
        raise UnreachableError(f"{address}: {error if error.is_ours else error.code}") from error

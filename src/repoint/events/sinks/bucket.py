"""`s3://bucket/prefix`: gzipped JSON lines in the date layout of Firehose, in S3 or the folder that stands in for it.

A batch is an object, `<prefix>/YYYY/MM/DD/HH/<application>-<first position>-<last position>.gz`, the hour (UTC) being
that in which its first event was logged. A prefix is a folder, as it is for exports, with or without a slash at its
end.

An object appears whole, and its batch is noted as read afterwards; killed in between, the worker that follows writes
the batch again, most often to the same name. Objects are made larger by reading more at once, and later: nothing is
ever held that only this process knows.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC

from isal import isal_zlib

from repoint.events.log import Gathering, LoggedEvent, SetAside, UnreachableError
from repoint.events.sinks.sink import Destination, DestinationError, Sink, leads
from repoint.files.file import RESERVED, check_bucket, check_key
from repoint.files.store import Files, FilesError, bucket_is_allowed, open_files

# About what Firehose gathers by default, 5 MB.
OBJECT_EVENTS = 5_000
OBJECT_BYTES = 8_000_000
# Level and window: gzip's own format, fast.
_LEVEL, _GZIP = 1, 31

_FORM = r"s3://(?P<bucket>[^/]+)(?:/(?P<prefix>.*))?"


@leads(_FORM)
@asynccontextmanager
async def open_bucket(destination: Destination) -> AsyncIterator[Sink]:
    """A bucket that exports may write to, too, with the same credentials for a role."""
    match = re.fullmatch(_FORM, destination.address)
    assert match  # noqa: S101 - leads has asked
    bucket, prefix = match["bucket"], match["prefix"] or ""
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    if not bucket_is_allowed(destination.settings, bucket):
        raise DestinationError(f"the bucket {bucket} is not among allowed_buckets")
    try:
        async with open_files(destination.settings, role_arn=destination.role_arn) as files:
            yield BucketSink(files, bucket, prefix, destination)
    except FilesError as error:
        raise DestinationError(str(error)) from error


class BucketSink:
    """Objects below a prefix."""

    def __init__(self, files: Files, bucket: str, prefix: str, destination: Destination) -> None:
        self._files = files
        self._bucket = bucket
        self._prefix = prefix
        self._application_id = destination.application_id
        self.gathering = Gathering(OBJECT_EVENTS, OBJECT_BYTES, destination.settings.event_object_wait_s)

    async def check(self) -> None:
        """See `Sink.check`: that the names are good; the rest is for the first put, as reading may not be allowed."""
        if self._prefix.startswith(RESERVED):
            raise DestinationError(f"{RESERVED} is kept for Repoint itself")
        try:
            check_bucket(self._bucket, is_new=False)
            check_key(f"{self._prefix}2026/01/01/00/{self._application_id}-{'9' * 19}-{'9' * 19}.gz")
        except FilesError as error:
            raise DestinationError(str(error)) from error

    async def put(self, events: Sequence[LoggedEvent]) -> list[SetAside]:
        """See `Sink.put`: one object, there and durable when this returns."""
        first, last = events[0], events[-1]
        key = (
            f"{self._prefix}{first.logged_at.astimezone(UTC):%Y/%m/%d/%H}/"
            f"{self._application_id}-{first.position}-{last.position}.gz"
        )
        packed = await asyncio.to_thread(_pack, events)
        try:
            async with self._files.write(self._bucket, key) as writer:
                await writer.write(packed)
        except FilesError as error:
            raise UnreachableError(str(error)) from error
        return []


def _pack(events: Sequence[LoggedEvent]) -> bytes:
    packer = isal_zlib.compressobj(_LEVEL, wbits=_GZIP)
    return b"".join([*(packer.compress(f"{event.record}\n".encode()) for event in events), packer.flush()])

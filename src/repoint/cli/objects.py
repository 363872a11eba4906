"""Objects of the server's buckets, sent and fetched in signed pieces through the API."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from repoint.cli.mistake import Mistake
from repoint.cli.remote import Remote, label

PIECE_BYTES = 4 << 20

# Told how many bytes have gone over the line since the last time.
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Place:
    """What an `s3://bucket/key` names; a bucket alone, or a prefix, where that makes sense."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse_place(url: str) -> Place:
    """Take an `s3://…` apart; raises Mistake for anything else."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not bucket:
        raise Mistake(f"{url} is not of the form s3://bucket/key")
    return Place(bucket, key)


def list_objects(remote: Remote, place: Place) -> Iterator[dict[str, Any]]:
    """Every object whose key begins with the place's, ascending: Key, Size, ETag, LastModified."""
    return remote.items(f"/repoint/v1/files/{label(place.bucket)}", {"prefix": place.key})


def upload(remote: Remote, file: BinaryIO, place: Place, progress: Progress) -> None:
    """Send a file in parts; it appears under its key when all of them are there, and not at all otherwise."""
    uploads = f"/repoint/v1/files/{label(place.bucket)}/uploads"
    begun = remote.json("POST", uploads, content={"Key": place.key})
    path = f"{uploads}/{label(begun['UploadId'])}"
    try:
        count = 0
        while piece := file.read(begun["PartSize"]):
            count += 1
            remote.extension("PUT", f"{path}/parts/{count}", content=piece)
            progress(len(piece))
        remote.extension("POST", path, content={"Parts": count}, is_repeatable=True)
    except (KeyboardInterrupt, Mistake):
        # Otherwise the server does so itself, a day later.
        with suppress(Mistake):
            remote.extension("DELETE", path)
        raise


def download(remote: Remote, place: Place, sink: BinaryIO, progress: Progress) -> None:
    """Fetch one object. Pinned by its ETag: raises Mistake when it changes meanwhile, or is not there."""
    found = next((item for item in list_objects(remote, place) if item["Key"] == place.key), None)
    if found is None:
        raise Mistake(f"{place} does not exist")
    path = f"/repoint/v1/files/{label(place.bucket)}/objects/{label(place.key)}"
    for start in range(0, found["Size"], PIECE_BYTES):
        size = min(PIECE_BYTES, found["Size"] - start)
        query = {"etag": found["ETag"], "start": f"{start}", "size": f"{size}"}
        sink.write(remote.extension("GET", path, query=query))
        progress(size)


def open_to_send(path: Path) -> BinaryIO:
    """A local file to read; raises Mistake when that cannot be done."""
    try:
        return path.open("rb")
    except OSError as error:
        raise Mistake(f"{path} cannot be read: {error.strerror}") from error

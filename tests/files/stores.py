"""Both stores, and short ways to put and get objects."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple

import pytest

from repoint.files.store import Files, open_files
from repoint.settings import Settings
from tests.fixtures.s3 import S3Server


class Store(NamedTuple):
    """A store and a bucket in it that exists and is empty."""

    files: Files
    bucket: str


@pytest.fixture(params=["folder", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Each store in turn."""
    settings, bucket = Settings(data_dir=tmp_path), "bucket"
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        settings, bucket = server.settings(settings), server.bucket
    else:
        (tmp_path / "files" / bucket).mkdir(parents=True)
    async with open_files(settings) as files:
        yield Store(files, bucket)


async def put(store: Store, key: str, content: bytes = b"x") -> str:
    """Write an object; its ETag."""
    async with store.files.write(store.bucket, key) as writer:
        await writer.write(content)
    return await etag_of(store, key)


async def write_and_fail(store: Store, key: str, content: bytes) -> None:
    """Write, and have something break before the end; raises ZeroDivisionError."""
    async with store.files.write(store.bucket, key) as writer:
        await writer.write(content)
        raise ZeroDivisionError


async def etag_of(store: Store, key: str) -> str:
    """The ETag of an object that is there."""
    found = await store.files.head(store.bucket, key)
    assert found is not None
    return found.etag


async def get(store: Store, key: str, *, etag: str = "", start: int = 0, size_bytes: int | None = None) -> bytes:
    """The content of an object, or a part of it."""
    etag = etag or await etag_of(store, key)
    reading = store.files.read(store.bucket, key, etag=etag, start=start, size_bytes=size_bytes)
    async with aclosing(reading) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def keys(store: Store, prefix: str = "", *, after: str = "") -> list[str]:
    """What a listing shows."""
    return [found.key async for found in store.files.list(store.bucket, prefix, after=after)]

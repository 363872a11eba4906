"""What every store of files must do: run against the folder and against S3 over HTTP."""

from collections.abc import AsyncIterator
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
    settings = Settings(data_dir=tmp_path)
    bucket = "bucket"
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        settings, bucket = server.settings(settings), server.bucket
    else:
        (tmp_path / "files" / bucket).mkdir(parents=True)
    async with open_files(settings) as files:
        yield Store(files, bucket)


async def put(store: Store, key: str, content: bytes = b"x") -> str:
    async with store.files.write(store.bucket, key) as writer:
        await writer.write(content)
    found = await store.files.head(store.bucket, key)
    assert found is not None
    return found.etag


async def get(
    store: Store, key: str, *, etag: str | None = None, start: int = 0, size_bytes: int | None = None
) -> bytes:
    if etag is None:
        found = await store.files.head(store.bucket, key)
        assert found is not None
        etag = found.etag
    reading = store.files.read(store.bucket, key, etag=etag, start=start, size_bytes=size_bytes)
    return b"".join([chunk async for chunk in reading])


async def keys(store: Store, prefix: str = "", *, after: str = "") -> list[str]:
    return [found.key async for found in store.files.list(store.bucket, prefix, after=after)]


KEYS = {
    "plain": "people.csv",
    "in folders": "in/2026/11/people.csv",
    "two slashes": "in//people.csv",
    "leading slash": "/in/people.csv",
    "trailing slash": "in/",
    "only a slash": "/",
    "only slashes": "///",
    "colons of an export": "exports/4f1a_2026-11-21-10_15:03.123_UTC/x.gz",
    "dots": "...",
    "dot first": ".hidden/.file",
    "dot last": "in./people.",
    "blanks": " in / people .csv ",
    "percent": "100%/a%20b%2Fc.csv",
    "plus": "a+b+/c+",
    "signs": "!\"#$&'()*,;<=>?@[\\]^`{|}~",
    "not ASCII": "Grüße/жук/見本/🐝.csv",
    "decomposed": "Gru\u0308\u00dfe",
    "long segment": "a" * 1024,
    "longest name and more": f"{'b' * 255}/{'c' * 256}/d",
    "long in bytes": "é" * 128 + "/" + "é" * 127,
    "dots after a cut": "/" + "x" * 198 + "..",
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
async def test_any_key_can_be_written_found_listed_read_and_deleted(store: Store, key: str) -> None:
    await put(store, key, b"content")

    assert await keys(store) == [key]
    assert await keys(store, key) == [key]
    assert await get(store, key) == b"content"

    await store.files.delete(store.bucket, key)
    assert await store.files.head(store.bucket, key) is None
    assert await keys(store) == []


async def test_all_keys_side_by_side_are_listed_in_utf8_order(store: Store) -> None:
    family = [
        *KEYS.values(),
        "a",
        "a/b",
        "a-b",
        "a/",
        "a//b",
        "a/b/c",
        "a!",
        "a0",
        "A",
        "B/a",
        "Z",
        "ä",
        "\uffff",
        "\U00010000",
    ]
    for key in family:
        await put(store, key, key.encode())

    ordered = sorted(family, key=str.encode)
    assert await keys(store) == ordered
    for position in (0, 3, len(ordered) // 2, len(ordered) - 1):
        assert await keys(store, after=ordered[position]) == ordered[position + 1 :]
    for key in family:
        assert await get(store, key) == key.encode()

"""What only the folder must do: hold odd keys, take files dropped in by hand, and let nothing lead out of it."""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from repoint.files.folder import CHUNK_BYTES, FolderFiles, FolderWriter, clear_scratch
from repoint.files.store import FileChangedError, FilesError
from tests.files.stores import Store, etag_of, get, keys, put, write_and_fail


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    """The folder of an empty bucket."""
    folder = tmp_path / "files" / "bucket"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def store(bucket: Path) -> Store:
    """The store that the bucket is in."""
    return Store(FolderFiles(bucket.parent), bucket.name)


async def test_files_dropped_in_by_hand_are_objects(store: Store, bucket: Path) -> None:
    (bucket / "in").mkdir()
    (bucket / "in" / "people.csv").write_bytes(b"Id\n")
    (bucket / "100%.csv").write_bytes(b"x")

    assert await keys(store) == ["100%.csv", "in/people.csv"]
    assert await get(store, "in/people.csv") == b"Id\n"


@pytest.mark.parametrize("key", ["people.csv", "exports/4f1a_2026-11-21-10_15:03.123_UTC/x.gz", "100%/a b.csv"])
async def test_ordinary_keys_keep_their_names_on_disk(store: Store, bucket: Path, key: str) -> None:
    await put(store, key, b"content")

    assert (bucket / key).read_bytes() == b"content"


async def test_keys_with_control_characters_are_kept(store: Store) -> None:
    for key in ("a\nb\tc", "a\0b"):
        await put(store, key, key.encode())

    assert await keys(store) == ["a\0b", "a\nb\tc"]
    assert await get(store, "a\0b") == b"a\0b"


@pytest.mark.parametrize("order", [("a", "a/b", "a/b/c"), ("a/b/c", "a/b", "a"), ("a/b", "a", "a/b/c")])
async def test_an_object_may_have_the_name_of_a_folder(store: Store, order: tuple[str, ...]) -> None:
    for key in order:
        await put(store, key, key.encode())

    assert await keys(store) == ["a", "a/b", "a/b/c"]
    assert [await get(store, key) for key in order] == [key.encode() for key in order]


async def test_writers_at_once_lose_no_object(store: Store) -> None:
    family = ["a", "a/b", "a/b/c", "a/b/c/d", "a/x"]

    await asyncio.gather(*(put(store, key, key.encode()) for _ in range(8) for key in family))

    assert await keys(store) == sorted(family)
    assert [await get(store, key) for key in family] == [key.encode() for key in family]


async def test_an_object_that_made_way_for_a_folder_keeps_its_etag(store: Store) -> None:
    etag = await put(store, "a", b"content")

    await put(store, "a/b")

    assert await get(store, "a", etag=etag) == b"content"


async def test_an_object_that_made_way_can_be_replaced_and_deleted(store: Store) -> None:
    await put(store, "a", b"one")
    await put(store, "a/b")

    await put(store, "a", b"two")
    assert await get(store, "a") == b"two"

    await store.files.delete(store.bucket, "a")
    assert await keys(store) == ["a/b"]


async def test_a_file_dropped_in_goes_before_one_that_had_made_way(store: Store, bucket: Path) -> None:
    await put(store, "a", b"old")
    await put(store, "a/b")
    (bucket / "a" / "b").unlink()
    (bucket / "a").rmdir()

    (bucket / "a").write_bytes(b"by hand")

    assert await keys(store) == ["a"]
    assert await get(store, "a") == b"by hand"


async def test_writing_to_a_free_name_leaves_one_object(store: Store, bucket: Path) -> None:
    await put(store, "a", b"old")
    await put(store, "a/b")
    (bucket / "a" / "b").unlink()
    (bucket / "a").rmdir()

    await put(store, "a", b"new")

    assert await keys(store) == ["a"]
    (bucket / "a").unlink()
    assert await keys(store) == []


@pytest.mark.parametrize("key", ["..", ".", "../other/x", "a/../b", "a/./b", "a/..", "/../x", "./a"])
async def test_dot_segments_are_refused(store: Store, key: str) -> None:
    with pytest.raises(FilesError) as writing:
        await put(store, key)
    with pytest.raises(FilesError) as heading:
        await store.files.head(store.bucket, key)
    with pytest.raises(FilesError) as reading:
        await get(store, key, etag="any")

    assert {error.value.code for error in (writing, heading, reading)} == {"InvalidArgument"}
    assert repr(key) in writing.value.message


@pytest.mark.parametrize("prefix", ["../", "a/../", "../other", "/../", "./"])
async def test_dot_segments_of_a_prefix_are_refused(store: Store, prefix: str) -> None:
    with pytest.raises(FilesError) as raised:
        await keys(store, prefix)

    assert raised.value.code == "InvalidArgument"


async def test_a_prefix_may_end_like_dots(store: Store) -> None:
    await put(store, "a/..b")
    await put(store, "...c")

    assert await keys(store, "a/..") == ["a/..b"]
    assert await keys(store, "a/.") == ["a/..b"]
    assert await keys(store, "..") == ["...c"]


async def test_links_are_not_followed(store: Store, bucket: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (bucket / "file").symlink_to(outside / "secret")
    (bucket / "folder").symlink_to(outside)
    (bucket / "broken").symlink_to(outside / "nothing")
    (bucket.parent / "linked").symlink_to(outside)

    for key in ("file", "folder/secret", "broken", "folder"):
        with pytest.raises(FilesError) as reading:
            await get(store, key, etag="any")
        assert reading.value.code == "AccessDenied"
        with pytest.raises(FilesError) as heading:
            await store.files.head(store.bucket, key)
        assert heading.value.code == "AccessDenied"
    for prefix in ("", "fi", "folder/", "folder"):
        with pytest.raises(FilesError) as listing:
            await keys(store, prefix)
        assert listing.value.code == "AccessDenied"
    with pytest.raises(FilesError) as writing:
        await put(store, "folder/new")
    assert writing.value.code == "AccessDenied"
    with pytest.raises(FilesError) as linked:
        await store.files.head("linked", "secret")
    assert linked.value.code == "AccessDenied"
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]


async def test_links_elsewhere_do_no_harm(store: Store, bucket: Path) -> None:
    (bucket / "z").symlink_to("/etc")
    await put(store, "in/people.csv")

    assert await keys(store, "in/") == ["in/people.csv"]


async def test_a_link_that_is_replaced_stays_outside(store: Store, bucket: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"before")
    (bucket / "file").symlink_to(tmp_path / "outside")

    await put(store, "file", b"after")

    assert (tmp_path / "outside").read_bytes() == b"before"
    assert await get(store, "file") == b"after"


async def test_what_is_no_file_is_refused(store: Store, bucket: Path) -> None:
    os.mkfifo(bucket / "pipe")

    with pytest.raises(FilesError) as raised:
        await keys(store)

    assert "neither a file nor a folder" in raised.value.message


async def test_a_name_that_is_no_utf8_is_told(store: Store, bucket: Path) -> None:
    (bucket / os.fsdecode(b"Gr\xfc\xdfe.csv")).write_bytes(b"x")

    with pytest.raises(FilesError) as raised:
        await keys(store)

    assert "is not named in UTF-8" in raised.value.message


async def test_a_file_written_over_in_place_is_told(store: Store, bucket: Path) -> None:
    (bucket / "people.csv").write_bytes(b"1" * (3 * CHUNK_BYTES))
    etag = await etag_of(store, "people.csv")

    reading = store.files.read(store.bucket, "people.csv", etag=etag)
    await anext(reading)
    (bucket / "people.csv").write_bytes(b"2" * (3 * CHUNK_BYTES))

    with pytest.raises(FileChangedError):
        await anext(reading)


async def test_an_object_replaced_while_it_is_read_is_read_as_it_was(store: Store) -> None:
    etag = await put(store, "people.csv", b"1" * (3 * CHUNK_BYTES))

    reading = store.files.read(store.bucket, "people.csv", etag=etag)
    read = await anext(reading)
    await put(store, "people.csv", b"2")

    assert read + b"".join([chunk async for chunk in reading]) == b"1" * (3 * CHUNK_BYTES)


async def test_the_first_object_makes_the_bucket(store: Store) -> None:
    async with store.files.write("another", "people.csv") as writer:
        await writer.write(b"x")

    assert [found.key async for found in store.files.list("another")] == ["people.csv"]


@pytest.mark.parametrize("bucket_name", ["Upper", "under_score", "192.168.0.1", "a..b", "-ab", "ab-", "a" * 64])
async def test_a_bucket_that_s3_would_not_make_is_not_made(store: Store, bucket_name: str) -> None:
    with pytest.raises(FilesError) as raised:
        async with store.files.write(bucket_name, "key"):
            pass

    assert raised.value.code == "InvalidBucketName"


async def test_a_bucket_that_is_a_file_is_refused(store: Store, bucket: Path) -> None:
    (bucket.parent / "file").write_bytes(b"")

    with pytest.raises(FilesError) as raised:
        await store.files.head("file", "key")

    assert raised.value.code == "AccessDenied"


async def test_writing_leaves_nothing_behind(store: Store, bucket: Path) -> None:
    await put(store, "a")
    with pytest.raises(ZeroDivisionError):
        await write_and_fail(store, "b", b"x")

    assert list((bucket / ".repoint" / "scratch").iterdir()) == []


async def test_scratch_files_of_killed_writers_are_cleared_by_age(store: Store, bucket: Path) -> None:
    await put(store, "a")
    old, new = (bucket / ".repoint" / "scratch" / name for name in ("old", "new"))
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (1, 1))

    await clear_scratch(bucket.parent, older_than_s=3600)

    assert [path.name for path in (bucket / ".repoint" / "scratch").iterdir()] == ["new"]
    assert await keys(store) == ["a"]


@pytest.fixture
def full_disk() -> Iterator[BinaryIO]:
    """A file on a device that takes nothing."""
    with Path("/dev/full").open("wb", buffering=0) as file:
        yield file


async def test_a_full_disk_is_told(full_disk: BinaryIO) -> None:
    with pytest.raises(FilesError) as raised:
        await FolderWriter(full_disk).write(b"x" * CHUNK_BYTES)

    assert raised.value.code == "InsufficientStorage"


async def test_nobody_else_on_the_machine_reads_them(tmp_path: Path) -> None:
    await put(Store(FolderFiles(tmp_path / "files"), "bucket"), "a/b.csv", b"Id\n")

    made = [path for path in (tmp_path / "files").rglob("*") if path.name in {"bucket", "a", "b.csv"}]
    assert len(made) == 3
    assert not any(path.stat().st_mode & 0o077 for path in made)


async def test_a_writer_that_is_frozen_holds_up_no_other(store: Store, bucket: Path) -> None:
    await put(store, "a/1.csv", b"one")
    with (bucket / ".repoint" / "lock").open("ab") as lock:
        # As one that was stopped while it put its own file in place.
        fcntl.flock(lock, fcntl.LOCK_SH)
        async with asyncio.timeout(20):
            await put(store, "a/2.csv", b"two")

    assert await keys(store) == ["a/1.csv", "a/2.csv"]

"""What every store of files must do: run against the folder and against S3 over HTTP."""

from random import Random

import pytest

from repoint.files import folder, s3
from repoint.files.s3 import PART_BYTES
from repoint.files.store import FileChangedError, FilesError
from tests.files.stores import Store, etag_of, get, keys, put, store, write_and_fail

__all__ = ["store"]

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
        async with store.files.write(store.bucket, key) as writer:
            await writer.write(key.encode())

    ordered = sorted(family, key=str.encode)
    found = [item async for item in store.files.list(store.bucket)]
    assert [item.key for item in found] == ordered
    for position in (0, 3, len(ordered) // 2, len(ordered) - 1):
        assert await keys(store, after=ordered[position]) == ordered[position + 1 :]
    for item in found:
        assert await get(store, item.key, etag=item.etag) == item.key.encode()


async def test_a_prefix_is_the_beginning_of_keys_and_no_folder(store: Store) -> None:
    for key in ("test", "test.csv", "test1.csv", "test/1.csv", "tes", "other/test"):
        await put(store, key)

    assert await keys(store, "test") == ["test", "test.csv", "test/1.csv", "test1.csv"]
    assert await keys(store, "test/") == ["test/1.csv"]
    assert await keys(store, "test/2") == []
    assert await keys(store, "test", after="test.csv") == ["test/1.csv", "test1.csv"]
    assert await keys(store, "test/1.csv/") == []


async def test_more_than_one_page_is_listed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PAGE_SIZE", 3)
    monkeypatch.setattr(folder, "PAGE_SIZE", 3)
    names = [f"in/{number}" for number in range(7)]
    for name in names:
        await put(store, name)

    assert await keys(store, "in/") == names
    assert await keys(store, "in/", after="in/1") == names[2:]


async def test_a_listing_tells_size_and_etag_as_head_does(store: Store) -> None:
    await put(store, "a/people.csv", b"12345")

    found = [item async for item in store.files.list(store.bucket)]

    assert found == [await store.files.head(store.bucket, "a/people.csv")]
    assert found[0].size_bytes == 5


async def test_our_own_keys_are_listed_only_when_asked_for(store: Store) -> None:
    await put(store, ".repoint/uploads/1/00001")
    await put(store, ".repoint.csv")

    assert await keys(store) == [".repoint.csv"]
    assert await keys(store, ".repoint/uploads/") == [".repoint/uploads/1/00001"]


async def test_a_key_that_is_only_a_folder_of_others_is_no_object(store: Store) -> None:
    await put(store, "a/b")

    assert await store.files.head(store.bucket, "a") is None
    with pytest.raises(FilesError) as raised:
        await get(store, "a", etag="any")
    assert raised.value.code == "NoSuchKey"


async def test_an_empty_object_is_one(store: Store) -> None:
    await put(store, "empty", b"")

    assert await get(store, "empty") == b""
    assert await get(store, "empty", start=1) == b""


async def test_ranges_end_with_the_object(store: Store) -> None:
    await put(store, "digits", b"0123456789")

    assert await get(store, "digits", start=4) == b"456789"
    assert await get(store, "digits", start=4, size_bytes=3) == b"456"
    assert await get(store, "digits", size_bytes=1) == b"0"
    assert await get(store, "digits", start=8, size_bytes=10) == b"89"
    assert await get(store, "digits", start=10) == b""
    assert await get(store, "digits", start=3, size_bytes=0) == b""


async def test_a_large_object_is_written_and_read_whole(store: Store) -> None:
    content = Random(1).randbytes(2 * PART_BYTES + 1000)  # noqa: S311 - any bytes do

    async with store.files.write(store.bucket, "large") as writer:
        for start in range(0, len(content), 3_000_000):
            await writer.write(content[start : start + 3_000_000])

    assert await get(store, "large") == content
    assert await get(store, "large", start=PART_BYTES - 2, size_bytes=4) == content[PART_BYTES - 2 : PART_BYTES + 2]


async def test_an_object_of_exactly_one_part_is_written(store: Store) -> None:
    await put(store, "part", b"p" * PART_BYTES)

    found = await store.files.head(store.bucket, "part")
    assert found is not None
    assert found.size_bytes == PART_BYTES


async def test_an_object_appears_at_the_end_of_writing_only(store: Store) -> None:
    async with store.files.write(store.bucket, "people.csv") as writer:
        await writer.write(b"x" * (PART_BYTES + 1))
        assert await keys(store) == []

    assert await keys(store) == ["people.csv"]


@pytest.mark.parametrize("size_bytes", [0, 10, PART_BYTES + 1])
async def test_an_exception_leaves_what_was_there(store: Store, size_bytes: int) -> None:
    await put(store, "kept", b"before")

    for key in ("kept", "new"):
        with pytest.raises(ZeroDivisionError):
            await write_and_fail(store, key, b"x" * size_bytes)

    assert await keys(store) == ["kept"]
    assert await get(store, "kept") == b"before"


async def test_writing_again_replaces_and_changes_the_etag(store: Store) -> None:
    first = await put(store, "people.csv", b"one")

    second = await put(store, "people.csv", b"two")

    assert first != second
    assert await get(store, "people.csv") == b"two"
    assert await keys(store) == ["people.csv"]


async def test_a_replaced_object_is_not_read_under_its_old_etag(store: Store) -> None:
    first = await put(store, "people.csv", b"one")
    await put(store, "people.csv", b"two")

    with pytest.raises(FileChangedError) as raised:
        await get(store, "people.csv", etag=first)

    assert raised.value.message == f"s3://{store.bucket}/people.csv changed while it was read"


async def test_an_object_that_vanished_is_told(store: Store) -> None:
    etag = await put(store, "people.csv")
    await store.files.delete(store.bucket, "people.csv")

    with pytest.raises(FilesError) as raised:
        await get(store, "people.csv", etag=etag)

    assert raised.value.code == "NoSuchKey"


async def test_deleting_what_is_not_there_is_no_error(store: Store) -> None:
    await store.files.delete(store.bucket, "never/there")

    assert await keys(store) == []


async def test_a_missing_bucket_is_told(store: Store) -> None:
    with pytest.raises(FilesError) as listing:
        _ = [item async for item in store.files.list("no-such-bucket", "in/")]
    with pytest.raises(FilesError) as heading:
        await store.files.head("no-such-bucket", "in/people.csv")
    with pytest.raises(FilesError) as reading:
        _ = [chunk async for chunk in store.files.read("no-such-bucket", "in/people.csv", etag="e")]

    assert [error.value.code for error in (listing, heading, reading)] == ["NoSuchBucket"] * 3


@pytest.mark.parametrize(
    "bucket", ["", "ab", "a/b", "../b", "..", "a" * 256, "arn:aws:s3:::b", "b\0c", "bücket", "a b"]
)
async def test_what_is_no_bucket_name_is_refused(store: Store, bucket: str) -> None:
    with pytest.raises(FilesError) as raised:
        async with store.files.write(bucket, "key"):
            pass

    assert raised.value.code == "InvalidBucketName"
    assert repr(bucket) in raised.value.message


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "InvalidArgument"),
        ("x" * 1025, "KeyTooLongError"),
        ("é" * 513, "KeyTooLongError"),
        ("\ud800", "InvalidArgument"),
    ],
)
async def test_what_is_no_key_is_refused(store: Store, key: str, code: str) -> None:
    with pytest.raises(FilesError) as raised:
        await store.files.head(store.bucket, key)

    assert raised.value.code == code


async def test_two_writers_of_one_key_leave_one_whole_object(store: Store) -> None:
    async with (
        store.files.write(store.bucket, "people.csv") as one,
        store.files.write(store.bucket, "people.csv") as two,
    ):
        await one.write(b"one")
        await two.write(b"two")

    assert await get(store, "people.csv", etag=await etag_of(store, "people.csv")) in {b"one", b"two"}

"""From bytes to blocks of lines, whatever the chunks they come in."""

import asyncio
import gzip
import random
from collections.abc import AsyncGenerator

import pytest

from repoint.jobs.lines import Block, Chunks, ObjectError, Scan, after_line, blocks, short_lines, unpack

MARK = b"\xef\xbb\xbf"


async def chunked(data: bytes, size: int = 7) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def joined(chunks: Chunks) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def unpacked(data: bytes, size: int) -> bytes:
    return await joined((await unpack(chunked(data, size))).chunks)


async def cut(data: bytes, *, size: int = 7, max_lines: int = 3, max_bytes: int = 1 << 20) -> list[Block]:
    found = blocks(short_lines(chunked(data, size)), first_line_no=1, max_lines=max_lines, max_bytes=max_bytes)
    return [block async for block in found]


async def scan(data: bytes, size: int = 7, max_bytes: int = 1 << 30) -> Scan:
    found = Scan()
    await found.read(chunked(data, size), max_bytes=max_bytes)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("text", [b"", b"I", b"Id\n", b"Id\n" * 1000])
async def test_text_comes_without_its_mark_packed_or_not(text: bytes, size: int) -> None:
    for data in (text, MARK + text, gzip.compress(text), gzip.compress(MARK + text)):
        assert await unpacked(data, size) == text


@pytest.mark.parametrize("size", [1, 5, 1000])
async def test_gzip_members_are_one_text_and_zeros_behind_them_are_padding(size: int) -> None:
    packed = gzip.compress(b"a\n") + gzip.compress(b"") + gzip.compress(b"b\n") + bytes(20)

    assert await unpacked(packed, size) == b"a\nb\n"


@pytest.mark.parametrize("kept", [2, 5, 15, 100, -8, -1])
async def test_gzip_cut_short_is_told(kept: int) -> None:
    packed = gzip.compress(random.Random(1).randbytes(10_000))  # noqa: S311 - no secret

    with pytest.raises(ObjectError, match="The gzip data is cut short"):
        await unpacked(packed[:kept], 50)


async def test_broken_gzip_is_told() -> None:
    packed = bytearray(gzip.compress(b"Id\n" * 1000))
    packed[-5] ^= 1

    for data in (bytes(packed), gzip.compress(b"x") + b"garbage", b"\x1f\x8b\x00\x00" + bytes(100)):
        with pytest.raises(ObjectError, match=r"The gzip data is (broken|cut short)"):
            await unpacked(data, 50)


async def test_a_gzip_bomb_comes_in_small_chunks() -> None:
    packed = gzip.compress(bytes(50_000_000))

    text = await unpack(chunked(packed, 1 << 20))
    largest = max([len(chunk) async for chunk in text.chunks])

    assert largest <= 256 * 1024


async def test_others_have_their_turns_while_a_gzip_bomb_is_looked_through() -> None:
    packed = gzip.compress(b"\n" * 50_000_000)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(take_turns())
    found = Scan()
    await found.read((await unpack(chunked(packed, 1 << 20))).chunks, max_bytes=1 << 30)
    other.cancel()

    assert (found.size_bytes, found.line_count) == (50_000_000, 0)
    assert turns > 100


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
async def test_lines_that_are_not_blank_are_counted(size: int) -> None:
    choose = random.Random(size)  # noqa: S311 - no secret
    for _ in range(200):
        text = bytes(choose.choices(b"\n\n\n \t\r\v\fx", k=40))
        assert (await scan(text, size)).line_count == sum(bool(line.strip()) for line in text.split(b"\n"))


@pytest.mark.parametrize(("line_no", "rest"), [(0, b"a\nb\n\nc"), (1, b"b\n\nc"), (2, b"\nc"), (3, b"c"), (4, b"")])
@pytest.mark.parametrize("size", [1, 2, 100])
async def test_what_follows_a_line(line_no: int, rest: bytes, size: int) -> None:
    assert await joined(after_line(chunked(b"a\nb\n\nc", size), line_no)) == rest


@pytest.mark.parametrize("size", [1, 4, 5, 1000])
async def test_blocks_are_whole_lines_with_their_numbers(size: int) -> None:
    assert await cut(b"a\nbb\n\nccc\nd", size=size) == [Block(1, 3, b"a\nbb\n\n"), Block(4, 5, b"ccc\nd")]


async def test_a_last_line_with_an_end_is_no_line_more() -> None:
    assert await cut(b"a\nb\nc\n") == [Block(1, 3, b"a\nb\nc\n")]
    assert await cut(b"a\nb\n") == [Block(1, 2, b"a\nb\n")]
    assert await cut(b"") == []


async def test_blocks_end_near_their_bytes() -> None:
    data = b"".join(b"%05d\n" % i for i in range(1000))

    found = await cut(data, size=30, max_lines=10_000, max_bytes=100)

    assert b"".join(block.data for block in found) == data
    assert {len(block.data) for block in found[:-1]} == {120}
    assert [block.first_line_no for block in found] == [1 + 20 * i for i in range(len(found))]


async def test_any_cutting_gives_the_same_lines() -> None:
    choice = random.Random(7)  # noqa: S311 - no secret
    for _ in range(200):
        data = b"\n".join(b"x" * choice.choice([0, 1, 5, 40]) for _ in range(choice.randrange(40)))
        sizes = {
            "size": choice.randrange(1, 60),
            "max_lines": choice.randrange(1, 9),
            "max_bytes": choice.randrange(1, 99),
        }

        found = await cut(data, **sizes)

        assert b"".join(block.data for block in found) == data
        next_line_no = 1
        for block in found:
            lines = block.data.count(b"\n") + (not block.data.endswith(b"\n"))
            assert (block.first_line_no, block.last_line_no) == (next_line_no, next_line_no + lines - 1)
            assert lines <= sizes["max_lines"]
            next_line_no += lines


@pytest.mark.parametrize("size", [4096, 300_000])
async def test_a_long_line_is_cut_behind_the_limit_and_the_next_starts_clean(size: int) -> None:
    data = b"a\n" + b"x" * 10_000_000 + b"\nb\n" + b"y" * 1_000_000 + b"\n" + b"z" * 2_000_000

    found = await cut(data, size=size, max_lines=100, max_bytes=1 << 22)

    lines = b"".join(block.data for block in found).split(b"\n")
    assert [len(line) for line in lines] == [1, 1_000_001, 1, 1_000_000, 1_000_001]
    assert found[-1].last_line_no == 5


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_a_scan_counts_lines_that_are_not_blank(size: int) -> None:
    found = await scan(b"Id,Address\r\n\n  \r\na\n\t\nb", size)

    assert (found.line_count, found.first_line, found.bad_line_no) == (3, b"Id,Address\r", None)
    assert found.size_bytes == 22


async def test_a_scan_of_nothing_and_of_blanks() -> None:
    assert (await scan(b"")).line_count == 0
    assert (await scan(b"\n \n")).line_count == 0
    assert (await scan(b"\nId")).first_line == b""


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("data", "line_no"),
    [
        ("Grüße\n🐝\n".encode(), None),
        (b"\xff", 1),
        (b"a\nb\xc3\n", 2),
        (b"a\nb\n\xc3", 3),
        (b"a\n\xed\xa0\x80", 2),
        ("ü\n".encode("latin-1"), 1),
    ],
)
async def test_a_scan_finds_the_line_that_is_not_utf_8(data: bytes, line_no: int | None, size: int) -> None:
    assert (await scan(data, size)).bad_line_no == line_no


async def test_a_scan_stops_at_its_limit() -> None:
    found = await scan(b"x\n" * 1000, 10, max_bytes=100)

    assert found.size_bytes == 110

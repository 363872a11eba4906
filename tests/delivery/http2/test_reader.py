"""Frames as another library writes them, in whatever pieces they arrive."""

import random

import pytest
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from repoint.delivery.http2.frames import END_HEADERS, END_STREAM, Kind, NotHttp2Error
from repoint.delivery.http2.reader import Reader


def headers(stream_id: int, block: bytes, *flags: str, pad: int = 0) -> HeadersFrame:
    return HeadersFrame(stream_id, block, flags=flags, pad_length=pad)


FRAMES: list[Frame] = [
    SettingsFrame(0, {3: 100}),
    headers(1, b"first", "END_HEADERS"),
    DataFrame(1, b"body", flags=["END_STREAM"]),
    headers(3, b"padded", "END_HEADERS", "END_STREAM", "PADDED", pad=9),
    DataFrame(5, b"", flags=["PADDED"], pad_length=0),
    DataFrame(5, b"x" * 16_000, flags=["PADDED"], pad_length=200),
    headers(7, b"urgent", "END_HEADERS", "PRIORITY"),
    headers(9, b"in ", "END_STREAM"),
    ContinuationFrame(9, b"three "),
    ContinuationFrame(9, b"parts", flags=["END_HEADERS"]),
    PingFrame(0, b"12345678"),
    WindowUpdateFrame(0, 77),
]
READ = [
    (Kind.SETTINGS, 0, 0, b"\0\x03\0\0\0\x64", 6),
    (Kind.HEADERS, END_HEADERS, 1, b"first", 5),
    (Kind.DATA, END_STREAM, 1, b"body", 4),
    (Kind.HEADERS, END_HEADERS | END_STREAM, 3, b"padded", 16),
    (Kind.DATA, 0, 5, b"", 1),
    (Kind.DATA, 0, 5, b"x" * 16_000, 16_201),
    (Kind.HEADERS, END_HEADERS, 7, b"urgent", 11),
    (Kind.HEADERS, END_HEADERS | END_STREAM, 9, b"in three parts", 5),
    (Kind.PING, 0, 0, b"12345678", 8),
    (Kind.WINDOW_UPDATE, 0, 0, b"\0\0\0\x4d", 4),
]
# Of flags, those that say how a payload is to be read; they mean nothing any more.
SAID = 0x8 | 0x20


@pytest.mark.parametrize("seed", range(5))
def test_frames_are_read_whatever_the_pieces_are(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - the same each time
    data = b"".join(frame.serialize() for frame in FRAMES)
    reader, read = Reader(), []
    while data:
        size = choose.choice([1, 2, 9, 10, 500, 20_000])
        read += reader.feed(data[:size])
        data = data[size:]

    assert [(kind, flags & ~SAID, *rest) for kind, flags, *rest in read] == READ


def test_only_headers_say_that_a_stream_ends() -> None:
    """Of CONTINUATION the flag has no meaning (RFC 9113 section 4.1)."""
    block = headers(1, b"a").serialize()
    rest = bytearray(ContinuationFrame(1, b"b", flags=["END_HEADERS"]).serialize())
    rest[4] |= END_STREAM

    [_, (_, flags, *_)] = Reader().feed(SettingsFrame(0).serialize() + block + bytes(rest))

    assert not flags & END_STREAM


@pytest.mark.parametrize(
    "frames",
    [
        [PingFrame(0)],
        [SettingsFrame(0), ContinuationFrame(1, b"out of nowhere")],
        [SettingsFrame(0), headers(1, b"a"), DataFrame(1, b"in between")],
        [SettingsFrame(0), headers(1, b"a"), ContinuationFrame(3, b"of another")],
        # Headers without end, large ones and empty ones.
        [SettingsFrame(0), headers(1, b"a"), *([ContinuationFrame(1, b"x" * 16_000)] * 5)],
        [SettingsFrame(0), headers(1, b"a"), *([ContinuationFrame(1, b"")] * 10_000)],
        [SettingsFrame(0), DataFrame(1, b"x" * 16_385)],
    ],
)
def test_what_breaks_the_rules_is_told(frames: list[Frame]) -> None:
    with pytest.raises(NotHttp2Error):
        Reader().feed(b"".join(frame.serialize() for frame in frames))


@pytest.mark.parametrize("payload", [b"", b"\x05abcd", b"\xff"])
def test_padding_that_is_longer_than_all_is_told(payload: bytes) -> None:
    frame = bytearray(DataFrame(1, payload).serialize())
    frame[4] |= 0x8
    with pytest.raises(NotHttp2Error):
        Reader().feed(SettingsFrame(0).serialize() + bytes(frame))

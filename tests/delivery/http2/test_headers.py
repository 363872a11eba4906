"""Headers as they are packed, and unpacked by a library that does both."""

import random

import pytest
from hpack import Decoder, Encoder

from repoint.delivery.http2.exchange import Headers
from repoint.delivery.http2.headers import Packer, Unpacker

PSEUDO: Headers = ((b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"push.example"))


def unpacked(decoder: Decoder, block: bytes) -> list[tuple[bytes, bytes]]:
    return [(bytes(name), bytes(value)) for name, value in decoder.decode(block, raw=True)]


@pytest.mark.parametrize("seed", range(5))
def test_what_is_packed_is_what_is_unpacked(seed: int) -> None:
    """However often tables are made smaller and larger, and whatever is in them."""
    choose = random.Random(seed)  # noqa: S311 - the same each time
    packer, decoder = Packer(PSEUDO), Decoder()
    commons: list[Headers] = [
        ((b"authorization", bytes([65 + n]) * choose.choice([5, 126, 127, 300, 3_000, 5_000])), (b"x-n", b"%d" % n))
        for n in range(6)
    ]
    for _ in range(400):
        if choose.random() < 0.05:
            for size in choose.sample([0, 50, 100, 1_000, 4_096, 65_536], 3):
                packer.limit(size)
            decoder.max_allowed_table_size = size
        common = choose.choice(commons)
        path, own = b"/" + b"p" * choose.choice([1, 126, 127, 400]), ((b"apns-id", b"i" * choose.choice([0, 36])),)

        block = packer.pack(path, common, own)

        assert unpacked(decoder, block) == [*PSEUDO, (b":path", path), *common, *own]


def test_headers_in_common_are_short_from_the_second_time_on() -> None:
    packer = Packer(PSEUDO)
    common: Headers = ((b"authorization", b"bearer " + b"x" * 300), (b"apns-topic", b"com.example.shop"))

    sizes = [len(packer.pack(b"/a", common, ())) for _ in range(3)]

    assert sizes[0] > 320
    # Five references, and the path with its length.
    assert sizes[1:] == [9, 9]


def test_answers_are_unpacked_with_and_without_a_table() -> None:
    encoder, unpacker = Encoder(), Unpacker()
    answer = [(b":status", b"429"), (b"retry-after", b"7"), (b"apns-id", b"x")]

    found = [unpacker.unpack(encoder.encode(answer)) for _ in range(3)]
    unpacker.without_table()
    encoder.header_table_size = 0
    found += [unpacker.unpack(encoder.encode(answer)) for _ in range(3)]
    trailers = unpacker.unpack(encoder.encode([(b"a", b"b")]))

    assert found == [(429, tuple(answer))] * 6
    assert trailers == (0, ((b"a", b"b"),))

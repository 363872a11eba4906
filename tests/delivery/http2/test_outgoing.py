"""Requests whose bodies leave as a peer's windows let them, held against a count of what it has allowed."""

import asyncio
import random

import pytest
from hyperframe.frame import DataFrame, Frame

from repoint.delivery.http2.exchange import Request
from repoint.delivery.http2.frames import NotHttp2Error, Setting
from repoint.delivery.http2.outgoing import Outgoing


def request(body: bytes) -> Request:
    return Request(b"/", (), (), body, asyncio.get_running_loop().create_future())


def sent(out: list[bytes]) -> list[tuple[int, bytes, bool]]:
    """By stream what leaves of bodies, and whether it says that it is the end."""
    data, found = memoryview(b"".join(out)), []
    out.clear()
    while data:
        frame, size = Frame.parse_frame_header(data[:9])
        frame.parse_body(data[9 : 9 + size])
        if isinstance(frame, DataFrame):
            found.append((frame.stream_id, frame.data, "END_STREAM" in frame.flags))
        data = data[9 + size :]
    return found


async def test_a_window_made_smaller_than_what_was_sent_is_below_nothing() -> None:
    """RFC 9113 section 6.9.2."""
    outgoing, out = Outgoing(b"a"), list[bytes]()
    outgoing.set(Setting.INITIAL_WINDOW_SIZE, 100)
    outgoing.begin(1, request(b"x" * 300), out)
    assert sent(out) == [(1, b"x" * 100, False)]

    outgoing.set(Setting.INITIAL_WINDOW_SIZE, 10)
    outgoing.widen(1, 90)
    outgoing.go_on(out)
    assert sent(out) == []

    outgoing.widen(1, 1)
    outgoing.go_on(out)
    assert sent(out) == [(1, b"x", False)]

    outgoing.set(Setting.INITIAL_WINDOW_SIZE, 1_000)
    outgoing.go_on(out)
    assert sent(out) == [(1, b"x" * 199, True)]
    assert outgoing.is_whole(1)


@pytest.mark.parametrize("seed", range(8))
async def test_never_more_leaves_than_was_allowed_and_in_the_end_everything(seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - the same each time
    outgoing, out = Outgoing(b"a"), list[bytes]()
    everything, initial = 65_535, 65_535
    windows: dict[int, int] = {}
    bodies: dict[int, bytes] = {}
    arrived: dict[int, bytes] = {}
    ended: set[int] = set()

    def arrive() -> None:
        nonlocal everything
        for stream_id, data, is_end in sent(out):
            assert stream_id not in ended
            everything -= len(data)
            windows[stream_id] -= len(data)
            assert everything >= 0
            # None leaves through a window below nothing.
            assert not data or windows[stream_id] >= 0
            arrived[stream_id] = arrived.get(stream_id, b"") + data
            if is_end:
                ended.add(stream_id)

    for step in range(400):
        match choose.randrange(4):
            case 0 if outgoing.has_room:
                stream_id = 2 * step + 1
                bodies[stream_id] = choose.randbytes(choose.choice([1, 50, 4_096, 20_000]))
                windows[stream_id] = initial
                outgoing.begin(stream_id, request(bodies[stream_id]), out)
            case 1:
                new = choose.choice([0, 7, 1_000, 65_535])
                windows = {each: window + new - initial for each, window in windows.items()}
                initial = new
                outgoing.set(Setting.INITIAL_WINDOW_SIZE, new)
            case 2 if bodies:
                stream_id, more = choose.choice(list(bodies)), choose.choice([1, 500, 30_000])
                windows[stream_id] += more
                outgoing.widen(stream_id, more)
            case _:
                more = choose.choice([1, 500, 30_000])
                everything += more
                outgoing.widen(0, more)
        arrive()
        outgoing.go_on(out)
        arrive()
    for stream_id in bodies:
        windows[stream_id] += 1_000_000
        outgoing.widen(stream_id, 1_000_000)
    everything += 100_000_000
    outgoing.widen(0, 100_000_000)
    outgoing.go_on(out)
    arrive()

    assert arrived == bodies
    assert ended == bodies.keys()


async def test_windows_have_an_end() -> None:
    outgoing = Outgoing(b"a")
    outgoing.widen(0, (1 << 31) - 1 - 65_535)
    with pytest.raises(NotHttp2Error):
        outgoing.widen(0, 1)
    with pytest.raises(NotHttp2Error):
        outgoing.set(Setting.INITIAL_WINDOW_SIZE, 1 << 31)

"""Frames as they come out of the bytes of a connection: headers whole, padding gone."""

from repoint.delivery.http2.frames import (
    END_HEADERS,
    HEAD_BYTES,
    MOST_BYTES,
    PADDED,
    PRIORITY,
    Code,
    Kind,
    NotHttp2Error,
    read_head,
)

# Of an answer's headers, with the heads of their frames: so there is an end to empty ones, too.
_BLOCK_BYTES = 65_536
_PRIORITY_BYTES = 5
# Flags with which a payload holds more than its content.
_SPECIAL = PADDED | PRIORITY
_PADDED = frozenset({Kind.DATA, Kind.HEADERS})


# Type, flags, stream, payload, and the size that flow control counts, with padding.
Frame = tuple[int, int, int, bytes, int]


class Reader:
    """Takes in bytes."""

    def __init__(self) -> None:
        self._rest = b""
        self._has_begun = False
        # Headers that go on in the next frame: stream, flags, block.
        self._partial: tuple[int, int, bytes] | None = None
        self._partial_bytes = 0

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are whole now; headers that were spread over several are one. Raises NotHttp2Error."""
        data = self._rest + data if self._rest else data
        frames: list[Frame] = []
        at, most = 0, len(data) - HEAD_BYTES
        while at <= most:
            length, kind, flags, stream_id = read_head(data, at)
            self._check(length, kind, stream_id)
            begin = at + HEAD_BYTES
            if begin + length > len(data):
                break
            at = begin + length
            payload = data[begin:at]
            if (kind == Kind.DATA or flags & END_HEADERS) and not flags & _SPECIAL and self._partial is None:
                frames.append((kind, flags, stream_id, payload, length))
            elif (frame := self._frame(kind, flags, stream_id, payload)) is not None:
                frames.append(frame)
        self._rest = data[at:]
        return frames

    def _check(self, length: int, kind: int, stream_id: int) -> None:
        if not self._has_begun and kind != Kind.SETTINGS:
            raise NotHttp2Error("no SETTINGS at the beginning")
        if length > MOST_BYTES:
            raise NotHttp2Error("a frame that is too large", Code.FRAME_SIZE_ERROR)
        if self._partial is not None:
            if kind != Kind.CONTINUATION or stream_id != self._partial[0]:
                raise NotHttp2Error("headers broken off")
        elif kind == Kind.CONTINUATION:
            raise NotHttp2Error("headers out of nowhere")
        self._has_begun = True

    def _frame(self, kind: int, flags: int, stream_id: int, payload: bytes) -> Frame | None:
        size = len(payload)
        if flags & PADDED and kind in _PADDED:
            payload = _without_padding(payload)
        if kind == Kind.HEADERS and flags & PRIORITY:
            payload = payload[_PRIORITY_BYTES:]
        if kind == Kind.CONTINUATION and self._partial is not None:
            _, first, block = self._partial
            kind, flags, payload = Kind.HEADERS, first | flags & END_HEADERS, block + payload
        if kind != Kind.HEADERS or flags & END_HEADERS:
            self._partial, self._partial_bytes = None, 0
            return kind, flags, stream_id, payload, size
        self._partial = (stream_id, flags, payload)
        self._partial_bytes += HEAD_BYTES + size
        if self._partial_bytes > _BLOCK_BYTES:
            raise NotHttp2Error("headers without end")
        return None


def _without_padding(payload: bytes) -> bytes:
    if not payload or payload[0] >= len(payload):
        raise NotHttp2Error("padding")
    return payload[1 : len(payload) - payload[0]]

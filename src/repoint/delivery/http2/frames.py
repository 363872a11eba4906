"""Frames of HTTP/2 (RFC 9113 section 4.1): nine bytes that say what follows, and that."""

from enum import IntEnum
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_BYTES = 9
# The most that a peer may send without having been asked for more, and that we send.
MOST_BYTES = 16_384
WINDOW_BYTES = 65_535
LAST_STREAM = (1 << 31) - 1
_NUMBER_BYTES = 4
_HEAD = Struct(">BHBBL")

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
PRIORITY = 0x20


class Kind(IntEnum):
    """Types of frames; others are ignored."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


class Setting(IntEnum):
    """Identifiers in SETTINGS that matter to a client."""

    HEADER_TABLE_SIZE = 1
    ENABLE_PUSH = 2
    MAX_CONCURRENT_STREAMS = 3
    INITIAL_WINDOW_SIZE = 4


class Code(IntEnum):
    """Error codes (section 7) that we use or look for."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    FLOW_CONTROL_ERROR = 3
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    ENHANCE_YOUR_CALM = 11


class NotHttp2Error(Exception):
    """The peer does not speak as HTTP/2 asks; the text says what it did."""

    def __init__(self, text: str, code: Code = Code.PROTOCOL_ERROR) -> None:
        super().__init__(text)
        self.code = code


def frame(kind: Kind, flags: int, stream_id: int, payload: bytes) -> bytes:
    """A frame of at most MOST_BYTES."""
    size = len(payload)
    return _HEAD.pack(size >> 16, size & 0xFFFF, kind, flags, stream_id) + payload


def read_head(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Size, type, flags and stream of the frame that begins there."""
    high, low, kind, flags, stream_id = _HEAD.unpack_from(data, at)
    return high << 16 | low, kind, flags, stream_id & 0x7FFFFFFF


def read_number(payload: bytes) -> int:
    """The payload of a frame that is a number; raises NotHttp2Error."""
    if len(payload) != _NUMBER_BYTES:
        raise NotHttp2Error("a number of another size", Code.FRAME_SIZE_ERROR)
    return int.from_bytes(payload)


def settings(values: dict[Setting, int]) -> bytes:
    """Our SETTINGS."""
    payload = b"".join(name.to_bytes(2) + value.to_bytes(4) for name, value in values.items())
    return frame(Kind.SETTINGS, 0, 0, payload)


def number_frame(kind: Kind, stream_id: int, number: int) -> bytes:
    """RST_STREAM with its code, WINDOW_UPDATE with its increment."""
    return frame(kind, 0, stream_id, number.to_bytes(4))

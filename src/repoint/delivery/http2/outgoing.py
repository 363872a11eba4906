"""Requests as they leave: frames, as far as the peer's windows let them (RFC 9113 section 5.2)."""

from repoint.delivery.http2.exchange import Request
from repoint.delivery.http2.frames import (
    END_HEADERS,
    END_STREAM,
    MOST_BYTES,
    WINDOW_BYTES,
    Code,
    Kind,
    NotHttp2Error,
    Setting,
    frame,
)
from repoint.delivery.http2.headers import Packer

_MOST_WINDOW = (1 << 31) - 1


class Outgoing:
    """What one connection has to send."""

    def __init__(self, authority: bytes) -> None:
        self._packer = Packer(((b":method", b"POST"), (b":scheme", b"https"), (b":authority", authority)))
        # Bytes that the peer takes, of all streams and of a new one.
        self._window = self._stream_window = WINDOW_BYTES
        # By stream: those whose body is not gone.
        self._blocked: dict[int, Request] = {}

    @property
    def has_room(self) -> bool:
        """Whether the peer takes anything."""
        return self._window > 0

    def is_whole(self, stream_id: int) -> bool:
        """Whether the last byte of the request was sent: before, nobody can have taken it."""
        return stream_id not in self._blocked

    def forget(self, stream_id: int) -> None:
        """Nothing more is to be sent on this stream."""
        self._blocked.pop(stream_id, None)

    def begin(self, stream_id: int, request: Request, out: list[bytes]) -> None:
        """Add the frames of a request."""
        block, body = self._packer.pack(request.path, request.common, request.own), request.body
        size = len(body)
        if len(block) <= MOST_BYTES and size <= min(MOST_BYTES, self._window, self._stream_window):
            # As it nearly always is.
            self._window -= size
            out.append(frame(Kind.HEADERS, END_HEADERS, stream_id, block))
            out.append(frame(Kind.DATA, END_STREAM, stream_id, body))
            return
        pieces = [block[start : start + MOST_BYTES] for start in range(0, len(block), MOST_BYTES)]
        for number, piece in enumerate(pieces, 1):
            kind = Kind.HEADERS if number == 1 else Kind.CONTINUATION
            out.append(frame(kind, END_HEADERS if number == len(pieces) else 0, stream_id, piece))
        request.unsent, request.window = body, self._stream_window
        self._blocked[stream_id] = request
        self._send_body(stream_id, request, out)

    def go_on(self, out: list[bytes]) -> None:
        """Add what the peer takes by now of bodies that were begun."""
        for stream_id in tuple(self._blocked):
            self._send_body(stream_id, self._blocked[stream_id], out)

    def widen(self, stream_id: int, more: int) -> None:
        """The peer takes so many bytes more, on stream 0 of all together; raises NotHttp2Error."""
        if stream_id == 0:
            self._window += more
        elif (request := self._blocked.get(stream_id)) is not None:
            request.window += more
        if self._window > _MOST_WINDOW:
            raise NotHttp2Error("too large a window", Code.FLOW_CONTROL_ERROR)

    def set(self, name: int, value: int) -> None:
        """One of the peer's settings; raises NotHttp2Error."""
        if name == Setting.HEADER_TABLE_SIZE:
            self._packer.limit(value)
        elif name == Setting.INITIAL_WINDOW_SIZE:
            if value > _MOST_WINDOW:
                raise NotHttp2Error("too large a window", Code.FLOW_CONTROL_ERROR)
            for request in self._blocked.values():
                request.window += value - self._stream_window
            self._stream_window = value

    def _send_body(self, stream_id: int, request: Request, out: list[bytes]) -> None:
        """Send what the peer takes; the last piece says that it is the last."""
        while stream_id in self._blocked:
            room = min(self._window, request.window, MOST_BYTES)
            if room <= 0 and request.unsent:
                return
            piece, request.unsent = request.unsent[:room], request.unsent[room:]
            self._window -= len(piece)
            request.window -= len(piece)
            out.append(frame(Kind.DATA, 0 if request.unsent else END_STREAM, stream_id, piece))
            if not request.unsent:
                del self._blocked[stream_id]

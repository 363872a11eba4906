"""One HTTP/2 connection of a client (RFC 9113): requests with a body, many at once, and their answers.

What becomes of requests when it is lost is told in under_way.py.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from hpack import HPACKError

from repoint.delivery.http2.answers import Answers
from repoint.delivery.http2.exchange import NoAnswer, Request
from repoint.delivery.http2.frames import (
    ACK,
    LAST_STREAM,
    PREFACE,
    WINDOW_BYTES,
    Code,
    Kind,
    NotHttp2Error,
    Setting,
    frame,
    number_frame,
    read_number,
    settings,
)
from repoint.delivery.http2.outgoing import Outgoing
from repoint.delivery.http2.reader import Reader
from repoint.delivery.http2.under_way import UnderWay

# Seconds without a word after which a connection is tried before messages are trusted to it.
STALE_S = 15.0
# Pings and settings that a peer has answered while it takes no answers.
_MOST_UNHEARD = 1000
_REASON_CHARACTERS = 200
_SETTING_BYTES = 6
_NUMBER_BYTES = 4
_PING_BYTES = 8


class Work(Protocol):
    """What connections take requests from."""

    def take(self) -> Request | None:
        """The next request; None when there is none."""

    def put_back(self, request: Request, why: NoAnswer) -> None:
        """A request that was certainly not taken; `why` is told of it when it was so too often."""

    def leave(self, connection: "Connection") -> None:
        """This connection takes no more requests."""


class Connection(asyncio.Protocol):
    """A connection, from when it is made; usable as soon as `ready` has a result."""

    def __init__(self, authority: bytes, work: Work, most_streams: int) -> None:
        loop = asyncio.get_running_loop()
        self._now: Callable[[], float] = loop.time
        self._work = work
        # None when the peer has said how it wants things; raises NotHttp2Error.
        self.ready: asyncio.Future[None] = loop.create_future()
        self._most_streams = self._wanted_streams = most_streams
        self._unread_bytes = 0
        self._outgoing = Outgoing(authority)
        self._under_way = UnderWay(self._outgoing, work.put_back, self._reset)
        self._answers = Answers(self._under_way, self._reset)
        self._reader = Reader()
        self._reads: dict[int, Callable[[int, int, bytes, int], None]] = {
            Kind.DATA: self._on_data,
            Kind.HEADERS: self._on_headers,
            Kind.RST_STREAM: self._on_reset,
            Kind.SETTINGS: self._on_settings,
            Kind.PUSH_PROMISE: self._on_push,
            Kind.PING: self._on_ping,
            Kind.GOAWAY: self._on_goaway,
            Kind.WINDOW_UPDATE: self._on_window,
        }
        self._is_leaving = False
        self._is_paused = False
        self._unheard = 0
        self._why = NoAnswer("the connection was lost")
        self._heard_at = self._now()
        # When the peer was asked whether it is still there; None when it has said something since.
        self._asked_at: float | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._under_way

    @property
    def is_leaving(self) -> bool:
        """Whether it takes no more requests."""
        return self._is_leaving

    # What the loop tells of the connection.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)
        ours = {Setting.HEADER_TABLE_SIZE: 0, Setting.ENABLE_PUSH: 0}
        self._transport.write(PREFACE + settings(ours))

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio."""
        if not self.ready.done():
            told = f": {type(error).__name__}" if error is not None else ""
            self.ready.set_exception(NotHttp2Error(f"the server closed the connection{told}"))
            self.ready.exception()
        self._leave()
        self._under_way.lose_all(self._why)

    def pause_writing(self) -> None:
        """See asyncio."""
        self._is_paused = True

    def resume_writing(self) -> None:
        """See asyncio."""
        self._is_paused = False
        self._unheard = 0
        self.go_on()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._heard_at, self._asked_at = self._now(), None
        try:
            for kind, flags, stream_id, payload, size in self._reader.feed(data):
                if kind in self._reads:
                    self._reads[kind](flags, stream_id, payload, size)
        except (NotHttp2Error, HPACKError) as error:
            self._fail(error)
            return
        self._acknowledge_bytes()
        self.go_on()

    # What the client has done.

    def go_on(self) -> None:
        """Send what there is and the peer allows."""
        if not self.ready.done() or self._transport.is_closing():
            return
        out: list[bytes] = []
        self._outgoing.go_on(out)
        while self._may_begin():
            request = self._work.take()
            if request is None:
                break
            request.begun_at = self._now()
            self._under_way.begin(request, out)
        if out:
            self._transport.write(b"".join(out))
        if not self._under_way.has_ids:
            self._leave()
        if self._is_leaving and not self._under_way:
            self._transport.close()

    def _may_begin(self) -> bool:
        has_room = len(self._under_way) < self._most_streams and self._outgoing.has_room and self._under_way.has_ids
        return has_room and not (self._is_leaving or self._is_paused) and self._is_there()

    def _is_there(self) -> bool:
        """Whether the peer has said something lately; if not, it is asked to, and everybody waits until it has."""
        if self._now() - self._heard_at < STALE_S:
            return True
        if self._asked_at is None:
            self._asked_at = self._now()
            self._transport.write(frame(Kind.PING, 0, 0, bytes(_PING_BYTES)))
        return False

    def expire(self, before: float, asked_before: float) -> None:
        """Give up requests begun before one moment, and a peer that was asked before another and is silent since."""
        if self._asked_at is not None and self._asked_at < asked_before:
            self.abort(NoAnswer("the server has fallen silent", is_late=True))
            return
        late = self._under_way.begun_before(before)
        if not late:
            return
        for stream_id in late:
            self._reset(stream_id, Code.CANCEL)
            self._under_way.lose(stream_id, NoAnswer("the server did not answer in time", is_late=True))
        # Whoever has not answered is trusted with no more; those under way may still have their answers.
        self._leave()
        if self._heard_at < before:
            # Nobody is there any more, or nobody who listens.
            self.abort(NoAnswer("the server has fallen silent", is_late=True))
        else:
            self.go_on()

    def close(self) -> None:
        """Say that nothing more will come."""
        self._leave()
        if not self._transport.is_closing():
            self._transport.write(frame(Kind.GOAWAY, 0, 0, bytes(8)))
            self._transport.close()

    def abort(self, why: NoAnswer) -> None:
        """Break off; `why` is told of what is under way."""
        self._leave()
        self._transport.abort()
        self._under_way.lose_all(why)

    def _reset(self, stream_id: int, code: Code) -> None:
        if not self._transport.is_closing():
            self._transport.write(number_frame(Kind.RST_STREAM, stream_id, code))

    def _acknowledge(self, kind: Kind, payload: bytes = b"") -> None:
        """Answer a frame that asks for it; raises NotHttp2Error when nobody listens."""
        self._unheard += self._is_paused
        if self._unheard > _MOST_UNHEARD:
            raise NotHttp2Error("questions without end", Code.ENHANCE_YOUR_CALM)
        self._transport.write(frame(kind, ACK, 0, payload))

    def _leave(self) -> None:
        if not self._is_leaving:
            self._is_leaving = True
            self._work.leave(self)

    def _fail(self, error: NotHttp2Error | HPACKError) -> None:
        """The peer cannot be understood."""
        code = error.code if isinstance(error, NotHttp2Error) else Code.COMPRESSION_ERROR
        if not self.ready.done():
            self.ready.set_exception(NotHttp2Error("the server does not speak HTTP/2"))
            self.ready.exception()
        if not self._transport.is_closing():
            self._transport.write(frame(Kind.GOAWAY, 0, 0, bytes(4) + code.to_bytes(4)))
        self.abort(NoAnswer("the server does not keep to HTTP/2"))

    # Frames.

    def _on_headers(self, flags: int, stream_id: int, payload: bytes, _size: int) -> None:
        self._answers.on_headers(flags, stream_id, payload)

    def _on_data(self, flags: int, stream_id: int, payload: bytes, size: int) -> None:
        self._unread_bytes += size
        self._answers.on_data(flags, stream_id, payload)

    def _on_reset(self, _flags: int, stream_id: int, payload: bytes, _size: int) -> None:
        self._answers.on_reset(stream_id, payload)

    def _on_window(self, _flags: int, stream_id: int, payload: bytes, _size: int) -> None:
        self._outgoing.widen(stream_id, read_number(payload) & LAST_STREAM)

    def _on_settings(self, flags: int, _stream_id: int, payload: bytes, size: int) -> None:
        if flags & ACK:
            self._answers.without_table()
            return
        if size % _SETTING_BYTES:
            raise NotHttp2Error("SETTINGS", Code.FRAME_SIZE_ERROR)
        for at in range(0, size, _SETTING_BYTES):
            self._set(int.from_bytes(payload[at : at + 2]), int.from_bytes(payload[at + 2 : at + _SETTING_BYTES]))
        self._acknowledge(Kind.SETTINGS)
        if not self.ready.done():
            self.ready.set_result(None)

    def _set(self, name: int, value: int) -> None:
        if name == Setting.MAX_CONCURRENT_STREAMS:
            self._most_streams = min(value, self._wanted_streams)
        else:
            self._outgoing.set(name, value)

    def _on_ping(self, flags: int, _stream_id: int, payload: bytes, size: int) -> None:
        if size != _PING_BYTES:
            raise NotHttp2Error("PING", Code.FRAME_SIZE_ERROR)
        if not flags & ACK:
            self._acknowledge(Kind.PING, payload)

    def _on_push(self, _flags: int, _stream_id: int, _payload: bytes, _size: int) -> None:
        raise NotHttp2Error("PUSH_PROMISE")

    def _on_goaway(self, _flags: int, _stream_id: int, payload: bytes, _size: int) -> None:
        last = read_number(payload[:_NUMBER_BYTES]) & LAST_STREAM
        told = "".join(each for each in payload[2 * _NUMBER_BYTES :].decode("ascii", "replace") if each.isprintable())
        self._why = NoAnswer(f"the server ended the connection {told[:_REASON_CHARACTERS]}".rstrip())
        self._leave()
        self._under_way.refuse_after(last, self._why)

    def _acknowledge_bytes(self) -> None:
        """Let the peer send as much again as was read."""
        if self._unread_bytes > WINDOW_BYTES // 2 and not self._transport.is_closing():
            self._transport.write(number_frame(Kind.WINDOW_UPDATE, 0, self._unread_bytes))
            self._unread_bytes = 0

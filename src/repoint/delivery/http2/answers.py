"""Answers, as their frames come: to which request each belongs, and what it says."""

from collections.abc import Callable

from repoint.delivery.http2.exchange import NoAnswer
from repoint.delivery.http2.frames import END_STREAM, WINDOW_BYTES, Code, NotHttp2Error, read_number
from repoint.delivery.http2.headers import Unpacker
from repoint.delivery.http2.under_way import UnderWay

_FIRST_FINAL = 200
# More is not read of any answer.
_MOST_BYTES = WINDOW_BYTES // 2
_NO_HTTP = NoAnswer("the server answered what is no HTTP")


class Answers:
    """Those to the requests of one connection."""

    def __init__(self, under_way: UnderWay, reset: Callable[[int, Code], None]) -> None:
        self._under_way = under_way
        # Tells the peer that a stream is over for us.
        self._reset = reset
        self._unpacker = Unpacker()

    def without_table(self) -> None:
        """The peer has agreed to keep no table of headers."""
        self._unpacker.without_table()

    def on_headers(self, flags: int, stream_id: int, payload: bytes) -> None:
        """The beginning of an answer, or its trailers; raises NotHttp2Error and hpack.HPACKError."""
        # Unpacked in any case: the table, while there is one, must not lose step.
        status, headers = self._unpacker.unpack(payload)
        request = self._under_way.get(stream_id)
        if request is None:
            if not self._under_way.has_begun(stream_id):
                raise NotHttp2Error("an answer to nothing")
            return
        # A second block holds trailers.
        if not request.status:
            if not status or (status < _FIRST_FINAL and flags & END_STREAM):
                self._reset(stream_id, Code.PROTOCOL_ERROR)
                self._under_way.lose(stream_id, _NO_HTTP)
                return
            if status < _FIRST_FINAL:
                # 103 and the like: the answer is still to come.
                return
            request.status, request.headers = status, headers
        if flags & END_STREAM:
            self._under_way.finish(stream_id)

    def on_data(self, flags: int, stream_id: int, payload: bytes) -> None:
        """Some of a body; raises NotHttp2Error."""
        request = self._under_way.get(stream_id)
        if request is None:
            return
        if not request.status:
            raise NotHttp2Error("a body without headers")
        request.received += payload
        if flags & END_STREAM:
            self._under_way.finish(stream_id)
        elif len(request.received) > _MOST_BYTES:
            self._reset(stream_id, Code.CANCEL)
            self._under_way.finish(stream_id)

    def on_reset(self, stream_id: int, payload: bytes) -> None:
        """There will be no more of an answer, or none; raises NotHttp2Error."""
        code, request = read_number(payload), self._under_way.get(stream_id)
        if request is None:
            return
        if request.status:
            # It needs no more of the request, or breaks off in its body.
            self._under_way.end(stream_id)
        elif code == Code.REFUSED_STREAM:
            self._under_way.refuse(stream_id, NoAnswer("the server refused the request"))
        else:
            self._under_way.lose(stream_id, NoAnswer("the server broke the request off"))

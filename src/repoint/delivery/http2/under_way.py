"""The requests that one connection has begun and that have no answer yet: what is certain of each when it ends.

The peer can have a request only when its last byte has left, and has not when the peer says so. Who certainly was not
taken is put back; of the others, only those are in doubt of which no status has come.
"""

from collections.abc import Callable

from repoint.delivery.http2.exchange import Answer, NoAnswer, Request
from repoint.delivery.http2.frames import LAST_STREAM, Code
from repoint.delivery.http2.outgoing import Outgoing


class UnderWay:
    """By stream, in the order in which they were begun."""

    def __init__(
        self,
        outgoing: Outgoing,
        put_back: Callable[[Request, NoAnswer], None],
        reset: Callable[[int, Code], None],
    ) -> None:
        self._outgoing = outgoing
        self._put_back = put_back
        # Tells the peer that a stream is over for us.
        self._reset = reset
        self._requests: dict[int, Request] = {}
        self._next_id = 1

    def __len__(self) -> int:
        """How many there are."""
        return len(self._requests)

    def get(self, stream_id: int) -> Request | None:
        """The request of that stream; None when it has ended, or never began."""
        return self._requests.get(stream_id)

    @property
    def has_ids(self) -> bool:
        """Whether there is a stream for one more."""
        return self._next_id <= LAST_STREAM

    def has_begun(self, stream_id: int) -> bool:
        """Whether there was a request of that stream, some time."""
        return stream_id % 2 == 1 and stream_id < self._next_id

    def begin(self, request: Request, out: list[bytes]) -> None:
        """Add a request, and the frames with which it leaves."""
        stream_id = self._next_id
        self._next_id += 2
        self._requests[stream_id] = request
        self._outgoing.begin(stream_id, request, out)

    def begun_before(self, instant: float) -> list[int]:
        """Those that were begun before, by the loop's clock."""
        found = []
        for stream_id, request in self._requests.items():
            if request.begun_at >= instant:
                break
            found.append(stream_id)
        return found

    def finish(self, stream_id: int) -> None:
        """A request whose answer has ended; what had not left of it is not wanted."""
        if not self._outgoing.is_whole(stream_id):
            self._reset(stream_id, Code.NO_ERROR)
            self._outgoing.forget(stream_id)
        request = self._requests.pop(stream_id)
        request.finish(Answer(request.status, request.headers, request.received))

    def end(self, stream_id: int) -> None:
        """The peer has ended the stream in the middle of an answer."""
        self._outgoing.forget(stream_id)
        self.finish(stream_id)

    def lose(self, stream_id: int, why: NoAnswer) -> None:
        """A request that will have no answer, or no more of one: a status that has come says what became of it."""
        if self._requests[stream_id].status:
            self.finish(stream_id)
        elif self._outgoing.is_whole(stream_id):
            self._requests.pop(stream_id).finish(NoAnswer(why.detail, why.is_late, is_in_doubt=True))
        else:
            self.refuse(stream_id, why)

    def lose_all(self, why: NoAnswer) -> None:
        """The connection is lost."""
        # Backwards, as what is put back goes before what waits.
        for stream_id in reversed(tuple(self._requests)):
            self.lose(stream_id, why)

    def refuse(self, stream_id: int, why: NoAnswer) -> None:
        """A request that the peer cannot have taken."""
        self._outgoing.forget(stream_id)
        self._put_back(self._requests.pop(stream_id), why)

    def refuse_after(self, last_stream_id: int, why: NoAnswer) -> None:
        """The peer has looked at none behind that stream."""
        for stream_id in reversed([each for each in self._requests if each > last_stream_id]):
            self.refuse(stream_id, why)

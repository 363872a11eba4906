"""A request, and what comes of it. That nothing does is expected, so it is a value and no exception."""

import asyncio

import msgspec

Headers = tuple[tuple[bytes, bytes], ...]


class Answer(msgspec.Struct, frozen=True):
    """What a server answered, whatever that is."""

    status: int
    # Names in lower case.
    headers: Headers
    # As far as it was read.
    body: bytes

    def header(self, name: bytes) -> str | None:
        """What the first header of this name says."""
        return next((value.decode("latin-1") for each, value in self.headers if each == name), None)


class NoAnswer(msgspec.Struct, frozen=True):
    """Why there is none; the text is for operators and quotes neither side."""

    detail: str
    # Whether time ran out.
    is_late: bool = False
    # The whole request may have arrived.
    is_in_doubt: bool = False


class Request(msgspec.Struct):
    """A POST, and how far it is; made by the hundred thousand, and so of a kind that is made quickly."""

    path: bytes
    # Headers that other requests have, too: whoever makes many hands in the same tuple.
    common: Headers
    # Those that it has alone.
    own: Headers
    body: bytes
    # Finished with an Answer or a NoAnswer, never with an error; once it is cancelled, what still waits is not sent.
    answer: "asyncio.Future[Answer | NoAnswer]"
    # How often it was begun and certainly not taken.
    refusals: int = 0
    # When it began to wait, and when it was begun, by the loop's clock.
    waits_since: float = 0.0
    begun_at: float = 0.0
    # Of the body, what has not left yet, and how much of it the peer takes on this stream.
    unsent: bytes = b""
    window: int = 0
    # Of the answer, what has come; a status of 0 is none.
    status: int = 0
    headers: Headers = ()
    received: bytes = b""

    def finish(self, result: Answer | NoAnswer) -> None:
        """Tell whoever asked, if anybody still waits."""
        if not self.answer.done():
            self.answer.set_result(result)

    def begin_anew(self) -> None:
        """It was not taken, and waits again."""
        self.refusals += 1
        self.status, self.headers, self.received = 0, (), b""

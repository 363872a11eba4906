"""A request, and what comes of it. That nothing does is expected, so it is a value and no exception."""

import asyncio
from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, whatever that is."""

    status: int
    # Names in lower case.
    headers: Headers
    # As far as it was read.
    body: bytes

    def header(self, name: bytes) -> str | None:
        """What the first header of this name says."""
        return next((value.decode("latin-1") for each, value in self.headers if each == name), None)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why there is none; the text is for operators and quotes neither side."""

    detail: str
    # Whether time ran out.
    is_late: bool = False
    # The whole request may have arrived.
    is_in_doubt: bool = False


@dataclass(slots=True)
class Request:
    """A POST."""

    path: bytes
    # Those that other requests have, too: whoever makes many hands in the same tuple.
    common: Headers
    own: Headers
    body: bytes
    answer: asyncio.Future[Answer | NoAnswer]
    # How often it was begun and certainly not taken.
    refusals: int = 0
    # When it began to wait, by the loop's clock.
    waits_since: float = 0.0

    def finish(self, result: Answer | NoAnswer) -> None:
        """Tell whoever asked, if anybody still waits."""
        if not self.answer.done():
            self.answer.set_result(result)

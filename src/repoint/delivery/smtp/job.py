"""Messages on their way through a server: what is still to be done, and what became of each."""

import asyncio

from repoint.delivery.outcome import Outcome


class Job:
    """One message of a batch, until it has an outcome."""

    __slots__ = ("_batch", "_number", "id", "losses", "mime", "recipient", "refusal", "sender")

    def __init__(  # noqa: PLR0913, PLR0917 - made in one place
        self, batch: "Batch", number: int, message_id: str, sender: str, recipient: str, mime: bytes
    ) -> None:
        self._batch = batch
        self._number = number
        # By which bounces are to name the message.
        self.id = message_id
        # Paths as they stand in commands, and the message with plain line ends.
        self.sender = sender
        self.recipient = recipient
        self.mime = mime
        # Fresh connections that were lost before this message was sent on them.
        self.losses = 0
        # Why it will not be taken, known before the server was asked for all.
        self.refusal: Outcome | None = None

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for its outcome any more."""
        return self._batch.done.cancelled()

    def finish(self, outcome: Outcome) -> None:
        """Tell what became of the message; the first to tell is right."""
        self._batch.finish(self._number, outcome)


class Batch:
    """Messages that were given to us in one call."""

    def __init__(self, count: int) -> None:
        self._outcomes: list[Outcome | None] = [None] * count
        self._left = count
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def finish(self, number: int, outcome: Outcome) -> None:
        """See Job."""
        if self._outcomes[number] is not None:
            return
        self._outcomes[number] = outcome
        self._left -= 1
        if self._left == 0 and not self.done.done():
            self.done.set_result(None)

    async def outcomes(self) -> list[Outcome]:
        """One for each message, in their order, once all have one."""
        if self._left:
            await self.done
        return [outcome for outcome in self._outcomes if outcome is not None]

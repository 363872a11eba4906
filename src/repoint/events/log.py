"""What readers of the event log are given, and what they answer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from repoint.db.pool import Db


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One event as it stands in the log."""

    position: int
    # When it was written, by the server's clock.
    logged_at: datetime
    event_type: str
    # Folded; None for an address without endpoint.
    endpoint_key: str | None
    # A client's repeat: neither to be counted nor a trigger.
    is_repeat: bool
    # When it happened as far as reports count it.
    occurred_at: datetime
    # JSON, as streams carry it.
    record: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """An event that a reader can never take; the others go on."""

    position: int
    reason: str


class UnreachableError(Exception):
    """The batch could not be taken now, or only a part of it: it is tried again as a whole, as long as the log is kept.

    The text tells the operator why; it holds no data of the events and no secret. `wait_s` is how long we were asked to
    wait, 0 where nobody asked.
    """

    def __init__(self, reason: str, *, wait_s: float = 0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class GoneError(Exception):
    """There is nothing any more that the events could be handed to, and the reader goes with it."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """How much a consumer is given at once, whichever is reached first."""

    events: int
    # Of their records.
    size_bytes: int
    # So long a batch that is not full waits for more, from when its first event was logged.
    wait_s: float = 0


# A feature that reads the log: gets an application's id and a batch in order, in the transaction that notes the batch
# as read, so that what it writes there happens once.
Subscriber = Callable[[Db, str, Sequence[LoggedEvent]], Awaitable[None]]

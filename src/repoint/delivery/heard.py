"""What providers hear of others, unasked: how messages ended, and what people write back."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from repoint.db.parameters import storable
from repoint.events.sms_records import Status


class Receipt(msgspec.Struct, frozen=True):
    """How one part of a text message ended, for good."""

    # One of the `receipt_ids` of the message's outcome.
    receipt_id: str
    # DELIVERED, SUCCESSFUL from those who know no more than that a carrier has taken it, or why not.
    status: Status
    # In thousandths of a US cent; None when it is not told.
    price_millicents: float | None = None


class Part(msgspec.Struct, frozen=True):
    """Which part of a longer message it is: those of one reference belong together."""

    reference: int
    # From 1.
    number: int
    total: int


class Inbound(msgspec.Struct, frozen=True):
    """A text message that somebody has sent to one of our numbers."""

    # E.164 where it is a number of that form, otherwise as it came.
    origination_number: str
    destination_number: str
    body: str
    # What tells it from every other one, when the provider gives such an id; told twice, it counts once.
    id: str | None = None
    part: Part | None = None


Heard = Receipt | Inbound
# Returns when all of it is committed; raises when it is not, and then it should be told again.
Hear = Callable[[Sequence[Heard]], Awaitable[None]]


# More of an id or a number than any has. PostgreSQL indexes 2,704 bytes, and a letter can have four.
MOST_ID, MOST_NUMBER = 500, 100
# What the most parts that there can be hold together.
MOST_BODY = 255 * 153


def named(provider_name: str, its_id: str) -> str:
    """An id of a provider's as no other provider has it, and as it can be stored."""
    return f"{provider_name}/{storable(its_id[:MOST_ID])}"


async def nobody_hears(_heard: Sequence[Heard]) -> None:
    """What a provider is given where nothing is kept."""
    raise RuntimeError("nobody hears what this provider has to tell")

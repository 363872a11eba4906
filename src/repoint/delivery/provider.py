"""What a provider is: the way to one service that carries messages. One file in `providers/` each, found by itself."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from repoint.channels.stored import Channel
from repoint.contract.shapes import ChannelType
from repoint.delivery.heard import Hear, nobody_hears
from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome
from repoint.functions.call import Functions
from repoint.settings import Settings

OptionsT = TypeVar("OptionsT", bound=BaseModel)

# An application's channel of that type as it is stored now, with its credentials; None when there is none.
FindsChannel = Callable[[str, ChannelType], Awaitable[Channel | None]]


async def no_channel(_application_id: str, _channel_type: ChannelType) -> Channel | None:
    """There is none."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a provider is given when it is opened; it sees no database and no feature."""

    settings: Settings
    # Keeps messages in the database's mailbox, which only the provider of that name has a use for.
    keep: Callable[[Sequence[Message]], Awaitable[None]]
    # Those of the process, which everybody shares who has some called.
    functions: Functions
    # For providers that send with credentials of the application's own. What the database raises rises.
    channel: FindsChannel = no_channel
    # The operator's name for the provider.
    name: str = ""
    # Keeps what the provider hears of others, unasked: how messages ended, and what people write.
    hear: Hear = nobody_hears


class Provider(Protocol):
    """An open way to a service; its connections live as long as it is open."""

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """Send some messages, at most a few hundred; one outcome each, in their order.

        Messages are independent: one that fails costs no other. Nothing that the outside does is raised. The same
        message given again is the same message for the service, where that knows Message-IDs or idempotency keys.
        """


Opens = Callable[[OptionsT, Surroundings], AbstractAsyncContextManager[Provider]]


@dataclass(frozen=True, slots=True)
class Kind(Generic[OptionsT]):
    """A kind of provider, of which the operator configures any number under names of his own."""

    name: str
    channels: frozenset[ChannelType]
    # What `[providers.<name>]` may say beside `kind`; unknown members are refused when settings are read.
    options: type[OptionsT]
    opens: Opens[OptionsT]
    # Whether one with these options is told things unasked, so that somebody has to hold it open all the time.
    receives: Callable[[OptionsT], bool] = lambda _: False


KINDS: dict[str, Kind[Any]] = {}


def provider(
    name: str,
    *channels: ChannelType,
    options: type[OptionsT],
    receives: Callable[[OptionsT], bool] = lambda _: False,
) -> Callable[[Opens[OptionsT]], Opens[OptionsT]]:
    """Register what opens a kind of provider: an async context manager of its options and the surroundings."""

    def bind(opens: Opens[OptionsT]) -> Opens[OptionsT]:
        KINDS[name] = Kind(name, frozenset(channels), options, opens, receives)
        return opens

    return bind

"""Accounts at push services: an application's channel with its credentials, opened once and kept until it changes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from repoint.access.seal import MasterKeyError
from repoint.channels.stored import Channel
from repoint.contract.shapes import ChannelType
from repoint.delivery.http2.exchange import Answer, Request
from repoint.delivery.message import Message, Push
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import FindsChannel

log = structlog.get_logger()

# More than that are opened anew when they are needed again.
_MOST_KEPT = 300
_UNKNOWN = Outcome(Status.TEMPORARY_FAILURE, 500, "the channel's credentials cannot be read now")
_UNREADABLE = Outcome(Status.TEMPORARY_FAILURE, 500, "a file of the provider cannot be read now")


class RefusedError(Exception):
    """A message, or all of an account, that cannot be handed over; the outcome tells why."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome

    @classmethod
    def permanent(cls, detail: str, status_code: int = 400) -> "RefusedError":
        """It never will be, as it is."""
        return cls(Outcome(Status.PERMANENT_FAILURE, status_code, detail))


class Account(Protocol):
    """A channel of an application, ready to be sent to."""

    async def prepare(self, contents: Sequence[Push]) -> None:
        """Have what these need to be sent: a token that holds. What cannot be had is told by `hand_over`."""

    def hand_over(self, message: Message, content: Push) -> Request:
        """Send the message, and tell what has an answer some time; raises RefusedError."""

    def is_unauthorized(self, answer: Answer) -> bool:
        """Whether the message was not taken because of a token that a new one can be had for; `renew` sees to it."""

    def renew(self) -> None:
        """Have a new token next time."""

    def read(self, message: Message, content: Push, answer: Answer) -> Outcome:
        """What an answer means."""


Opens = Callable[[Channel], Awaitable[Account]]
_Key = tuple[str, ChannelType]
_Stamp = tuple[int, datetime, datetime]


@dataclass(frozen=True, slots=True)
class _Kept:
    """An account of a channel as that was at one time."""

    stamp: _Stamp
    # Opened by whoever needed it first; raises whatever `Opens` does but RefusedError.
    opened: asyncio.Task[Account | Outcome]


class Accounts:
    """The accounts that one provider serves."""

    def __init__(self, find: FindsChannel, opens: Opens) -> None:
        self._find = find
        self._opens = opens
        # By application and channel; the one that was used last stands last.
        self._kept: dict[_Key, _Kept] = {}

    async def of(self, application_id: str, channel_type: ChannelType) -> Account | Outcome:
        """The application's account for that channel as it is now, or why there is none."""
        key = (application_id, channel_type)
        try:
            channel = await self._find(application_id, channel_type)
        except (psycopg.Error, PoolTimeout):
            # What it was a moment ago is better than nothing.
            return await self._opened(key, self._kept[key]) if key in self._kept else _UNKNOWN
        except MasterKeyError:
            log.exception("Credentials of a channel cannot be opened", application_id=application_id)
            return _UNKNOWN
        if channel is None or not channel.is_enabled:
            self._kept.pop(key, None)
            detail = f"No channel of type {channel_type} is enabled for the application {application_id}"
            return Outcome(Status.PERMANENT_FAILURE, 400, detail)
        return await self._opened(key, self._keep(key, channel))

    def _keep(self, key: _Key, channel: Channel) -> _Kept:
        stamp = (channel.version, channel.created_at, channel.modified_at)
        kept = self._kept.pop(key, None)
        if kept is None or kept.stamp != stamp:
            kept = _Kept(stamp, asyncio.get_running_loop().create_task(self._open(channel)))
        if len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = kept
        return kept

    async def _opened(self, key: _Key, kept: _Kept) -> Account | Outcome:
        """What came of opening it; one that could not be opened now is tried anew next time."""
        try:
            # Whoever gives up waiting is not the only one who does.
            return await asyncio.shield(kept.opened)
        except OSError as error:
            log.error("A file of a push provider cannot be read", error=type(error).__name__)  # noqa: TRY400 - it may be quoted
            if self._kept.get(key) is kept:
                del self._kept[key]
            return _UNREADABLE

    async def _open(self, channel: Channel) -> Account | Outcome:
        try:
            return await self._opens(channel)
        except RefusedError as error:
            return error.outcome

"""Accounts at push services: an application's channel with its credentials, opened once and kept until it changes."""

from collections.abc import Awaitable, Callable, Sequence
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
_MOST_KEPT = 1000
_UNKNOWN = Outcome(Status.TEMPORARY_FAILURE, 500, "the channel's credentials cannot be read now")


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
_Stamp = tuple[int, datetime, datetime]


class Accounts:
    """The accounts that one provider serves."""

    def __init__(self, find: FindsChannel, opens: Opens) -> None:
        self._find = find
        self._opens = opens
        # By application and channel; the one that was used last stands last.
        self._kept: dict[tuple[str, ChannelType], tuple[_Stamp, Account | Outcome]] = {}

    async def of(self, application_id: str, channel_type: ChannelType) -> Account | Outcome:
        """The application's account for that channel as it is now, or why there is none."""
        key = (application_id, channel_type)
        try:
            channel = await self._find(application_id, channel_type)
        except (psycopg.Error, PoolTimeout):
            # What it was a moment ago is better than nothing.
            return self._kept[key][1] if key in self._kept else _UNKNOWN
        except MasterKeyError:
            log.exception("Credentials of a channel cannot be opened", application_id=application_id)
            return _UNKNOWN
        if channel is None or not channel.is_enabled:
            self._kept.pop(key, None)
            detail = f"No channel of type {channel_type} is enabled for the application {application_id}"
            return Outcome(Status.PERMANENT_FAILURE, 400, detail)
        stamp = (channel.version, channel.created_at, channel.modified_at)
        found = self._kept.pop(key, None)
        if found is None or found[0] != stamp:
            found = stamp, await self._open(channel)
        if len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        # Another caller may have opened it meanwhile; one of them is enough.
        kept_stamp, account = self._kept.setdefault(key, found)
        if kept_stamp != stamp:
            self._kept[key] = found
            account = found[1]
        return account

    async def _open(self, channel: Channel) -> Account | Outcome:
        try:
            return await self._opens(channel)
        except RefusedError as error:
            return error.outcome

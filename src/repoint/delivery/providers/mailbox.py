"""Keeps messages in the database instead of sending them, to show what would have gone out.

It serves every channel, and those that have no other provider.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pydantic import BaseModel

from repoint.delivery.message import Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Provider, Surroundings, provider

_KEPT = Outcome(Status.SUCCESSFUL, 200, "kept in the mailbox")


class MailboxOptions(BaseModel, frozen=True, extra="forbid"):
    """Nothing is to be said about it."""


@provider(
    "mailbox",
    "ADM",
    "APNS",
    "APNS_SANDBOX",
    "APNS_VOIP",
    "APNS_VOIP_SANDBOX",
    "BAIDU",
    "CUSTOM",
    "EMAIL",
    "GCM",
    "SMS",
    "VOICE",
    options=MailboxOptions,
)
@asynccontextmanager
async def open_mailbox(_options: MailboxOptions, surroundings: Surroundings) -> AsyncIterator[Provider]:
    """Nothing is to be opened: the table is the database's."""
    yield Mailbox(surroundings)


class Mailbox:
    """The database's mailbox."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._keep = surroundings.keep

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        """See Provider. When the database cannot keep them, its error rises."""
        await self._keep(messages)
        return [_KEPT] * len(messages)

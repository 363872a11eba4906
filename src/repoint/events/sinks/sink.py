"""Where event streams lead: what a sink is, and which file serves which destination.

A new sink is one file in this folder: a class with the three methods of `Sink`, registered for the form of its
destinations by `@leads`. Files are found by themselves.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from repoint.db.pool import Database
from repoint.events.log import LoggedEvent, SetAside
from repoint.settings import Settings


class DestinationError(Exception):
    """The destination cannot be used: missing, refused, or not allowed here. The text tells the operator why."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one application's events go."""

    # An ARN, or a URL.
    address: str
    role_arn: str
    application_id: str
    settings: Settings
    database: Database


class Sink(Protocol):
    """An open way to a destination."""

    async def check(self) -> None:
        """See that the destination is there and takes us; raises DestinationError."""

    async def put(self, events: Sequence[LoggedEvent]) -> list[SetAside]:
        """Hand over a batch in order; those that can never be taken are answered.

        Raises UnreachableError when any other could not be handed over. The batch then comes again, whole or together
        with later ones, so a sink that took a part of it gets that part twice: at least once is the promise.
        """


Open = Callable[[Destination], AbstractAsyncContextManager[Sink]]
_forms: list[tuple[re.Pattern[str], Open]] = []


def leads(form: str) -> Callable[[Open], Open]:
    """Register what opens destinations of this form, a regular expression for the whole address."""

    def bind(function: Open) -> Open:
        _forms.append((re.compile(form), function))
        return function

    return bind


def is_destination(address: str) -> bool:
    """Whether some sink serves addresses of this form."""
    return any(form.fullmatch(address) for form, _ in _forms)


@asynccontextmanager
async def open_sink(destination: Destination) -> AsyncIterator[Sink]:
    """The sink of a destination; raises DestinationError for a form that none serves."""
    for form, opens in _forms:
        if form.fullmatch(destination.address):
            async with opens(destination) as sink:
                yield sink
            return
    raise DestinationError(f"no sink serves {destination.address}")

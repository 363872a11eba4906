"""Requests of one connection that wait for their answers, under the numbers by which answers name them."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from repoint.delivery.smpp.pdu import ANSWER, LAST_SEQUENCE, Command


class LostError(Exception):
    """The connection ended, or nothing that makes sense was answered in time."""

    def __init__(self, *, may_be_taken: bool) -> None:
        super().__init__("the connection to the SMSC broke")
        self.may_be_taken = may_be_taken


class Answered(NamedTuple):
    """What the SMSC answered a request: 0 for taken, and under which id."""

    status: int
    message_id: str = ""


Waiting = asyncio.Future[Answered]


class _Asked(NamedTuple):
    command: int
    waiting: Waiting
    late_at_s: float


class Answers:
    """Who waits for what; `has_room` is called when somebody waits no longer because it took too long."""

    def __init__(self, timeout_s: float, has_room: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._has_room = has_room
        self._sequence = 0
        # Oldest first.
        self._asked: dict[int, _Asked] = {}
        self._look_for_late: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._asked)

    def waiting(self) -> list[Waiting]:
        """Those that wait."""
        return [asked.waiting for asked in self._asked.values()]

    def expect(self, command: int, waiting: Waiting) -> int:
        """The number under which the answer to a request will come."""
        self._sequence = self._sequence % LAST_SEQUENCE + 1
        late_at_s = self._loop.time() + self._timeout_s
        self._asked[self._sequence] = _Asked(command, waiting, late_at_s)
        if self._look_for_late is None:
            self._look_for_late = self._loop.call_at(late_at_s, self._give_up_late)
        return self._sequence

    def take(self, command: int, status: int, sequence: int, message_id: str) -> None:
        """Hand an answer to who waits for it; one that nobody waits for is passed over."""
        asked = self._asked.pop(sequence, None)
        if asked is None or asked.waiting.done():
            return
        if command == Command.GENERIC_NACK:
            # One of status 0 that denies the request is no consent.
            asked.waiting.set_result(Answered(status or 1))
        elif command == asked.command | ANSWER:
            asked.waiting.set_result(Answered(status, message_id))
        else:
            # The SMSC has mixed something up: who knows what it did.
            fail(asked.waiting, may_be_taken=True)

    def lose(self) -> None:
        """Nothing more will be answered."""
        if self._look_for_late is not None:
            self._look_for_late.cancel()
        lost = list(self._asked.values())
        self._asked.clear()
        for asked in lost:
            fail(asked.waiting, may_be_taken=True)

    def _give_up_late(self) -> None:
        self._look_for_late, now_s = None, self._loop.time()
        for sequence, asked in list(self._asked.items()):
            if asked.late_at_s > now_s:
                self._look_for_late = self._loop.call_at(asked.late_at_s, self._give_up_late)
                break
            del self._asked[sequence]
            fail(asked.waiting, may_be_taken=True)
        self._has_room()


def fail(waiting: Waiting, *, may_be_taken: bool) -> None:
    """Tell somebody that there will be no answer."""
    if not waiting.done():
        waiting.set_exception(LostError(may_be_taken=may_be_taken))

"""An SMTP server that misbehaves at random: each message still has one true outcome, and none goes twice."""

import asyncio
import random
import re
from collections import Counter

import pytest

from repoint.delivery.outcome import Outcome, Status
from tests.fixtures.mail_server import Peer, played
from tests.fixtures.messages import HEAD, email
from tests.fixtures.sending import sending

MESSAGES = 150
RECIPIENT = re.compile(rb"RCPT TO:<user(\d+)@example\.com>")


class TornServer:
    """Refuses, closes, breaks off, and cuts its replies into pieces, as its random numbers have it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - it only makes trouble
        self.offers = ["PIPELINING"] if seed % 2 else []
        self.taken: Counter[int] = Counter()
        self.connections = 0

    async def play(self, peer: Peer) -> None:
        """One connection."""
        self.connections += 1
        if self.connections > 1 and self.happens(0.1):
            await peer.say("421 4.3.2 not now")
            return
        await peer.greet(*self.offers)
        recipient = 0
        while line := await peer.hear_until(b"\r\n"):
            if self.happens(0.01):
                peer.drop()
                return
            if self.happens(0.01):
                await peer.say("421 4.3.2 enough")
                return
            if match := RECIPIENT.match(line):
                recipient = int(match[1])
            if line == b"DATA\r\n" and recipient:
                if not await self.take(peer, recipient):
                    return
                recipient = 0
                continue
            reply = self.reply(line)
            if line.startswith(b"RCPT") and not reply.startswith("250"):
                recipient = 0
            await self.say(peer, reply)

    def reply(self, line: bytes) -> str:
        """What a command is answered."""
        if line == b"DATA\r\n":
            return "503 nobody to send it to"
        if line == b"RSET\r\n" and self.happens(0.1):
            return "502 what?"
        if line.startswith(b"RCPT") and self.happens(0.05):
            return "550 no"
        return "250 ok"

    async def take(self, peer: Peer, recipient: int) -> bool:
        """A message; whether the connection is still of use."""
        if self.happens(0.03):
            await self.say(peer, "451 not now")
            return True
        await self.say(peer, "354 go on")
        content = await peer.hear_until(b"\r\n.\r\n")
        assert content == HEAD + b"\r\nHi\r\n.\r\n"
        if self.happens(0.02):
            peer.drop()
            return False
        if self.happens(0.03):
            await self.say(peer, "451 not this one")
            return True
        self.taken[recipient] += 1
        if self.happens(0.02):
            peer.drop()
            return False
        await self.say(peer, "250 ok")
        return True

    async def say(self, peer: Peer, line: str) -> None:
        """A reply, sometimes in two pieces."""
        data = f"{line}\r\n".encode()
        middle = self.random.randrange(len(data)) if self.happens(0.1) else 0
        await peer.send(data[:middle])
        if middle:
            await asyncio.sleep(0)
        await peer.send(data[middle:])

    def happens(self, chance: float) -> bool:
        """Whether it does."""
        return self.random.random() < chance


@pytest.mark.parametrize("seed", range(12))
async def test_each_message_has_one_true_outcome(seed: int) -> None:
    server = TornServer(seed)
    numbers = range(1, MESSAGES + 1)

    async with asyncio.timeout(20), played(server.play) as port, sending(port, connections=4) as provider:
        batches = [[email(number) for number in numbers[start : start + 30]] for start in range(0, MESSAGES, 30)]
        answers = await asyncio.gather(*(provider.send(batch) for batch in batches))

    outcomes: dict[int, Outcome] = dict(zip(numbers, [one for batch in answers for one in batch], strict=True))
    sent = {number for number, outcome in outcomes.items() if outcome.is_sent}
    in_doubt = {number for number, outcome in outcomes.items() if outcome.is_in_doubt}
    assert sent <= set(server.taken) <= sent | in_doubt
    assert max(server.taken.values()) == 1
    assert {number for number, outcome in outcomes.items() if outcome.status == Status.UNKNOWN_FAILURE} == in_doubt

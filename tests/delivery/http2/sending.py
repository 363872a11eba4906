"""What travels over connections: Apple's notifications, each with a number."""

from repoint.delivery.message import Message, Push
from repoint.delivery.outcome import Outcome
from repoint.delivery.provider import Provider
from tests.fixtures.http2_server import Asked
from tests.fixtures.messages import other

# An error code of HTTP/2.
REFUSED_STREAM = 7
SENT = ("SUCCESSFUL", 200, False)


def push(number: int, body: str = "Hi") -> Message:
    return other("APNS", Push({"Body": body}), number)


def number_of(asked: Asked) -> int:
    return int(asked.path.removeprefix("/3/device/address-"))


async def send(provider: Provider, *numbers: int) -> list[Outcome]:
    return await provider.send([push(number) for number in numbers])


def told(outcomes: list[Outcome]) -> list[tuple[str, int, bool]]:
    return [(str(outcome.status), outcome.status_code, outcome.is_in_doubt) for outcome in outcomes]

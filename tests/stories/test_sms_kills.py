"""A process is killed while an SMSC tells of receipts and messages from people: what was acknowledged is never lost.

The judges are the SMSC, which tells again what it got no answer to, and whoever receives what is published. Each run
prints its seed. Every kill is asserted to land between 5 % and 95 % of what is told.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.processes import Serve, wait_until
from tests.fixtures.receiver import Answer, Receiver
from tests.fixtures.smsc import Smsc, running_smsc

MANY = pytest.param(range(2, 42), id="40 kills", marks=pytest.mark.torture)
CHILDREN = ("worker --supervised", "postgres -D")
OURS = "+12065550142"
COUNT, RATE, WINDOW = 200, 250, 50


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    """An SMSC that tells again what it got no answer to."""
    with running_smsc(tells_again=True) as smsc:
        yield smsc


@pytest.fixture
def served(stopped: Serve, smsc: Smsc, receiver: Receiver) -> Iterator[Serve]:
    """A server that is bound to it, publishes to the receiver, and soon takes workers for dead."""
    carrier = {"kind": "sms_smpp", "host": "127.0.0.1", "port": smsc.port, "source": OURS, "window": 100}
    stopped.start(
        env={
            "REPOINT_PROVIDERS": json.dumps({"carrier": carrier}),
            "REPOINT_CHANNEL_PROVIDERS": json.dumps({"SMS": ["carrier"]}),
            "REPOINT_SMS_NUMBERS": json.dumps({OURS: {"destination": f"{receiver.url}/replies"}}),
            "REPOINT_ALLOWED_PRIVATE_NETWORKS": '["127.0.0.0/8"]',
            "REPOINT_WORKER_LEASE_S": "1",
            "REPOINT_WORKER_HEARTBEAT_S": "0.3",
        }
    )
    yield stopped
    assert stopped.stop() == 0


def kill_while_told(served: Serve, smsc: Smsc, seed: int, **told: Any) -> None:
    """Have so much told, and kill a child of the server in the middle of it; return when all is acknowledged."""
    chance = random.Random(seed)  # noqa: S311 - the same kills every time
    child, kill_at = CHILDREN[seed % len(CHILDREN)], int(COUNT * chance.uniform(0.1, 0.6))
    before = acknowledged(smsc)
    smsc.ask("flood", count=COUNT, rate=RATE, window=WINDOW, **told)
    wait_until(lambda: acknowledged(smsc) - before >= kill_at)
    served.kill_child(child)
    reached = (acknowledged(smsc) - before) / COUNT
    print(f"seed {seed}: {child} killed at {reached:.0%}")  # noqa: T201 - to repeat it
    assert 0.05 <= reached <= 0.95
    wait_until(lambda: acknowledged(smsc) - before >= COUNT, 60)


def acknowledged(smsc: Smsc) -> int:
    """How much of what it told the SMSC was told to be taken."""
    return smsc.told.count(0)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", [pytest.param(range(1), id="1 kill"), MANY])
def test_what_people_write_is_published_whoever_dies(
    served: Serve, smsc: Smsc, receiver: Receiver, seeds: range
) -> None:
    for seed in seeds:
        wait_until(lambda: smsc.ask("about")["links"] == 1)
        receiver.received.clear()
        # Nothing is published before somebody has died.
        receiver.answer = lambda _: Answer(503)
        kill_while_told(served, smsc, seed)
        receiver.received.clear()
        receiver.answer = lambda _: Answer()

        wait_until(lambda: len(bodies(receiver)) == COUNT, 60)

        twice = sum(bodies(receiver).values()) - COUNT
        print(f"seed {seed}: {twice} twice")  # noqa: T201 - to see what it costs
        assert set(bodies(receiver)) == {f"hello {number}" for number in range(1, COUNT + 1)}
        # What was kept and not yet acknowledged.
        assert twice <= WINDOW


def bodies(receiver: Receiver) -> Counter[str]:
    """How often each message was published."""
    return Counter(json.loads(each.body)["messageBody"] for each in [*receiver.received])


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", [pytest.param(range(2), id="2 kills"), MANY])
def test_every_receipt_counts_once_whoever_dies(served: Serve, smsc: Smsc, seeds: range) -> None:
    for seed in seeds:
        client = served.client(retries={"total_max_attempts": 8})
        app = str(client.create_app(CreateApplicationRequest={"Name": "kill"})["ApplicationResponse"]["Id"])
        client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"Enabled": True})
        smsc.ask("forget")
        for start in range(0, COUNT, 100):
            send(client, app, [f"+1206{seed:03}{number:04}" for number in range(start, start + 100)])
        assert len(smsc.submits) == COUNT

        kill_while_told(served, smsc, seed, esm_class=4)

        wait_until(lambda app=app: sum(delivered(served, app).values()) >= COUNT, 60)
        found = delivered(served, app)
        assert (len(found), set(found.values())) == (COUNT, {1})


def send(client: Any, app: str, numbers: list[str]) -> None:
    """Send a message to each of these."""
    request = {
        "Addresses": {number: {"ChannelType": "SMS"} for number in numbers},
        "MessageConfiguration": {"SMSMessage": {"Body": "Hi"}},
    }
    answer = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]["Result"]
    assert {each["DeliveryStatus"] for each in answer.values()} == {"SUCCESSFUL"}


def delivered(serve: Serve, app: str) -> Counter[str]:
    """How often each number is logged as reached."""
    answer = serve.repoint("events", "tail", "--app", app, "-n", "1000", "--json")
    assert answer.returncode == 0, answer.stderr
    records = [json.loads(line) for line in answer.stdout.splitlines()]
    return Counter(
        each["attributes"]["destination_phone_number"] for each in records if each["event_type"] == "_SMS.SUCCESS"
    )

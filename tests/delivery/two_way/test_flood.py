"""A link that brings a thousand messages a second, to running processes: all are answered, and published once."""

import json
import time

import pytest

from tests.fixtures.processes import Serve, wait_until
from tests.fixtures.receiver import Receiver
from tests.fixtures.smsc import running_smsc

OURS = "+12065550142"
RATE = 1000


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(1000, id="a second"),
        pytest.param(60 * RATE, id="a minute", marks=[pytest.mark.torture, pytest.mark.timeout(900)]),
    ],
)
def test_a_thousand_messages_a_second_are_all_taken(stopped: Serve, receiver: Receiver, count: int) -> None:
    with running_smsc() as smsc:
        environment = {
            "REPOINT_PROVIDERS": json.dumps({"carrier": {"kind": "sms_smpp", "host": "127.0.0.1", "port": smsc.port}}),
            "REPOINT_SMS_NUMBERS": json.dumps({OURS: {"destination": f"{receiver.url}/replies"}}),
            "REPOINT_ALLOWED_PRIVATE_NETWORKS": '["127.0.0.0/8"]',
        }
        stopped.start(env=environment)
        wait_until(lambda: smsc.ask("about")["links"] == 1)
        began_s = time.monotonic()

        smsc.ask("flood", count=count, rate=RATE, window=200)
        wait_until(lambda: smsc.ask("told_count") == count, timeout_s=60 + 2 * count / RATE)
        took_s = time.monotonic() - began_s
        answers = smsc.told
        wait_until(lambda: len(receiver.received) >= count, timeout_s=60 + 10 * count / RATE)

    bodies = [json.loads(each.body)["messageBody"] for each in receiver.received]
    assert set(answers) == {0}
    assert sorted(bodies) == sorted(f"hello {number}" for number in range(1, count + 1))
    # A second says nothing on a machine that has other things to do; the SMSC itself sends no faster.
    assert took_s < 1.5 * count / RATE or count == RATE

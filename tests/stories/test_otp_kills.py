"""One-time passwords while the API is killed: codes that went out are good, once, and wrong guesses were counted.

Each run prints its seed.
"""

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.fixtures.processes import Serve
from tests.fixtures.receiver import Answer, Received, Receiver

SEEDS = (pytest.param(range(1), id="2 kills"), pytest.param(range(1, 21), id="40 kills", marks=pytest.mark.torture))
API = "api --supervised"
NUMBER = "+14255550199"
ALLOWED = 5
SAYING, GUESSING = 4, 4


@pytest.fixture
def phone(receiver: Receiver) -> Receiver:
    """A gateway, whose messages the phone has at once."""
    return receiver


@pytest.fixture
def served(stopped: Serve, phone: Receiver) -> Iterator[Serve]:
    """A server that sends texts through it."""
    gateway = {"kind": "sms_http", "url": phone.url + "/send", "form": {"Body": "{body}"}}
    providers = {
        "REPOINT_PROVIDERS": json.dumps({"gateway": gateway}),
        "REPOINT_CHANNEL_PROVIDERS": json.dumps({"SMS": ["gateway"]}),
    }
    stopped.start(env=providers)
    yield stopped
    assert stopped.stop() == 0


def code_on(phone: Receiver) -> str:
    """The code of the message that came last."""
    found = re.search(r"\d{8}", parse_qs(phone.received[-1].body.decode())["Body"][0])
    assert found is not None
    return found[0]


def new_application(client: Any) -> str:
    """An application that sends texts."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"Enabled": True})
    return app


def send(client: Any, app: str, reference: str) -> None:
    """SendOTPMessage."""
    asked = {
        "Channel": "SMS",
        "BrandName": "Shop",
        "CodeLength": 8,
        "AllowedAttempts": ALLOWED,
        "DestinationIdentity": NUMBER,
        "OriginationIdentity": "SHOP",
        "ReferenceId": reference,
    }
    client.send_otp_message(ApplicationId=app, SendOTPMessageRequestParameters=asked)


def verify(client: Any, app: str, reference: str, code: str) -> bool:
    """VerifyOTPMessage."""
    said = {"DestinationIdentity": NUMBER, "Otp": code, "ReferenceId": reference}
    answer = client.verify_otp_message(ApplicationId=app, VerifyOTPMessageRequestParameters=said)
    return bool(answer["VerificationResponse"]["Valid"])


def told_while_killed(serve: Serve, verifying: Sequence[Callable[[Any], bool]], after_s: float) -> list[bool | None]:
    """What calls at the same time are told while the API is killed, None for nothing; it answers again afterwards."""
    begin = threading.Barrier(len(verifying) + 1)

    def call(verifies: Callable[[Any], bool]) -> bool | None:
        client = serve.client()
        begin.wait()
        try:
            return verifies(client)
        except (BotoCoreError, ClientError):
            return None

    with ThreadPoolExecutor(len(verifying)) as pool:
        calling = [pool.submit(call, each) for each in verifying]
        begin.wait()
        time.sleep(after_s)
        serve.kill_child(API)
        return [each.result(60) for each in calling]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seeds", SEEDS)
def test_codes_survive_an_api_that_is_killed(served: Serve, phone: Receiver, seeds: range) -> None:
    app = new_application(served.client())
    for seed in seeds:
        kill_between_message_and_answer(served, phone, app)
        kill_while_codes_are_said(served, phone, app, seed)


def kill_between_message_and_answer(served: Serve, phone: Receiver, app: str) -> None:
    """Nobody is told that the message went out; who has it can say the code."""

    def kill(_: Received) -> Answer:
        served.kill_child(API)
        return Answer(is_dropped=True)

    phone.answer = kill
    with pytest.raises((BotoCoreError, ClientError)):
        send(served.client(), app, "cut-off")
    phone.answer = lambda _: Answer()
    client = served.client(retries={"total_max_attempts": 8})

    assert [verify(client, app, "cut-off", code_on(phone)) for _ in range(2)] == [True, False]


def kill_while_codes_are_said(served: Serve, phone: Receiver, app: str, seed: int) -> None:
    """Some say the right code, others guess at another one."""
    client = served.client(retries={"total_max_attempts": 8})
    send(client, app, "said")
    code = code_on(phone)
    send(client, app, "guessed")
    guessed_at = code_on(phone)
    guess = f"{(int(guessed_at) + 1) % 10**8:08}"
    after_s = random.Random(seed).uniform(0, 0.02)  # noqa: S311 - the same kills every time

    verifying = [partial(verify, app=app, reference="said", code=code)] * SAYING
    verifying += [partial(verify, app=app, reference="guessed", code=guess)] * GUESSING
    told = told_while_killed(served, verifying, after_s)
    said, wrong = told[:SAYING], told[SAYING:]
    print(f"seed {seed}: told {told.count(True)} yes, {told.count(False)} no, {told.count(None)} nothing")  # noqa: T201 - to repeat it

    said += [verify(client, app, "said", code) for _ in range(2)]
    assert said.count(True) <= 1
    assert said[-1] is False
    wrong += [verify(client, app, "guessed", guess) for _ in range(ALLOWED - wrong.count(False))]
    assert True not in wrong
    assert verify(client, app, "guessed", guessed_at) is False
    assert [each for each in (code, guessed_at) if each in served.log.read_text()] == []

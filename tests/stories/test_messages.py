"""Direct messages through `repoint serve`: with nothing configured into the mailbox, else to a real mail server.

The API or the mail server is killed while messages go out: nobody is told of a message sent that was not.
"""

import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.fixtures.processes import Serve, wait_until

SINK = Path(__file__).with_name("mail_sink.py")
SEEDS = (pytest.param(range(3), id="3 kills"), pytest.param(range(3, 53), id="50 kills", marks=pytest.mark.torture))
CALLS = 40
ADDRESSES = 20
THREADS = 3


class MailSink:
    """A mail server that can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "mails.ndjson"
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        # What was read of the file: it grows while it is looked at again and again.
        self._read: list[dict[str, str]] = []
        self._read_bytes = 0

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, str(SINK), str(self.port), str(self.path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def kill(self) -> None:
        """SIGKILL it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def taken(self) -> list[dict[str, str]]:
        """What it has taken, whole lines only."""
        if not self.path.exists():
            return []
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self._read_bytes)
            whole, end, _ = file.read().rpartition(b"\n")
        self._read_bytes += len(whole) + len(end)
        self._read += [json.loads(line) for line in whole.splitlines()]
        return self._read


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[MailSink]:
    """A running mail server."""
    sink = MailSink(tmp_path)
    sink.start()
    yield sink
    sink.kill()


@pytest.fixture
def served(stopped: Serve, sink: MailSink) -> Iterator[Serve]:
    """A server that sends e-mail through it."""
    relay = {"kind": "email_smtp", "host": "127.0.0.1", "port": sink.port, "tls": "none"}
    providers = {
        "REPOINT_PROVIDERS": json.dumps({"relay": relay}),
        "REPOINT_CHANNEL_PROVIDERS": json.dumps({"EMAIL": ["relay"]}),
    }
    stopped.start(env=providers)
    yield stopped
    assert stopped.stop() == 0


def new_application(client: Any) -> str:
    """An application that sends e-mail and texts."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    email = {"FromAddress": "Shop <news@example.com>", "Identity": "example.com"}
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=email)
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={})
    return app


def test_an_email_to_three_recipients_with_a_template_reaches_the_mail_server(served: Serve, sink: MailSink) -> None:
    client = served.client()
    app = new_application(client)
    template = {"Subject": "Hello {{name}}", "HtmlPart": "<p>Dear {{name}}</p>"}
    client.create_email_template(TemplateName="welcome", EmailTemplateRequest=template)
    names = ("Ann", "Bob", "Zoë")
    addresses = {
        f"{number}@example.com": {"ChannelType": "EMAIL", "Substitutions": {"name": [name]}}
        for number, name in enumerate(names)
    }

    answer = client.send_messages(
        ApplicationId=app,
        MessageRequest={
            "Addresses": addresses,
            "MessageConfiguration": {},
            "TemplateConfiguration": {"EmailTemplate": {"Name": "welcome"}},
        },
    )["MessageResponse"]

    results = answer["Result"]
    assert {each["DeliveryStatus"] for each in results.values()} == {"SUCCESSFUL"}
    taken = {each["to"]: each for each in sink.taken()}
    assert [taken[f"{number}@example.com"]["subject"] for number in range(3)] == ["Hello Ann", "Hello Bob", "Hello Zoë"]
    assert taken["2@example.com"]["text"].strip() == "<p>Dear Zoë</p>"
    assert taken["0@example.com"]["id"] == f"<{results['0@example.com']['MessageId']}@example.com>"


class Callers:
    """Threads that send to addresses of their own, and note what they are told of each."""

    def __init__(self, serve: Serve, application_id: str) -> None:
        self.serve = serve
        self.application_id = application_id
        self.told: dict[str, str] = {}
        self.failures: list[str] = []
        self._calls = iter(range(CALLS))
        self._lock = threading.Lock()

    def run(self) -> None:
        """Call until every number is taken; what fails is not called again."""
        client = self.serve.client(read_timeout=60)
        while (number := self._next()) is not None:
            names = [f"{number}-{each}@{self.application_id}.example" for each in range(ADDRESSES)]
            addresses = {name: {"ChannelType": "EMAIL"} for name in names}
            request = {"Addresses": addresses, "MessageConfiguration": {"EmailMessage": {"Body": "Hello"}}}
            try:
                answer = client.send_messages(ApplicationId=self.application_id, MessageRequest=request)
            except (BotoCoreError, ClientError) as error:
                self.failures.append(str(error))
                continue
            results = answer["MessageResponse"]["Result"]
            self.told |= {address: result["DeliveryStatus"] for address, result in results.items()}

    def _next(self) -> int | None:
        with self._lock:
            return next(self._calls, None)


@contextmanager
def calling(serve: Serve, seed: int) -> Iterator[Callers]:
    """The block runs in the middle of the calls; at its end they have gone on to theirs."""
    chance = random.Random(seed)  # noqa: S311 - the same kills every time
    callers = Callers(serve, new_application(serve.client(retries={"total_max_attempts": 8})))
    begin_at = CALLS * ADDRESSES * chance.uniform(0.15, 0.7)
    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(callers.run) for _ in range(THREADS)]
        wait_until(lambda: len(callers.told) >= begin_at, 60)
        reached = len(callers.told) / (CALLS * ADDRESSES)
        yield callers
        for one in running:
            one.result(120)
    print(f"seed {seed}: killed at {reached:.0%}, {len(callers.failures)} calls failed")  # noqa: T201 - to repeat it
    assert 0.05 <= reached <= 0.95


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", SEEDS)
def test_an_api_killed_while_it_sends_has_told_the_truth(served: Serve, sink: MailSink, seeds: range) -> None:
    for seed in seeds:
        with calling(served, seed) as callers:
            served.kill_child("api --supervised")
        wait_until(lambda: served.client().get_apps())

        taken = [each["to"] for each in sink.taken()]

        assert set(callers.told.values()) == {"SUCCESSFUL"}
        assert sorted(set(callers.told) - set(taken)) == [], f"seed {seed}: told to be sent"
        assert len(taken) == len(set(taken)), f"seed {seed}: sent twice"


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", SEEDS)
def test_a_mail_server_killed_meanwhile_is_told_as_it_was(served: Serve, sink: MailSink, seeds: range) -> None:
    for seed in seeds:
        with calling(served, seed) as callers:
            sink.kill()
            sink.start()

        taken = {each["to"] for each in sink.taken()}

        assert callers.failures == []
        assert len(callers.told) == CALLS * ADDRESSES
        sent = {address for address, status in callers.told.items() if status == "SUCCESSFUL"}
        unknown = {address for address, status in callers.told.items() if status == "UNKNOWN_FAILURE"}
        assert sorted(sent - taken) == [], f"seed {seed}: told to be sent"
        assert sorted((taken & callers.told.keys()) - sent - unknown) == [], f"seed {seed}: told to have failed"
        again = Callers(served, callers.application_id)
        again.run()
        assert set(again.told.values()) == {"SUCCESSFUL"}


def test_a_newcomer_finds_what_was_sent_in_the_mailbox(running: Serve) -> None:
    client = running.client()
    app = new_application(client)
    endpoint = {"ChannelType": "SMS", "Address": "+14255550199"}
    client.update_endpoint(ApplicationId=app, EndpointId="phone", EndpointRequest=endpoint)
    request = {"Endpoints": {"phone": {}}, "MessageConfiguration": {"SMSMessage": {"Body": "Your table is ready"}}}

    client.send_messages(ApplicationId=app, MessageRequest=request)
    listed = running.repoint("mailbox", "--app", app)

    assert listed.stdout.split("\t")[1:4] == ["SMS", "+14255550199", "Your table is ready"]

"""The API is killed while SNS tells it of messages: what was answered 200 is there, and nothing is counted twice.

SNS comes again with the same delivery when it is not answered 200. Each run prints its seed.
"""

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.fixtures.processes import Serve, wait_until
from tests.fixtures.topic import Topic, open_topic

SEEDS = (pytest.param(range(1), id="1 kill"), pytest.param(range(1, 21), id="20 kills", marks=pytest.mark.torture))
MESSAGES = 100
THREADS = 4
OK = 200


@pytest.fixture
def topic(tmp_path: Path) -> Iterator[Topic]:
    """A topic with a server for its certificate."""
    with open_topic(tmp_path) as topic:
        yield topic


@pytest.fixture
def served(stopped: Serve, topic: Topic, database_url: str) -> Iterator[Serve]:
    """A running server that listens to the topic, on a database that the test can look into."""
    environment = {
        "REPOINT_SNS_TOPICS": json.dumps(topic.settings["sns_topics"]),
        "REPOINT_SNS_HOSTS": json.dumps([topic.host]),
        "REPOINT_ALLOWED_PRIVATE_NETWORKS": json.dumps(topic.settings["allowed_private_networks"]),
        "REPOINT_WEBHOOK_CA_FILE": str(topic.ca_file),
    }
    stopped.start("--database-url", database_url, env=environment)
    yield stopped
    assert stopped.stop() == 0


def sent(serve: Serve) -> tuple[str, list[str]]:
    """An application, and the ids of messages that went out from it."""
    client = serve.client()
    app = str(client.create_app(CreateApplicationRequest={"Name": "kill"})["ApplicationResponse"]["Id"])
    client.update_email_channel(
        ApplicationId=app, EmailChannelRequest={"FromAddress": "news@example.com", "Identity": "example.com"}
    )
    addresses = {f"a{number}@example.com": {"ChannelType": "EMAIL"} for number in range(MESSAGES)}
    content = {"EmailMessage": {"Body": "x"}}
    request = {"Addresses": addresses, "MessageConfiguration": content}
    results = client.send_messages(ApplicationId=app, MessageRequest=request)["MessageResponse"]["Result"]
    return app, [result["MessageId"] for result in results.values()]


def delivery(topic: Topic, kind: str, message_id: str, **members: Any) -> bytes:
    """A signed delivery of an event about this message."""
    mail = {"messageId": "0" * 60, "tags": {"repoint-message-id": [message_id]}}
    return json.dumps(topic.delivery({"eventType": kind, "mail": mail, **members})).encode()


def bounce(topic: Topic, message_id: str) -> bytes:
    return delivery(topic, "Bounce", message_id, bounce={"bounceType": "Permanent", "feedbackId": "f"})


def deliver(serve: Serve, body: bytes) -> int:
    """The status of one attempt; 0 for no answer."""
    connection = HTTPConnection(urlsplit(serve.exports["AWS_ENDPOINT_URL_PINPOINT"]).netloc, timeout=30)
    try:
        connection.request("POST", "/callbacks/sns", body)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def deliver_until_taken(serve: Serve, body: bytes) -> None:
    """As SNS does, only sooner."""
    deadline = time.monotonic() + 60
    while deliver(serve, body) != OK:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def told(database_url: str, event_type: str) -> Counter[str]:
    """How often each message has such an event in the log."""
    found = "record::jsonb #>> '{facets,email_channel,mail_event,mail,message_id}'"
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(f"SELECT {found} FROM events WHERE event_type = %s", [event_type])  # noqa: S608 - ours
        return Counter(row[0] for row in rows)


def test_an_api_killed_before_it_has_committed_has_noted_nothing(
    served: Serve, topic: Topic, database_url: str
) -> None:
    _, (message_id, *_) = sent(served)
    body = bounce(topic, message_id)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'suppressions'::regclass"

    with psycopg.connect(database_url) as holder, ThreadPoolExecutor() as pool:
        # It has written the event by then, and the address comes last.
        holder.execute("LOCK TABLE suppressions IN SHARE MODE")
        first = pool.submit(deliver, served, body)
        wait_until(lambda: holder.execute(waiting).fetchone() == (1,))
        served.kill_child("api --supervised")
        status = first.result(60)
        holder.rollback()
    wait_until(lambda: served.client().get_apps())
    wait_until(lambda: told(database_url, "_email.hardbounce") == {})
    for _ in range(2):
        deliver_until_taken(served, body)

    assert status == 0
    assert told(database_url, "_email.hardbounce") == {message_id: 1}
    assert "BOUNCE" in served.repoint("suppressions", "list").stdout


class Teller:
    """Threads that deliver, and say when it is time to kill."""

    def __init__(self, serve: Serve, kill_at: int) -> None:
        self._serve = serve
        self._kill_at = kill_at
        self._lock = threading.Lock()
        self.api = serve.child("api --supervised")
        self.taken = 0
        self.is_time = threading.Event()

    def tell(self, body: bytes) -> None:
        """Deliver until it is taken."""
        deliver_until_taken(self._serve, body)
        with self._lock:
            self.taken += 1
            if self.taken == self._kill_at:
                self.is_time.set()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seeds", SEEDS)
def test_what_was_answered_is_in_the_log_once(served: Serve, topic: Topic, database_url: str, seeds: range) -> None:
    for seed in seeds:
        _, ids = sent(served)
        chance = random.Random(seed)  # noqa: S311 - the same kills every time
        kill_at = int(MESSAGES * chance.uniform(0.2, 0.8))
        bodies = [delivery(topic, "Open", each, open={"userAgent": "x"}) for each in ids]
        teller = Teller(served, kill_at)

        with ThreadPoolExecutor(THREADS) as pool:
            running = [pool.submit(teller.tell, body) for body in bodies]
            assert teller.is_time.wait(60)
            os.kill(teller.api, signal.SIGKILL)
            reached = teller.taken / MESSAGES
            for each in running:
                each.result(60)
        print(f"seed {seed}: killed at {reached:.0%}")  # noqa: T201 - to repeat it

        found = told(database_url, "_email.open")

        assert 0.05 <= reached <= 0.95
        assert {each: found[each] for each in ids} == dict.fromkeys(ids, 1)

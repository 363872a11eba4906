"""A process is killed while a journey sends: nobody is left out, and twice gets it only who is listed as in doubt.

As with campaigns (test_campaign_kills.py), the judge is what the mail server has taken.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.fixtures.processes import CLEAN_ENVIRONMENT, Serve, wait_until
from tests.stories.test_campaign_kills import CHILDREN, NUMBERS, Shop, new_shop, sink
from tests.stories.test_messages import MailSink

__all__ = ["sink"]

FEW = pytest.param(range(3), 1_500, id="3 kills")
MANY = pytest.param(range(3, 53), 20_000, id="50 kills", marks=pytest.mark.torture)
# What one worker has on its way at most.
MOST_IN_DOUBT = 100
ACTIVITIES = ("first", "second")


@pytest.fixture
def served(stopped: Serve, sink: MailSink) -> Iterator[Serve]:
    """A server that sends e-mail, starts journeys at once, and soon takes workers for dead."""
    relay = {"kind": "email_smtp", "host": "127.0.0.1", "port": sink.port, "tls": "none"}
    settings = {
        "REPOINT_PROVIDERS": json.dumps({"relay": relay}),
        "REPOINT_CHANNEL_PROVIDERS": json.dumps({"EMAIL": ["relay"]}),
        "REPOINT_JOURNEY_START_DELAY_S": "0",
        "REPOINT_WORKER_LEASE_S": "1",
        "REPOINT_WORKER_HEARTBEAT_S": "0.3",
    }
    stopped.start(env=settings)
    stopped.exports |= settings
    yield stopped
    assert stopped.stop() == 0


@dataclass
class Outing:
    """One journey under way: two mails for everybody, one after the other, and a split between them."""

    shop: Shop
    sink: MailSink
    number: int
    per_second: int = 20_000
    id: str = ""

    def begin(self) -> None:
        """Publish it."""
        client = self.shop.client
        for name in ACTIVITIES:
            template = {"Subject": f"Journey {self.number} {name}", "HtmlPart": "<p>Hi {{Id}}</p>"}
            client.create_email_template(TemplateName=f"{name}-{self.number}", EmailTemplateRequest=template)
        first, second = (f"{name}-{self.number}" for name in ACTIVITIES)
        branches = [{"Percentage": percentage, "NextActivity": "second"} for percentage in (30, 70)]
        request = {
            "Name": "kill",
            "State": "ACTIVE",
            "StartActivity": "first",
            "StartCondition": {"SegmentStartCondition": {"SegmentId": self.shop.segment_id}},
            "Activities": {
                "first": {"EMAIL": {"TemplateName": first, "NextActivity": "split"}},
                "split": {"RandomSplit": {"Branches": branches}},
                "second": {"EMAIL": {"TemplateName": second}},
            },
            "Limits": {"MessagesPerSecond": self.per_second},
        }
        answer = client.create_journey(ApplicationId=self.shop.id, WriteJourneyRequest=request)
        self.id = str(answer["JourneyResponse"]["Id"])

    def arrived(self) -> list[tuple[str, str]]:
        """Activity and endpoint of every mail that was taken."""
        start = f"Journey {self.number} "
        mails = [each for each in self.sink.taken() if each["subject"].startswith(start)]
        return [(each["subject"].removeprefix(start), each["to"].split("@")[0]) for each in mails]

    def reach(self, share: float) -> float:
        """Wait until so much of it has arrived; how much really has."""
        wait_until(lambda: len(self.arrived()) >= share * self.shop.people * len(ACTIVITIES), 600)
        return len(set(self.arrived())) / self.shop.people / len(ACTIVITIES)

    def state(self) -> str:
        """State."""
        answer = self.shop.client.get_journey(ApplicationId=self.shop.id, JourneyId=self.id)
        return str(answer["JourneyResponse"]["State"])

    def doubts(self) -> set[tuple[str, str]]:
        """Messages that are listed as in doubt."""
        answer = self.shop.serve.repoint("journey", "doubts", "--app", self.shop.id, "--journey", self.id, "--json")
        assert answer.returncode == 0, answer.stderr
        found = [json.loads(line) for line in answer.stdout.splitlines()]
        return {(each["JourneyActivityId"], each["EndpointId"]) for each in found}

    def metric(self, activity_id: str, name: str) -> int:
        """Of an activity."""
        answer = self.shop.client.get_journey_execution_activity_metrics(
            ApplicationId=self.shop.id, JourneyId=self.id, JourneyActivityId=activity_id
        )
        return int(answer["JourneyExecutionActivityMetricsResponse"]["Metrics"][name])

    def judge(self, seed: int, what: str) -> None:
        """Nobody lost; twice only who is in doubt; the counters tell what the mail server does."""
        wait_until(lambda: self.state() == "COMPLETED", 600)
        doubts, arrived, people = self.doubts(), Counter(self.arrived()), self.shop.people
        twice = {message for message, times in arrived.items() if times > 1}
        print(f"seed {seed}, {what}: {len(doubts)} in doubt, {len(twice)} twice")  # noqa: T201 - to repeat it
        lost = people * len(ACTIVITIES) - len(arrived)
        assert lost == 0, f"seed {seed}: {lost} lost"
        assert twice <= doubts, f"seed {seed}: twice without a doubt: {sorted(twice - doubts)[:5]}"
        assert len(doubts) <= MOST_IN_DOUBT, f"seed {seed}"
        assert set(arrived.values()) <= {1, 2}, f"seed {seed}"
        for activity_id in ACTIVITIES:
            counted = self.metric(activity_id, "ENDPOINT_ENTERED"), self.metric(activity_id, "SUCCESS")
            assert counted == (people, people), f"seed {seed}"


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("seeds", "people"), [FEW, MANY])
def test_a_journey_lives_through_kills(served: Serve, sink: MailSink, seeds: range, people: int) -> None:
    shop = new_shop(served, people)
    for seed in seeds:
        chance = random.Random(seed)  # noqa: S311 - the same kills every time
        child = CHILDREN[seed % len(CHILDREN)]
        for _ in range(10):
            outing = Outing(shop, sink, next(NUMBERS))
            outing.begin()
            reached = outing.reach(chance.uniform(0.1, 0.7))
            served.kill_child(child)
            outing.judge(seed, child)
            if 0.05 <= reached <= 0.95:
                break
            # The machine was busy, and the kill came late: all is to be well, but it tells little.
        else:
            raise AssertionError(f"seed {seed}: killed at {reached:.0%}")


def test_a_worker_that_was_frozen_past_its_lease_moves_nobody(served: Serve, sink: MailSink) -> None:
    shop = new_shop(served, 1_500)
    other = subprocess.Popen(
        [sys.executable, "-m", "repoint.cli.main", "worker", "--data-dir", served.folder],
        env=CLEAN_ENVIRONMENT | served.exports,
        stdout=subprocess.DEVNULL,
    )
    try:
        # Slow enough to be caught in the middle.
        outing = Outing(shop, sink, next(NUMBERS), per_second=300)
        outing.begin()
        outing.reach(0.1)
        frozen = served.child("worker --supervised")
        os.kill(frozen, signal.SIGSTOP)
        # Longer than the lease, so that the other one takes over what it held.
        time.sleep(2.5)
        os.kill(frozen, signal.SIGCONT)

        outing.judge(0, "frozen")
    finally:
        other.terminate()
        other.wait(30)

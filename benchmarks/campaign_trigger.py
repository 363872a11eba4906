"""From PutEvents to the message at the mail server, in ms: 100 events a second, each of an endpoint of its own.

The promise stands for the bound: 1 s for 99 of 100.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from figure import Figure, arguments, exit_code
from send_campaign import FROM, everybody, settings
from server import NotMeasured, Server, serving
from timed_sink import arrivals, timed_sink

MUST_MS = 1000
BATCH = 10
LIMIT_S = 60


def prepare(server: Server, application_id: str, count: int) -> None:
    """An application with people in it, and a campaign that waits for what they do."""
    server.client.update_email_channel(
        ApplicationId=application_id, EmailChannelRequest={"FromAddress": FROM, "Identity": "shop.example"}
    )
    segment_id = everybody(server, application_id, count)
    starts_at, ends_at = (datetime.now(UTC) + timedelta(seconds=s) for s in (1, 3600))
    wanted = {"FilterType": "ENDPOINT", "Dimensions": {"EventType": {"Values": ["bought"]}}}
    schedule = {
        "StartTime": starts_at.isoformat(),
        "EndTime": ends_at.isoformat(),
        "Frequency": "EVENT",
        "EventFilter": wanted,
    }
    message = {"EmailMessage": {"Title": "Thank you", "HtmlBody": "<p>To {{User.UserAttributes.FirstName}}</p>"}}
    server.client.create_campaign(
        ApplicationId=application_id,
        WriteCampaignRequest={
            "Name": "thanks",
            "SegmentId": segment_id,
            "Schedule": schedule,
            "MessageConfiguration": message,
        },
    )
    time.sleep(3)


def put(server: Server, application_id: str, addresses: dict[str, str], rate: int) -> dict[str, float]:
    """Put an event for each endpoint at this rate; when each was accepted, by address."""
    accepted: dict[str, float] = {}
    ids = list(addresses)
    started = time.perf_counter()
    for begin in range(0, len(ids), BATCH):
        time.sleep(max(0.0, started + begin / rate - time.perf_counter()))
        at = datetime.now(UTC).isoformat()
        items: dict[str, Any] = {
            each: {"Endpoint": {}, "Events": {f"e-{each}": {"EventType": "bought", "Timestamp": at}}}
            for each in ids[begin : begin + BATCH]
        }
        server.client.put_events(ApplicationId=application_id, EventsRequest={"BatchItem": items})
        now = time.time()
        accepted |= dict.fromkeys([addresses[each] for each in items], now)
    return accepted


def measure(server: Server, path: Path, rate: int, duration_s: int) -> float:
    """The 99th percentile."""
    count = rate * duration_s
    with server.application() as application_id:
        prepare(server, application_id, count)
        rows = server.database.execute("SELECT endpoint_id, address FROM endpoints").fetchall()
        accepted = put(server, application_id, dict(rows), rate)
        latest = time.time() + LIMIT_S
        while len(found := {to: at for at, to in arrivals(path) if to in accepted}) < count:
            if time.time() > latest:
                raise NotMeasured(f"{len(found)} of {count} messages came")
            time.sleep(0.2)
    path.write_text("")
    return quantiles([(found[to] - at) * 1000 for to, at in accepted.items()], n=100)[98]


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, rate=100, seconds=20, runs=3)
    figure = Figure("event to message, p99", "ms", must=1)
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as name:
        path = Path(name, "arrivals")
        with timed_sink(path) as port, serving(settings(port)) as server:
            for _ in range(given.runs):
                figure.add(MUST_MS, measure(server, path, given.rate, given.seconds))
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(main())

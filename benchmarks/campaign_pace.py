"""MessagesPerSecond with two workers: the number of messages in any 10 s against the number that is asked for.

Seen is what the mail server has taken, from 2 s after the first message on. The ratio is that of the 10 s that are
farthest from it.
"""

import subprocess
import sys
import tempfile
from bisect import bisect_left
from pathlib import Path

from figure import Figure, arguments, exit_code
from send_campaign import FROM, everybody, settings, start, wait
from server import NotMeasured, Server, environment, serving
from timed_sink import arrivals, timed_sink

WINDOW_S = 10
SETTLED_S = 2


def windows(times: list[float]) -> list[int]:
    """How many came in each 10 s, a window from each message on."""
    end = times[-1] - WINDOW_S
    return [bisect_left(times, at + WINDOW_S) - number for number, at in enumerate(times) if at <= end]


def measure(server: Server, path: Path, rate: int, duration_s: int) -> tuple[int, int]:
    """The fewest and the most messages in 10 s."""
    with server.application() as application_id:
        server.client.update_email_channel(
            ApplicationId=application_id, EmailChannelRequest={"FromAddress": FROM, "Identity": "shop.example"}
        )
        segment_id = everybody(server, application_id, rate * duration_s)
        before = len(arrivals(path))
        campaign_id = start(server, application_id, segment_id, Limits={"MessagesPerSecond": rate})
        wait(server, application_id, campaign_id)
    times = [at for at, _ in arrivals(path)[before:]]
    found = windows([at for at in times if at >= times[0] + SETTLED_S])
    if not found:
        raise NotMeasured("the campaign was too short for a window")
    return min(found), max(found)


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, rate=500, seconds=30)
    fewest = Figure("fewest messages in 10 s", "messages", must=0.95, more_is_better=True)
    most = Figure("most messages in 10 s", "messages", must=1.05)
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as name:
        path = Path(name, "arrivals")
        with timed_sink(path) as port, serving(given_settings := settings(port)) as server:
            command = [sys.executable, "-m", "repoint.cli.main", "worker", "--data-dir", server.folder / "data"]
            with subprocess.Popen(command, env=environment(given_settings), stdout=subprocess.DEVNULL) as second:
                try:
                    for _ in range(given.runs):
                        low, high = measure(server, path, given.rate, given.seconds)
                        fewest.add(given.rate * WINDOW_S, low)
                        most.add(given.rate * WINDOW_S, high)
                finally:
                    second.terminate()
    return exit_code([fewest, most])


if __name__ == "__main__":
    sys.exit(main())

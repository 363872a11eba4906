"""From a campaign's StartTime to its first message, in seconds, with 1,000,000 endpoints; and the worker's memory.

What must be reached stands for the bound: 15 s, and 300 MiB while the first messages go out.
"""

import sys
import tempfile
import time
from pathlib import Path

from figure import Figure, arguments, exit_code
from send_campaign import FROM, everybody, settings, start
from server import NotMeasured, Server, serving
from timed_sink import arrivals, timed_sink

MUST_S, AIM_S = 15, 5
MUST_MIB = 300
LIMIT_S = 120
# Memory is looked at until so much of the campaign has gone out.
WATCHED = 20_000


def memory_mib(server: Server) -> float:
    """Resident memory of the worker with its children."""
    pages = [int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) for pid in server.worker()]
    return sum(pages) * 4096 / 2**20


def measure(server: Server, path: Path, count: int) -> tuple[float, float]:
    """Seconds to the first message, and the most memory."""
    with server.application() as application_id:
        server.client.update_email_channel(
            ApplicationId=application_id, EmailChannelRequest={"FromAddress": FROM, "Identity": "shop.example"}
        )
        segment_id = everybody(server, application_id, count)
        before, most_mib = len(arrivals(path)), 0.0
        started = time.time()
        campaign_id = start(server, application_id, segment_id)
        while len(found := arrivals(path)) < before + min(count, WATCHED):
            if time.time() > started + LIMIT_S:
                raise NotMeasured(f"{len(found) - before} messages after {LIMIT_S} s")
            most_mib = max(most_mib, memory_mib(server))
            time.sleep(0.5)
        server.client.delete_campaign(ApplicationId=application_id, CampaignId=campaign_id)
    return found[before][0] - started, most_mib


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=1_000_000)
    first = Figure("StartTime to first message", "s", must=1, aim=AIM_S / MUST_S)
    memory = Figure("worker's memory", "MiB", must=1)
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as name:
        path = Path(name, "arrivals")
        with timed_sink(path) as port, serving(settings(port)) as server:
            for _ in range(given.runs):
                took_s, most_mib = measure(server, path, given.count)
                first.add(MUST_S, took_s)
                memory.add(MUST_MIB, most_mib)
    return exit_code([first, memory])


if __name__ == "__main__":
    sys.exit(main())

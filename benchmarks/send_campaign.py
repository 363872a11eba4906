"""An e-mail campaign from StartTime to its end: messages a second of `repoint serve` with its one worker.

Every endpoint of the segment gets an e-mail with three substitutions through `smtp-sink`, with the ledger, caps as they
are by default, and all events. The bound is Postfix's `smtp-source` on one core: bare messages of about the same size
to the same sink.
"""

import json
import shutil
import subprocess
import sys
import time
from typing import Any

from figure import Figure, arguments, exit_code
from segment_population import fill
from send_email import CONNECTIONS, HEAD_BYTES, PART, SENDER, program, smtp_sink
from server import NotMeasured, Server, serving

FROM = "Shop <news@shop.example>"
HTML = (
    "<html><body><p>Dear {{User.UserAttributes.FirstName}},</p><p>you like {{Attributes.Interests.[0]}}, and you live "
    f"in {{{{Location.City}}}}.</p><pre>{PART.decode()}</pre></body></html>"
)
POLL_S = 0.25
LIMIT_S = 600


def settings(port: int) -> dict[str, str]:
    """The server's environment."""
    relay = {"kind": "email_smtp", "host": "127.0.0.1", "port": port, "tls": "none", "connections": CONNECTIONS}
    return {
        "REPOINT_PROVIDERS": json.dumps({"relay": relay}),
        "REPOINT_CHANNEL_PROVIDERS": json.dumps({"EMAIL": ["relay"]}),
    }


def bound(port: int, count: int) -> float:
    """Messages a second of smtp-source on one core."""
    taskset = shutil.which("taskset")
    if taskset is None:
        raise NotMeasured("there is no taskset, which keeps the bound on one core")
    size = len(HTML) + 700 - HEAD_BYTES
    command = f"-d -s {CONNECTIONS} -m {count} -l {size} -f {SENDER} -t someone@example.com 127.0.0.1:{port}"
    started = time.perf_counter()
    subprocess.run([taskset, "-c", "0", program("smtp-source"), *command.split()], check=True)
    return count / (time.perf_counter() - started)


def everybody(server: Server, application_id: str, count: int) -> str:
    """Fill an application with e-mail endpoints; the id of a segment of all of them."""
    fill(server.database, application_id, count)
    server.database.execute("UPDATE endpoints SET channel_type = 'EMAIL' WHERE channel_type <> 'EMAIL'")
    server.database.execute("VACUUM ANALYZE endpoints")
    server.database.execute("CHECKPOINT")
    segment = server.client.create_segment(
        ApplicationId=application_id, WriteSegmentRequest={"Name": "all", "Dimensions": {}}
    )
    return str(segment["SegmentResponse"]["Id"])


def start(server: Server, application_id: str, segment_id: str, **members: Any) -> str:
    """Create a campaign that begins at once; its id."""
    request = {
        "Name": "bench",
        "SegmentId": segment_id,
        "Schedule": {"StartTime": "IMMEDIATE"},
        "MessageConfiguration": {
            "EmailMessage": {"Title": "Hello {{User.UserAttributes.FirstName}}", "HtmlBody": HTML}
        },
        **members,
    }
    answer = server.client.create_campaign(ApplicationId=application_id, WriteCampaignRequest=request)
    return str(answer["CampaignResponse"]["Id"])


def wait(server: Server, application_id: str, campaign_id: str) -> dict[str, Any]:
    """Its activity, once it is COMPLETED."""
    latest = time.perf_counter() + LIMIT_S
    while time.perf_counter() < latest:
        answer = server.client.get_campaign_activities(ApplicationId=application_id, CampaignId=campaign_id)
        activity: dict[str, Any] = answer["ActivitiesResponse"]["Item"][0]
        if activity["State"] == "COMPLETED":
            return activity
        time.sleep(POLL_S)
    raise NotMeasured(f"the campaign is not done after {LIMIT_S} s: {activity}")


def product(server: Server, count: int) -> float:
    """Messages a second of a campaign."""
    with server.application() as application_id:
        server.client.update_email_channel(
            ApplicationId=application_id, EmailChannelRequest={"FromAddress": FROM, "Identity": "shop.example"}
        )
        segment_id = everybody(server, application_id, count)
        started = time.perf_counter()
        campaign_id = start(server, application_id, segment_id)
        activity = wait(server, application_id, campaign_id)
        took_s = time.perf_counter() - started
    if activity["SuccessfulEndpointCount"] != count:
        raise NotMeasured(f"not everything was sent: {activity}")
    return count / took_s


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=100_000)
    figure = Figure("e-mail campaign", "messages/s", must=0.3, more_is_better=True)
    with smtp_sink() as port, serving(settings(port)) as server:
        for _ in range(given.runs):
            figure.add(bound(port, given.count), product(server, given.count))
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(main())

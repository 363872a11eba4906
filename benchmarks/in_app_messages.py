"""GetInAppMessages, signed, with 25 in-app campaigns that an endpoint is shown: 99 of 100 calls may take 20 ms at most.

Each campaign has a segment of its own, which asks for attributes of the endpoint and of its user and is based on
another segment, two treatments, and a message of two screens. Calls come one after the other on one connection, for
endpoints in turn. Beside each run stands the bound, measured in the same minute: GetEndpoint, the least that any call
for an endpoint takes.
"""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from statistics import quantiles
from typing import Any

from figure import Figure, arguments, exit_code
from server import NotMeasured, Server, serving
from signed import send

CAMPAIGNS = 25
MUST_MS = 20
USED = 500
FILL = """
    INSERT INTO endpoints (application_id, endpoint_key, endpoint_id, cohort, created_at, effective_at, channel_type,
        address, endpoint_status, opt_out, opt_out_is_explicit, attributes, metrics, own_user_attributes, request_id,
        size_bound)
    SELECT %(app)s, 'e' || n, 'e' || n, n %% 100, now(), now(), 'IN_APP', 'device-' || n, 'ACTIVE', 'NONE', true,
        '{"Tier": ["gold"], "City": ["Oslo", "Rome"]}', '{"Orders": 7}', '{"Plan": ["yearly"]}', 'r', 900
    FROM generate_series(1, %(count)s) AS n
"""
SCREEN = {
    "BackgroundColor": "#FFFFFF",
    "HeaderConfig": {"Alignment": "CENTER", "Header": "Spring is here", "TextColor": "#000000"},
    "BodyConfig": {"Alignment": "LEFT", "Body": "Everything for your garden, " * 5, "TextColor": "#000000"},
    "ImageUrl": "https://shop.example/spring.png",
    "PrimaryBtn": {"DefaultConfig": {"ButtonAction": "LINK", "Link": "https://shop.example", "Text": "Look"}},
}


def prepare(server: Server, application_id: str, count: int) -> None:
    """Endpoints, segments and campaigns."""
    server.database.execute(FILL, {"app": application_id, "count": count})
    for number in range(CAMPAIGNS):
        base = segment(server, application_id, Dimensions={"Attributes": {"Tier": {"Values": ["gold", f"{number}"]}}})
        dimensions = [
            {"Attributes": {"City": {"Values": ["Rome"]}}},
            {"UserAttributes": {"Plan": {"Values": ["yearly", f"{number}"]}}},
            {"Metrics": {"Orders": {"ComparisonOperator": "GREATER_THAN", "Value": 3}}},
        ]
        group = {"SourceSegments": [{"Id": base}], "SourceType": "ANY", "Dimensions": dimensions, "Type": "ALL"}
        narrow = segment(server, application_id, SegmentGroups={"Groups": [group], "Include": "ALL"})
        server.client.create_campaign(ApplicationId=application_id, WriteCampaignRequest=campaign(number, narrow))


def segment(server: Server, application_id: str, **members: Any) -> str:
    """The id of a new one."""
    request = {"Name": "bench", **members}
    answer = server.client.create_segment(ApplicationId=application_id, WriteSegmentRequest=request)
    return str(answer["SegmentResponse"]["Id"])


def campaign(number: int, segment_id: str) -> dict[str, Any]:
    """A WriteCampaignRequest."""
    event = {"EventType": {"DimensionType": "INCLUSIVE", "Values": ["opened"]}}
    message = {"InAppMessage": {"Content": [SCREEN, SCREEN], "Layout": "CAROUSEL", "CustomConfig": {"n": f"{number}"}}}
    return {
        "Name": f"bench-{number}",
        "SegmentId": segment_id,
        "Priority": number % 5 + 1,
        "Schedule": {
            "StartTime": "IMMEDIATE",
            "EndTime": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
            "Frequency": "IN_APP_EVENT",
            "EventFilter": {"Dimensions": event, "FilterType": "ENDPOINT"},
        },
        "MessageConfiguration": message,
        "AdditionalTreatments": [{"SizePercent": 50, "MessageConfiguration": message}],
    }


def p99_ms(server: Server, paths: Iterator[str], calls: int, campaigns: int) -> float:
    """Of so many calls, each of which must answer with so many campaigns."""
    connection = server.signer.connect()
    took_ms = []
    for _ in range(calls):
        request = server.signer.sign("GET", next(paths))
        started = time.perf_counter()
        status, answer = send(connection, request)
        took_ms.append((time.perf_counter() - started) * 1000)
        if status != 200 or answer.count(b'"CampaignId"') != campaigns:  # noqa: PLR2004 - OK
            raise NotMeasured(f"answered {status}: {answer[:500]!r}")
    connection.close()
    return quantiles(took_ms, n=100)[98]


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, calls=2000, endpoints=100_000)
    figure = Figure(f"GetInAppMessages with {CAMPAIGNS} campaigns, p99", "ms", must=1)
    with serving() as server, server.application() as application_id:
        prepare(server, application_id, given.endpoints)
        server.settle()
        head = f"/v1/apps/{application_id}/endpoints/e"
        used = min(USED, given.endpoints)
        asked = cycle(f"{head}{number}/inappmessages" for number in range(1, used + 1))
        bound = cycle(f"{head}{number}" for number in range(1, used + 1))
        p99_ms(server, asked, 200, CAMPAIGNS)
        for _ in range(given.runs):
            least_ms = p99_ms(server, bound, given.calls, 0)
            measured_ms = p99_ms(server, asked, given.calls, CAMPAIGNS)
            figure.add(MUST_MS, measured_ms)
            print(f"  bound: GetEndpoint p99 {least_ms:.2f} ms, {measured_ms / least_ms:.1f}x", flush=True)
    return exit_code([figure])


if __name__ == "__main__":
    sys.exit(main())

"""Exact count of a segment over 1,000,000 endpoints, asked over HTTP: five criteria ANDed, then the same otherwise.

The bound of the AND form is what one would write by hand for the same five, in the same PostgreSQL; the bound of the
others is the AND form.
"""

import json
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from statistics import median
from typing import Any

from figure import Figure, arguments, exit_code
from segment_population import ALL_CRITERIA, CRITERIA, fill
from server import NotMeasured, Server, serving
from signed import send

BOUND = """
    SELECT count(*) FROM endpoints e
    WHERE application_id = %(application_id)s AND attributes -> 'Interests' ? 'music'
        AND (metrics ->> 'Visits')::double precision >= 50 AND country = 'US' AND channel_type = 'EMAIL'
        AND EXISTS (SELECT FROM users u WHERE u.application_id = e.application_id AND u.user_key = e.user_key
                    AND u.attributes -> 'Plan' ? 'gold')
"""


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, count=1_000_000)
    exact = Figure(f"count of five criteria over {given.count:,} endpoints", "ms", must=1.2)
    others = {name: Figure(f"count with {name}", "ms", must=3) for name in ("ANY", "NONE", "two nested sources")}
    with serving() as server:
        application = server.client.create_app(CreateApplicationRequest={"Name": "bench"})["ApplicationResponse"]["Id"]
        fill(server.database, application, given.count)
        segments = create_segments(server, application)
        connection = server.signer.connect()
        for _ in range(given.runs):
            bound = best_ms(lambda: server.database.execute(BOUND, {"application_id": application}).fetchone())
            counted = {name: best_ms(asker(server, connection, application, each)) for name, each in segments.items()}
            exact.add(bound, counted["AND"])
            for name, figure in others.items():
                figure.add(counted["AND"], counted[name])
        check(server, connection, application, segments["AND"])
    print(f"\nmust take at most 400 ms on an idle machine: {median(product for _, product in exact.runs):,.0f} ms")
    return exit_code([exact, *others.values()])


def create_segments(server: Server, application_id: str) -> dict[str, str]:
    """The ids of the segments to count, by the names they have here."""

    def create(groups: list[dict[str, Any]]) -> str:
        answer = server.client.create_segment(
            ApplicationId=application_id, WriteSegmentRequest={"SegmentGroups": {"Groups": groups}}
        )
        segment_id: str = answer["SegmentResponse"]["Id"]
        return segment_id

    and_form = create([{"Dimensions": [ALL_CRITERIA]}])
    some = create([{"Type": "ANY", "Dimensions": CRITERIA[:3]}])
    return {
        "AND": and_form,
        "ANY": create([{"Type": "ANY", "Dimensions": CRITERIA}]),
        "NONE": create([{"Type": "NONE", "Dimensions": CRITERIA}]),
        "two nested sources": create([{"SourceType": "ANY", "SourceSegments": [{"Id": and_form}, {"Id": some}]}]),
    }


def asker(server: Server, connection: HTTPConnection, application_id: str, segment_id: str) -> Callable[[], Any]:
    """Asks for one count."""
    path = f"/repoint/v1/apps/{application_id}/segments/{segment_id}/count"
    return lambda: json.loads(send(connection, server.signer.sign("GET", path))[1])


def best_ms(ask: Callable[[], object]) -> float:
    """The quickest of three, in milliseconds: what disturbs makes slower only."""
    return min(_ms(ask) for _ in range(3))


def _ms(ask: Callable[[], object]) -> float:
    started = time.perf_counter()
    ask()
    return (time.perf_counter() - started) * 1000


def check(server: Server, connection: HTTPConnection, application_id: str, segment_id: str) -> None:
    """Look that both count alike."""
    row = server.database.execute(BOUND, {"application_id": application_id}).fetchone()
    counted = asker(server, connection, application_id, segment_id)()
    if row is None or counted["Members"] != row[0] or not row[0]:
        raise NotMeasured(f"counted {counted} instead of {row}")


if __name__ == "__main__":
    sys.exit(main())

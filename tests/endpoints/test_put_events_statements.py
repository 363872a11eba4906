"""What a PutEvents costs the database: as many statements for 100 events as for 10."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from repoint.db.pool import Database
from repoint.discover import discover
from repoint.dispatch import dispatch_local
from repoint.settings import Settings

discover()

AT = "2026-11-20T10:00:00Z"


def batch(events: int, endpoints: int, spelling: str) -> dict[str, Any]:
    """New endpoints of new users, and their events."""
    each = events // endpoints
    return {
        f"{spelling}{n}": {
            "Endpoint": {
                "ChannelType": "EMAIL",
                "Address": f"{spelling}{n}@example.com",
                "Attributes": {"interests": ["music", f"{n}"]},
                "User": {"UserId": f"{spelling}-u{n}", "UserAttributes": {"plan": ["gold"]}},
            },
            "Events": {f"v{m}": {"EventType": "x", "Timestamp": AT, "Attributes": {"m": f"{m}"}} for m in range(each)},
        }
        for n in range(endpoints)
    }


async def test_a_hundred_events_cost_as_many_statements_as_ten(
    database_url: str, settings: Settings, tmp_path: Path
) -> None:
    database = Database(database_url, max_size=1)
    await database.open()
    app = await dispatch_local(settings, database, "CreateApp", {"CreateApplicationRequest": {"Name": "shop"}})
    sent = []
    for number, (events, endpoints) in enumerate([(10, 2), (10, 2), (100, 20), (100, 100)]):
        trace = tmp_path / f"{number}"
        arguments = {"ApplicationId": app["Id"], "EventsRequest": {"BatchItem": batch(events, endpoints, f"e{number}")}}
        with trace.open("w") as file:
            async with database.connection() as db:
                db.connection.pgconn.trace(file.fileno())
            answer = await dispatch_local(settings, database, "PutEvents", arguments)
            async with database.connection() as db:
                db.connection.pgconn.untrace()
        assert len(answer["Results"]) == endpoints
        sent.append(statements(trace.read_text()))
    await database.close()

    # The first one has new names of attributes to note, too.
    _, ten, hundred, hundred_endpoints = sent
    assert ten == hundred == hundred_endpoints
    assert hundred.total() <= 25


def statements(trace: str) -> Counter[str]:
    """The statements that libpq sent."""
    return Counter(re.findall(r"^[^\t\n]+\tF\t\d+\t(Execute|Query)\b", trace, re.MULTILINE))

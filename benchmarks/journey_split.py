"""A split of a journey on who opened its e-mail, for 5,000 participants, among 100,000 events that name the journey.

Participants are decided in groups of 250, as a worker does. The bound reads the endpoints of the same groups, which a
worker has done before it asks: the decision may take five times as long as that.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from figure import Figure, arguments, exit_code
from pydantic import SecretStr
from server import NotMeasured, Server, serving

from repoint.db.pool import Database
from repoint.journeys.activities.conditional_split import ConditionalSplit
from repoint.journeys.activities.kind import Group, Visit
from repoint.journeys.journey import Journey, read_journey
from repoint.queue import TaskContext
from repoint.resources.documents import Document
from repoint.segments.members import Batch, member_documents
from repoint.settings import Settings

JOURNEY, RUN = "a" * 32, "b" * 32
GROUP = 250
PARTICIPANTS = 5000
# Of each endpoint; of every second one the last.
EVENTS = ("_journey.send", "_email.send", "_email.delivered", "custom.visit", "_email.open")
MUST = 5.0
FILL = """
    INSERT INTO endpoints (application_id, endpoint_key, endpoint_id, cohort, created_at, effective_at, channel_type,
        address, endpoint_status, opt_out, opt_out_is_explicit, attributes, metrics, own_user_attributes, request_id,
        size_bound)
    SELECT %(app)s, 'e' || n, 'e' || n, n %% 100, now(), now(), 'EMAIL', n || '@example.com', 'ACTIVE', 'NONE', true,
        '{"Tier": ["gold"], "City": ["Oslo", "Rome"]}', '{"Orders": 7}', '{"Plan": ["yearly"]}', 'r', 900
    FROM generate_series(1, %(count)s) AS n
"""
TELL = """
    INSERT INTO events (application_id, occurred_at, event_type, endpoint_key, is_repeat, journey_id, record)
    SELECT %(app)s, now(), %(event_type)s, 'e' || n, false, (%(journey)s::text)::uuid, json_build_object(
        'event_type', %(event_type)s::text, 'attributes', json_build_object(
            'journey_id', %(journey)s::text, 'journey_run_id', %(run)s::text, 'journey_activity_id', 'mail'),
        'client_context', repeat('x', 500))
    FROM generate_series(1, %(count)s, %(step)s) AS n
"""


def main() -> int:
    """Measure; the exit code."""
    given = arguments(__doc__, events=100_000)
    figure = Figure(f"a split on one of {given.events:,} events", "s", must=MUST)
    with serving() as server:
        application = server.client.create_app(CreateApplicationRequest={"Name": "bench"})["ApplicationResponse"]["Id"]
        fill(server, application, max(PARTICIPANTS, given.events // len(EVENTS)))
        for _ in range(given.runs):
            figure.add(*asyncio.run(measure(server, application)))
    return exit_code([figure])


def fill(server: Server, application_id: str, endpoints: int) -> None:
    """Endpoints, and what was told of messages to them."""
    server.database.execute(FILL, {"app": application_id, "count": endpoints})
    for event_type in EVENTS:
        step = 2 if event_type == EVENTS[-1] else 1
        named = {"app": application_id, "journey": JOURNEY, "run": RUN}
        server.database.execute(TELL, {**named, "event_type": event_type, "count": endpoints, "step": step})


async def measure(server: Server, application_id: str) -> tuple[float, float]:
    """Seconds to read all participants, and to decide where they go."""
    database = Database(server.database_url)
    await database.open()
    context = TaskContext(database, Settings(database_url=SecretStr(server.database_url), journey_event_wait_s=0), "w")
    groups = [
        [f"e{number}" for number in range(start + 1, start + GROUP + 1)] for start in range(0, PARTICIPANTS, GROUP)
    ]
    started = time.perf_counter()
    for keys in groups:
        async with database.connection() as db:
            await member_documents(db, application_id, Batch(keys))
    read_s = time.perf_counter() - started
    started, yes = time.perf_counter(), 0
    for keys in groups:
        moves = await ConditionalSplit().perform(group(context, journey(application_id), keys))
        yes += sum(move.next_id == "yes" for move in moves)
    decided_s = time.perf_counter() - started
    await database.close()
    if yes != PARTICIPANTS // 2:
        raise NotMeasured(f"{yes:,} of {PARTICIPANTS // 2:,} went the right way")
    return read_s, decided_s


def journey(application_id: str) -> Journey:
    """A mail, and a split on who opened it."""
    opened = {"EventCondition": {"MessageActivity": "mail", "Dimensions": {"EventType": {"Values": ["_email.open"]}}}}
    ends = {name: {"Wait": {"WaitTime": {"WaitFor": "P1D"}}} for name in ("yes", "no")}
    split = {"Condition": {"Conditions": [opened]}, "TrueActivity": "yes", "FalseActivity": "no"}
    content = {
        "StartActivity": "mail",
        "StartCondition": {"SegmentStartCondition": {"SegmentId": "s"}},
        "Activities": {
            "mail": {"EMAIL": {"TemplateName": "t", "NextActivity": "split"}},
            "split": {"ConditionalSplit": split},
            **ends,
        },
    }
    now = datetime.now(UTC)
    return read_journey(Document(JOURNEY, application_id, content, {}, now, now, None), {})


def group(context: TaskContext, published: Journey, keys: Sequence[str]) -> Group:
    """Participants who have come to the split."""
    now = datetime.now(UTC)
    entered_at = now - timedelta(hours=1)
    visits = [
        Visit(key, RUN, entered_at, 1, "split", now, is_waiting=False, seed=1, performed={"mail": now}, answers={},
              endpoints={key: {"Id": key}})
        for key in keys
    ]  # fmt: skip
    return Group(context, published, RUN, "split", published.activities["split"].content, visits, now)


if __name__ == "__main__":
    sys.exit(main())

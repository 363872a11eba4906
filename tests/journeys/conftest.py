"""A club: an application with a segment, channels and templates, whose journeys a test makes and reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from repoint.db.pool import Database
from repoint.settings import Settings
from tests.campaigns.conftest import after, bad, missing, told
from tests.fixtures.server import Raw, Response, Serve, make_client
from tests.journeys.splits import Scene

__all__ = ["after", "bad", "missing", "told"]

WAIT = {"Wait": {"WaitTime": {"WaitFor": "PT1H"}}}
FILTER = {"FilterType": "ENDPOINT", "Dimensions": {"EventType": {"Values": ["joined"]}}}


@dataclass(frozen=True)
class Club:
    """One application, spoken to by boto3 and by hand."""

    client: Any
    raw: Raw
    id: str
    # A dynamic segment.
    segment_id: str
    database_url: str

    def request(self, **members: Any) -> dict[str, Any]:
        """A WriteJourneyRequest that may be published; a member given as None is left out."""
        usual = {
            "Name": "welcome",
            "StartActivity": "w1",
            "Activities": {"w1": WAIT},
            "StartCondition": {"SegmentStartCondition": {"SegmentId": self.segment_id}},
        }
        return {member: value for member, value in {**usual, **members}.items() if value is not None}

    def of_events(self, **members: Any) -> dict[str, Any]:
        """A WriteJourneyRequest for a journey that events start."""
        return self.request(StartCondition={"EventStartCondition": {"EventFilter": FILTER}}, **members)

    def create(self, **members: Any) -> dict[str, Any]:
        """CreateJourney; its answer."""
        answer = self.send("POST", "", self.request(**members))
        assert answer.status == 201, answer.body
        created: dict[str, Any] = answer.json
        return created

    def update(self, journey_id: str, **members: Any) -> dict[str, Any]:
        """UpdateJourney with a whole request; its answer."""
        answer = self.send("PUT", f"/{journey_id}", self.request(**members))
        assert answer.status == 200, answer.body
        updated: dict[str, Any] = answer.json
        return updated

    def move(self, journey_id: str, state: str) -> Response:
        """UpdateJourneyState."""
        return self.send("PUT", f"/{journey_id}/state", {"State": state})

    def get(self, journey_id: str) -> dict[str, Any]:
        """GetJourney; its answer."""
        answer = self.send("GET", f"/{journey_id}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    def runs(self, journey_id: str, query: str = "") -> dict[str, Any]:
        """GetJourneyRuns; its answer."""
        answer = self.send("GET", f"/{journey_id}/runs{query}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    def send(self, method: str, path: str, body: bytes | dict[str, Any] = b"") -> Response:
        """A request about journeys, by hand."""
        return self.raw.send(method, f"/v1/apps/{self.id}/journeys{path}", body)

    def create_segment(self, **request: Any) -> str:
        """Another dynamic segment."""
        answer = self.client.create_segment(ApplicationId=self.id, WriteSegmentRequest=request)
        return str(answer["SegmentResponse"]["Id"])

    def execute(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What stands in the database, or what an engine would write there."""
        with psycopg.connect(self.database_url, row_factory=psycopg.rows.dict_row) as connection:
            cursor = connection.execute(sql.encode(), {"app": self.id, **parameters})
            return cursor.fetchall() if cursor.description else []

    def row(self, journey_id: str) -> dict[str, Any]:
        """Where a journey stands."""
        [row] = self.execute("SELECT * FROM journey_states WHERE journey_id = %(id)s", {"id": journey_id})
        return row

    def stand(self, journey_id: str, state: str) -> None:
        """Have a journey stand there, as the engine would say."""
        sql = """UPDATE journey_states SET state = %(state)s, paused_at = CASE %(state)s WHEN 'PAUSED' THEN now() END
                 WHERE journey_id = %(id)s"""
        self.execute(sql, {"id": journey_id, "state": state})


@pytest.fixture
def club(serve: Serve, database_url: str) -> Club:
    """Its journeys start at once."""
    server = serve(journey_start_delay_s=0)
    return make_club(make_client(server), Raw(server), database_url)


def make_club(client: Any, raw: Raw, database_url: str) -> Club:
    """An application with a segment."""
    app = client.create_app(CreateApplicationRequest={"Name": "club"})["ApplicationResponse"]["Id"]
    segment = client.create_segment(ApplicationId=app, WriteSegmentRequest={"Name": "all"})["SegmentResponse"]["Id"]
    return Club(client, raw, app, segment, database_url)


@pytest.fixture
def scene(database: Database, settings: Settings) -> Scene:
    """Participants at a split that waits for nothing."""
    no_waiting = {"journey_event_wait_s": 0, "journey_custom_event_wait_s": 0}
    return Scene(database, settings.model_copy(update=no_waiting), "d" * 32)

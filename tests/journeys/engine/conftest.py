"""A club whose journeys are run in the test's own process, by a clock that the test sets."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from repoint.db.pool import Database
from repoint.journeys.engine.loop import Engine
from repoint.settings import Settings
from tests.campaigns.engine.conftest import EMAIL, Context, Shop
from tests.fixtures.server import Raw

MAIL = {"TemplateName": "hello"}
HELLO = {"Subject": "Hello {{User.UserAttributes.Name}}", "HtmlPart": "<p>Hi {{Attributes.City}}</p>"}


def mail(following: str | None = None, **members: Any) -> dict[str, Any]:
    """An EMAIL activity."""
    return {"EMAIL": _with_next({**MAIL, **members}, following)}


def wait(duration: str, following: str | None = None) -> dict[str, Any]:
    """A Wait for a duration."""
    return {"Wait": _with_next({"WaitTime": {"WaitFor": duration}}, following)}


def _with_next(members: dict[str, Any], following: str | None) -> dict[str, Any]:
    return members | ({} if following is None else {"NextActivity": following})


@dataclass
class Tour(Shop):
    """An application whose journeys begin at once, with everything around it."""

    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def publish(self, activities: Mapping[str, Any], **members: Any) -> str:
        """An ACTIVE journey of everybody, which starts with the first of these activities; its id."""
        usual = {
            "Name": "welcome",
            "State": "ACTIVE",
            "StartActivity": next(iter(activities)),
            "Activities": dict(activities),
            "StartCondition": {"SegmentStartCondition": {"SegmentId": self.segment_id}},
        }
        answer = self.client.create_journey(ApplicationId=self.id, WriteJourneyRequest={**usual, **members})
        return str(answer["JourneyResponse"]["Id"])

    def journey(self, journey_id: str) -> dict[str, Any]:
        """GetJourney."""
        found: dict[str, Any] = self.client.get_journey(ApplicationId=self.id, JourneyId=journey_id)["JourneyResponse"]
        return found

    def state(self, journey_id: str) -> str:
        """State."""
        return str(self.journey(journey_id)["State"])

    def set_state(self, journey_id: str, state: str) -> None:
        """UpdateJourneyState."""
        self.client.update_journey_state(
            ApplicationId=self.id, JourneyId=journey_id, JourneyStateRequest={"State": state}
        )

    def runs(self, journey_id: str) -> list[dict[str, Any]]:
        """Newest first."""
        answer = self.client.get_journey_runs(ApplicationId=self.id, JourneyId=journey_id)
        found: list[dict[str, Any]] = answer["JourneyRunsResponse"]["Item"]
        return found

    async def go(self, **later: float) -> None:
        """Have the engine do everything that is due, so much later than the test began if that is said."""
        if later:
            self.set_clock(self.began_at + timedelta(**later))
        await Engine(self.context).drain()

    async def counts(self, journey_id: str) -> dict[str, dict[str, int]]:
        """What was counted, by activity; of all runs together."""
        rows = await self.rows(
            """SELECT activity_id, name, sum(value::bigint)::bigint AS total
               FROM journey_counts, jsonb_each_text(counts) AS e (name, value)
               WHERE journey_id = %(journey)s GROUP BY activity_id, name ORDER BY activity_id, name""",
            journey=journey_id,
        )
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            if row["total"]:
                found.setdefault(row["activity_id"], {})[row["name"]] = row["total"]
        return found

    async def inside(self, journey_id: str) -> dict[str, str]:
        """Who is inside, and where."""
        rows = await self.rows(
            "SELECT participant, activity_id FROM visits WHERE journey_id = %(journey)s AND activity_id IS NOT NULL",
            journey=journey_id,
        )
        return {row["participant"]: row["activity_id"] for row in rows}

    @asynccontextmanager
    async def other_worker(self) -> AsyncIterator[Engine]:
        """An engine with a pool of its own, on the same clock."""
        settings = self.context.settings
        assert settings.database_url is not None
        database = Database(settings.database_url.get_secret_value(), max_size=10)
        await database.open()
        try:
            yield Engine(Context(database, settings, "other", clock=self.context.clock))
        finally:
            await database.close()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test's settings: journeys begin at once, pauses may be as short as they like."""
    changed = {
        "journey_start_delay_s": 0,
        "journey_resume_delay_s": 0,
        "journey_event_wait_s": 0,
        "allowed_private_networks": (ip_network("127.0.0.0/8"),),
    }
    return Settings(**{**settings.model_dump(), **changed})


@pytest.fixture
def tour(client: Any, raw: Raw, database: Database, settings: Settings) -> Tour:
    """An application with an e-mail channel, a template, and a segment of everybody."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Club"})["ApplicationResponse"]["Id"])
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=EMAIL)
    client.create_email_template(TemplateName="hello", EmailTemplateRequest=HELLO)
    tour = Tour(client, raw, database, Context(database, settings, "worker"), app)
    segment = client.create_segment(ApplicationId=app, WriteSegmentRequest={"Name": "all", "Dimensions": {}})
    tour.segment_id = segment["SegmentResponse"]["Id"]
    return tour

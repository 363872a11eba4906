"""A shop whose campaigns are run in the test's own process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from repoint.campaigns.engine.loop import Engine
from repoint.contract.dates import format_instant
from repoint.db.pool import Database
from repoint.db.queries import Query
from repoint.events.consume import Reading
from repoint.queue import TaskContext
from repoint.settings import Settings
from tests.fixtures.server import Raw

HANDLERS = Path(__file__).with_name("handlers.py")
EMAIL = {"FromAddress": "Shop <news@example.com>", "Identity": "example.com"}
HELLO = {"EmailMessage": {"Title": "Hello {{User.UserAttributes.Name}}", "HtmlBody": "<p>Hi {{Attributes.City}}</p>"}}


def at(text: str) -> datetime:
    """An instant in UTC: `2031-01-31 09:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def schedule(start: str, frequency: str | None = None, end: str | None = None, **more: Any) -> dict[str, Any]:
    """A Schedule, its times as `at` takes them."""
    given = {"StartTime": start, "EndTime": end}
    times = {member: format_instant(at(text)) for member, text in given.items() if text is not None}
    return times | ({} if frequency is None else {"Frequency": frequency}) | more


@dataclass(frozen=True)
class Context(TaskContext):
    """A worker's context whose clock a test can set."""

    clock: list[datetime] = field(default_factory=list)

    def now(self) -> datetime:
        """The test's time, as long as it has set one."""
        return self.clock[-1] if self.clock else datetime.now(UTC)


@dataclass
class Shop:
    """One application with everything around it."""

    client: Any
    raw: Raw
    database: Database
    context: Context
    id: str
    segment_id: str = ""

    def put(self, endpoint_id: str, **endpoint: Any) -> None:
        """An e-mail endpoint, unless it says otherwise."""
        usual = {
            "ChannelType": "EMAIL",
            "Address": f"{endpoint_id}@example.com",
            "Attributes": {"City": ["Oslo"]},
            "User": {"UserId": endpoint_id, "UserAttributes": {"Name": [endpoint_id.title()]}},
        }
        request = {member: value for member, value in {**usual, **endpoint}.items() if value is not None}
        self.client.update_endpoint(ApplicationId=self.id, EndpointId=endpoint_id, EndpointRequest=request)

    async def put_many(self, count: int) -> None:
        """E-mail endpoints e1 to e… with an address of their own each."""
        await self.rows(
            """
            INSERT INTO endpoints (application_id, endpoint_key, endpoint_id, cohort, created_at, effective_at,
                channel_type, address, endpoint_status, opt_out, opt_out_is_explicit, attributes, metrics,
                own_user_attributes, request_id, size_bound)
            SELECT %(app)s, 'e' || n, 'e' || n, n %% 100, now(), now(), 'EMAIL', 'e' || n || '@example.com', 'ACTIVE',
                'NONE', true, '{"City": ["Rome"]}', '{}', '{"Name": ["N"]}', 'r', 900
            FROM generate_series(1, %(count)s) AS n RETURNING 1
            """,
            app=self.id,
            count=count,
        )

    def create(self, **members: Any) -> str:
        """A campaign to everybody at once, unless it says otherwise; its id."""
        usual = {
            "Name": "spring",
            "SegmentId": self.segment_id,
            "Schedule": {"StartTime": "IMMEDIATE"},
            "MessageConfiguration": HELLO,
        }
        answer = self.client.create_campaign(ApplicationId=self.id, WriteCampaignRequest={**usual, **members})
        return str(answer["CampaignResponse"]["Id"])

    def state(self, campaign_id: str) -> str:
        """CampaignStatus."""
        answer = self.client.get_campaign(ApplicationId=self.id, CampaignId=campaign_id)
        return str(answer["CampaignResponse"]["State"]["CampaignStatus"])

    def update(self, campaign_id: str, **members: Any) -> dict[str, Any]:
        """UpdateCampaign; its answer."""
        answer = self.client.update_campaign(
            ApplicationId=self.id, CampaignId=campaign_id, WriteCampaignRequest=members
        )
        updated: dict[str, Any] = answer["CampaignResponse"]
        return updated

    def states(self, campaign_id: str) -> list[tuple[str, str]]:
        """ScheduledStart to the minute and State of its activities, newest first."""
        return [(each["ScheduledStart"][:16], each["State"]) for each in self.activities(campaign_id)]

    def activities(self, campaign_id: str) -> list[dict[str, Any]]:
        """Newest first."""
        answer = self.client.get_campaign_activities(ApplicationId=self.id, CampaignId=campaign_id)
        found: list[dict[str, Any]] = answer["ActivitiesResponse"]["Item"]
        return found

    def kept(self) -> list[dict[str, Any]]:
        """Messages of the mailbox, oldest first."""
        listed = self.raw.send("GET", f"/repoint/v1/mailbox?app={self.id}&page-size=1000").json["Item"]
        return list(reversed(listed))

    def addresses(self) -> list[str]:
        """To whom messages in the mailbox went, in order."""
        return sorted(each["Address"] for each in self.kept())

    def records(self, event_type: str = "_campaign.send") -> list[dict[str, Any]]:
        """What is logged of one kind."""
        listed = self.raw.send("GET", f"/repoint/v1/apps/{self.id}/events?type={event_type}&page-size=1000").json[
            "Item"
        ]
        return [each["Record"] for each in listed]

    def statuses(self) -> dict[str, str]:
        """campaign_send_status by endpoint."""
        return {each["client"]["client_id"]: each["attributes"]["campaign_send_status"] for each in self.records()}

    async def run(self, at: datetime | str | None = None) -> None:
        """Have the engine do everything that is due, at this time if one is given."""
        if at is not None:
            self.set_clock(at)
        await Engine(self.context).drain()

    def set_clock(self, moment: datetime | str) -> None:
        """From now on it is this time for the engine."""
        self.context.clock.append(at(moment) if isinstance(moment, str) else moment)

    async def let_pass(self) -> None:
        """What waits for the pace of its campaign waits no longer."""
        await self.rows("UPDATE paces SET free_at = now() RETURNING 1")
        await self.rows("UPDATE campaign_batches SET leased_until = NULL RETURNING 1")

    async def ledger(self) -> dict[str, list[str]]:
        """What the ledger says of each endpoint, run after run."""
        found: dict[str, list[str]] = {}
        for row in await self.rows("SELECT endpoint_key, status FROM deliveries ORDER BY decided_at, occurrence"):
            found.setdefault(row["endpoint_key"], []).append(row["status"])
        return found

    @asynccontextmanager
    async def another_worker(self) -> AsyncIterator[Engine]:
        """An engine with a pool of its own, on the same clock."""
        settings = self.context.settings
        assert settings.database_url is not None
        database = Database(settings.database_url.get_secret_value(), max_size=10)
        await database.open()
        try:
            yield Engine(Context(database, settings, "other", clock=self.context.clock))
        finally:
            await database.close()

    async def read_events(self) -> None:
        """Have the log read by whoever does."""
        await Reading(self.context).drain()

    async def rows(self, sql: str, **parameters: object) -> list[dict[str, Any]]:
        """Rows of the database."""
        async with self.database.connection() as db:
            return await db.rows(Query("test", sql), parameters)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test's settings, with its own functions, and its own network to be called."""
    functions = {name: {"file": f"{HANDLERS}:{name}", "processes": 1} for name in ("offer", "note", "pick", "titles")}
    return Settings(
        **{**settings.model_dump(), "functions": functions, "allowed_private_networks": (ip_network("127.0.0.0/8"),)}
    )


@pytest.fixture
def shop(client: Any, raw: Raw, database: Database, settings: Settings) -> Shop:
    """An application with an e-mail channel and a segment of everybody."""
    app = str(client.create_app(CreateApplicationRequest={"Name": "Shop"})["ApplicationResponse"]["Id"])
    client.update_email_channel(ApplicationId=app, EmailChannelRequest=EMAIL)
    shop = Shop(client, raw, database, Context(database, settings, "worker"), app)
    segment = client.create_segment(ApplicationId=app, WriteSegmentRequest={"Name": "all", "Dimensions": {}})
    shop.segment_id = segment["SegmentResponse"]["Id"]
    return shop

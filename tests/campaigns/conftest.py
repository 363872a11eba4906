"""A shop: an application with a segment, whose campaigns a test makes and reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from repoint.contract.dates import format_instant
from tests.fixtures.server import Raw, Response

SMS = {"SMSMessage": {"Body": "Hi", "MessageType": "PROMOTIONAL"}}


def after(**duration: float) -> str:
    """An instant so long from now, as requests have it."""
    return format_instant(datetime.now(UTC) + timedelta(**duration))


@dataclass(frozen=True)
class Shop:
    """One application, spoken to by boto3 and by hand."""

    client: Any
    raw: Raw
    id: str
    # A dynamic segment.
    segment_id: str
    database_url: str

    def request(self, **members: Any) -> dict[str, Any]:
        """A WriteCampaignRequest for a text tomorrow; a member given as None is left out."""
        usual = {
            "Name": "spring",
            "SegmentId": self.segment_id,
            "Schedule": {"StartTime": after(days=1)},
            "MessageConfiguration": SMS,
        }
        return {member: value for member, value in {**usual, **members}.items() if value is not None}

    def create(self, **members: Any) -> dict[str, Any]:
        """CreateCampaign; its answer."""
        answer = self.send("POST", "", self.request(**members))
        assert answer.status == 201, answer.body
        created: dict[str, Any] = answer.json
        return created

    def update(self, campaign_id: str, **members: Any) -> dict[str, Any]:
        """UpdateCampaign; its answer."""
        answer = self.send("PUT", f"/{campaign_id}", members)
        assert answer.status == 200, answer.body
        updated: dict[str, Any] = answer.json
        return updated

    def get(self, campaign_id: str) -> dict[str, Any]:
        """GetCampaign; its answer."""
        answer = self.send("GET", f"/{campaign_id}")
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found

    def activities(self, campaign_id: str, query: str = "") -> list[dict[str, Any]]:
        """GetCampaignActivities; the items of one page."""
        answer = self.send("GET", f"/{campaign_id}/activities{query}")
        assert answer.status == 200, answer.body
        items: list[dict[str, Any]] = answer.json["Item"]
        return items

    def send(self, method: str, path: str, body: bytes | dict[str, Any] = b"") -> Response:
        """A request about campaigns, by hand."""
        return self.raw.send(method, f"/v1/apps/{self.id}/campaigns{path}", body)

    def create_segment(self, **request: Any) -> str:
        """Another dynamic segment."""
        answer = self.client.create_segment(ApplicationId=self.id, WriteSegmentRequest=request)
        return str(answer["SegmentResponse"]["Id"])

    def execute(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What stands in the database, or what an engine would write there."""
        with psycopg.connect(self.database_url, row_factory=psycopg.rows.dict_row) as connection:
            cursor = connection.execute(sql.encode(), {"app": self.id, **parameters})
            return cursor.fetchall() if cursor.description else []

    def rows(self, campaign_id: str) -> list[dict[str, Any]]:
        """Where the treatments of a campaign stand."""
        return self.execute(
            "SELECT treatment_id, status, frequency, due_at, next_run_id, next_start_at FROM campaign_treatments "
            "WHERE application_id = %(app)s AND campaign_id = %(campaign)s ORDER BY treatment_id",
            {"campaign": campaign_id},
        )

    def move(self, campaign_id: str, status: str) -> None:
        """Have all treatments stand there, as the engine would say."""
        self.execute(
            "UPDATE campaign_treatments SET status = %(status)s WHERE campaign_id = %(campaign)s",
            {"campaign": campaign_id, "status": status},
        )


@pytest.fixture
def shop(client: Any, raw: Raw, database_url: str) -> Shop:
    return make_shop(client, raw, database_url)


def make_shop(client: Any, raw: Raw, database_url: str) -> Shop:
    """An application with a segment."""
    app = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]["Id"]
    segment = client.create_segment(ApplicationId=app, WriteSegmentRequest={"Name": "all"})["SegmentResponse"]["Id"]
    return Shop(client, raw, app, segment, database_url)


def told(answer: Response) -> tuple[int, str, str]:
    """What a refused call was told."""
    return answer.status, answer.headers["x-amzn-errortype"], answer.json["Message"]


def bad(message: str) -> tuple[int, str, str]:
    return 400, "BadRequestException", message


def missing(message: str = "Resource not found") -> tuple[int, str, str]:
    return 404, "NotFoundException", message

"""A shop: an application whose segments a test makes and asks."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from repoint.db.pool import Database
from repoint.endpoints.key import endpoint_key, user_key
from repoint.operation import Call, Principal
from repoint.segments.imported import Imported, define, finish, list_endpoints, list_users
from repoint.settings import Settings
from tests.fixtures.server import Raw

Definition = dict[str, Any]

ROLE = "arn:aws:iam::000000000000:role/import"
IMPORT = {"S3Url": "s3://b/people.csv", "RoleArn": ROLE, "ExternalId": "000000000000", "Format": "CSV"}


@dataclass(frozen=True)
class Shop:
    """One application, spoken to by boto3 and, for operations of our own, by hand."""

    client: Any
    raw: Raw
    id: str

    def put(self, endpoint_id: str, **request: Any) -> None:
        """UpdateEndpoint."""
        self.client.update_endpoint(ApplicationId=self.id, EndpointId=endpoint_id, EndpointRequest=request)

    def create(self, **request: Any) -> dict[str, Any]:
        """CreateSegment; its answer."""
        answer = self.client.create_segment(ApplicationId=self.id, WriteSegmentRequest=request)
        segment: dict[str, Any] = answer["SegmentResponse"]
        return segment

    def update(self, segment_id: str, **request: Any) -> dict[str, Any]:
        """UpdateSegment; its answer."""
        answer = self.client.update_segment(ApplicationId=self.id, SegmentId=segment_id, WriteSegmentRequest=request)
        segment: dict[str, Any] = answer["SegmentResponse"]
        return segment

    def get(self, segment_id: str) -> dict[str, Any]:
        """GetSegment."""
        answer = self.client.get_segment(ApplicationId=self.id, SegmentId=segment_id)
        segment: dict[str, Any] = answer["SegmentResponse"]
        return segment

    def path(self, segment_id: str) -> str:
        """Where our own operations on a segment live."""
        return f"/repoint/v1/apps/{self.id}/segments/{segment_id}"

    def members(self, segment_id: str, query: str = "") -> list[str]:
        """All members, over all pages of two."""
        found: list[str] = []
        token = ""
        while True:
            answer = self.raw.send("GET", f"{self.path(segment_id)}/members?page-size=2{token}{query}")
            assert answer.status == 200, answer.body
            found += [item["EndpointId"] for item in answer.json["Item"]]
            if "NextToken" not in answer.json:
                return found
            token = f"&token={answer.json['NextToken']}"

    def eligible(self, segment_id: str) -> list[str]:
        """Members that would be sent to."""
        return self.members(segment_id, "&eligible=true")

    def count(self, segment_id: str) -> tuple[int, int]:
        """How many members, and how many of them would be sent to."""
        answer = self.raw.send("GET", f"{self.path(segment_id)}/count")
        assert answer.status == 200, answer.body
        return answer.json["Members"], answer.json["Eligible"]

    def why(self, segment_id: str, endpoint_id: str) -> Any:
        """The verdict on an endpoint."""
        answer = self.raw.send("GET", f"{self.path(segment_id)}/members/{endpoint_id}")
        assert answer.status == 200, answer.body
        return answer.json


Import = Callable[..., Awaitable[Imported]]


@pytest.fixture
def shop(client: Any, raw: Raw) -> Shop:
    created = client.create_app(CreateApplicationRequest={"Name": "shop"})
    return Shop(client, raw, created["ApplicationResponse"]["Id"])


@pytest.fixture
def imports(shop: Shop, database: Database, settings: Settings) -> Import:
    """Makes an imported segment of endpoints and users, as a job would."""
    return partial(make_import, settings, database, shop.id)


async def make_import(  # noqa: PLR0913, PLR0917 - what the fixture above binds, and lists
    settings: Settings,
    database: Database,
    application_id: str,
    endpoints: Sequence[str] = (),
    users: Sequence[str] = (),
    segment_id: str | None = None,
    *,
    is_complete: bool | None = True,
) -> Imported:
    """An imported segment, or its next version, whose import has COMPLETED, FAILED, or (None) not ended."""
    principal = Principal("key", "name", "arn")
    call = Call("CreateImportJob", "request", datetime.now(UTC), principal, "us-east-1", settings, database)
    async with call.step() as db:
        imported = await define(call, application_id, IMPORT, segment_id)
        await list_endpoints(db, imported, map(endpoint_key, endpoints))
        await list_users(db, imported, map(user_key, users))
        if is_complete is not None:
            await finish(db, imported, len(endpoints) + len(users), is_complete=is_complete)
    return imported


@contextmanager
def still(at: datetime) -> Iterator[None]:
    """The server's clock, and that of whoever signs, stand still."""

    class Still(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return at.astimezone(tz)

    with (
        patch("repoint.http.request.datetime", Still),
        patch("tests.fixtures.server.datetime", Still),
        patch("botocore.auth.get_current_datetime", lambda: at),
    ):
        yield


def one(**dimensions: Any) -> Definition:
    """A definition of one group with one entry of dimensions."""
    return groups(group(dimensions))


def groups(*each: Definition, include: str | None = None) -> Definition:
    """A definition of groups."""
    combined = {} if include is None else {"Include": include}
    return {"SegmentGroups": {**combined, "Groups": list(each)}}


def group(
    *dimensions: Definition, combiner: str | None = None, sources: Iterable[str] = (), source_type: str | None = None
) -> Definition:
    """A group; what is not given is left out."""
    given: Definition = {}
    if dimensions:
        given["Dimensions"] = list(dimensions)
    if combiner is not None:
        given["Type"] = combiner
    if sources:
        given["SourceSegments"] = [{"Id": each} for each in sources]
    if source_type is not None:
        given["SourceType"] = source_type
    return given
